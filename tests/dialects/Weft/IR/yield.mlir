// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// An epilogue without a formula yields the accumulator.
// CHECK-LABEL: @yield
// CHECK:       ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT:    weft.yield %[[ACC]] : f32
func.func @yield(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>) -> tensor<?x32xf32> {
  %y = weft.packed_linear %x, %p attributes {columns = 32 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

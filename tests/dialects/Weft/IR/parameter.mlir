// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @parameter
// CHECK:       weft.parameter 128 : tensor<2x8x32xf32>
func.func @parameter() -> tensor<2x8x32xf32> {
  %p = weft.parameter 128 : tensor<2x8x32xf32>
  return %p : tensor<2x8x32xf32>
}

// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @side_by_side
// CHECK:       weft.pack %{{.*}}, %{{.*}} {panel = 32 : i64} : (tensor<20x8xf32>, tensor<30x8xf32>) -> tensor<2x8x32xf32>
func.func @side_by_side(%a: tensor<20x8xf32>, %b: tensor<30x8xf32>) -> tensor<2x8x32xf32> {
  %p = weft.pack %a, %b {panel = 32 : i64} : (tensor<20x8xf32>, tensor<30x8xf32>) -> tensor<2x8x32xf32>
  return %p : tensor<2x8x32xf32>
}

// 20 columns of each, 16 of each in a panel.
// CHECK-LABEL: @interleaved
// CHECK:       weft.pack %{{.*}}, %{{.*}} scale %{{.*}} {in_out, panel = 32 : i64, parts = 2 : i64} : (tensor<8x20xf32>, tensor<8x20xf32>, tensor<8xf32>) -> tensor<2x8x32xf32>
func.func @interleaved(%a: tensor<8x20xf32>, %b: tensor<8x20xf32>, %g: tensor<8xf32>) -> tensor<2x8x32xf32> {
  %p = weft.pack %a, %b scale %g {panel = 32 : i64, parts = 2 : i64, in_out}
      : (tensor<8x20xf32>, tensor<8x20xf32>, tensor<8xf32>) -> tensor<2x8x32xf32>
  return %p : tensor<2x8x32xf32>
}

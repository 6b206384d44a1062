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

// Words of 32 bits along K, and scales for integers: one for a column, or for 32 inputs of it.
// CHECK-LABEL: @narrow
// CHECK:       weft.pack %{{.*}} {panel = 32 : i64} : (tensor<40x70xf32>) -> tensor<2x35x32x2xbf16>
// CHECK:       %{{.*}}, %{{.*}} = weft.pack %{{.*}} {panel = 32 : i64} : (tensor<40x70xf32>) -> (tensor<2x18x32x4xi8>, tensor<2x1x32xf32>)
// CHECK:       %{{.*}}, %{{.*}} = weft.pack %{{.*}} {panel = 32 : i64} : (tensor<40x70xf32>) -> (tensor<2x9x32x8xi4>, tensor<2x3x32xbf16>)
func.func @narrow(%a: tensor<40x70xf32>) {
  %b = weft.pack %a {panel = 32 : i64} : (tensor<40x70xf32>) -> tensor<2x35x32x2xbf16>
  %c, %d = weft.pack %a {panel = 32 : i64} : (tensor<40x70xf32>) -> (tensor<2x18x32x4xi8>, tensor<2x1x32xf32>)
  %e, %f = weft.pack %a {panel = 32 : i64} : (tensor<40x70xf32>) -> (tensor<2x9x32x8xi4>, tensor<2x3x32xbf16>)
  return
}

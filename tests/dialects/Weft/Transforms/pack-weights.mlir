// RUN: weft-opt %s -weft-pack-weights -mlir-print-local-scope | FileCheck %s
// RUN: weft-opt %s -weft-pack-weights=panel=16 -mlir-print-local-scope | FileCheck %s --check-prefix=NARROW

// 33 columns need two panels of 32, or three of 16.
// CHECK-LABEL:  @plain
// CHECK-SAME:   %[[X:.*]]: tensor<?x8xf32>
// CHECK:        %[[W:.*]] = weft.weight "w"
// CHECK-NEXT:   %[[P:.*]] = weft.pack %[[W]] {panel = 32 : i64} : (tensor<33x8xf32>) -> tensor<2x8x32xf32>
// CHECK-NEXT:   %[[Y:.*]] = weft.packed_linear %[[X]], %[[P]] attributes {columns = 33 : i64} {
// CHECK-NEXT:   ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT:     weft.yield %[[ACC]] : f32
// CHECK-NEXT:   } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x33xf32>
// CHECK-NEXT:   return %[[Y]]
// NARROW-LABEL: @plain
// NARROW:       weft.pack {{.*}} -> tensor<3x8x16xf32>
func.func @plain(%x: tensor<?x8xf32>) -> tensor<?x33xf32> {
  %w = weft.weight "w" : tensor<33x8xf32>
  %y = weft.linear %x, %w : (tensor<?x8xf32>, tensor<33x8xf32>) -> tensor<?x33xf32>
  return %y : tensor<?x33xf32>
}

// The bias may be anything: it is read when running.
// CHECK-LABEL: @biased
// CHECK-SAME:  %[[X:[^:]*]]: tensor<2x?x8xf32>, %[[B:[^:]*]]: tensor<33xf32>
// CHECK:       weft.pack {{.*}} {in_out, panel = 32 : i64} : (tensor<8x33xf32>) -> tensor<2x8x32xf32>
// CHECK:       weft.packed_linear %[[X]], {{.*}} extras %[[B]] attributes {columns = 33 : i64, extra_maps = [affine_map<(d0, d1, d2) -> (d2)>]}
// CHECK-NEXT:  ^bb0(%[[ACC:.*]]: f32, %[[BIAS:.*]]: f32):
// CHECK-NEXT:    %[[S:.*]] = arith.addf %[[ACC]], %[[BIAS]] : f32
// CHECK-NEXT:    weft.yield %[[S]]
func.func @biased(%x: tensor<2x?x8xf32>, %b: tensor<33xf32>) -> tensor<2x?x33xf32> {
  %w = weft.weight "w" : tensor<8x33xf32>
  %y = weft.linear %x, %w bias %b {in_out}
      : (tensor<2x?x8xf32>, tensor<8x33xf32>, tensor<33xf32>) -> tensor<2x?x33xf32>
  return %y : tensor<2x?x33xf32>
}

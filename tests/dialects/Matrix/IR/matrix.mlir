// RUN: weft-opt %s | weft-opt | FileCheck %s

!sums = !gpu.mma_matrix<8x8xf32, "COp">

// CHECK-LABEL: @rows
// CHECK: matrix.map %{{.*}}, %{{.*}} {
// CHECK-NEXT: ^bb0(%[[ROW:.*]]: index, %{{.*}}: index, %{{.*}}: f32, %{{.*}}: f32):
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[ROW]]]
// CHECK: matrix.yield %{{.*}} : f32
// CHECK-NEXT: } : (!gpu.mma_matrix<8x8xf32, "COp">, !gpu.mma_matrix<8x8xf32, "COp">) -> !gpu.mma_matrix<8x8xf32, "COp">
// CHECK: matrix.reduce_rows %{{.*}} {
// CHECK: } : !gpu.mma_matrix<8x8xf32, "COp">
// CHECK: matrix.convert %{{.*}} : !gpu.mma_matrix<8x8xf32, "COp"> to !gpu.mma_matrix<8x8xf16, "AOp">
func.func @rows(%a: !sums, %b: !sums, %to: memref<?xf32>) -> !gpu.mma_matrix<8x8xf16, "AOp"> {
  %0 = matrix.map %a, %b {
  ^bb0(%row: index, %column: index, %x: f32, %y: f32):
    %1 = arith.addf %x, %y : f32
    memref.store %1, %to[%row] : memref<?xf32>
    matrix.yield %1 : f32
  } : (!sums, !sums) -> !sums
  %2 = matrix.reduce_rows %0 {
  ^bb0(%x: f32, %y: f32):
    %3 = arith.maximumf %x, %y : f32
    matrix.yield %3 : f32
  } : !sums
  %4 = matrix.convert %2 : !sums to !gpu.mma_matrix<8x8xf16, "AOp">
  return %4 : !gpu.mma_matrix<8x8xf16, "AOp">
}

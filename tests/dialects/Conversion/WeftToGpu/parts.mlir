// RUN: weft-opt %s -convert-weft-to-gpu=profile=nvidia-32 -canonicalize -cse | FileCheck %s

// Four parts of a key head's keys have a workgroup each, which leaves what it found in the workspace; then an invocation for
// each element of the result goes through the parts.
// CHECK-LABEL: @attention
// CHECK: scf.if
// CHECK: gpu.launch
// CHECK: arith.remui %{{.*}}, %c4
// CHECK: arith.divui %{{.*}}, %c4
// CHECK: %[[THIRTY_TWOS:.*]] = arith.divui %{{.*}}, %c32
// CHECK: %[[SPAN:.*]] = arith.muli %[[THIRTY_TWOS]], %c32
// CHECK: %[[BEGIN:.*]] = arith.minsi
// CHECK: %[[LAST:.*]] = arith.addi %[[BEGIN]], %[[SPAN]]
// CHECK: %[[END:.*]] = arith.minsi %[[LAST]]
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step %c256
// CHECK: memref.store %{{.*}}, %{{.*}}[%{{.*}}] : memref<4x1x?x4x18xf32>
// CHECK: memref.store %{{.*}}, %{{.*}}%c16] : memref<4x1x?x4x18xf32>
// CHECK: memref.store %{{.*}}, %{{.*}}%c17] : memref<4x1x?x4x18xf32>
// CHECK: gpu.terminator
// CHECK: gpu.launch
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK: memref.load %{{.*}}%c17] : memref<4x1x?x4x18xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK: memref.load %{{.*}} : memref<4x1x?x4x18xf32>
// CHECK: memref.store %{{.*}} : memref<1x?x4x16xf32>
func.func private @attention(%q: memref<1x?x4x16xf32>, %k: memref<1x?x2x16xf32>, %w: memref<4x1x?x4x18xf32>, %y: memref<1x?x4x16xf32>) {
  weft.attention %q, %k, %k workspace %w outs %y {scale = 0.25 : f64} :
    (memref<1x?x4x16xf32>, memref<1x?x2x16xf32>, memref<1x?x2x16xf32>, memref<4x1x?x4x18xf32>, memref<1x?x4x16xf32>) -> ()
  return
}

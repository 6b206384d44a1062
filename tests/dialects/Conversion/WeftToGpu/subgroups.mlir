// RUN: weft-opt %s -convert-weft-to-gpu=profile=lavapipe-8 -canonicalize -cse | FileCheck %s

// One row: a workgroup of one subgroup has a panel of 32 columns, and no barrier. Each of its 8 invocations brings two of
// 16 inputs, which shuffles give to all, and multiplies by two pairs of columns; 4 inputs are left over. The squares of the
// norm are added up by shuffles in halves.
// CHECK-LABEL: @linear
// CHECK: gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c8,
// CHECK-NOT: gpu.barrier
// CHECK: %[[LANE:.*]] = gpu.lane_id
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c16
// CHECK: vector.load %{{.*}} : memref<{{.*}}>, vector<2xf32>
// CHECK-COUNT-16: gpu.shuffle idx
// CHECK-COUNT-32: vector.load %{{.*}} : memref<3x36x32xf32>, vector<2xf32>
// CHECK: scf.yield
// CHECK: arith.minsi
// CHECK-COUNT-4: gpu.shuffle idx
// CHECK-COUNT-8: vector.load %{{.*}} : memref<3x36x32xf32>, vector<2xf32>
// CHECK-COUNT-3: gpu.shuffle xor
// CHECK: math.sqrt
// CHECK: gpu.terminator
// More rows than one: four by each, however many there are.
// CHECK: gpu.launch
// CHECK-NOT: gpu.barrier
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c16
// CHECK-NOT: gpu.launch
// CHECK-LABEL: @rms_norm
func.func private @linear(%x: memref<?x36xf32>, %w: memref<3x36x32xf32>, %y: memref<?x96xf32>) {
  weft.packed_linear %x, %w outs %y attributes {columns = 96 : i64, norm_eps = 1.0e-5 : f64} {
  ^bb0(%s: f32):
    weft.yield %s : f32
  } : (memref<?x36xf32>, memref<3x36x32xf32>, memref<?x96xf32>) -> ()
  return
}

// A row of 300: every 8th column by an invocation, then halves by shuffles.
// CHECK: gpu.lane_id
// CHECK: scf.for %{{.*}} to %c300 step %c8 iter_args
// CHECK-NOT: gpu.barrier
// CHECK-COUNT-3: gpu.shuffle xor
// CHECK: scf.for %{{.*}} to %c300 step %c8
func.func private @rms_norm(%x: memref<?x300xf32>, %y: memref<?x300xf32>) {
  weft.rms_norm %x outs %y {eps = 1.0e-5 : f64} : (memref<?x300xf32>, memref<?x300xf32>) -> ()
  return
}

// Items come in workgroups of 32.
// CHECK-LABEL: @elements
// CHECK: gpu.launch {{.*}} = %c4, {{.*}} threads({{.*}}) in (%{{.*}} = %c32,
func.func private @elements(%x: memref<100xf32>, %y: memref<100xf32>) {
  memref.copy %x, %y : memref<100xf32> to memref<100xf32>
  return
}

// One query of two heads that share a key head: an invocation has every 8th key, for both rows, with a maximum, a sum and
// 4 elements of its own for each. They come together in halves; then each writes some elements.
// CHECK-LABEL: @attention
// CHECK: scf.if
// CHECK: gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c8,
// CHECK-NOT: gpu.barrier
// CHECK-COUNT-8: gpu.shuffle idx
// CHECK: %[[STATE:.*]]:12 = scf.for %{{.*}} step %c8 iter_args
// CHECK: vector.load %{{.*}} : memref<1x?x2x4xf32>, vector<4xf32>
// CHECK-COUNT-4: math.exp
// CHECK: vector.load %{{.*}} : memref<1x?x2x4xf32>, vector<4xf32>
// CHECK: scf.yield
// CHECK-COUNT-3: gpu.shuffle xor %{{.*}} : f32
// CHECK: math.exp
// CHECK-COUNT-15: gpu.shuffle xor %{{.*}} : f32
// CHECK-NOT: gpu.barrier
// CHECK: memref.store %{{.*}} : memref<1x?x4x4xf32>
func.func private @attention(%q: memref<1x?x4x4xf32>, %k: memref<1x?x2x4xf32>, %v: memref<1x?x2x4xf32>, %y: memref<1x?x4x4xf32>) {
  weft.attention %q, %k, %v outs %y {scale = 0.5 : f64} :
    (memref<1x?x4x4xf32>, memref<1x?x2x4xf32>, memref<1x?x2x4xf32>, memref<1x?x4x4xf32>) -> ()
  return
}

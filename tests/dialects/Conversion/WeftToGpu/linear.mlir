// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// One row, or a few, four at a time: a workgroup for each panel, whose weights are read in fours. Else tiles of 64 x 64.
// CHECK-LABEL: @linear
// CHECK: %[[FEW:.*]] = arith.cmpi sle, %{{.*}}, %c16
// CHECK: scf.if %[[FEW]] {
// CHECK: %[[ONE:.*]] = arith.cmpi sle, %{{.*}}, %c1
// CHECK: scf.if %[[ONE]] {
// CHECK: gpu.launch
// CHECK: memref.alloc() : memref<1x16x32xf32, #gpu.address_space<workgroup>>
// CHECK: } else {
// CHECK: gpu.launch
// CHECK: %[[SUMS:.*]]:4 = scf.for %{{.*}} to %c300 step %c16 iter_args
// CHECK: vector.load %{{.*}} : memref<4x300x32xf32>, vector<4xf32>
// CHECK-COUNT-4: math.fma %{{.*}} : vector<4xf32>
// CHECK: memref.alloc() : memref<4x16x32xf32, #gpu.address_space<workgroup>>
// CHECK: gpu.barrier
// CHECK: math.tanh
// CHECK: } else {
// CHECK: gpu.launch
// CHECK-DAG: memref.alloc() : memref<16x65xf32, #gpu.address_space<workgroup>>
// CHECK-DAG: memref.alloc() : memref<16x1x64xf32, #gpu.address_space<workgroup>>
// CHECK: %[[TILE:.*]]:32 = scf.for %{{.*}} to %c300 step %c16 iter_args
// CHECK: gpu.barrier
// CHECK: gpu.barrier
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c1 iter_args
// CHECK-COUNT-32: math.fma
// CHECK: math.tanh
func.func private @linear(%x: memref<?x300xf32>, %w: memref<4x300x32xf32>, %bias: memref<100xf32>, %y: memref<?x100xf32>) {
  weft.packed_linear %x, %w extras %bias outs %y attributes {columns = 100 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%sum: f32, %b: f32):
    %0 = arith.addf %sum, %b : f32
    %1 = math.tanh %0 : f32
    weft.yield %1 : f32
  } : (memref<?x300xf32>, memref<4x300x32xf32>, memref<100xf32>, memref<?x100xf32>) -> ()
  return
}

// Both parts of a column are sums of one invocation.
// CHECK-LABEL: @gate
// CHECK: memref.load %{{.*}} : memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK: memref.alloc() : memref<16x2x32xf32, #gpu.address_space<workgroup>>
// CHECK: memref.load %{{.*}} : memref<?x?xf32, strided<[?, 1], offset: ?>>
func.func private @gate(%x: memref<?x?x8xf32>, %w: memref<2x8x32xf32>, %r: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?x20xf32>) {
  weft.packed_linear %x, %w extras %r outs %y
    attributes {columns = 20 : i64, parts = 2 : i64, extra_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>]} {
  ^bb0(%a: f32, %b: f32, %f: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.mulf %0, %f : f32
    weft.yield %1 : f32
  } : (memref<?x?x8xf32>, memref<2x8x32xf32>, memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?x20xf32>) -> ()
  return
}

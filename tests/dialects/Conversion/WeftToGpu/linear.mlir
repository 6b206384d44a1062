// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// One row, or a few, four at a time: a workgroup for each panel, whose weights are read in pairs, for four inputs that
// come at once; what is left of 300 inputs is tested one by one. Eight shares of the inputs are added up in halves. Else
// tiles of 64 x 64.
// CHECK-LABEL: @linear
// CHECK: %[[FEW:.*]] = arith.cmpi sle, %{{.*}}, %c16
// CHECK: scf.if %[[FEW]] {
// CHECK: %[[ONE:.*]] = arith.cmpi sle, %{{.*}}, %c1
// CHECK: scf.if %[[ONE]] {
// CHECK: gpu.launch
// CHECK: scf.for %[[AT:.*]] = %{{.*}} to %c288 step %c32 iter_args
// CHECK: vector.load %{{.*}}[%c0, %[[AT]]] : memref<?x300xf32>, vector<4xf32>
// CHECK-COUNT-4: vector.load %{{.*}} : memref<4x300x32xf32>, vector<2xf32>
// CHECK: arith.cmpi slt, %{{.*}}, %c300
// CHECK: memref.alloc() : memref<8x16xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK-COUNT-3: gpu.barrier
// CHECK-NOT: gpu.barrier
// CHECK: } else {
// CHECK: gpu.launch
// CHECK: %[[SUMS:.*]]:4 = scf.for %{{.*}} to %c288 step %c32 iter_args
// CHECK: vector.load %{{.*}} : memref<4x300x32xf32>, vector<2xf32>
// CHECK-COUNT-4: math.fma %{{.*}} : vector<2xf32>
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

// The input is normed: squares are added up while rows are read, and their factor multiplies the sums at the end.
// CHECK-LABEL: @normed
// CHECK: %[[ONE:.*]]:2 = scf.for %{{.*}} to %c288 step %c32 iter_args({{.*}}) -> (vector<2xf32>, f32) {
// CHECK: vector.load %{{.*}} : memref<?x300xf32>, vector<4xf32>
// CHECK: math.fma %[[X:.*]], %[[X]], %{{.*}} : f32
// CHECK: memref.load %{{.*}} : memref<300xf32>
// CHECK: math.fma %{{.*}} : vector<2xf32>
// CHECK: vector.from_elements
// CHECK: math.sqrt
// CHECK: %[[FOUR:.*]]:8 = scf.for %{{.*}} to %c288 step %c32 iter_args
// CHECK: math.sqrt
// CHECK: %[[TILE:.*]]:40 = scf.for %{{.*}} to %c300 step %c16 iter_args
// CHECK: gpu.barrier
// CHECK: memref.store %[[TILE]]#32
// CHECK: gpu.barrier
// CHECK-COUNT-8: math.sqrt
func.func private @normed(%x: memref<?x300xf32>, %w: memref<4x300x32xf32>, %g: memref<300xf32>, %y: memref<?x100xf32>) {
  weft.packed_linear %x, %w norm_scale %g outs %y attributes {columns = 100 : i64, norm_eps = 1.0e-5 : f64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x300xf32>, memref<4x300x32xf32>, memref<300xf32>, memref<?x100xf32>) -> ()
  return
}

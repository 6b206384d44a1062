// RUN: weft-opt %s -convert-weft-to-gpu=profile=lavapipe-8-coop2 -canonicalize -cse -split-input-file | FileCheck %s

// Queries, and keys and then values in one place, are all that lies in workgroup memory. Rows beyond the last and keys
// beyond the tile are told by the place of an element; results are written by who has them.
// CHECK-LABEL: @attention
// CHECK: arith.cmpi sle, %{{.*}}, %c16
// CHECK: gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c16,
// CHECK-DAG: %[[QUERIES:.*]] = memref.alloc() : memref<16x16xvector<2xf16>, #gpu.address_space<workgroup>>
// CHECK-DAG: %[[STAGED:.*]] = memref.alloc() : memref<32x16xvector<2xf16>, #gpu.address_space<workgroup>>
// CHECK-DAG: %[[FLAG:.*]] = memref.alloc() : memref<1xi32, #gpu.address_space<workgroup>>
// CHECK-NOT: memref.alloc()
// CHECK-DAG: %[[LEAST:.*]] = gpu.subgroup_mma_constant_matrix %cst{{.*}} : !gpu.mma_matrix<8x8xf32, "COp">
// CHECK: %[[STATE:.*]]:4 = scf.for %{{.*}} step %c32 iter_args
// CHECK-COUNT-4: gpu.subgroup_mma_compute
// CHECK: gpu.barrier
// CHECK: %[[SCORES:.*]] = matrix.map %{{.*}} {
// CHECK-NEXT: ^bb0(%[[ROW:.*]]: index, %[[COLUMN:.*]]: index, %[[SUM:.*]]: f32):
// CHECK: scf.if
// CHECK: arith.select %{{.*}}, %[[SUM]], %{{.*}} : f32
// CHECK: %[[BEST:.*]] = matrix.reduce_rows
// CHECK: arith.cmpf ogt
// CHECK: %[[MAXIMUM:.*]] = matrix.map %[[BEST]], %{{.*}} {
// CHECK: %[[FACTOR:.*]] = matrix.map %{{.*}}, %[[MAXIMUM]] {
// CHECK: math.exp
// CHECK: matrix.map
// CHECK: math.exp
// CHECK: matrix.convert %{{.*}} : !gpu.mma_matrix<8x8xf32, "COp"> to !gpu.mma_matrix<8x8xf16, "AOp">
// CHECK: matrix.reduce_rows
// CHECK: arith.addf
// CHECK: gpu.subgroup_mma_elementwise mulf %{{.*}}, %[[FACTOR]]
// CHECK: gpu.barrier
// CHECK-COUNT-8: gpu.subgroup_mma_compute
// CHECK: memref.load %[[FLAG]]
// CHECK: scf.if
// CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1
// CHECK-NOT: gpu.subgroup_mma_store_matrix
// CHECK: matrix.map %[[STATE]]#0, %[[STATE]]#1
// CHECK: matrix.map %[[STATE]]#2
// CHECK: memref.store %{{.*}} : memref<1x?x2x12xf32>
// CHECK: matrix.map %[[STATE]]#3
// CHECK: memref.store %{{.*}} : memref<1x?x2x12xf32>
func.func private @attention(%q: memref<1x?x2x20xf32>, %k: memref<1x?x2x20xf32>, %v: memref<1x?x2x12xf32>, %y: memref<1x?x2x12xf32>) {
  weft.attention %q, %k, %v outs %y {rounds_to_f16, scale = 0.25 : f64}
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %m = arith.cmpi sle, %j, %i : index
      weft.yield %m : i1
    } : (memref<1x?x2x20xf32>, memref<1x?x2x20xf32>, memref<1x?x2x12xf32>, memref<1x?x2x12xf32>) -> ()
  return
}

// -----

// Without a mask nothing can be infinite that must not count.
// CHECK-LABEL: @all
// CHECK: matrix.convert
// CHECK-COUNT-4: gpu.subgroup_mma_compute
// CHECK-NOT: %c3
func.func private @all(%q: memref<1x?x1x8xf32>, %y: memref<1x?x1x8xf32>) {
  weft.attention %q, %q, %q outs %y {rounds_to_f16, scale = 1.0 : f64} :
    (memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>) -> ()
  return
}

// -----

// What no matrices compute, these do not either.
// CHECK-LABEL: @exact
// CHECK-NOT: matrix.
func.func private @exact(%q: memref<1x?x1x8xf32>, %v: memref<1x?x1x264xf32>, %z: memref<1x?x1x264xf32>) {
  weft.attention %q, %q, %v outs %z {rounds_to_f16, scale = 1.0 : f64} :
    (memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x264xf32>, memref<1x?x1x264xf32>) -> ()
  return
}

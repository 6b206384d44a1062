// RUN: weft-opt %s -convert-weft-to-gpu=profile=lavapipe-8-coop -canonicalize -cse -split-input-file | FileCheck %s
// RUN: weft-opt %s -convert-weft-to-gpu=profile=lavapipe-8 -split-input-file | FileCheck %s --check-prefix=NONE
// NONE-NOT: subgroup_mma

// From 17 rows on: four subgroups of 8 multiply tiles of 32 x 32, in matrices of 8 x 8 x 8. Neither K nor the columns fill
// them: inputs and words beyond the last are 0.
// CHECK-LABEL: @linear
// CHECK: arith.cmpi sle, %{{.*}}, %c16
// CHECK-NOT: subgroup_mma
// CHECK: } else {
// CHECK: gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c32,
// CHECK: %[[SUBGROUP:.*]] = gpu.subgroup_id
// CHECK: %[[INPUTS:.*]] = memref.alloc() : memref<32x12xvector<2xf16>, #gpu.address_space<workgroup>>
// CHECK: %[[WEIGHTS:.*]] = memref.alloc() : memref<16x20xvector<2xf16>, #gpu.address_space<workgroup>>
// CHECK: %[[BAND:.*]] = memref.alloc() : memref<16x36xf32, #gpu.address_space<workgroup>>
// CHECK: %[[SUMS:.*]]:4 = scf.for %{{.*}} = %c0 to %c301 step %c16 iter_args
// CHECK: gpu.barrier
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: memref.store %{{.*}}, %[[INPUTS]]
// CHECK: %[[WORDS:.*]] = vector.load %{{.*}} : memref<2x151x32x2xf16>, vector<4xf16>
// CHECK: %[[INSIDE:.*]] = arith.select %{{.*}}, %[[WORDS]], %{{.*}} : vector<4xf16>
// CHECK: vector.shuffle %[[INSIDE]], %[[INSIDE]] [0, 2]
// CHECK: vector.shuffle %[[INSIDE]], %[[INSIDE]] [1, 3]
// CHECK: gpu.barrier
// CHECK-COUNT-8: gpu.subgroup_mma_compute
// CHECK: gpu.subgroup_mma_store_matrix %[[SUMS]]#0, %[[BAND]]
// CHECK: gpu.subgroup_mma_store_matrix %[[SUMS]]#1, %[[BAND]]
// CHECK: gpu.barrier
// CHECK: arith.addf
// CHECK: gpu.barrier
// CHECK: gpu.subgroup_mma_store_matrix %[[SUMS]]#2, %[[BAND]]
func.func private @linear(%x: memref<?x301xf32>, %w: memref<2x151x32x2xf16>, %bias: memref<50xf32>, %y: memref<?x50xf32>) {
  weft.packed_linear %x, %w extras %bias outs %y attributes {columns = 50 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%sum: f32, %b: f32):
    %0 = arith.addf %sum, %b : f32
    weft.yield %0 : f32
  } : (memref<?x301xf32>, memref<2x151x32x2xf16>, memref<50xf32>, memref<?x50xf32>) -> ()
  return
}

// -----

// Rows that are to be normed are normed and rounded before, when they are many: pairs of halves go to the workspace, the
// last beside 0, and from there to the matrices. Few rows are normed by the way.
// CHECK-LABEL: @normed
// CHECK: arith.cmpi sle, %{{.*}}, %c16
// CHECK: math.sqrt
// CHECK-NOT: xi32>
// CHECK: } else {
// CHECK: gpu.launch
// CHECK: math.sqrt
// CHECK: arith.cmpi slt, %{{.*}}, %c301
// CHECK: %[[PAIR:.*]] = vector.from_elements %{{.*}}, %{{.*}} : vector<2xf16>
// CHECK: %[[BITS:.*]] = vector.bitcast %[[PAIR]] : vector<2xf16> to vector<1xi32>
// CHECK: %[[WORD:.*]] = vector.extract %[[BITS]][0]
// CHECK: memref.store %[[WORD]], %{{.*}} : memref<?x160xi32>
// CHECK: gpu.terminator
// CHECK: gpu.launch
// CHECK-NOT: math.sqrt
// CHECK: %[[LOADED:.*]] = memref.load %{{.*}} : memref<?x160xi32>
// CHECK: %[[KEPT:.*]] = arith.select %{{.*}}, %[[LOADED]], %c0_i32
// CHECK: vector.bitcast %{{.*}} : vector<1xi32> to vector<2xf16>
// CHECK: gpu.subgroup_mma_compute
func.func private @normed(%x: memref<?x301xf32>, %w: memref<2x151x32x2xf16>, %g: memref<301xf32>, %s: memref<?x160xi32>, %y: memref<?x50xf32>) {
  weft.packed_linear %x, %w norm_scale %g workspace %s outs %y attributes {columns = 50 : i64, norm_eps = 1.0e-5 : f64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x301xf32>, memref<2x151x32x2xf16>, memref<301xf32>, memref<?x160xi32>, memref<?x50xf32>) -> ()
  return
}

// -----

// Weights of bf16 have no matrices, and neither has a panel that no tile consists of, or a product of nothing.
// CHECK-LABEL: @scalar
// CHECK-NOT: subgroup_mma
func.func private @scalar(%x: memref<?x8xf32>, %w: memref<2x4x32x2xbf16>, %v: memref<1x4x48x2xf16>, %e: memref<?x0xf32>,
                          %n: memref<2x0x32x2xf16>, %y: memref<?x48xf32>) {
  weft.packed_linear %x, %w outs %y attributes {columns = 48 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x8xf32>, memref<2x4x32x2xbf16>, memref<?x48xf32>) -> ()
  weft.packed_linear %x, %v outs %y attributes {columns = 48 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x8xf32>, memref<1x4x48x2xf16>, memref<?x48xf32>) -> ()
  weft.packed_linear %e, %n outs %y attributes {columns = 48 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x0xf32>, memref<2x0x32x2xf16>, memref<?x48xf32>) -> ()
  return
}

// -----

// Two subgroups have 8 rows each. Keys of 20 elements are widened to 24, values of 12 to 16; Q K^T loops over the width,
// and where a value is not finite the mask is obeyed product by product.
// CHECK-LABEL: @attention
// CHECK: arith.cmpi sle, %{{.*}}, %c16
// CHECK: gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c16,
// CHECK-DAG: %[[QUERIES:.*]] = memref.alloc() : memref<16x16xvector<2xf16>, #gpu.address_space<workgroup>>
// CHECK-DAG: %[[STAGED:.*]] = memref.alloc() : memref<32x16xvector<2xf16>, #gpu.address_space<workgroup>>
// CHECK-DAG: %[[SCORES:.*]] = memref.alloc() : memref<16x36xf32, #gpu.address_space<workgroup>>
// CHECK-DAG: %[[P:.*]] = memref.alloc() : memref<16x20xvector<2xf16>, #gpu.address_space<workgroup>>
// CHECK-DAG: %[[FACTORS:.*]] = memref.alloc() : memref<16x8xf32, #gpu.address_space<workgroup>>
// CHECK-DAG: %[[FLAG:.*]] = memref.alloc() : memref<1xi32, #gpu.address_space<workgroup>>
// CHECK: scf.for %{{.*}} step %c32 iter_args
// CHECK: scf.for %{{.*}} = %c0 to %c24 step %c8 iter_args
// CHECK: gpu.subgroup_mma_load_matrix %[[QUERIES]]
// CHECK: gpu.subgroup_mma_load_matrix %[[STAGED]]{{.*}}transpose
// CHECK-COUNT-4: gpu.subgroup_mma_compute
// CHECK: gpu.subgroup_mma_store_matrix %{{.*}}, %[[SCORES]]
// CHECK: gpu.barrier
// CHECK: math.exp
// CHECK: gpu.subgroup_mma_load_matrix %[[FACTORS]]
// CHECK-COUNT-2: gpu.subgroup_mma_elementwise mulf
// CHECK: memref.load %[[FLAG]]
// CHECK: scf.if
// CHECK-COUNT-2: gpu.subgroup_mma_elementwise addf
// CHECK: } else {
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c8 iter_args
// CHECK: gpu.subgroup_mma_load_matrix %[[P]]
// CHECK-COUNT-2: gpu.subgroup_mma_compute
// CHECK: gpu.subgroup_mma_store_matrix %{{.*}}, %[[SCORES]]
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

// No matrices: nobody allowed to round; values of more than 256 elements; single probabilities are asked for.
// CHECK-LABEL: @exact
// CHECK-NOT: subgroup_mma
func.func private @exact(%q: memref<1x?x1x8xf32>, %v: memref<1x?x1x264xf32>, %y: memref<1x?x1x8xf32>, %z: memref<1x?x1x264xf32>,
                         %p: memref<1x?x1x?xf32>) {
  weft.attention %q, %q, %q outs %y {scale = 1.0 : f64} :
    (memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>) -> ()
  weft.attention %q, %q, %v outs %z {rounds_to_f16, scale = 1.0 : f64} :
    (memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x264xf32>, memref<1x?x1x264xf32>) -> ()
  weft.attention %q, %q, %q outs %y, %p {rounds_to_f16, scale = 1.0 : f64, weights} :
    (memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x?xf32>) -> ()
  return
}

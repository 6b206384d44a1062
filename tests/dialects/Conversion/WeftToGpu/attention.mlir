// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// Two rows of a key head, those of one query, or four, which see 512 keys at a time; else sixteen, and tiles of 32 keys.
// Keys go from the first to the last that the mask admits. Bounds are computed in 64 bits, and a tile that is admitted
// whole is not tested.
// CHECK-LABEL: @causal
// CHECK: arith.cmpi sle, %{{.*}}, %c2
// CHECK: scf.if
// CHECK: gpu.launch
// CHECK: memref.alloc() : memref<512x1xvector<2xf32>, #gpu.address_space<workgroup>>
// CHECK: memref.alloc() : memref<2x128xf32, #gpu.address_space<workgroup>>
// CHECK: scf.for %{{.*}} step %c512 iter_args
// CHECK: gpu.barrier
// CHECK: scf.for %{{.*}} step %c128 iter_args
// CHECK: vector.load %{{.*}} : memref<?x?x4x64xf32>, vector<4xf32>
// CHECK: arith.ori
// CHECK: gpu.barrier
// CHECK: scf.for %{{.*}} step %c128 iter_args
// CHECK: math.exp
// CHECK: gpu.barrier
// CHECK: scf.for %{{.*}} step %c8 iter_args
// CHECK: vector.load %{{.*}} : memref<?x?x4x64xf32>, vector<4xf32>
// CHECK: memref.alloc() : memref<8x16xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK: } else {
// CHECK: scf.if
// CHECK: gpu.launch
// CHECK: memref.alloc() : memref<512x1xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK: } else {
// CHECK: gpu.launch
// CHECK: memref.alloc() : memref<16x64xf32, #gpu.address_space<workgroup>>
// CHECK: memref.alloc() : memref<32x17xf32, #gpu.address_space<workgroup>>
// CHECK: memref.alloc() : memref<16x32xf32, #gpu.address_space<workgroup>>
// CHECK: %[[LAST:.*]] = arith.addi %{{.*}}, %c1_i64 : i64
// CHECK: %[[END:.*]] = arith.index_cast %{{.*}} : i64 to index
// CHECK: scf.for %[[BEGIN:.*]] = %{{.*}} to %[[END]] step %c32 iter_args
// CHECK: gpu.barrier
// CHECK: math.fma
// CHECK: scf.if %{{.*}} -> (i1)
// CHECK: arith.cmpi sle
// CHECK: math.exp
// CHECK: math.fma
func.func private @causal(%q: memref<?x?x8x64xf32>, %k: memref<?x?x4x64xf32>, %y: memref<?x?x8x64xf32>) {
  weft.attention %q, %k, %k outs %y {scale = 0.125 : f64} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %0 = arith.cmpi sle, %j, %i : index
    weft.yield %0 : i1
  } : (memref<?x?x8x64xf32>, memref<?x?x4x64xf32>, memref<?x?x4x64xf32>, memref<?x?x8x64xf32>) -> ()
  return
}

// Weights are cleared first where a mask leaves some out; then there are two passes over the keys.
// CHECK-LABEL: @weights
// CHECK: gpu.launch
// CHECK: memref.store %cst{{.*}} : memref<1x?x1x?xf32>
// CHECK: gpu.launch
// CHECK: scf.for %{{.*}} step %c32
// CHECK: math.log
// CHECK: scf.for %{{.*}} step %c32
// CHECK: memref.store %{{.*}} : memref<1x?x1x?xf32>
// CHECK: memref.store %{{.*}} : memref<1x?x1xf32>
func.func private @weights(%q: memref<1x?x1x8xf32>, %k: memref<1x?x1x8xf32>, %sink: memref<1xf32>, %y: memref<1x?x1x8xf32>,
                           %w: memref<1x?x1x?xf32>, %z: memref<1x?x1xf32>) {
  weft.attention %q, %k, %k sink %sink outs %y, %w, %z {scale = 1.0 : f64, weights, lse} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %0 = arith.cmpi ne, %j, %i : index
    weft.yield %0 : i1
  } : (memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>, memref<1xf32>, memref<1x?x1x8xf32>, memref<1x?x1x?xf32>, memref<1x?x1xf32>) -> ()
  return
}

// Wide values leave room for fewer rows, and wide keys for fewer keys.
// CHECK-LABEL: @wide
// CHECK: memref.alloc() : memref<512x1xf32, #gpu.address_space<workgroup>>
// CHECK: } else {
// CHECK: memref.alloc() : memref<512x1xvector<2xf32>, #gpu.address_space<workgroup>>
// CHECK: } else {
// CHECK: memref.alloc() : memref<1x2048xf32, #gpu.address_space<workgroup>>
// CHECK: memref.alloc() : memref<64x17xf32, #gpu.address_space<workgroup>>
func.func private @wide(%q: memref<1x?x1x2048xf32>, %y: memref<1x?x1x2048xf32>) {
  weft.attention %q, %q, %q outs %y {scale = 1.0 : f64} :
    (memref<1x?x1x2048xf32>, memref<1x?x1x2048xf32>, memref<1x?x1x2048xf32>, memref<1x?x1x2048xf32>) -> ()
  return
}

// A single row that may not have all its probabilities in one pass has tiles of 128 keys.
// CHECK-LABEL: @one
// CHECK: memref.alloc() : memref<1x64xf32, #gpu.address_space<workgroup>>
// CHECK: memref.alloc() : memref<128x17xf32, #gpu.address_space<workgroup>>
func.func private @one(%q: memref<1x?x1x64xf32>, %y: memref<1x?x1x64xf32>, %w: memref<1x?x1x?xf32>) {
  weft.attention %q, %q, %q outs %y, %w {scale = 1.0 : f64, weights} :
    (memref<1x?x1x64xf32>, memref<1x?x1x64xf32>, memref<1x?x1x64xf32>, memref<1x?x1x64xf32>, memref<1x?x1x?xf32>) -> ()
  return
}

// Eight heads that share keys see them at once.
// CHECK-LABEL: @eight
// CHECK: memref.alloc() : memref<128x2xvector<4xf32>, #gpu.address_space<workgroup>>
func.func private @eight(%q: memref<1x?x8x64xf32>, %k: memref<1x?x1x64xf32>) {
  weft.attention %q, %k, %k outs %q {scale = 1.0 : f64} :
    (memref<1x?x8x64xf32>, memref<1x?x1x64xf32>, memref<1x?x1x64xf32>, memref<1x?x8x64xf32>) -> ()
  return
}

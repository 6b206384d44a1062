// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s
// Which operations of an epilogue become vectors, and which stay scalar.

// A factor by row is one number: what is computed from it alone stays scalar until it meets the accumulators.
// CHECK-LABEL: @uniform
// CHECK: %[[FACTOR:.*]] = memref.load %{{.*}}[%{{.*}}] : memref<?xf32>
// CHECK: %[[ROOT:.*]] = math.sqrt %[[FACTOR]] : f32
// CHECK: %[[ALL:.*]] = vector.broadcast %[[ROOT]] : f32 to vector<16xf32>
// CHECK: arith.mulf %{{.*}}, %[[ALL]] : vector<16xf32>
func.func private @uniform(%x: memref<?x64xf32>, %p: memref<1x64x32xf32>, %f: memref<?xf32>, %y: memref<?x32xf32>) {
  weft.packed_linear %x, %p extras %f outs %y attributes {columns = 32 : i64,
      extra_maps = [affine_map<(d0, d1) -> (d0)>]} {
  ^bb0(%acc: f32, %factor: f32):
    %0 = math.sqrt %factor : f32
    %1 = arith.mulf %acc, %0 : f32
    weft.yield %1 : f32
  } : (memref<?x64xf32>, memref<1x64x32xf32>, memref<?xf32>, memref<?x32xf32>) -> ()
  return
}

// A comparison and a choice, in lanes.
// CHECK-LABEL: @choice
// CHECK: %[[IS:.*]] = arith.cmpf ogt, %{{.*}} : vector<16xf32>
// CHECK: arith.select %[[IS]], %{{.*}} : vector<16xi1>, vector<16xf32>
func.func private @choice(%x: memref<?x64xf32>, %p: memref<1x64x32xf32>, %y: memref<?x32xf32>) {
  weft.packed_linear %x, %p outs %y attributes {columns = 32 : i64} {
  ^bb0(%acc: f32):
    %zero = arith.constant 0.0 : f32
    %0 = arith.cmpf ogt, %acc, %zero : f32
    %1 = arith.select %0, %acc, %zero : f32
    weft.yield %1 : f32
  } : (memref<?x64xf32>, memref<1x64x32xf32>, memref<?x32xf32>) -> ()
  return
}

// An extra whose columns lie apart is gathered.
// CHECK-LABEL: @gathered
// CHECK: vector.gather %{{.*}} : memref<32x?xf32>, vector<16xi32>, vector<16xi1>, vector<16xf32> into vector<16xf32>
func.func private @gathered(%x: memref<?x64xf32>, %p: memref<1x64x32xf32>, %t: memref<32x?xf32>, %y: memref<?x32xf32>) {
  weft.packed_linear %x, %p extras %t outs %y attributes {columns = 32 : i64,
      extra_maps = [affine_map<(d0, d1) -> (d1, d0)>]} {
  ^bb0(%acc: f32, %e: f32):
    %0 = arith.addf %acc, %e : f32
    weft.yield %0 : f32
  } : (memref<?x64xf32>, memref<1x64x32xf32>, memref<32x?xf32>, memref<?x32xf32>) -> ()
  return
}

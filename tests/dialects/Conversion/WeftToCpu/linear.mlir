// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,LANES16
// RUN: weft-opt %s -convert-weft-to-cpu=lanes=8 -canonicalize -cse | FileCheck %s --check-prefixes=CHECK,LANES8
// What the loops compute is LinearKernelTest's question; here it is their shape.

// Chunks, blocks of rows, groups of slices, slices, tiles, K. Sums stay in registers over all of K.
// CHECK-LABEL: @bias
// CHECK: scf.forall
// CHECK: scf.for
// CHECK: scf.for %[[GROUP:.*]] = {{.*}} step %c4
// CHECK: scf.for %[[SLICE:.*]] =
// LANES16: scf.for %[[ROW:.*]] = {{.*}} step %c8
// LANES8: scf.for %[[ROW:.*]] = {{.*}} step %c6
// Lines that the epilogue writes are asked for before.
// LANES16-COUNT-16: memref.prefetch %{{.*}} : memref<?x192xf32>
// LANES8-COUNT-6: memref.prefetch %{{.*}} : memref<?x192xf32>
// CHECK-NOT: memref.prefetch
// LANES16: %[[SUMS:.*]]:16 = scf.for %[[K:.*]] = %c0 to %c96 step %c1 iter_args
// LANES8: %[[SUMS:.*]]:12 = scf.for %[[K:.*]] = %c0 to %c96 step %c1 iter_args
// LANES16-COUNT-2: vector.load %{{.*}}[%[[SLICE]], %[[K]], %{{.*}}] : memref<6x96x32xf32>, vector<16xf32>
// LANES8-COUNT-2: vector.load %{{.*}} : memref<6x96x32xf32>, vector<8xf32>
// CHECK: memref.load %{{.*}}[%[[ROW]], %[[K]]] : memref<?x96xf32>
// LANES16-COUNT-16: vector.fma {{.*}} : vector<16xf32>
// LANES8-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// CHECK: scf.yield
// A bias is loaded once for all rows of the tile.
// CHECK: %[[BIAS:.*]] = vector.load
// CHECK: arith.addf %[[SUMS]]#0, %[[BIAS]]
// CHECK-NEXT: vector.store
// CHECK-NEXT: arith.addf %[[SUMS]]#2, %[[BIAS]]
// The rows that are left, several slices at a time.
// LANES16: scf.if
// LANES16: -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK-NOT: maskedstore
// CHECK: return
func.func private @bias(%x: memref<?x96xf32>, %p: memref<6x96x32xf32>, %bias: memref<192xf32>, %y: memref<?x192xf32>) {
  weft.packed_linear %x, %p extras %bias outs %y attributes {columns = 192 : i64,
      extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%acc: f32, %b: f32):
    %0 = arith.addf %acc, %b : f32
    weft.yield %0 : f32
  } : (memref<?x96xf32>, memref<6x96x32xf32>, memref<192xf32>, memref<?x192xf32>) -> ()
  return
}

// The last panel holds 7 columns: its vectors are masked, and the second one does not exist.
// CHECK-LABEL: @tail
// LANES16: vector.constant_mask [7] : vector<16xi1>
// LANES16: arith.cmpi eq, %{{.*}}, %c2
// LANES8: arith.cmpi eq, %{{.*}}, %c4
// CHECK: scf.if
// LANES16: vector.maskedstore
// CHECK: else
// CHECK: vector.store
func.func private @tail(%x: memref<?x96xf32>, %p: memref<3x96x32xf32>, %y: memref<?x71xf32>) {
  weft.packed_linear %x, %p outs %y attributes {columns = 71 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x96xf32>, memref<3x96x32xf32>, memref<?x71xf32>) -> ()
  return
}

// Gate and up: the sums of both parts meet in the epilogue.
// CHECK-LABEL: @gate
// LANES16: %[[SUMS:.*]]:16 = scf.for
// LANES8: %[[SUMS:.*]]:12 = scf.for
// CHECK: math.exp
// CHECK: arith.mulf %{{.*}}, %[[SUMS]]#1
func.func private @gate(%x: memref<?x96xf32>, %p: memref<2x96x32xf32>, %y: memref<?x32xf32>) {
  weft.packed_linear %x, %p outs %y attributes {columns = 32 : i64, parts = 2 : i64} {
  ^bb0(%gate: f32, %up: f32):
    %one = arith.constant 1.0 : f32
    %0 = arith.negf %gate : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %1, %one : f32
    %3 = arith.divf %gate, %2 : f32
    %4 = arith.mulf %3, %up : f32
    weft.yield %4 : f32
  } : (memref<?x96xf32>, memref<2x96x32xf32>, memref<?x32xf32>) -> ()
  return
}

// Dense leading dimensions are one dimension of rows; others are found by their indices.
// CHECK-LABEL: @rows
// CHECK-DAG: memref.collapse_shape %{{.*}} {{\[}}[0, 1], [2]] : memref<?x?x32xf32> into memref<?x32xf32>
// CHECK-DAG: scf.for
// CHECK: arith.remui
// CHECK: memref.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] : memref<?x?x96xf32, strided<[?, 128, 1], offset: ?>>
func.func private @rows(%x: memref<?x?x96xf32, strided<[?, 128, 1], offset: ?>>, %p: memref<1x96x32xf32>,
                        %y: memref<?x?x32xf32>) {
  weft.packed_linear %x, %p outs %y attributes {columns = 32 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x?x96xf32, strided<[?, 128, 1], offset: ?>>, memref<1x96x32xf32>, memref<?x?x32xf32>) -> ()
  return
}

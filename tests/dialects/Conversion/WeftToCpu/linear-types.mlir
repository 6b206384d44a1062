// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse -split-input-file | FileCheck %s
// How words of narrow weights are multiplied; whether sums are right is LinearTypesTest's question.

// Activations are rounded first, for many rows; few rows multiply them as they are, by widened weights.
// CHECK-LABEL: @bf16
// CHECK:       %[[MANY:.*]] = arith.cmpi uge, %{{.*}}, %c8 : index
// CHECK:       scf.if %[[MANY]] {
// CHECK:         scf.forall
// CHECK:         arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK:         vector.store %{{.*}} : memref<?x48xi32>, vector<8xi32>
// CHECK:         scf.forall
// CHECK:         scf.for %{{.*}} step %c6
// CHECK:         scf.for %[[W:.*]] = %c0 to %c48 step %c1 iter_args
// CHECK-COUNT-4:   llvm.load %{{.*}} : !llvm.ptr -> vector<16xi32>
// CHECK:           memref.load %{{.*}}[%{{.*}}, %[[W]]] : memref<?x48xi32>
// CHECK-COUNT-24:  x86vector.avx512.dot
// CHECK:       } else {
// Kept, a row has four slices' sums: threads get as many.
// CHECK:         arith.muli %{{.*}}, %c4 : index
// CHECK-NOT:     step %c8
// CHECK:         llvm.load {{.*}} -> vector<16xi32>
// CHECK:         arith.shli
// CHECK:         arith.bitcast %{{.*}} : vector<16xi32> to vector<16xf32>
// CHECK:         vector.fma
// CHECK-NOT:     x86vector
func.func private @bf16(%x: memref<?x96xf32>, %p: memref<6x48x32x2xbf16>, %w: memref<?x48xi32>, %y: memref<?x192xf32>) {
  weft.packed_linear %x, %p workspace %w outs %y attributes {columns = 192 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x96xf32>, memref<6x48x32x2xbf16>, memref<?x48xi32>, memref<?x192xf32>) -> ()
  return
}

// Sums of integers, from which 128 times the row's sum is subtracted, times the scales of row and column.
// CHECK-LABEL: @int8_activations
// CHECK-NOT:   scf.if
// CHECK:       vector.reduction <maxui>
// CHECK:       arith.addf %{{.*}}, %{{.*}} : vector<16xf32>
// CHECK:       arith.bitcast %{{.*}} : vector<16xf32> to vector<16xi32>
// CHECK:       vector.store %{{.*}} : memref<?x32xi32>, vector<4xi32>
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:       %[[SUM:.*]] = memref.load %{{.*}}[%{{.*}}, %c31] : memref<?x32xi32>
// CHECK:       arith.muli %[[SUM]], %c128_i32
// CHECK:       memref.load %{{.*}}[%{{.*}}, %c30] : memref<?x32xi32>
// CHECK:       arith.subi
// CHECK:       arith.sitofp
func.func private @int8_activations(%x: memref<?x35xf32>, %p: memref<6x9x32x4xi8>, %s: memref<6x1x32xf32>,
                                    %w: memref<?x32xi32>, %y: memref<?x192xf32>) {
  weft.packed_linear %x, %p scales %s workspace %w outs %y attributes {activations = i8, columns = 192 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x35xf32>, memref<6x9x32x4xi8>, memref<6x1x32xf32>, memref<?x32xi32>, memref<?x192xf32>) -> ()
  return
}

// In fixed point each word of weights meets four words of digits. Sums begin with the row's excess and become f32, the
// highest digits first, when the column has ended.
// CHECK-LABEL: @int8_fixed_point
// CHECK-NOT:   scf.if
// CHECK:       vector.reduction <maxui>
// CHECK:       arith.fptosi %{{.*}} : vector<16xf32> to vector<16xi32>
// CHECK:       arith.xori
// CHECK:       vector.shuffle %{{.*}} [0, 4, 8, 12, 1, 5, 9, 13, 2, {{.*}}] : vector<64xi8>
// CHECK:       vector.store %{{.*}} : memref<?x64xi32>, vector<16xi32>
// CHECK:       llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:       vector.store %{{.*}}[%{{.*}}, %c48] : memref<?x64xi32>, vector<4xi32>
// CHECK:       step %c3
// CHECK:       memref.load %{{.*}}[%{{.*}}, %c48] : memref<?x64xi32>
// CHECK:       scf.for %[[W:.*]] = %c0 to %c9 step %c1 iter_args
// CHECK-NOT:     llvm.intr.prefetch
// CHECK-COUNT-2: llvm.load %{{.*}} : !llvm.ptr -> vector<16xi32>
// CHECK:         %[[D:.*]] = arith.muli %[[W]], %c4
// CHECK:         memref.load %{{.*}}[%{{.*}}, %[[D]]] : memref<?x64xi32>
// CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:       arith.sitofp
// CHECK:       vector.fma
// CHECK:       memref.load %{{.*}}[%{{.*}}, %c62] : memref<?x64xi32>
func.func private @int8_fixed_point(%x: memref<?x35xf32>, %p: memref<6x9x32x4xi8>, %s: memref<6x1x32xf32>,
                                    %w: memref<?x64xi32>, %y: memref<?x192xf32>) {
  weft.packed_linear %x, %p scales %s workspace %w outs %y attributes {columns = 192 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x35xf32>, memref<6x9x32x4xi8>, memref<6x1x32xf32>, memref<?x64xi32>, memref<?x192xf32>) -> ()
  return
}

// Of 4 bits: even inputs apart from odd ones; a group is 32 of them, and the last one has 3. Three digits, whose sums
// become one integer, begun with the group's excess, and f32 by the group's scales. A group is no loop.
// CHECK-LABEL: @int4_fixed_point
// CHECK:       scf.for %{{.*}} = %c0 to %c2 step %c1
// CHECK:         vector.reduction <maxui>, %{{.*}} : vector<16xi32> into i32
// CHECK:         arith.addi %{{.*}}, %c65793_i32
// CHECK-COUNT-2: vector.shuffle %{{.*}} [0, 8, 16, 24, 1, 9, 17, 25, 2, {{.*}}] : vector<64xi8>
// CHECK:         vector.reduction <add>
// CHECK:         arith.muli %{{.*}}, %c-8_i32
// CHECK-COUNT-2: memref.store %{{.*}} : memref<?x80xi32>
// CHECK:       memref.store %{{.*}}[%{{.*}}, %c64] : memref<?x80xi32>
// CHECK:       memref.store %{{.*}}[%{{.*}}, %c65] : memref<?x80xi32>
// CHECK:       scf.for %[[G:.*]] = %c0 to %c2 step %c1 iter_args
// CHECK:         llvm.intr.prefetch
// CHECK:         arith.xori
// CHECK:         arith.andi
// CHECK-COUNT-18: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:         arith.shrui
// CHECK-COUNT-126: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:         arith.shli
// CHECK:         arith.addi
// CHECK:         arith.sitofp
// CHECK:         arith.mulf
// CHECK:         vector.fma
// CHECK:       vector.load %{{.*}}[%{{.*}}, %c2, %{{.*}}] : memref<6x3x32xbf16>, vector<16xbf16>
func.func private @int4_fixed_point(%x: memref<?x67xf32>, %p: memref<6x9x32x8xi4>, %s: memref<6x3x32xbf16>,
                                    %w: memref<?x80xi32>, %y: memref<?x192xf32>) {
  weft.packed_linear %x, %p scales %s workspace %w outs %y attributes {columns = 192 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x67xf32>, memref<6x9x32x8xi4>, memref<6x3x32xbf16>, memref<?x80xi32>, memref<?x192xf32>) -> ()
  return
}

// Two whole groups of 32 inputs, in four words each, and one of 6: five are none. A sum for each group, then its scale.
// CHECK-LABEL: @int4
// CHECK:       scf.for %[[G:.*]] = %c0 to %c2 step %c1 iter_args
// CHECK:         scf.for %{{.*}} step %c1 iter_args
// CHECK:           arith.shrui
// CHECK:           llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// CHECK:         vector.load %{{.*}}[%{{.*}}, %[[G]], %{{.*}}] : memref<1x3x32xbf16>, vector<16xbf16>
// CHECK:         arith.extui %{{.*}} : vector<16xi16> to vector<16xi32>
// CHECK:       vector.load %{{.*}}[%{{.*}}, %c2, %{{.*}}] : memref<1x3x32xbf16>, vector<16xbf16>
func.func private @int4(%x: memref<?x70xf32>, %p: memref<1x9x32x8xi4>, %s: memref<1x3x32xbf16>, %y: memref<?x32xf32>) {
  weft.packed_linear %x, %p scales %s outs %y attributes {columns = 32 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x70xf32>, memref<1x9x32x8xi4>, memref<1x3x32xbf16>, memref<?x32xf32>) -> ()
  return
}

// -----

// A look-up widens the rows that it copies.
// CHECK-LABEL: @table
// CHECK:       vector.load %{{.*}} : memref<8x16xbf16>, vector<16xbf16>
// CHECK:       arith.extf %{{.*}} : vector<16xbf16> to vector<16xf32>
module attributes {weft.labels = ["tokens"]} {
  func.func private @weft_bad_index(i64, i64, i64, i64)
  func.func private @table(%t: memref<8x16xbf16>, %i: memref<?xi32>, %y: memref<?x16xf32>) {
    weft.lookup %t, %i outs %y {label = "tokens"} : (memref<8x16xbf16>, memref<?xi32>, memref<?x16xf32>) -> ()
    return
  }
}

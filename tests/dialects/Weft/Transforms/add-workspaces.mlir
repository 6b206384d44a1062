// RUN: weft-opt %s -weft-add-workspaces -split-input-file | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: weft-opt %s -weft-add-workspaces=dots -split-input-file | FileCheck %s --check-prefixes=CHECK,DOTS
// RUN: weft-opt %s -weft-add-workspaces=matrices -split-input-file | FileCheck %s --check-prefixes=CHECK,NONE,MATRICES

// Room for whole vectors of words; few rows round nothing.
// CHECK-LABEL: @bf16
// NONE-NOT:    workspace
// DOTS:        %[[B:.*]] = memref.dim %{{.*}}, %c0
// DOTS:        %[[W:.*]] = memref.alloc(%[[B]]) {alignment = 64 : i64} : memref<?x5x16xi32>
// DOTS:        weft.packed_linear %{{.*}}, %{{.*}} workspace %[[W]] outs
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} outs
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} outs
// CHECK:       return
func.func @bf16(%x: memref<?x5x9xf32>, %few: memref<7x9xf32>, %p: memref<1x5x32x2xbf16>, %f: memref<1x9x32xf32>,
                %y: memref<?x5x10xf32>, %z: memref<7x10xf32>) {
  weft.packed_linear %x, %p outs %y attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x5x9xf32>, memref<1x5x32x2xbf16>, memref<?x5x10xf32>) -> ()
  weft.packed_linear %few, %p outs %z attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<7x9xf32>, memref<1x5x32x2xbf16>, memref<7x10xf32>) -> ()
  weft.packed_linear %x, %f outs %y attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x5x9xf32>, memref<1x9x32xf32>, memref<?x5x10xf32>) -> ()
  return
}

// -----

// Scale and sum lie behind the words; rows are no multiple of 2 KiB apart.
// CHECK-LABEL: @int8
// CHECK:       memref.alloc() {alignment = 64 : i64} : memref<3x528xi32>
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} scales %{{.*}} workspace %{{.*}} outs
func.func @int8(%x: memref<3x1984xf32>, %p: memref<1x496x32x4xi8>, %s: memref<1x1x32xf32>, %y: memref<3x10xf32>) {
  weft.packed_linear %x, %p scales %s outs %y attributes {activations = i8, columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<3x1984xf32>, memref<1x496x32x4xi8>, memref<1x1x32xf32>, memref<3x10xf32>) -> ()
  return
}

// -----

// Integer weights alone: room for digits, then what the sums begin with: a word of each input and 4 for a column of int8,
// 3 words of 4 inputs, and 2 for each scale of a column of int4. A column of more than 32768 weights whose products need more than 32 bits has none.
// CHECK-LABEL: @fixed_point
// DOTS:        memref.alloc() {alignment = 64 : i64} : memref<3x64xi32>
// NONE-NOT:    workspace
// DOTS:        weft.packed_linear %{{.*}}, %{{.*}} scales %{{.*}} workspace %{{.*}} outs
// DOTS:        memref.alloc() {alignment = 64 : i64} : memref<3x48xi32>
// DOTS:        weft.packed_linear %{{.*}}, %{{.*}} scales %{{.*}} workspace %{{.*}} outs
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} scales %{{.*}} outs
// CHECK:       return
func.func @fixed_point(%x: memref<3x35xf32>, %p: memref<1x9x32x4xi8>, %s: memref<1x1x32xf32>,
                       %q: memref<1x5x32x8xi4>, %t: memref<1x2x32xbf16>, %deep: memref<3x32772xf32>,
                       %d: memref<1x8193x32x4xi8>, %y: memref<3x10xf32>) {
  weft.packed_linear %x, %p scales %s outs %y attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<3x35xf32>, memref<1x9x32x4xi8>, memref<1x1x32xf32>, memref<3x10xf32>) -> ()
  weft.packed_linear %x, %q scales %t outs %y attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<3x35xf32>, memref<1x5x32x8xi4>, memref<1x2x32xbf16>, memref<3x10xf32>) -> ()
  weft.packed_linear %deep, %d scales %s outs %y attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<3x32772xf32>, memref<1x8193x32x4xi8>, memref<1x1x32xf32>, memref<3x10xf32>) -> ()
  return
}

// -----

// Rows for matrices are rounded when they are normed, unless they are too few for matrices.
// CHECK-LABEL: @normed
// DOTS-NOT:    workspace
// MATRICES:    %[[B:.*]] = memref.dim %{{.*}}, %c0
// MATRICES:    %[[W:.*]] = memref.alloc(%[[B]]) {alignment = 64 : i64} : memref<?x16xi32>
// MATRICES:    weft.packed_linear %{{.*}}, %{{.*}} workspace %[[W]] outs
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} outs
// CHECK:       return
func.func @normed(%x: memref<?x9xf32>, %few: memref<16x9xf32>, %p: memref<1x5x32x2xf16>, %y: memref<?x10xf32>, %z: memref<16x10xf32>) {
  weft.packed_linear %x, %p outs %y attributes {columns = 10 : i64, norm_eps = 1.0 : f64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x9xf32>, memref<1x5x32x2xf16>, memref<?x10xf32>) -> ()
  weft.packed_linear %few, %p outs %z attributes {columns = 10 : i64, norm_eps = 1.0 : f64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<16x9xf32>, memref<1x5x32x2xf16>, memref<16x10xf32>) -> ()
  return
}

// RUN: weft-opt %s -weft-absorb-norms -split-input-file | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: weft-opt %s -weft-absorb-norms=matrices=true -split-input-file | FileCheck %s --check-prefixes=CHECK,MATRICES

// Every matmul that reads the norm norms its input; sizes are those of what was normed.
// CHECK-LABEL: @all
// CHECK-SAME:  %[[X:.*]]: tensor<?x8xf32>, %[[P:.*]]: tensor<1x8x32xf32>, %[[G:.*]]: tensor<8xf32>
// CHECK-NOT:   weft.rms_norm
// CHECK:       tensor.dim %[[X]]
// CHECK:       weft.packed_linear %[[X]], %[[P]] norm_scale %[[G]] attributes {columns = 8 : i64, norm_eps = 1.000000e-05 : f64}
// CHECK:       weft.packed_linear %[[X]], %[[P]] norm_scale %[[G]] extras %[[X]] attributes
// CHECK-SAME:    norm_eps = 1.000000e-05 : f64
func.func @all(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %g: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, index) {
  %c0 = arith.constant 0 : index
  %h = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %n = tensor.dim %h, %c0 : tensor<?x8xf32>
  %y = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  %z = weft.packed_linear %h, %p extras %x attributes {columns = 8 : i64, extra_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%acc: f32, %r: f32):
    %0 = arith.addf %acc, %r : f32
    weft.yield %0 : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %z, %n : tensor<?x8xf32>, tensor<?x8xf32>, index
}

// -----

// Without a scale, too.
// CHECK-LABEL: @plain
// CHECK-NOT:   weft.rms_norm
// CHECK:       weft.packed_linear %{{[^ ]*}}, %{{[^ ]*}} attributes {columns = 8 : i64, norm_eps = 1.000000e+00 : f64}
func.func @plain(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>) -> tensor<?x8xf32> {
  %h = weft.rms_norm %x {eps = 1.0 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Someone else needs the norm itself.
// CHECK-LABEL: @residual
// CHECK:       weft.rms_norm
// CHECK-NOT:   norm_eps
func.func @residual(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>) -> tensor<?x8xf32> {
  %h = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = weft.packed_linear %h, %p extras %h attributes {columns = 8 : i64, extra_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%acc: f32, %r: f32):
    %0 = arith.addf %acc, %r : f32
    weft.yield %0 : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A loop would norm the same rows in each round.
// CHECK-LABEL: @loop
// CHECK:       weft.rms_norm
// CHECK-NOT:   norm_eps
func.func @loop(%x: tensor<4x8xf32>, %p: tensor<1x8x32xf32>, %n: index) -> tensor<4x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%state = %x) -> tensor<4x8xf32> {
    %0 = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
    ^bb0(%acc: f32):
      weft.yield %acc : f32
    } : (tensor<4x8xf32>, tensor<1x8x32xf32>) -> tensor<4x8xf32>
    scf.yield %0 : tensor<4x8xf32>
  }
  return %y : tensor<4x8xf32>
}

// -----

// Rows that are rounded are so once they are normed.
// CHECK-LABEL: @rounded
// CHECK:       weft.rms_norm
// CHECK-NOT:   norm_eps
func.func @rounded(%x: tensor<?x8xf32>, %p: tensor<1x2x32x4xi8>, %s: tensor<1x1x32xf32>) -> tensor<?x8xf32> {
  %h = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = weft.packed_linear %h, %p scales %s attributes {activations = i8, columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x2x32x4xi8>, tensor<1x1x32xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Rows for cooperative matrices are normed by a kernel of each matmul, which of one alone is no more than before.
// CHECK-LABEL:   @half
// CHECK-NOT:     weft.rms_norm
// CHECK:         norm_eps
func.func @half(%x: tensor<?x8xf32>, %p: tensor<1x4x32x2xf16>) -> tensor<?x8xf32> {
  %h = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x4x32x2xf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL:   @halves
// WIDE-NOT:      weft.rms_norm
// WIDE-COUNT-2:  norm_eps
// MATRICES:      weft.rms_norm
// MATRICES-NOT:  norm_eps
func.func @halves(%x: tensor<?x8xf32>, %p: tensor<1x4x32x2xf16>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %h = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x4x32x2xf16>) -> tensor<?x8xf32>
  %z = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x4x32x2xf16>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// CHECK-LABEL: @brain
// CHECK-NOT:   weft.rms_norm
// CHECK:       norm_eps
func.func @brain(%x: tensor<?x8xf32>, %p: tensor<1x4x32x2xbf16>) -> tensor<?x8xf32> {
  %h = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x4x32x2xbf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

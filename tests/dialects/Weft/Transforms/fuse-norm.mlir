// RUN: weft-opt %s -weft-fuse-norm -split-input-file -mlir-print-local-scope | FileCheck %s

// Two matmuls read the norm; one shares its weights with another matmul, which must not see the scale.
// CHECK-LABEL: @shared_weights
// CHECK-SAME:  %[[X:.*]]: tensor<?x8xf32>
// CHECK-DAG:   %[[G:.*]] = weft.weight "norm"
// CHECK-DAG:   %[[A:.*]] = weft.weight "a"
// CHECK-DAG:   %[[B:.*]] = weft.weight "b"
// CHECK:       %[[H:.*]] = weft.rms_norm %[[X]] {eps
// CHECK-DAG:   %[[PA:.*]] = weft.pack %[[A]], %[[B]] scale %[[G]] {panel = 32 : i64, parts = 2 : i64}
// CHECK-DAG:   weft.packed_linear %[[H]], %[[PA]]
// CHECK-DAG:   %[[PB:.*]] = weft.pack %[[B]] scale %[[G]] {in_out, panel = 32 : i64}
// CHECK-DAG:   weft.packed_linear %[[H]], %[[PB]]
// CHECK-DAG:   %[[P:.*]] = weft.pack %[[B]] {in_out, panel = 32 : i64}
// CHECK-DAG:   weft.packed_linear %[[X]], %[[P]]
func.func @shared_weights(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %g = weft.weight "norm" : tensor<8xf32>
  %a = weft.weight "a" : tensor<8x8xf32>
  %b = weft.weight "b" : tensor<8x8xf32>
  %h = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %p = weft.pack %a, %b {panel = 32 : i64, parts = 2 : i64} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<1x8x32xf32>
  %q = weft.pack %b {panel = 32 : i64, in_out} : (tensor<8x8xf32>) -> tensor<1x8x32xf32>
  %0 = weft.packed_linear %h, %p attributes {columns = 8 : i64, parts = 2 : i64} {
  ^bb0(%u: f32, %v: f32):
    %m = arith.mulf %u, %v : f32
    weft.yield %m : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  %1 = weft.packed_linear %h, %q attributes {columns = 8 : i64} {
  ^bb0(%u: f32):
    weft.yield %u : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  %2 = weft.packed_linear %x, %q attributes {columns = 8 : i64} {
  ^bb0(%u: f32):
    weft.yield %u : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  return %0, %1, %2 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Asking for a size is no use of the numbers.
// CHECK-LABEL: @size
// CHECK:       weft.rms_norm %{{[^ ]*}} {eps
// CHECK:       weft.pack %{{.*}} scale
func.func @size(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, index) {
  %c0 = arith.constant 0 : index
  %g = weft.weight "norm" : tensor<8xf32>
  %a = weft.weight "a" : tensor<8x8xf32>
  %h = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %n = tensor.dim %h, %c0 : tensor<?x8xf32>
  %p = weft.pack %a {panel = 32 : i64} : (tensor<8x8xf32>) -> tensor<1x8x32xf32>
  %0 = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%u: f32):
    weft.yield %u : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  return %0, %n : tensor<?x8xf32>, index
}

// -----

// The scaled rows are a result too.
// CHECK-LABEL: @other_user
// CHECK:       weft.rms_norm %{{.*}} scale
// CHECK-NOT:   weft.pack %{{.*}} scale
func.func @other_user(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %g = weft.weight "norm" : tensor<8xf32>
  %a = weft.weight "a" : tensor<8x8xf32>
  %h = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %p = weft.pack %a {panel = 32 : i64} : (tensor<8x8xf32>) -> tensor<1x8x32xf32>
  %0 = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%u: f32):
    weft.yield %u : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  return %0, %h : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// The matmul adds the rows again in its epilogue, where the scale would be missing.
// CHECK-LABEL: @residual
// CHECK:       weft.rms_norm %{{.*}} scale
// CHECK-NOT:   weft.pack %{{.*}} scale
func.func @residual(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %g = weft.weight "norm" : tensor<8xf32>
  %a = weft.weight "a" : tensor<8x8xf32>
  %h = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %p = weft.pack %a {panel = 32 : i64} : (tensor<8x8xf32>) -> tensor<1x8x32xf32>
  %0 = weft.packed_linear %h, %p extras %h
      attributes {columns = 8 : i64, extra_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%u: f32, %v: f32):
    %s = arith.addf %u, %v : f32
    weft.yield %s : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// Only what the checkpoint holds can be multiplied when compiling.
// CHECK-LABEL: @computed
// CHECK:       weft.rms_norm %{{.*}} scale
// CHECK-NOT:   weft.pack %{{.*}} scale
func.func @computed(%x: tensor<?x8xf32>, %g: tensor<8xf32>) -> tensor<?x8xf32> {
  %a = weft.weight "a" : tensor<8x8xf32>
  %h = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %p = weft.pack %a {panel = 32 : i64} : (tensor<8x8xf32>) -> tensor<1x8x32xf32>
  %0 = weft.packed_linear %h, %p attributes {columns = 8 : i64} {
  ^bb0(%u: f32):
    weft.yield %u : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// RUN: weft-opt %s | weft-opt -mlir-print-local-scope | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt -mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: @tensors
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} attributes {columns = 40 : i64} {
// CHECK-NEXT:  ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT:    weft.yield %[[ACC]] : f32
// CHECK-NEXT:  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
func.func @tensors(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>) -> tensor<?x40xf32> {
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// A bias, a residual and a factor per row.
// CHECK-LABEL: @extras
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} extras %{{.*}}, %{{.*}}, %{{.*}} attributes
// CHECK-SAME:    {columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>]}
// CHECK-NEXT:  ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32):
func.func @extras(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %b: tensor<40xf32>, %r: tensor<?x40xf32>,
                  %f: tensor<?xf32>) -> tensor<?x40xf32> {
  %y = weft.packed_linear %x, %p extras %b, %r, %f
      attributes {columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>,
                                                    affine_map<(d0, d1) -> (d0)>]} {
  ^bb0(%acc: f32, %bias: f32, %residual: f32, %factor: f32):
    %0 = arith.addf %acc, %bias : f32
    %1 = arith.mulf %0, %factor : f32
    %2 = arith.addf %1, %residual : f32
    weft.yield %2 : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<40xf32>, tensor<?x40xf32>, tensor<?xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} outs %{{.*}} attributes {columns = 20 : i64, parts = 2 : i64} {
// CHECK-NEXT:  ^bb0(%[[GATE:.*]]: f32, %[[UP:.*]]: f32):
// CHECK-NEXT:    %[[M:.*]] = arith.mulf %[[GATE]], %[[UP]]
// CHECK-NEXT:    weft.yield %[[M]]
// CHECK-NEXT:  } : (memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>>, memref<2x8x32xf32>, memref<?x?x20xf32>) -> ()
func.func @buffers(%x: memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>>, %p: memref<2x8x32xf32>, %y: memref<?x?x20xf32>) {
  weft.packed_linear %x, %p outs %y attributes {columns = 20 : i64, parts = 2 : i64} {
  ^bb0(%gate: f32, %up: f32):
    %m = arith.mulf %gate, %up : f32
    weft.yield %m : f32
  } : (memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>>, memref<2x8x32xf32>, memref<?x?x20xf32>) -> ()
  return
}

// CHECK-LABEL: @scales
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} scales %{{.*}} extras %{{.*}} attributes {activations = i8, columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
// CHECK:       } : (tensor<?x9xf32>, tensor<2x3x32x4xi8>, tensor<2x1x32xf32>, tensor<40xf32>) -> tensor<?x40xf32>
func.func @scales(%x: tensor<?x9xf32>, %p: tensor<2x3x32x4xi8>, %s: tensor<2x1x32xf32>,
                  %b: tensor<40xf32>) -> tensor<?x40xf32> {
  %y = weft.packed_linear %x, %p scales %s extras %b
      attributes {activations = i8, columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%acc: f32, %bias: f32):
    %0 = arith.addf %acc, %bias : f32
    weft.yield %0 : f32
  } : (tensor<?x9xf32>, tensor<2x3x32x4xi8>, tensor<2x1x32xf32>, tensor<40xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// CHECK-LABEL: @workspace
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} workspace %{{.*}} outs %{{.*}} attributes {columns = 40 : i64} {
// CHECK:       } : (memref<?x9xf32>, memref<2x5x32x2xbf16>, memref<?x16xi32>, memref<?x40xf32>) -> ()
func.func @workspace(%x: memref<?x9xf32>, %p: memref<2x5x32x2xbf16>, %w: memref<?x16xi32>, %y: memref<?x40xf32>) {
  weft.packed_linear %x, %p workspace %w outs %y attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x9xf32>, memref<2x5x32x2xbf16>, memref<?x16xi32>, memref<?x40xf32>) -> ()
  return
}

// The input is normed before the product, with a scale or without.
// CHECK-LABEL: @norm
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} norm_scale %{{.*}} extras %{{.*}} attributes
// CHECK-SAME:    norm_eps = 1.000000e-05 : f64
// CHECK:       weft.packed_linear %{{.*}}, %{{.*}} attributes {columns = 40 : i64, norm_eps = 0.000000e+00 : f64} {
func.func @norm(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %g: tensor<8xf32>, %b: tensor<40xf32>)
    -> (tensor<?x40xf32>, tensor<?x40xf32>) {
  %y = weft.packed_linear %x, %p norm_scale %g extras %b
      attributes {columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>], norm_eps = 1.0e-5 : f64} {
  ^bb0(%acc: f32, %bias: f32):
    %0 = arith.addf %acc, %bias : f32
    weft.yield %0 : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<8xf32>, tensor<40xf32>) -> tensor<?x40xf32>
  %z = weft.packed_linear %x, %p attributes {columns = 40 : i64, norm_eps = 0.0 : f64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
  return %y, %z : tensor<?x40xf32>, tensor<?x40xf32>
}

// RUN: weft-interpret %s
// A matmul with packed weights, and what its epilogue makes of the sums.

func.func @bias_and_residual() {
  %x = arith.constant dense<[[1.06, -0.81, -0.03], [0.88, -0.58, -0.11]]> : tensor<2x3xf32>
  %w = arith.constant dense<
      [[0.11, 0.06, -1.23], [0.08, 1.36, -1.55], [0.86, 0.12, -0.64], [2.0, 0.76, -1.2],
      [0.07, 0.58, -0.19]]> : tensor<5x3xf32>
  %b = arith.constant dense<[0.68, -0.07, 0.67, 1.44, -0.68]> : tensor<5xf32>
  %res = arith.constant dense<[[0.2, -0.46, 0.13, -1.19, -0.58], [-0.2, 0.9, 1.15, -1.32, -0.79]]> : tensor<2x5xf32>
  %p = weft.pack %w {panel = 4 : i64} : (tensor<5x3xf32>) -> tensor<2x3x4xf32>
  %y = weft.packed_linear %x, %p extras %b, %res
      attributes {columns = 5 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%acc: f32, %bias: f32, %residual: f32):
    %0 = arith.addf %acc, %bias : f32
    %1 = arith.addf %0, %residual : f32
    weft.yield %1 : f32
  } : (tensor<2x3xf32>, tensor<2x3x4xf32>, tensor<5xf32>, tensor<2x5xf32>) -> tensor<2x5xf32>
  %expected = arith.constant dense<
      [[0.9849, -1.5003, 1.6336, 1.7904, -1.6499], [0.6773, 0.2821, 2.5776, 1.5712, -1.7239]]> : tensor<2x5xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x5xf32>
  return
}

// silu(gate) * up of one interleaved matrix, and a factor for each row.
func.func @gated() {
  %x = arith.constant dense<[[[0.65, -1.99, -0.46], [-0.1, 1.26, 0.69]]]> : tensor<1x2x3xf32>
  %gate = arith.constant dense<[[-0.33, -0.37, -0.25], [1.52, -0.43, -0.3], [0.35, -0.12, -0.2]]> : tensor<3x3xf32>
  %up = arith.constant dense<[[-1.11, -0.01, -0.44], [1.17, 0.65, -0.02], [0.67, -0.34, 1.05]]> : tensor<3x3xf32>
  %factor = arith.constant dense<[[0.5, -2.0]]> : tensor<1x2xf32>
  %p = weft.pack %gate, %up {panel = 4 : i64, parts = 2 : i64} : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<2x3x4xf32>
  %y = weft.packed_linear %x, %p extras %factor
      attributes {columns = 3 : i64, parts = 2 : i64, extra_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>]} {
  ^bb0(%a: f32, %b: f32, %row: f32):
    %one = arith.constant 1.0 : f32
    %minus = arith.negf %a : f32
    %exp = math.exp %minus : f32
    %below = arith.addf %exp, %one : f32
    %silu = arith.divf %a, %below : f32
    %product = arith.mulf %silu, %b : f32
    %scaled = arith.mulf %product, %row : f32
    weft.yield %scaled : f32
  } : (tensor<1x2x3xf32>, tensor<2x3x4xf32>, tensor<1x2xf32>) -> tensor<1x2x3xf32>
  %expected = arith.constant dense<
      [[[-0.1039549, -0.4561359, 0.1117004], [-0.08775861, 0.3581787, 0.06233873]]]> : tensor<1x2x3xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<1x2x3xf32>
  return
}

// An extra of size 1 in a dimension is the same number all along it.
func.func @one_for_all() {
  %x = arith.constant dense<[[-0.01], [0.58]]> : tensor<2x1xf32>
  %w = arith.constant dense<[[-1.29], [0.35]]> : tensor<2x1xf32>
  %f = arith.constant dense<[[-1.69], [-2.04]]> : tensor<2x1xf32>
  %p = weft.pack %w {panel = 2 : i64} : (tensor<2x1xf32>) -> tensor<1x1x2xf32>
  %y = weft.packed_linear %x, %p extras %f
      attributes {columns = 2 : i64, extra_maps = [affine_map<(d0, d1) -> (d0, 0)>]} {
  ^bb0(%acc: f32, %factor: f32):
    %0 = arith.mulf %acc, %factor : f32
    weft.yield %0 : f32
  } : (tensor<2x1xf32>, tensor<1x1x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %expected = arith.constant dense<[[-0.021801, 0.005915], [1.526328, -0.41412]]> : tensor<2x2xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x2xf32>
  return
}

// What integers stand for is their product with the scale of their column, or of 32 inputs of it.
func.func @scales() {
  %x = arith.constant dense<[[1.0, 2.0, -1.0]]> : tensor<1x3xf32>
  %w = arith.constant dense<[[127.0, -2.5, 1.5], [0.0, 0.0, 0.0], [-254.0, 4.0, 1.0]]> : tensor<3x3xf32>
  %p, %s = weft.pack %w {panel = 2 : i64} : (tensor<3x3xf32>) -> (tensor<2x1x2x4xi8>, tensor<2x1x2xf32>)
  %y = weft.packed_linear %x, %p scales %s attributes {columns = 3 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<1x3xf32>, tensor<2x1x2x4xi8>, tensor<2x1x2xf32>) -> tensor<1x3xf32>
  // 127 - 4 - 2; nothing; 2 (-127 + 4 - 0)
  %expected = arith.constant dense<[[121.0, 0.0, -246.0]]> : tensor<1x3xf32>
  check.expect_eq %y, %expected : tensor<1x3xf32>
  return
}

func.func @bf16() {
  %x = arith.constant dense<[[1.0, 2.0, -1.0]]> : tensor<1x3xf32>
  %w = arith.constant dense<[[1.00390625, 1.01171875, 0.5]]> : tensor<1x3xf32>
  %p = weft.pack %w {panel = 2 : i64} : (tensor<1x3xf32>) -> tensor<1x2x2x2xbf16>
  %y = weft.packed_linear %x, %p attributes {columns = 1 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<1x3xf32>, tensor<1x2x2x2xbf16>) -> tensor<1x1xf32>
  %expected = arith.constant dense<[[2.53125]]> : tensor<1x1xf32>
  check.expect_eq %y, %expected : tensor<1x1xf32>
  return
}

// Rows of the input are normed before, with a scale and without; expected values from numpy in f64.
func.func @normed() {
  %x = arith.constant dense<[[-0.3, -0.9, 0.16, 2.24], [-0.83, -0.62, 0.21, 0.49]]> : tensor<2x4xf32>
  %w = arith.constant dense<[[0.11, 0.06, -1.23, 0.3], [0.08, 1.36, -1.55, -0.2], [0.86, 0.12, -0.64, 1.1]]> : tensor<3x4xf32>
  %g = arith.constant dense<[-0.18, -0.21, 0.7, 0.52]> : tensor<4xf32>
  %b = arith.constant dense<[0.5, -0.25, 1.0]> : tensor<3xf32>
  %p = weft.pack %w {panel = 2 : i64} : (tensor<3x4xf32>) -> tensor<2x4x2xf32>
  %y = weft.packed_linear %x, %p norm_scale %g extras %b
      attributes {columns = 3 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>], norm_eps = 1.0e-5 : f64} {
  ^bb0(%acc: f32, %bias: f32):
    %0 = arith.addf %acc, %bias : f32
    weft.yield %0 : f32
  } : (tensor<2x4xf32>, tensor<2x4x2xf32>, tensor<4xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %scaled = arith.constant dense<
      [[0.6878356, -0.3691201, 2.049044], [0.362464, -0.4041212, 1.566987]]> : tensor<2x3xf32>
  check.expect_close %y, %scaled {atol = 1.0e-6 : f64} : tensor<2x3xf32>
  %z = weft.packed_linear %x, %p extras %b
      attributes {columns = 3 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>], norm_eps = 1.0e-5 : f64} {
  ^bb0(%acc: f32, %bias: f32):
    %0 = arith.addf %acc, %bias : f32
    weft.yield %0 : f32
  } : (tensor<2x4xf32>, tensor<2x4x2xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %plain = arith.constant dense<
      [[0.8184739, -1.844831, 2.637163], [0.08837394, -2.538318, 0.3415356]]> : tensor<2x3xf32>
  check.expect_close %z, %plain {atol = 1.0e-6 : f64} : tensor<2x3xf32>
  return
}

// RUN: weft-interpret %s
// (x - mean) / sqrt(variance + eps) * scale + shift; expected values from numpy in f64.

func.func @scaled_and_shifted() {
  %x = arith.constant dense<[[-0.3, -0.9, 0.16, 2.24], [-0.83, -0.62, 0.21, 0.49]]> : tensor<2x4xf32>
  %scale = arith.constant dense<[-0.18, -0.21, 0.7, 0.52]> : tensor<4xf32>
  %shift = arith.constant dense<[-1.03, -0.08, 0.04, -1.05]> : tensor<4xf32>
  %y = weft.layer_norm %x scale %scale shift %shift {eps = 1.0e-5 : f64}
      : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %expected = arith.constant dense<
      [[-0.9385864, 0.1332983, -0.04294934, -0.1961297],
      [-0.8203256, 0.08466651, 0.5444697, -0.4112771]]> : tensor<2x4xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x4xf32>
  return
}

// A mean far from zero: the variance is that of the deviations, or nothing would be left of it.
func.func @far_mean() {
  %x = arith.constant dense<[[1000.0, 1001.0, 1002.0, 1003.0]]> : tensor<1x4xf32>
  %y = weft.layer_norm %x {eps = 1.0e-5 : f64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %expected = arith.constant dense<[[-1.341635, -0.4472118, 0.4472118, 1.341635]]> : tensor<1x4xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<1x4xf32>
  return
}

// Equal elements have no variance: eps keeps the row at zero.
func.func @constant_row() {
  %x = arith.constant dense<3.0> : tensor<1x5xf32>
  %y = weft.layer_norm %x {eps = 1.0e-5 : f64} : (tensor<1x5xf32>) -> tensor<1x5xf32>
  %expected = arith.constant dense<0.0> : tensor<1x5xf32>
  check.expect_eq %y, %expected : tensor<1x5xf32>
  return
}

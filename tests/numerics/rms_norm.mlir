// RUN: weft-interpret %s
// x / sqrt(mean(x^2) + eps) * scale; expected values from numpy in f64.

func.func @scaled() {
  %x = arith.constant dense<[[-0.3, -0.9, 0.16, 2.24], [-0.83, -0.62, 0.21, 0.49]]> : tensor<2x4xf32>
  %scale = arith.constant dense<[-0.18, -0.21, 0.7, 0.52]> : tensor<4xf32>
  %y = weft.rms_norm %x scale %scale {eps = 1.0e-5 : f64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %expected = arith.constant dense<
      [[0.04430086, 0.155053, 0.09188326, 0.9555859],
      [0.2564509, 0.2234934, 0.2523312, 0.4373741]]> : tensor<2x4xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x4xf32>
  return
}

// eps decides where x is small: a row of zeros is zero.
func.func @small() {
  %x = arith.constant dense<[[0.0, 0.0], [0.001, 0.001]]> : tensor<2x2xf32>
  %y = weft.rms_norm %x {eps = 1.0e-6 : f64} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %expected = arith.constant dense<[[0.0, 0.0], [0.7071068, 0.7071068]]> : tensor<2x2xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x2xf32>
  return
}

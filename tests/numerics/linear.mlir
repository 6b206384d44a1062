// RUN: weft-interpret %s
// y = x W^T + bias; expected values from numpy in f64.

func.func @bias() {
  %x = arith.constant dense<[[0.0, 0.3, -0.27], [-0.89, -0.45, -0.99]]> : tensor<2x3xf32>
  %w = arith.constant dense<
      [[0.06, 1.34, -0.49], [-0.62, 0.49, 0.36], [0.11, -0.93, -0.03], [0.7, -1.34, -0.46]]> : tensor<4x3xf32>
  %b = arith.constant dense<[-1.9, -1.29, -1.84, -0.24]> : tensor<4xf32>
  %y = weft.linear %x, %w bias %b : (tensor<2x3xf32>, tensor<4x3xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %expected = arith.constant dense<
      [[-1.3657, -1.2402, -2.1109, -0.5178], [-2.0713, -1.3151, -1.4897, 0.1954]]> : tensor<2x4xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x4xf32>
  return
}

// The weight lies as [K, N]; the rows are those of all leading dimensions.
func.func @in_out() {
  %x = arith.constant dense<[[[-1.27, 0.27, 0.16]], [[-0.19, -2.52, -0.54]]]> : tensor<2x1x3xf32>
  %w = arith.constant dense<[[-0.05, 0.11], [-1.53, -0.48], [-0.98, -0.81]]> : tensor<3x2xf32>
  %y = weft.linear %x, %w {in_out} : (tensor<2x1x3xf32>, tensor<3x2xf32>) -> tensor<2x1x2xf32>
  %expected = arith.constant dense<[[[-0.5064, -0.3989]], [[4.3943, 1.6261]]]> : tensor<2x1x2xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x1x2xf32>
  return
}

// Without rows there is nothing to compute, and nothing to go wrong.
func.func @no_rows() {
  %x = arith.constant dense<> : tensor<0x3xf32>
  %w = arith.constant dense<
      [[0.06, 1.34, -0.49], [-0.62, 0.49, 0.36], [0.11, -0.93, -0.03], [0.7, -1.34, -0.46]]> : tensor<4x3xf32>
  %y = weft.linear %x, %w : (tensor<0x3xf32>, tensor<4x3xf32>) -> tensor<0x4xf32>
  %expected = arith.constant dense<> : tensor<0x4xf32>
  check.expect_eq %y, %expected : tensor<0x4xf32>
  return
}

// NaN times zero is NaN, in the row where it stands and in no other.
func.func @nan_row() {
  %x = arith.constant dense<[[0x7FC00000, 1.0], [1.0, 2.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[0.0, 1.0]]> : tensor<1x2xf32>
  %y = weft.linear %x, %w : (tensor<2x2xf32>, tensor<1x2xf32>) -> tensor<2x1xf32>
  %expected = arith.constant dense<[[0x7FC00000], [2.0]]> : tensor<2x1xf32>
  check.expect_eq %y, %expected : tensor<2x1xf32>
  return
}

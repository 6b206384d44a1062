// RUN: weft-interpret %s
// exp(x - max) / sum; expected values from numpy in f64.

// Scores of any finite size: no overflow.
func.func @rows() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0], [-10000.0, 10000.0, 10000.0]]> : tensor<2x3xf32>
  %y = weft.softmax %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %expected = arith.constant dense<[[0.09003057, 0.2447285, 0.665241], [0.0, 0.5, 0.5]]> : tensor<2x3xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x3xf32>
  return
}

// A row of -inf is NaN, as the formula says; one -inf is a probability of zero; NaN and inf stay in their row.
func.func @infinities() {
  %x = arith.constant dense<
      [[0xFF800000, 0xFF800000], [0xFF800000, 1.0], [0x7FC00000, 1.0], [0x7F800000, 1.0]]> : tensor<4x2xf32>
  %y = weft.softmax %x : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %expected = arith.constant dense<
      [[0x7FC00000, 0x7FC00000], [0.0, 1.0], [0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000]]> : tensor<4x2xf32>
  check.expect_eq %y, %expected : tensor<4x2xf32>
  return
}

// RUN: weft-interpret %s
// The first of the largest, or the first NaN.

func.func @rows() {
  %x = arith.constant dense<
      [[[1.0, 3.0, 3.0], [-2.0, -3.0, -2.0]], [[0x7FC00000, 9.0, 1.0], [1.0, 0x7FC00000, 0x7FC00000]],
      [[0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0x7F800000, 1.0]]]> : tensor<3x2x3xf32>
  %y = weft.argmax %x : (tensor<3x2x3xf32>) -> tensor<3x2xi32>
  %expected = arith.constant dense<[[1, 0], [0, 1], [0, 1]]> : tensor<3x2xi32>
  check.expect_eq %y, %expected : tensor<3x2xi32>
  return
}

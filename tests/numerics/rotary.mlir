// RUN: weft-interpret %s
// (x, y) becomes (x cos - y sin, y cos + x sin); position 0 has the angle 0.

func.func @halves() {
  %x = arith.constant dense<
      [[[[0.26, -0.86, 0.97, 0.19], [0.09, -0.59, -0.12, -2.0]], [[-1.13, 0.36, -2.13, 0.85],
      [-1.75, 0.76, -0.85, 0.78]]]]> : tensor<1x2x2x4xf32>
  %table = arith.constant dense<
      [[[1.0, 0.0], [1.0, 0.0]], [[0.877583, 0.479426], [0.070737, 0.997495]]]> : tensor<2x2x2xf32>
  %y = weft.rotary %x, %table : (tensor<1x2x2x4xf32>, tensor<2x2x2xf32>) -> tensor<1x2x2x4xf32>
  %expected = arith.constant dense<
      [[[[0.26, -0.86, 0.97, 0.19], [0.09, -0.59, -0.12, -2.0]], [[0.02950859, -0.8224054, -2.411003, 0.4192246],
      [-1.128258, -0.724286, -1.584941, 0.8132711]]]]> : tensor<1x2x2x4xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x4xf32>
  return
}

func.func @interleaved() {
  %x = arith.constant dense<
      [[[[0.26, -0.86, 0.97, 0.19], [0.09, -0.59, -0.12, -2.0]], [[-1.13, 0.36, -2.13, 0.85],
      [-1.75, 0.76, -0.85, 0.78]]]]> : tensor<1x2x2x4xf32>
  %table = arith.constant dense<
      [[[1.0, 0.0], [1.0, 0.0]], [[0.877583, 0.479426], [0.070737, 0.997495]]]> : tensor<2x2x2xf32>
  %y = weft.rotary %x, %table {interleaved} : (tensor<1x2x2x4xf32>, tensor<2x2x2xf32>) -> tensor<1x2x2x4xf32>
  %expected = arith.constant dense<
      [[[[0.26, -0.86, 0.97, 0.19], [0.09, -0.59, -0.12, -2.0]], [[-1.164262, -0.2258215, -0.9985406, -2.064538],
      [-1.900134, -0.1720324, -0.8381726, -0.7926959]]]]> : tensor<1x2x2x4xf32>
  check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x4xf32>
  return
}

// Only the first two of three elements turn.
func.func @part_of_the_width() {
  %x = arith.constant dense<[[[[1.0, 2.0, 3.0]]]]> : tensor<1x1x1x3xf32>
  %table = arith.constant dense<[[[0.0, 1.0]]]> : tensor<1x1x2xf32>
  %y = weft.rotary %x, %table : (tensor<1x1x1x3xf32>, tensor<1x1x2xf32>) -> tensor<1x1x1x3xf32>
  %expected = arith.constant dense<[[[[-2.0, 1.0, 3.0]]]]> : tensor<1x1x1x3xf32>
  check.expect_eq %y, %expected : tensor<1x1x1x3xf32>
  return
}

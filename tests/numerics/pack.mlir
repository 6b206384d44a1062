// RUN: weft-interpret %s
// Which element of which weight lies where in a packed matrix.

// Columns of both weights one after another, zero past the fifth.
func.func @one_after_another() {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %v = arith.constant dense<[[11.0, 12.0], [13.0, 14.0]]> : tensor<2x2xf32>
  %p = weft.pack %w, %v {panel = 4 : i64} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<2x2x4xf32>
  %expected = arith.constant dense<
      [[[1.0, 3.0, 5.0, 11.0], [2.0, 4.0, 6.0, 12.0]], [[13.0, 0.0, 0.0, 0.0],
      [14.0, 0.0, 0.0, 0.0]]]> : tensor<2x2x4xf32>
  check.expect_eq %p, %expected : tensor<2x2x4xf32>
  return
}

// Panels of two columns of the first and two of the second; input column k times scale[k].
func.func @interleaved() {
  %gate = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %up = arith.constant dense<[[21.0, 22.0], [23.0, 24.0], [25.0, 26.0]]> : tensor<3x2xf32>
  %g = arith.constant dense<[2.0, 10.0]> : tensor<2xf32>
  %p = weft.pack %gate, %up scale %g {panel = 4 : i64, parts = 2 : i64}
      : (tensor<3x2xf32>, tensor<3x2xf32>, tensor<2xf32>) -> tensor<2x2x4xf32>
  %expected = arith.constant dense<
      [[[2.0, 6.0, 42.0, 46.0], [20.0, 40.0, 220.0, 240.0]], [[10.0, 0.0, 50.0, 0.0],
      [60.0, 0.0, 260.0, 0.0]]]> : tensor<2x2x4xf32>
  check.expect_eq %p, %expected : tensor<2x2x4xf32>
  return
}

// The same matrix, stored as [K, N].
func.func @in_out() {
  %w = arith.constant dense<[[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]> : tensor<2x3xf32>
  %p = weft.pack %w {panel = 2 : i64, in_out} : (tensor<2x3xf32>) -> tensor<2x2x2xf32>
  %expected = arith.constant dense<[[[1.0, 3.0], [2.0, 4.0]], [[5.0, 0.0], [6.0, 0.0]]]> : tensor<2x2x2xf32>
  check.expect_eq %p, %expected : tensor<2x2x2xf32>
  return
}

// Two inputs of a column to a word; 1 + 1/256 lies half-way between two numbers of bf16, 1 + 3/256, too.
func.func @bf16() {
  %w = arith.constant dense<[[1.00390625, 1.01171875, -3.0], [0x7F7FFFFF, 0xFF800000, 0.0]]> : tensor<2x3xf32>
  %p = weft.pack %w {panel = 2 : i64} : (tensor<2x3xf32>) -> tensor<1x2x2x2xbf16>
  %expected = arith.constant dense<
      [[[[1.0, 1.015625], [0x7F80, 0xFF80]], [[-3.0, 0.0], [0.0, 0.0]]]]> : tensor<1x2x2x2xbf16>
  check.expect_eq %p, %expected : tensor<1x2x2x2xbf16>
  return
}

// A scale for each column: 127 becomes 127, and a column of zeros has the scale 0. Rounded after the product with g.
func.func @int8() {
  %w = arith.constant dense<[[127.0, -2.5, 1.5, 0.5, -30.0], [0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x5xf32>
  %g = arith.constant dense<[1.0, 1.0, 1.0, 1.0, 2.0]> : tensor<5xf32>
  %p, %s = weft.pack %w scale %g {panel = 2 : i64}
      : (tensor<2x5xf32>, tensor<5xf32>) -> (tensor<1x2x2x4xi8>, tensor<1x1x2xf32>)
  %expected = arith.constant dense<
      [[[[127, -2, 2, 0], [0, 0, 0, 0]], [[-60, 0, 0, 0], [0, 0, 0, 0]]]]> : tensor<1x2x2x4xi8>
  %scales = arith.constant dense<[[[1.0, 0.0]]]> : tensor<1x1x2xf32>
  check.expect_eq %p, %expected : tensor<1x2x2x4xi8>
  check.expect_eq %s, %scales : tensor<1x1x2xf32>
  return
}

// The largest number becomes -8, whatever its sign.
func.func @int4() {
  %w = arith.constant dense<[[4.0, -4.0, 1.0, 0.75, -0.25, 0.0, 0.0, 0.0, 2.0]]> : tensor<1x9xf32>
  %p, %s = weft.pack %w {panel = 1 : i64} : (tensor<1x9xf32>) -> (tensor<1x2x1x8xi4>, tensor<1x1x1xbf16>)
  %expected = arith.constant dense<[[[[-8, 7, -2, -2, 0, 0, 0, 0]], [[-4, 0, 0, 0, 0, 0, 0, 0]]]]> : tensor<1x2x1x8xi4>
  %scales = arith.constant dense<[[[-0.5]]]> : tensor<1x1x1xbf16>
  check.expect_eq %p, %expected : tensor<1x2x1x8xi4>
  check.expect_eq %s, %scales : tensor<1x1x1xbf16>
  return
}

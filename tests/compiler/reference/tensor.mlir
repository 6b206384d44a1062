// RUN: weft-interpret %s
// Tensors made, cut, joined and reshaped.

func.func @slices() {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  // Run-time offset and size, a stride, and a dimension that is left out.
  %odd = tensor.extract_slice %x[%c1, 0] [1, %c2] [1, 2] : tensor<2x4xf32> to tensor<?xf32>
  %odds = tensor.cast %odd : tensor<?xf32> to tensor<2xf32>
  %fives = arith.constant dense<[5.0, 7.0]> : tensor<2xf32>
  check.expect_eq %odds, %fives : tensor<2xf32>

  %back = tensor.insert_slice %odds into %x[0, %c2] [1, 2] [1, 1] : tensor<2xf32> into tensor<2x4xf32>
  %both = arith.constant dense<[[1.0, 2.0, 5.0, 7.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  check.expect_eq %back, %both : tensor<2x4xf32>
  return
}

func.func @reshapes() {
  %x = arith.constant dense<[[[1, 2, 3]], [[4, 5, 6]]]> : tensor<2x1x3xi32>
  %flat = tensor.collapse_shape %x [[0, 1, 2]] : tensor<2x1x3xi32> into tensor<6xi32>
  %c3 = arith.constant 3 : index
  %d = tensor.cast %flat : tensor<6xi32> to tensor<?xi32>
  %pairs = tensor.expand_shape %d [[0, 1]] output_shape [%c3, 2] : tensor<?xi32> into tensor<?x2xi32>
  %s = tensor.cast %pairs : tensor<?x2xi32> to tensor<3x2xi32>
  %expected = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi32>
  check.expect_eq %s, %expected : tensor<3x2xi32>
  return
}

func.func @made() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %four = tensor.extract %x[%c1, %c1] : tensor<2x2xf32>
  %pair = tensor.from_elements %four, %four : tensor<2xf32>
  %same = tensor.splat %four : tensor<2xf32>
  check.expect_eq %pair, %same : tensor<2xf32>

  %row = arith.constant dense<[[9.0, 8.0]]> : tensor<1x2xf32>
  %below = tensor.concat dim(0) %x, %row : (tensor<2x2xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  %rows = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [9.0, 8.0]]> : tensor<3x2xf32>
  check.expect_eq %below, %rows : tensor<3x2xf32>
  %beside = tensor.concat dim(1) %row, %row : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x4xf32>
  %columns = arith.constant dense<[[9.0, 8.0, 9.0, 8.0]]> : tensor<1x4xf32>
  check.expect_eq %beside, %columns : tensor<1x4xf32>

  %size = tensor.dim %below, %c0 : tensor<3x2xf32>
  %i = arith.index_cast %size : index to i32
  %sizes = tensor.from_elements %i : tensor<1xi32>
  %three = arith.constant dense<3> : tensor<1xi32>
  check.expect_eq %sizes, %three : tensor<1xi32>
  return
}

// What tensor.empty holds must not be read: in the interpreter it is NaN.
func.func @empty() {
  %e = tensor.empty() : tensor<2xf32>
  %nan = arith.constant dense<0x7FC00000> : tensor<2xf32>
  check.expect_eq %e, %nan : tensor<2xf32>
  return
}

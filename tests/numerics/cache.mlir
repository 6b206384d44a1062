// RUN: weft-interpret %s
// A cache is appended to in place: whoever passed the state sees it change.

func.func @append(%state: tensor<2x3x1xf32>, %new: tensor<2x?x1xf32>, %past: index) -> tensor<2x?x1xf32> {
  %all = weft.cache %new into %state at %past : tensor<2x?x1xf32> into tensor<2x3x1xf32> -> tensor<2x?x1xf32>
  return %all : tensor<2x?x1xf32>
}

func.func @twice() {
  %state = arith.constant dense<0.0> : tensor<2x3x1xf32>
  %first = arith.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %second = arith.constant dense<[[[3.0], [4.0]], [[5.0], [6.0]]]> : tensor<2x2x1xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %first_d = tensor.cast %first : tensor<2x1x1xf32> to tensor<2x?x1xf32>
  %second_d = tensor.cast %second : tensor<2x2x1xf32> to tensor<2x?x1xf32>
  %one = call @append(%state, %first_d, %c0) : (tensor<2x3x1xf32>, tensor<2x?x1xf32>, index) -> tensor<2x?x1xf32>
  %one_s = tensor.cast %one : tensor<2x?x1xf32> to tensor<2x1x1xf32>
  check.expect_eq %one_s, %first : tensor<2x1x1xf32>
  %three = call @append(%state, %second_d, %c1) : (tensor<2x3x1xf32>, tensor<2x?x1xf32>, index) -> tensor<2x?x1xf32>
  %three_s = tensor.cast %three : tensor<2x?x1xf32> to tensor<2x3x1xf32>
  %expected = arith.constant dense<[[[1.0], [3.0], [4.0]], [[2.0], [5.0], [6.0]]]> : tensor<2x3x1xf32>
  check.expect_eq %three_s, %expected : tensor<2x3x1xf32>
  check.expect_eq %state, %expected : tensor<2x3x1xf32>
  return
}

// Heads first in memory: the same numbers in the order of the input.
func.func @append_heads(%state: tensor<1x2x3x1xf32>, %new: tensor<1x?x2x1xf32>, %past: index) -> tensor<1x?x2x1xf32> {
  %all = weft.cache %new into %state at %past {position = 2 : i64} : tensor<1x?x2x1xf32> into tensor<1x2x3x1xf32> -> tensor<1x?x2x1xf32>
  return %all : tensor<1x?x2x1xf32>
}

func.func @heads_first() {
  %state = arith.constant dense<0.0> : tensor<1x2x3x1xf32>
  %first = arith.constant dense<[[[[1.0], [2.0]]]]> : tensor<1x1x2x1xf32>
  %second = arith.constant dense<[[[[3.0], [4.0]], [[5.0], [6.0]]]]> : tensor<1x2x2x1xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %first_d = tensor.cast %first : tensor<1x1x2x1xf32> to tensor<1x?x2x1xf32>
  %second_d = tensor.cast %second : tensor<1x2x2x1xf32> to tensor<1x?x2x1xf32>
  %one = call @append_heads(%state, %first_d, %c0) : (tensor<1x2x3x1xf32>, tensor<1x?x2x1xf32>, index) -> tensor<1x?x2x1xf32>
  %one_s = tensor.cast %one : tensor<1x?x2x1xf32> to tensor<1x1x2x1xf32>
  check.expect_eq %one_s, %first : tensor<1x1x2x1xf32>
  %three = call @append_heads(%state, %second_d, %c1) : (tensor<1x2x3x1xf32>, tensor<1x?x2x1xf32>, index) -> tensor<1x?x2x1xf32>
  %three_s = tensor.cast %three : tensor<1x?x2x1xf32> to tensor<1x3x2x1xf32>
  %expected = arith.constant dense<[[[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]]> : tensor<1x3x2x1xf32>
  check.expect_eq %three_s, %expected : tensor<1x3x2x1xf32>
  %lies = arith.constant dense<[[[[1.0], [3.0], [5.0]], [[2.0], [4.0], [6.0]]]]> : tensor<1x2x3x1xf32>
  check.expect_eq %state, %lies : tensor<1x2x3x1xf32>
  return
}

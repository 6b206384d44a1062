// RUN: weft-interpret %s
// Rows of a table; lookup-errors.mlir has the indices that are none.

func.func @rows() {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %ids = arith.constant dense<[[2, 0], [1, 1]]> : tensor<2x2xi32>
  %y = weft.lookup %table, %ids {label = "tokens"} : (tensor<3x2xf32>, tensor<2x2xi32>) -> tensor<2x2x2xf32>
  %expected = arith.constant dense<[[[5.0, 6.0], [1.0, 2.0]], [[3.0, 4.0], [3.0, 4.0]]]> : tensor<2x2x2xf32>
  check.expect_eq %y, %expected : tensor<2x2x2xf32>
  return
}

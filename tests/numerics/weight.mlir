// RUN: weft-interpret %s --weights %S/Inputs/small.safetensors
// A weight is what the checkpoint holds under its name.

func.func @by_name() {
  %w = weft.weight "a.weight" : tensor<3x2xf32>
  %expected = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  check.expect_eq %w, %expected : tensor<3x2xf32>
  return
}

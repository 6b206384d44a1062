// RUN: weft-interpret %s --weights %S/Inputs/small.safetensors
// A parameter is what the entry of weft.parameters with its offset makes of the checkpoint.

module attributes {weft.parameters = [
  {offset = 0 : i64, kind = "plain", weights = ["a.bias"], shapes = [[3]]},
  {offset = 64 : i64, kind = "concat", weights = ["a.bias", "b.bias"], shapes = [[3], [1]]},
  {offset = 128 : i64, kind = "pack", weights = ["a.weight", "b.weight"], shapes = [[3, 2], [1, 2]], panel = 2 : i64,
   parts = 1 : i64, columns = 4 : i64, scale = "norm.weight"}
]} {
  func.func @kinds() {
    %plain = weft.parameter 0 : tensor<3xf32>
    %bias = arith.constant dense<[0.5, 1.5, 2.5]> : tensor<3xf32>
    check.expect_eq %plain, %bias : tensor<3xf32>
    %concat = weft.parameter 64 : tensor<4xf32>
    %biases = arith.constant dense<[0.5, 1.5, 2.5, 3.5]> : tensor<4xf32>
    check.expect_eq %concat, %biases : tensor<4xf32>
    %pack = weft.parameter 128 : tensor<2x2x2xf32>
    %panels = arith.constant dense<[[[10.0, 30.0], [200.0, 400.0]], [[50.0, 70.0], [600.0, 800.0]]]> : tensor<2x2x2xf32>
    check.expect_eq %pack, %panels : tensor<2x2x2xf32>
    return
  }
}

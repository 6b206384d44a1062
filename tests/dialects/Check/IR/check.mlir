// RUN: weft-interpret %s
// What the expectations accept.

func.func @close() {
  %a = arith.constant dense<[1.0, 0x7F800000, 0x7FC00000, 100.0]> : tensor<4xf32>
  %b = arith.constant dense<[1.125, 0x7F800000, 0x7FC00000, 101.0]> : tensor<4xf32>
  check.expect_close %a, %b {atol = 0.125 : f64, rtol = 0.01 : f64} : tensor<4xf32>
  return
}

func.func @equal() {
  %a = arith.constant dense<[0.0, 0x7FC00000]> : tensor<2xf32>
  %b = arith.constant dense<[-0.0, 0x7FC00000]> : tensor<2xf32>
  check.expect_eq %a, %b : tensor<2xf32>
  return
}

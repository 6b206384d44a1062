// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @expect_close_c1(%a: tensor<1xf32>, %b: tensor<2xf32>) {
  // expected-error@+1 {{requires all operands to have the same type}}
  "check.expect_close"(%a, %b) {atol = 0.0 : f64, rtol = 0.0 : f64} : (tensor<1xf32>, tensor<2xf32>) -> ()
  return
}

// -----

func.func @expect_close_c2(%a: tensor<1xf32>) {
  // expected-error@+1 {{'check.expect_close' op needs tolerances of at least 0, but atol is -1.0}}
  check.expect_close %a, %a {atol = -1.0 : f64} : tensor<1xf32>
  return
}

// -----

func.func @expect_eq_c1(%a: tensor<1xi32>, %b: tensor<2xi32>) {
  // expected-error@+1 {{requires all operands to have the same type}}
  "check.expect_eq"(%a, %b) : (tensor<1xi32>, tensor<2xi32>) -> ()
  return
}

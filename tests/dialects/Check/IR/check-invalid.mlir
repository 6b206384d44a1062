// RUN: not weft-interpret %s 2>&1 | FileCheck %s

// CHECK: 'check.expect_close' op needs tolerances of at least 0, but atol is -1.0{{.*}} and rtol is 0
func.func @expect_close_c2(%a: tensor<1xf32>) {
  check.expect_close %a, %a {atol = -1.0 : f64} : tensor<1xf32>
  return
}

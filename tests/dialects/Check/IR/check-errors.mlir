// RUN: not weft-interpret %s 2>&1 | FileCheck %s
// What the expectations refuse, and how they word it.

// CHECK: far: {{.*}}'check.expect_close' worst of 2 wrong elements: element [1, 0] is 3 where 5 was expected, 2 apart
func.func @far() {
  %a = arith.constant dense<[[1.0, 2.5], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[[1.0, 2.0], [5.0, 4.0]]> : tensor<2x2xf32>
  check.expect_close %a, %b {atol = 0.25 : f64} : tensor<2x2xf32>
  return
}

// No tolerance reaches from a number to NaN or infinity.
// CHECK: nan: {{.*}}element [0] is nan where 1 was expected, inf apart
func.func @nan() {
  %a = arith.constant dense<0x7FC00000> : tensor<1xf32>
  %b = arith.constant dense<1.0> : tensor<1xf32>
  check.expect_close %a, %b {atol = 1.0e30 : f64} : tensor<1xf32>
  return
}

// CHECK: infinite: {{.*}}element [0] is 1 where inf was expected
func.func @infinite() {
  %a = arith.constant dense<1.0> : tensor<1xf32>
  %b = arith.constant dense<0x7F800000> : tensor<1xf32>
  check.expect_close %a, %b {rtol = 1.0 : f64} : tensor<1xf32>
  return
}

// CHECK: unequal: {{.*}}'check.expect_eq' worst of 1 wrong elements: element [1] is 2 where 3 was expected
func.func @unequal() {
  %a = arith.constant dense<[1, 2]> : tensor<2xi32>
  %b = arith.constant dense<[1, 3]> : tensor<2xi32>
  check.expect_eq %a, %b : tensor<2xi32>
  return
}

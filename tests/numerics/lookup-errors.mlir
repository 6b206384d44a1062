// RUN: not weft-interpret %s 2>&1 | FileCheck %s
// An index that names no row is an error of the call; it is never followed.

// CHECK: too_large: {{.*}}:[[# @LINE + 4]]:{{[0-9]+}}: 'weft.lookup' 'tokens' is 3 at position [1], but the table has rows 0 to 2
func.func @too_large() {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %ids = arith.constant dense<[0, 3]> : tensor<2xi32>
  %y = weft.lookup %table, %ids {label = "tokens"} : (tensor<3x2xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  return
}

// CHECK: negative: {{.*}}:[[# @LINE + 4]]:{{[0-9]+}}: 'weft.lookup' 'tokens' is -1 at position [1], but the table has rows 0 to 2
func.func @negative() {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %ids = arith.constant dense<[0, -1]> : tensor<2xi32>
  %y = weft.lookup %table, %ids {label = "tokens"} : (tensor<3x2xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  return
}

// RUN: weft-interpret %s
// Loops with states: each round begins with what the one before has left.

func.func @fibonacci() {
  %a = arith.constant dense<0> : tensor<1xi32>
  %b = arith.constant dense<1> : tensor<1xi32>
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c9 = arith.constant 9 : index
  // Rounds 0, 2, 4, 6 and 8.
  %r:2 = scf.for %i = %c0 to %c9 step %c2 iter_args(%s = %a, %t = %b) -> (tensor<1xi32>, tensor<1xi32>) {
    %sum = arith.addi %s, %t : tensor<1xi32>
    scf.yield %t, %sum : tensor<1xi32>, tensor<1xi32>
  }
  %five = arith.constant dense<5> : tensor<1xi32>
  %eight = arith.constant dense<8> : tensor<1xi32>
  check.expect_eq %r#0, %five : tensor<1xi32>
  check.expect_eq %r#1, %eight : tensor<1xi32>
  return
}

func.func @no_rounds() {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c1 to %c0 step %c1 iter_args(%s = %x) -> (tensor<2xf32>) {
    %y = weft.softmax %s : (tensor<2xf32>) -> tensor<2xf32>
    scf.yield %y : tensor<2xf32>
  }
  check.expect_eq %r, %x : tensor<2xf32>
  return
}

func.func @positions() {
  %x = arith.constant dense<[1.0, 2.0, 4.0]> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%s = %zero, %all = %x) -> (tensor<f32>, tensor<3xf32>) {
    %at = tensor.extract_slice %x[%i] [1] [1] : tensor<3xf32> to tensor<f32>
    %sum = arith.addf %s, %at : tensor<f32>
    %next = tensor.insert_slice %sum into %all[%i] [1] [1] : tensor<f32> into tensor<3xf32>
    scf.yield %sum, %next : tensor<f32>, tensor<3xf32>
  }
  %sums = arith.constant dense<[1.0, 3.0, 7.0]> : tensor<3xf32>
  check.expect_eq %r#1, %sums : tensor<3xf32>
  return
}

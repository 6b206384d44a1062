// RUN: weft-interpret %s
// arith and math: integers of their widths, comparisons with NaN, conversions, f64 where the IR says so.

func.func @integers() {
  %a = arith.constant dense<[7, -7, 2147483647]> : tensor<3xi32>
  %b = arith.constant dense<[2, 2, 1]> : tensor<3xi32>
  %sum = arith.addi %a, %b : tensor<3xi32>
  %sums = arith.constant dense<[9, -5, -2147483648]> : tensor<3xi32>
  check.expect_eq %sum, %sums : tensor<3xi32>
  %quotient = arith.divsi %a, %b : tensor<3xi32>
  %quotients = arith.constant dense<[3, -3, 2147483647]> : tensor<3xi32>
  check.expect_eq %quotient, %quotients : tensor<3xi32>
  %floor = arith.floordivsi %a, %b : tensor<3xi32>
  %floors = arith.constant dense<[3, -4, 2147483647]> : tensor<3xi32>
  check.expect_eq %floor, %floors : tensor<3xi32>
  %rest = arith.remsi %a, %b : tensor<3xi32>
  %rests = arith.constant dense<[1, -1, 0]> : tensor<3xi32>
  check.expect_eq %rest, %rests : tensor<3xi32>
  %logical = arith.shrui %a, %b : tensor<3xi32>
  %logicals = arith.constant dense<[1, 1073741822, 1073741823]> : tensor<3xi32>
  check.expect_eq %logical, %logicals : tensor<3xi32>
  %unsigned = arith.maxui %a, %b : tensor<3xi32>
  %largest = arith.constant dense<[7, -7, 2147483647]> : tensor<3xi32>
  check.expect_eq %unsigned, %largest : tensor<3xi32>
  return
}

func.func @comparisons() {
  %a = arith.constant dense<[1.0, 0x7FC00000, 2.0]> : tensor<3xf32>
  %b = arith.constant dense<[2.0, 1.0, 2.0]> : tensor<3xf32>
  %ordered = arith.cmpf ole, %a, %b : tensor<3xf32>
  %oles = arith.constant dense<[true, false, true]> : tensor<3xi1>
  check.expect_eq %ordered, %oles : tensor<3xi1>
  %unordered = arith.cmpf ugt, %a, %b : tensor<3xf32>
  %ugts = arith.constant dense<[false, true, false]> : tensor<3xi1>
  check.expect_eq %unordered, %ugts : tensor<3xi1>
  %chosen = arith.select %ordered, %a, %b : tensor<3xi1>, tensor<3xf32>
  %expected = arith.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>
  check.expect_eq %chosen, %expected : tensor<3xf32>
  %number = arith.maxnumf %a, %b : tensor<3xf32>
  %numbers = arith.constant dense<[2.0, 1.0, 2.0]> : tensor<3xf32>
  check.expect_eq %number, %numbers : tensor<3xf32>
  %maximum = arith.maximumf %a, %b : tensor<3xf32>
  %maxima = arith.constant dense<[2.0, 0x7FC00000, 2.0]> : tensor<3xf32>
  check.expect_eq %maximum, %maxima : tensor<3xf32>
  return
}

func.func @conversions() {
  %i = arith.constant dense<[-3, 5]> : tensor<2xi32>
  %f = arith.sitofp %i : tensor<2xi32> to tensor<2xf32>
  %fs = arith.constant dense<[-3.0, 5.0]> : tensor<2xf32>
  check.expect_eq %f, %fs : tensor<2xf32>
  %narrow = arith.trunci %i : tensor<2xi32> to tensor<2xi8>
  %wide = arith.extui %narrow : tensor<2xi8> to tensor<2xi32>
  %bytes = arith.constant dense<[253, 5]> : tensor<2xi32>
  check.expect_eq %wide, %bytes : tensor<2xi32>
  %x = arith.constant dense<[-2.75, 2.75]> : tensor<2xf32>
  %toward_zero = arith.fptosi %x : tensor<2xf32> to tensor<2xi32>
  %integers = arith.constant dense<[-2, 2]> : tensor<2xi32>
  check.expect_eq %toward_zero, %integers : tensor<2xi32>
  return
}

// f64 keeps its digits in either precision: 1 + 2^-40 - 1.
func.func @double() {
  %one = arith.constant dense<1.0> : tensor<1xf64>
  %tiny = arith.constant dense<9.094947017729282379150390625e-13> : tensor<1xf64>
  %sum = arith.addf %one, %tiny : tensor<1xf64>
  %rest = arith.subf %sum, %one : tensor<1xf64>
  check.expect_eq %rest, %tiny : tensor<1xf64>
  return
}

// Values from numpy and scipy.
func.func @functions() {
  %x = arith.constant dense<[-1.5, 0.25, 2.0]> : tensor<3xf32>
  %erf = math.erf %x : tensor<3xf32>
  %erfs = arith.constant dense<[-0.9661051, 0.2763264, 0.9953223]> : tensor<3xf32>
  check.expect_close %erf, %erfs {atol = 1.0e-7 : f64} : tensor<3xf32>
  %tanh = math.tanh %x : tensor<3xf32>
  %tanhs = arith.constant dense<[-0.9051483, 0.2449187, 0.9640276]> : tensor<3xf32>
  check.expect_close %tanh, %tanhs {atol = 1.0e-7 : f64} : tensor<3xf32>
  %exp = math.exp %x : tensor<3xf32>
  %exps = arith.constant dense<[0.22313016, 1.2840254, 7.3890561]> : tensor<3xf32>
  check.expect_close %exp, %exps {rtol = 2.0e-7 : f64} : tensor<3xf32>
  return
}

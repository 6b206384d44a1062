// RUN: weft-interpret %s
// Structured ops: maps, reductions, linalg.index, bodies that read tables, named ops.

#row = affine_map<(d0, d1) -> (d0)>
#both = affine_map<(d0, d1) -> (d0, d1)>
#transposed = affine_map<(d0, d1) -> (d1, d0)>
#pairs = affine_map<(d0, d1) -> (d0 * 2 + d1)>
#halves = affine_map<(d0) -> (d0 floordiv 2)>
#same = affine_map<(d0) -> (d0)>

// The sum over a row, and its largest element, in one loop nest.
func.func @two_reductions() {
  %x = arith.constant dense<[[1.0, 5.0, 2.0], [4.0, -1.0, 3.0]]> : tensor<2x3xf32>
  %sum0 = arith.constant dense<[100.0, 0.0]> : tensor<2xf32>
  %max0 = arith.constant dense<0xFF800000> : tensor<2xf32>
  %sum, %max = linalg.generic {indexing_maps = [#both, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x3xf32>) outs(%sum0, %max0 : tensor<2xf32>, tensor<2xf32>) {
  ^bb0(%in: f32, %s: f32, %m: f32):
    %0 = arith.addf %s, %in : f32
    %1 = arith.maximumf %m, %in : f32
    linalg.yield %0, %1 : f32, f32
  } -> (tensor<2xf32>, tensor<2xf32>)
  %sums = arith.constant dense<[108.0, 6.0]> : tensor<2xf32>
  %maxima = arith.constant dense<[5.0, 4.0]> : tensor<2xf32>
  check.expect_eq %sum, %sums : tensor<2xf32>
  check.expect_eq %max, %maxima : tensor<2xf32>
  return
}

// Indices, a transposed operand, a captured scalar and a captured table.
func.func @indices_and_captures() {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %table = arith.constant dense<[0.0, 100.0, 200.0]> : tensor<3xf32>
  %half = arith.constant 0.5 : f32
  %empty = tensor.empty() : tensor<2x3xf32>
  %y = linalg.generic {indexing_maps = [#transposed, #both], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x2xf32>) outs(%empty : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %row = linalg.index 0 : index
    %column = linalg.index 1 : index
    %entry = tensor.extract %table[%column] : tensor<3xf32>
    %i = arith.index_cast %row : index to i32
    %f = arith.sitofp %i : i32 to f32
    %0 = arith.mulf %f, %half : f32
    %1 = arith.addf %in, %0 : f32
    %2 = arith.addf %1, %entry : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  %expected = arith.constant dense<[[1.0, 103.0, 205.0], [2.5, 104.5, 206.5]]> : tensor<2x3xf32>
  check.expect_eq %y, %expected : tensor<2x3xf32>
  return
}

// Maps that are no projections.
func.func @affine_maps() {
  %x = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %pairs = linalg.generic {indexing_maps = [#pairs, #both], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x2xf32>
  %expected = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  check.expect_eq %pairs, %expected : tensor<2x2xf32>

  %zeros = arith.constant dense<0.0> : tensor<4xf32>
  %halves = linalg.generic {indexing_maps = [#halves, #same], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%zeros : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<4xf32>
  %doubled = arith.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
  check.expect_eq %halves, %doubled : tensor<4xf32>
  return
}

func.func @named_ops() {
  %a = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[[5.0, 6.0], [7.0, 8.0]]> : tensor<2x2xf32>
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<2x2xf32>
  %ones = linalg.fill ins(%one : f32) outs(%empty : tensor<2x2xf32>) -> tensor<2x2xf32>
  %product = linalg.matmul ins(%a, %b : tensor<2x2xf32>, tensor<2x2xf32>) outs(%ones : tensor<2x2xf32>)
      -> tensor<2x2xf32>
  %products = arith.constant dense<[[20.0, 23.0], [44.0, 51.0]]> : tensor<2x2xf32>
  check.expect_eq %product, %products : tensor<2x2xf32>

  %transposed = linalg.transpose ins(%a : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
  %turned = arith.constant dense<[[1.0, 3.0], [2.0, 4.0]]> : tensor<2x2xf32>
  check.expect_eq %transposed, %turned : tensor<2x2xf32>

  %row = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %broadcast = linalg.broadcast ins(%row : tensor<2xf32>) outs(%empty : tensor<2x2xf32>) dimensions = [0]
  %rows = arith.constant dense<[[1.0, 2.0], [1.0, 2.0]]> : tensor<2x2xf32>
  check.expect_eq %broadcast, %rows : tensor<2x2xf32>

  %none = arith.constant dense<0.0> : tensor<2xf32>
  %reduced = linalg.reduce { arith.addf } ins(%a : tensor<2x2xf32>) outs(%none : tensor<2xf32>) dimensions = [1]
  %sums = arith.constant dense<[3.0, 7.0]> : tensor<2xf32>
  check.expect_eq %reduced, %sums : tensor<2xf32>
  return
}

// Enough iterations to be shared among threads: 1 + 1 in each element.
func.func @many_iterations() {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<300x200xf32>
  %ones = linalg.fill ins(%one : f32) outs(%empty : tensor<300x200xf32>) -> tensor<300x200xf32>
  %twos = linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%ones : tensor<300x200xf32>) outs(%empty : tensor<300x200xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %one : f32
    linalg.yield %0 : f32
  } -> tensor<300x200xf32>
  %expected = arith.constant dense<2.0> : tensor<300x200xf32>
  check.expect_eq %twos, %expected : tensor<300x200xf32>
  return
}

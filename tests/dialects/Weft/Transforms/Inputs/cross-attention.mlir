// Two layers of cross-attention to one memory, with weights stored in_out, biases on some of the projections only, an
// embedding that is both table and output, and a function of another entry point that shares it.
#row = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#perColumn = affine_map<(d0, d1, d2) -> (d2)>

func.func @decode(%tokens: tensor<?x?xi32>, %memory: tensor<?x?x12xf32>) -> tensor<?x?x20xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %s = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %t = tensor.dim %memory, %c1 : tensor<?x?x12xf32>
  %table = weft.weight "table" : tensor<20x8xf32>
  %x = weft.lookup %table, %tokens {label = "tokens"} : (tensor<20x8xf32>, tensor<?x?xi32>) -> tensor<?x?x8xf32>

  %wq1 = weft.weight "1.q" : tensor<8x8xf32>
  %wk1 = weft.weight "1.k" : tensor<12x8xf32>
  %wv1 = weft.weight "1.v" : tensor<12x8xf32>
  %q1 = weft.linear %x, %wq1 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %k1 = weft.linear %memory, %wk1 {in_out} : (tensor<?x?x12xf32>, tensor<12x8xf32>) -> tensor<?x?x8xf32>
  %v1 = weft.linear %memory, %wv1 {in_out} : (tensor<?x?x12xf32>, tensor<12x8xf32>) -> tensor<?x?x8xf32>
  %qh1 = tensor.expand_shape %q1 [[0], [1], [2, 3]] output_shape [%b, %s, 2, 4] : tensor<?x?x8xf32> into tensor<?x?x2x4xf32>
  %kh1 = tensor.expand_shape %k1 [[0], [1], [2, 3]] output_shape [%b, %t, 2, 4] : tensor<?x?x8xf32> into tensor<?x?x2x4xf32>
  %vh1 = tensor.expand_shape %v1 [[0], [1], [2, 3]] output_shape [%b, %t, 2, 4] : tensor<?x?x8xf32> into tensor<?x?x2x4xf32>
  %a1 = weft.attention %qh1, %kh1, %vh1 {scale = 0.5 : f64}
      : (tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>) -> tensor<?x?x2x4xf32>
  %f1 = tensor.collapse_shape %a1 [[0], [1], [2, 3]] : tensor<?x?x2x4xf32> into tensor<?x?x8xf32>

  %wq2 = weft.weight "2.q" : tensor<8x8xf32>
  %bq2 = weft.weight "2.q.bias" : tensor<8xf32>
  %wk2 = weft.weight "2.k" : tensor<12x8xf32>
  %wv2 = weft.weight "2.v" : tensor<12x8xf32>
  %bv2 = weft.weight "2.v.bias" : tensor<8xf32>
  %q2 = weft.linear %f1, %wq2 bias %bq2 : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %k2 = weft.linear %memory, %wk2 {in_out} : (tensor<?x?x12xf32>, tensor<12x8xf32>) -> tensor<?x?x8xf32>
  %v2 = weft.linear %memory, %wv2 bias %bv2 {in_out}
      : (tensor<?x?x12xf32>, tensor<12x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %qh2 = tensor.expand_shape %q2 [[0], [1], [2, 3]] output_shape [%b, %s, 2, 4] : tensor<?x?x8xf32> into tensor<?x?x2x4xf32>
  %kh2 = tensor.expand_shape %k2 [[0], [1], [2, 3]] output_shape [%b, %t, 2, 4] : tensor<?x?x8xf32> into tensor<?x?x2x4xf32>
  %vh2 = tensor.expand_shape %v2 [[0], [1], [2, 3]] output_shape [%b, %t, 2, 4] : tensor<?x?x8xf32> into tensor<?x?x2x4xf32>
  %a2 = weft.attention %qh2, %kh2, %vh2 {scale = 0.5 : f64}
      : (tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>, tensor<?x?x2x4xf32>) -> tensor<?x?x2x4xf32>
  %f2 = tensor.collapse_shape %a2 [[0], [1], [2, 3]] : tensor<?x?x2x4xf32> into tensor<?x?x8xf32>

  // Two projections of different inputs in one formula, and a vector of columns.
  %wo = weft.weight "o" : tensor<8x8xf32>
  %wr = weft.weight "r" : tensor<8x8xf32>
  %g = weft.weight "g" : tensor<8xf32>
  %o = weft.linear %f2, %wo : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %r = weft.linear %x, %wr : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %e = tensor.empty(%b, %s) : tensor<?x?x8xf32>
  %m = linalg.generic {indexing_maps = [#row, #row, #perColumn, #row],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%o, %r, %g : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %c: f32, %u: f32):
    %0 = arith.mulf %q, %c : f32
    %1 = math.tanh %p : f32
    %2 = arith.subf %1, %0 : f32
    linalg.yield %2 : f32
  } -> tensor<?x?x8xf32>
  %n = weft.weight "norm" : tensor<8xf32>
  %h = weft.rms_norm %m scale %n {eps = 1.0e-5} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %y = weft.linear %h, %table : (tensor<?x?x8xf32>, tensor<20x8xf32>) -> tensor<?x?x20xf32>
  return %y : tensor<?x?x20xf32>
}

func.func @embed(%tokens: tensor<?x?xi32>) -> (tensor<?x?x8xf32>, tensor<?x?x20xf32>) {
  %table = weft.weight "table" : tensor<20x8xf32>
  %x = weft.lookup %table, %tokens {label = "tokens"} : (tensor<20x8xf32>, tensor<?x?xi32>) -> tensor<?x?x8xf32>
  %y = weft.linear %x, %table : (tensor<?x?x8xf32>, tensor<20x8xf32>) -> tensor<?x?x20xf32>
  return %x, %y : tensor<?x?x8xf32>, tensor<?x?x20xf32>
}

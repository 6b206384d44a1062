#row = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#heads = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#perHead = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// RMS norms, biased query, key and value of grouped heads, a gate in two formulas, residuals, and an output that is
// scaled for each head: what every fusion applies to.
func.func @block(%x: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x64xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x64xf32>
  %ns = weft.weight "n" : tensor<64xf32>
  %h = weft.rms_norm %x scale %ns {eps = 1.0e-5} : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %wq = weft.weight "q" : tensor<64x64xf32>
  %bq = weft.weight "qb" : tensor<64xf32>
  %q = weft.linear %h, %wq bias %bq : (tensor<?x?x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %qh = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [%b, %s, 8, 8] : tensor<?x?x64xf32> into tensor<?x?x8x8xf32>
  %wk = weft.weight "k" : tensor<32x64xf32>
  %bk = weft.weight "kb" : tensor<32xf32>
  %k = weft.linear %h, %wk bias %bk : (tensor<?x?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x?x32xf32>
  %kh = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [%b, %s, 4, 8] : tensor<?x?x32xf32> into tensor<?x?x4x8xf32>
  %wv = weft.weight "v" : tensor<32x64xf32>
  %bv = weft.weight "vb" : tensor<32xf32>
  %v = weft.linear %h, %wv bias %bv : (tensor<?x?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x?x32xf32>
  %vh = tensor.expand_shape %v [[0], [1], [2, 3]] output_shape [%b, %s, 4, 8] : tensor<?x?x32xf32> into tensor<?x?x4x8xf32>
  %a = weft.attention %qh, %kh, %vh {scale = 0.35 : f64}
     mask { ^bb0(%bi: index, %hi: index, %i: index, %j: index):
        %m = arith.cmpi sle, %j, %i : index
        weft.yield %m : i1 } : (tensor<?x?x8x8xf32>, tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>) -> tensor<?x?x8x8xf32>
  %ac = tensor.collapse_shape %a [[0], [1], [2, 3]] : tensor<?x?x8x8xf32> into tensor<?x?x64xf32>
  %wo = weft.weight "o" : tensor<64x64xf32>
  %o = weft.linear %ac, %wo : (tensor<?x?x64xf32>, tensor<64x64xf32>) -> tensor<?x?x64xf32>
  %e = tensor.empty(%b, %s) : tensor<?x?x64xf32>
  %x1 = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %o : tensor<?x?x64xf32>, tensor<?x?x64xf32>) outs(%e : tensor<?x?x64xf32>) {
    ^bb0(%p: f32, %r: f32, %u: f32):
    %t = arith.addf %p, %r : f32
    linalg.yield %t : f32 } -> tensor<?x?x64xf32>
  %ns2 = weft.weight "n2" : tensor<64xf32>
  %h2 = weft.rms_norm %x1 scale %ns2 {eps = 1.0e-5} : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %wg = weft.weight "g" : tensor<172x64xf32>
  %wu = weft.weight "u" : tensor<172x64xf32>
  %g = weft.linear %h2, %wg : (tensor<?x?x64xf32>, tensor<172x64xf32>) -> tensor<?x?x172xf32>
  %one = arith.constant 1.0 : f32
  %e2 = tensor.empty(%b, %s) : tensor<?x?x172xf32>
  %sw = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel", "parallel"]} ins(%g : tensor<?x?x172xf32>) outs(%e2 : tensor<?x?x172xf32>) {
    ^bb0(%p: f32, %u: f32):
    %n = arith.negf %p : f32
    %ex = math.exp %n : f32
    %d = arith.addf %ex, %one : f32
    %t = arith.divf %p, %d : f32
    linalg.yield %t : f32 } -> tensor<?x?x172xf32>
  %up = weft.linear %h2, %wu : (tensor<?x?x64xf32>, tensor<172x64xf32>) -> tensor<?x?x172xf32>
  %m = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel", "parallel"]} ins(%sw, %up : tensor<?x?x172xf32>, tensor<?x?x172xf32>) outs(%e2 : tensor<?x?x172xf32>) {
    ^bb0(%p: f32, %r: f32, %u: f32):
    %t = arith.mulf %p, %r : f32
    linalg.yield %t : f32 } -> tensor<?x?x172xf32>
  %wd = weft.weight "d" : tensor<64x172xf32>
  %dn = weft.linear %m, %wd : (tensor<?x?x172xf32>, tensor<64x172xf32>) -> tensor<?x?x64xf32>
  %x2 = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x1, %dn : tensor<?x?x64xf32>, tensor<?x?x64xf32>) outs(%e : tensor<?x?x64xf32>) {
    ^bb0(%p: f32, %r: f32, %u: f32):
    %t = arith.addf %p, %r : f32
    linalg.yield %t : f32 } -> tensor<?x?x64xf32>
  %ws = weft.weight "s" : tensor<64x64xf32>
  %z = weft.linear %x2, %ws : (tensor<?x?x64xf32>, tensor<64x64xf32>) -> tensor<?x?x64xf32>
  %zh = tensor.expand_shape %z [[0], [1], [2, 3]] output_shape [%b, %s, 8, 8] : tensor<?x?x64xf32> into tensor<?x?x8x8xf32>
  %hb = weft.weight "hb" : tensor<8x8xf32>
  %e4 = tensor.empty(%b, %s) : tensor<?x?x8x8xf32>
  %y = linalg.generic {indexing_maps = [#heads, #heads, #perHead, #heads], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%zh, %a, %hb : tensor<?x?x8x8xf32>, tensor<?x?x8x8xf32>, tensor<8x8xf32>) outs(%e4 : tensor<?x?x8x8xf32>) {
    ^bb0(%p: f32, %r: f32, %b1: f32, %u: f32):
    %t = arith.addf %p, %r : f32
    %t2 = arith.mulf %t, %b1 : f32
    linalg.yield %t2 : f32 } -> tensor<?x?x8x8xf32>
  %yc = tensor.collapse_shape %y [[0], [1], [2, 3]] : tensor<?x?x8x8xf32> into tensor<?x?x64xf32>
  return %yc : tensor<?x?x64xf32>
}

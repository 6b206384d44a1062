// RUN: weft-opt %s -weft-fuse-attention -canonicalize -cse -split-input-file -mlir-print-local-scope | FileCheck %s

// Two heads, causal, scaled after the product: the scale leaves the formula, its condition becomes the mask. Nothing has
// to be transposed.
// CHECK-LABEL: @causal
// CHECK-SAME:  %[[Q:[^:]*]]: tensor<?x?x2x8xf32>, %[[K:[^:]*]]: tensor<?x?x2x8xf32>, %[[V:[^:]*]]: tensor<?x?x2x8xf32>
// CHECK-NEXT:  %[[Y:.*]] = weft.attention %[[Q]], %[[K]], %[[V]] {scale = 2.500000e-01 : f64} mask {
// CHECK-NEXT:  ^bb0(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index):
// CHECK-NEXT:    %[[M:.*]] = arith.cmpi sle, %[[J]], %[[I]] : index
// CHECK-NEXT:    weft.yield %[[M]]
// CHECK-NEXT:  }
// CHECK-NOT:   score
// CHECK:       return %[[Y]]
func.func @causal(%q: tensor<?x?x2x8xf32>, %k: tensor<?x?x2x8xf32>, %v: tensor<?x?x2x8xf32>, %b: index, %s: index)
    -> tensor<?x?x2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%b, %s, %s) : tensor<?x2x?x?xf32>
  %e0 = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %t = linalg.generic {
      indexing_maps = [affine_map<(b, i, h, d, j) -> (b, i, h, d)>, affine_map<(b, i, h, d, j) -> (b, j, h, d)>,
                       affine_map<(b, i, h, d, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]}
      ins(%q, %k : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>) outs(%e0 : tensor<?x2x?x?xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %n = arith.addf %o, %m : f32
    linalg.yield %n : f32
  } -> tensor<?x2x?x?xf32>
  %f = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%t : tensor<?x2x?x?xf32>) outs(%e : tensor<?x2x?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %four = arith.constant 4.0 : f32
    %never = arith.constant 0xFF800000 : f32
    %scaled = arith.divf %a, %four : f32
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sle, %j, %i : index
    %m = arith.select %c, %scaled, %never : f32
    linalg.yield %m : f32
  } -> tensor<?x2x?x?xf32>
  %p = weft.softmax %f : (tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %u = tensor.empty(%b, %s) : tensor<?x?x2x8xf32>
  %u0 = linalg.fill ins(%zero : f32) outs(%u : tensor<?x?x2x8xf32>) -> tensor<?x?x2x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(b, i, h, j, d) -> (b, h, i, j)>, affine_map<(b, i, h, j, d) -> (b, j, h, d)>,
                       affine_map<(b, i, h, j, d) -> (b, i, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]}
      ins(%p, %v : tensor<?x2x?x?xf32>, tensor<?x?x2x8xf32>) outs(%u0 : tensor<?x?x2x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %n = arith.addf %o, %m : f32
    linalg.yield %n : f32
  } -> tensor<?x?x2x8xf32>
  return %y : tensor<?x?x2x8xf32>
}

// -----

// Ops with names are sums of products as well. Batch and heads, outside of the positions, are one dimension; the keys
// lie as matmul wants them.
// CHECK-LABEL: @named
// CHECK-SAME:  %[[Q:[^:]*]]: tensor<6x?x8xf32>, %[[K:[^:]*]]: tensor<6x8x?xf32>, %[[V:[^:]*]]: tensor<6x?x5xf32>
// CHECK-DAG:   %[[KT:.*]] = linalg.transpose ins(%[[K]] {{.*}} permutation = [0, 2, 1]
// CHECK-DAG:   %[[Q4:.*]] = tensor.expand_shape %[[Q]] {{.*}} into tensor<6x?x1x8xf32>
// CHECK-DAG:   %[[K4:.*]] = tensor.expand_shape %[[KT]] {{.*}} into tensor<6x?x1x8xf32>
// CHECK-DAG:   %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} into tensor<6x?x1x5xf32>
// CHECK:       weft.attention %[[Q4]], %[[K4]], %[[V4]] {scale = 1.000000e+00 : f64} :
func.func @named(%q: tensor<6x?x8xf32>, %k: tensor<6x8x?xf32>, %v: tensor<6x?x5xf32>, %s: index, %t: index)
    -> tensor<6x?x5xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%s, %t) : tensor<6x?x?xf32>
  %e0 = linalg.fill ins(%zero : f32) outs(%e : tensor<6x?x?xf32>) -> tensor<6x?x?xf32>
  %r = linalg.batch_matmul ins(%q, %k : tensor<6x?x8xf32>, tensor<6x8x?xf32>) outs(%e0 : tensor<6x?x?xf32>) -> tensor<6x?x?xf32>
  %p = weft.softmax %r : (tensor<6x?x?xf32>) -> tensor<6x?x?xf32>
  %u = tensor.empty(%s) : tensor<6x?x5xf32>
  %u0 = linalg.fill ins(%zero : f32) outs(%u : tensor<6x?x5xf32>) -> tensor<6x?x5xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<6x?x?xf32>, tensor<6x?x5xf32>) outs(%u0 : tensor<6x?x5xf32>) -> tensor<6x?x5xf32>
  return %y : tensor<6x?x5xf32>
}

// -----

// A softmax written out, of capped scores; what is divided is the sum over the values, in the op that uses it.
// CHECK-LABEL: @written_out
// CHECK-SAME:  %[[Q:[^:]*]]: tensor<?x8xf32>, %[[K:[^:]*]]: tensor<?x8xf32>, %[[V:[^:]*]]: tensor<?x5xf32>, %[[R:[^:]*]]: tensor<?x5xf32>
// CHECK:       %[[A:.*]] = weft.attention {{.*}} {scale = 5.000000e-02 : f64} score {
// CHECK-NEXT:  ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:    %[[TANH:.*]] = math.tanh %[[S]]
// CHECK-NEXT:    %[[CAPPED:.*]] = arith.mulf %[[TANH]], %{{.*}}
// CHECK-NEXT:    weft.yield %[[CAPPED]]
// CHECK:       %[[A2:.*]] = tensor.collapse_shape %[[A]]
// CHECK:       linalg.generic {{.*}} ins(%[[A2]], %{{.*}}, %[[R]] :
// CHECK-NEXT:  ^bb0(%[[X:.*]]: f32, %{{.*}}: f32, %[[Y:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[X]], %[[Y]]
// CHECK-NEXT:    linalg.yield %[[SUM]]
func.func @written_out(%q: tensor<?x8xf32>, %k: tensor<?x8xf32>, %v: tensor<?x5xf32>, %residual: tensor<?x5xf32>,
                       %s: index, %t: index) -> tensor<?x5xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %twenty = arith.constant 20.0 : f32
  %e = tensor.empty(%s, %t) : tensor<?x?xf32>
  %e0 = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %r = linalg.contract
      indexing_maps = [affine_map<(i, j, d) -> (i, d)>, affine_map<(i, j, d) -> (j, d)>, affine_map<(i, j, d) -> (i, j)>]
      ins(%q, %k : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %capped = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                            iterator_types = ["parallel", "parallel"]}
      ins(%r : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %d = arith.divf %a, %twenty : f32
    %h = math.tanh %d : f32
    %m = arith.mulf %h, %twenty : f32
    linalg.yield %m : f32
  } -> tensor<?x?xf32>
  %n = tensor.empty(%s) : tensor<?xf32>
  %n0 = linalg.fill ins(%lowest : f32) outs(%n : tensor<?xf32>) -> tensor<?xf32>
  %max = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                         iterator_types = ["parallel", "reduction"]}
      ins(%capped : tensor<?x?xf32>) outs(%n0 : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %o, %a : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %exp = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%capped, %max : tensor<?x?xf32>, tensor<?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %x = math.exp %d : f32
    linalg.yield %x : f32
  } -> tensor<?x?xf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%n : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                         iterator_types = ["parallel", "reduction"]}
      ins(%exp : tensor<?x?xf32>) outs(%z0 : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.addf %o, %a : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %u = tensor.empty(%s) : tensor<?x5xf32>
  %u0 = linalg.fill ins(%zero : f32) outs(%u : tensor<?x5xf32>) -> tensor<?x5xf32>
  %weighed = linalg.matmul ins(%exp, %v : tensor<?x?xf32>, tensor<?x5xf32>) outs(%u0 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, d) -> (i, d)>, affine_map<(i, d) -> (i)>, affine_map<(i, d) -> (i, d)>,
                       affine_map<(i, d) -> (i, d)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%weighed, %sum, %residual : tensor<?x5xf32>, tensor<?xf32>, tensor<?x5xf32>) outs(%u : tensor<?x5xf32>) {
  ^bb0(%a: f32, %z: f32, %x: f32, %o: f32):
    %d = arith.divf %a, %z : f32
    %m = arith.addf %d, %x : f32
    linalg.yield %m : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// Four heads of queries, two of keys, and a factor for each head, which is no part of the width.
// CHECK-LABEL: @grouped
// CHECK-SAME:  %[[Q:[^:]*]]: tensor<?x2x2x8xf32>, %[[K:[^:]*]]: tensor<?x2x8xf32>, %[[V:[^:]*]]: tensor<?x2x8xf32>, %[[F:[^:]*]]: tensor<2xi32>
// CHECK-DAG:   %[[Q4:.*]] = tensor.expand_shape %{{.*}} into tensor<1x?x4x8xf32>
// CHECK-DAG:   %[[K4:.*]] = tensor.expand_shape %[[K]] {{.*}} into tensor<1x?x2x8xf32>
// CHECK-DAG:   %[[V4:.*]] = tensor.expand_shape %[[V]] {{.*}} into tensor<1x?x2x8xf32>
// CHECK:       weft.attention %[[Q4]], %[[K4]], %[[V4]] {scale = -3.000000e+00 : f64} score {
// CHECK-NEXT:  ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %[[H:.*]]: index, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:    %[[G:.*]] = arith.remui %[[H]], %c2
// CHECK-NEXT:    %[[FG:.*]] = tensor.extract %[[F]][%[[G]]]
// CHECK-NEXT:    %[[X:.*]] = arith.sitofp %[[FG]]
// CHECK-NEXT:    %[[SCALED:.*]] = arith.mulf %[[S]], %[[X]]
// CHECK-NEXT:    weft.yield %[[SCALED]]
func.func @grouped(%q: tensor<?x2x2x8xf32>, %k: tensor<?x2x8xf32>, %v: tensor<?x2x8xf32>, %factor: tensor<2xi32>,
                   %s: index) -> tensor<?x2x2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %three = arith.constant 3.0 : f32
  %e = tensor.empty(%s, %s) : tensor<2x2x?x?xf32>
  %e0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2x?x?xf32>) -> tensor<2x2x?x?xf32>
  %r = linalg.generic {
      indexing_maps = [affine_map<(g, h, i, j, d) -> (i, g, h, d)>, affine_map<(g, h, i, j, d) -> (j, g, d)>,
                       affine_map<(g, h, i, j, d) -> (g, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<?x2x2x8xf32>, tensor<?x2x8xf32>) outs(%e0 : tensor<2x2x?x?xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %three : f32
    %l = arith.mulf %c, %m : f32
    %w = arith.negf %l : f32
    %n = arith.addf %w, %o : f32
    linalg.yield %n : f32
  } -> tensor<2x2x?x?xf32>
  %t = linalg.generic {
      indexing_maps = [affine_map<(g, h, i, j) -> (g, h, i, j)>, affine_map<(g, h, i, j) -> (h)>,
                       affine_map<(g, h, i, j) -> (g, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%r, %factor : tensor<2x2x?x?xf32>, tensor<2xi32>) outs(%e : tensor<2x2x?x?xf32>) {
  ^bb0(%a: f32, %f: i32, %o: f32):
    %x = arith.sitofp %f : i32 to f32
    %m = arith.mulf %a, %x : f32
    linalg.yield %m : f32
  } -> tensor<2x2x?x?xf32>
  %p = weft.softmax %t : (tensor<2x2x?x?xf32>) -> tensor<2x2x?x?xf32>
  %u = tensor.empty(%s) : tensor<?x2x2x8xf32>
  %u0 = linalg.fill ins(%zero : f32) outs(%u : tensor<?x2x2x8xf32>) -> tensor<?x2x2x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, g, h, d, j) -> (g, h, i, j)>, affine_map<(i, g, h, d, j) -> (j, g, d)>,
                       affine_map<(i, g, h, d, j) -> (i, g, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %v : tensor<2x2x?x?xf32>, tensor<?x2x8xf32>) outs(%u0 : tensor<?x2x2x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %n = arith.addf %o, %m : f32
    linalg.yield %n : f32
  } -> tensor<?x2x2x8xf32>
  return %y : tensor<?x2x2x8xf32>
}

// -----

// The average of the past: probabilities of positions alone need no queries and keys but in name. A condition that went
// through numbers, (if c then 1 else 0) == 0, is a condition still, and an equal number for all keys is no score.
// CHECK-LABEL: @average
// CHECK-SAME:  %[[X:[^:]*]]: tensor<?x?x8xf32>
// CHECK-DAG:   %[[Z4:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<?x?x1x1xf32>)
// CHECK-DAG:   %[[X4:.*]] = tensor.expand_shape %[[X]] {{.*}} into tensor<?x?x1x8xf32>
// CHECK:       weft.attention %[[Z4]], %[[Z4]], %[[X4]] {scale = 1.000000e+00 : f64} mask {
// CHECK-NEXT:  ^bb0(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index):
// CHECK-NEXT:    %[[M:.*]] = arith.cmpi sle, %[[J]], %[[I]] : index
// CHECK-NEXT:    weft.yield %[[M]]
// CHECK-NEXT:  } :
func.func @average(%x: tensor<?x?x8xf32>, %b: index, %s: index) -> tensor<?x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %never = arith.constant 0xFF800000 : f32
  %e = tensor.empty(%s, %s) : tensor<?x?xf32>
  %tril = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<?x?xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi sle, %j, %i : index
    %n = arith.select %c, %one, %zero : f32
    linalg.yield %n : f32
  } -> tensor<?x?xf32>
  %f = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%tril : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %c = arith.cmpf oeq, %a, %zero : f32
    %n = arith.select %c, %never, %zero : f32
    linalg.yield %n : f32
  } -> tensor<?x?xf32>
  %p = weft.softmax %f : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %u = tensor.empty(%b, %s) : tensor<?x?x8xf32>
  %u0 = linalg.fill ins(%zero : f32) outs(%u : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(b, i, j, d) -> (i, j)>, affine_map<(b, i, j, d) -> (b, j, d)>,
                       affine_map<(b, i, j, d) -> (b, i, d)>],
      iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%p, %x : tensor<?x?xf32>, tensor<?x?x8xf32>) outs(%u0 : tensor<?x?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %n = arith.addf %o, %m : f32
    linalg.yield %n : f32
  } -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

#row = affine_map<(i, j) -> (i, j)>

// Below the diagonal there is no key for the first query, which is NaN: so is the result where the log of the sum is -inf.
// CHECK-LABEL: @strictly_past
// CHECK:       %[[Y:.*]]:2 = weft.attention %{{.*}} {lse, scale = 1.000000e+00 : f64} mask {
// CHECK:         arith.cmpi slt
// CHECK:       } : {{.*}} -> (tensor<1x?x1x8xf32>, tensor<1x?x1xf32>)
// CHECK:       linalg.generic {{.*}} ins(%[[Y]]#0, %[[Y]]#1 :
// CHECK-NEXT:  ^bb0(%[[A:.*]]: f32, %[[LSE:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:    %[[NONE:.*]] = arith.cmpf oeq, %[[LSE]], %[[LOWEST:.*]] : f32
// CHECK-NEXT:    %[[R:.*]] = arith.select %[[NONE]], %{{.*}}, %[[A]]
// CHECK-NEXT:    linalg.yield %[[R]]
func.func @strictly_past(%q: tensor<?x8xf32>, %k: tensor<8x?xf32>, %v: tensor<?x8xf32>, %e0: tensor<?x?xf32>,
                         %u0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %never = arith.constant 0xFF800000 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul ins(%q, %k : tensor<?x8xf32>, tensor<8x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %f = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<?x?xf32>) outs(%e0 : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi slt, %j, %i : index
    %m = arith.select %c, %a, %never : f32
    linalg.yield %m : f32
  } -> tensor<?x?xf32>
  %p = weft.softmax %f : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.matmul ins(%p, %v : tensor<?x?xf32>, tensor<?x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Scores that someone else wants are computed twice: that is less than a softmax and a sum of their own.
// CHECK-LABEL: @scores_wanted
// CHECK:       %[[S:.*]] = linalg.matmul
// CHECK:       weft.argmax %[[S]]
// CHECK-NOT:   weft.softmax
// CHECK:       weft.attention
func.func @scores_wanted(%q: tensor<?x8xf32>, %k: tensor<8x?xf32>, %v: tensor<?x8xf32>, %e0: tensor<?x?xf32>,
                         %u0: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?xi32>) {
  %zero = arith.constant 0.0 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul ins(%q, %k : tensor<?x8xf32>, tensor<8x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %best = weft.argmax %s : (tensor<?x?xf32>) -> tensor<?xi32>
  %p = weft.softmax %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.matmul ins(%p, %v : tensor<?x?xf32>, tensor<?x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %best : tensor<?x8xf32>, tensor<?xi32>
}

// RUN: weft-interpret %s
// Attention over few keys; expected values from numpy in f64.

// Without regions, two query heads of one key head, width of the values other than that of the keys.
func.func @plain() {
  %q = arith.constant dense<
      [[[[0.13, -1.54, 1.25], [1.44, -0.07, -0.27]], [[-0.16, -0.98, 1.1],
      [-0.54, -0.05, -0.79]]]]> : tensor<1x2x2x3xf32>
  %k = arith.constant dense<
      [[[[-0.63, -1.28, 1.26]], [[-0.15, 0.97, 0.01]], [[-0.69, -0.33, -0.56]]]]> : tensor<1x3x1x3xf32>
  %v = arith.constant dense<[[[[0.01, -0.38]], [[-0.3, -1.38]], [[-0.81, 1.65]]]]> : tensor<1x3x1x2xf32>
  %o = weft.attention %q, %k, %v {scale = 0.5 : f64}
      : (tensor<1x2x2x3xf32>, tensor<1x3x1x3xf32>, tensor<1x3x1x2xf32>) -> tensor<1x2x2x2xf32>
  %expected = arith.constant dense<
      [[[[-0.1127844, -0.1953623], [-0.3788279, -0.1498649]], [[-0.1622916, -0.1574034],
      [-0.4657236, 0.2508446]]]]> : tensor<1x2x2x2xf32>
  check.expect_close %o, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x2xf32>
  return
}

// Causal: the queries are the positions 1 and 2 of three.
func.func @causal() {
  %q = arith.constant dense<
      [[[[0.13, -1.54, 1.25], [1.44, -0.07, -0.27]], [[-0.16, -0.98, 1.1],
      [-0.54, -0.05, -0.79]]]]> : tensor<1x2x2x3xf32>
  %k = arith.constant dense<
      [[[[-0.63, -1.28, 1.26]], [[-0.15, 0.97, 0.01]], [[-0.69, -0.33, -0.56]]]]> : tensor<1x3x1x3xf32>
  %v = arith.constant dense<[[[[0.01, -0.38]], [[-0.3, -1.38]], [[-0.81, 1.65]]]]> : tensor<1x3x1x2xf32>
  %past = arith.constant 1 : index
  %o = weft.attention %q, %k, %v past %past {scale = 0.5 : f64}
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %m = arith.cmpi sle, %j, %i : index
      weft.yield %m : i1
    } : (tensor<1x2x2x3xf32>, tensor<1x3x1x3xf32>, tensor<1x3x1x2xf32>, index) -> tensor<1x2x2x2xf32>
  %expected = arith.constant dense<
      [[[[-0.01389808, -0.4570906], [-0.1782351, -0.9872101]], [[-0.1622916, -0.1574034],
      [-0.4657236, 0.2508446]]]]> : tensor<1x2x2x2xf32>
  check.expect_close %o, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x2xf32>
  return
}

// A score region: the slope of ALiBi for each head, from a table above, times the distance.
func.func @score_from_a_table() {
  %q = arith.constant dense<
      [[[[0.13, -1.54, 1.25], [1.44, -0.07, -0.27]], [[-0.16, -0.98, 1.1],
      [-0.54, -0.05, -0.79]]]]> : tensor<1x2x2x3xf32>
  %k = arith.constant dense<
      [[[[-0.63, -1.28, 1.26]], [[-0.15, 0.97, 0.01]], [[-0.69, -0.33, -0.56]]]]> : tensor<1x3x1x3xf32>
  %v = arith.constant dense<[[[[0.01, -0.38]], [[-0.3, -1.38]], [[-0.81, 1.65]]]]> : tensor<1x3x1x2xf32>
  %slopes = arith.constant dense<[0.25, -0.5]> : tensor<2xf32>
  %o = weft.attention %q, %k, %v {scale = 1.0 : f64}
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = tensor.extract %slopes[%h] : tensor<2xf32>
      %distance = arith.subi %j, %i : index
      %d = arith.index_cast %distance : index to i32
      %df = arith.sitofp %d : i32 to f32
      %bias = arith.mulf %slope, %df : f32
      %r = arith.addf %s, %bias : f32
      weft.yield %r : f32
    } : (tensor<1x2x2x3xf32>, tensor<1x3x1x3xf32>, tensor<1x3x1x2xf32>) -> tensor<1x2x2x2xf32>
  %expected = arith.constant dense<
      [[[[-0.02311964, -0.3131194], [-0.2842185, -0.5155018]], [[-0.06394035, -0.2491786],
      [-0.4283416, 0.1613117]]]]> : tensor<1x2x2x2xf32>
  check.expect_close %o, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x2xf32>
  return
}

// Lengths of 0 and 2 of 3 keys: the row without keys is zero, and what lies past a length, NaN too, reaches nothing.
func.func @ragged() {
  %q = arith.constant dense<
      [[[[-0.67, -1.05], [0.34, 1.41]]], [[[-1.45, -0.21], [-0.63, -1.76]]]]> : tensor<2x1x2x2xf32>
  %k = arith.constant dense<
      [[[[0x7F800000, 0x7F800000], [0x7F800000, 0x7F800000]], [[0x7F800000, 0x7F800000], [0x7F800000, 0x7F800000]],
      [[0x7F800000, 0x7F800000], [0x7F800000, 0x7F800000]]], [[[-0.03, -0.44], [-0.51, 0.63]], [[-0.3, -0.15],
      [0.02, 1.18]], [[0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000]]]]> : tensor<2x3x2x2xf32>
  %v = arith.constant dense<
      [[[[0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000]],
      [[0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000]]], [[[0.87, 1.88], [1.48, -1.15]], [[-1.69, 0.82],
      [-1.02, -0.01]], [[0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000]]]]> : tensor<2x3x2x2xf32>
  %lengths = arith.constant dense<[0, 2]> : tensor<2xi32>
  %o = weft.attention %q, %k, %v {scale = 1.0 : f64}
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %length = tensor.extract %lengths[%b] : tensor<2xi32>
      %n = arith.index_cast %length : i32 to index
      %m = arith.cmpi slt, %j, %n : index
      weft.yield %m : i1
    } : (tensor<2x1x2x2xf32>, tensor<2x3x2x2xf32>, tensor<2x3x2x2xf32>) -> tensor<2x1x2x2xf32>
  %expected = arith.constant dense<
      [[[[0.0, 0.0], [0.0, 0.0]]], [[[-0.6196777, 1.26318], [0.9453864, -0.9062162]]]]> : tensor<2x1x2x2xf32>
  check.expect_close %o, %expected {atol = 1.0e-6 : f64} : tensor<2x1x2x2xf32>
  return
}

// A row of admitted keys whose scores are all -inf is zero, too; one finite score among them takes all the weight.
func.func @scores_of_minus_infinity() {
  %q = arith.constant dense<[[[[1.0]], [[1.0]]]]> : tensor<1x2x1x1xf32>
  %k = arith.constant dense<[[[[1.0]], [[1.0]]]]> : tensor<1x2x1x1xf32>
  %v = arith.constant dense<[[[[3.0]], [[5.0]]]]> : tensor<1x2x1x1xf32>
  %o = weft.attention %q, %k, %v {scale = 1.0 : f64}
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %inf = arith.constant 0xFF800000 : f32
      %keep = arith.cmpi slt, %j, %i : index
      %r = arith.select %keep, %s, %inf : f32
      weft.yield %r : f32
    } : (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %expected = arith.constant dense<[[[[0.0]], [[3.0]]]]> : tensor<1x2x1x1xf32>
  check.expect_eq %o, %expected : tensor<1x2x1x1xf32>
  return
}

// A NaN in an admitted key does reach its row.
func.func @admitted_nan() {
  %q = arith.constant dense<[[[[1.0]]]]> : tensor<1x1x1x1xf32>
  %k = arith.constant dense<[[[[0x7FC00000]], [[1.0]]]]> : tensor<1x2x1x1xf32>
  %v = arith.constant dense<[[[[3.0]], [[5.0]]]]> : tensor<1x2x1x1xf32>
  %o = weft.attention %q, %k, %v {scale = 1.0 : f64}
      : (tensor<1x1x1x1xf32>, tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x1x1xf32>
  %expected = arith.constant dense<[[[[0x7FC00000]]]]> : tensor<1x1x1x1xf32>
  check.expect_eq %o, %expected : tensor<1x1x1x1xf32>
  return
}

// Scores as large as floats get: the largest is subtracted before exp.
func.func @huge_scores() {
  %q = arith.constant dense<[[[[3.0e+38]]]]> : tensor<1x1x1x1xf32>
  %k = arith.constant dense<[[[[1.0]], [[-1.0]]]]> : tensor<1x2x1x1xf32>
  %v = arith.constant dense<[[[[3.0]], [[5.0]]]]> : tensor<1x2x1x1xf32>
  %o = weft.attention %q, %k, %v {scale = 1.0 : f64}
      : (tensor<1x1x1x1xf32>, tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x1x1xf32>
  %expected = arith.constant dense<[[[[3.0]]]]> : tensor<1x1x1x1xf32>
  check.expect_eq %o, %expected : tensor<1x1x1x1xf32>
  return
}

// A mask that admits keys 0 ... 2q - 1, so none for the first query; a sink; probabilities that a hook squares. Row 0 is
// zero, and its log-sum-exp is the sink.
func.func @sink_and_weigh() {
  %q = arith.constant dense<
      [[[[0.13, -1.54, 1.25], [1.44, -0.07, -0.27]], [[-0.16, -0.98, 1.1],
      [-0.54, -0.05, -0.79]]]]> : tensor<1x2x2x3xf32>
  %k = arith.constant dense<
      [[[[-0.63, -1.28, 1.26]], [[-0.15, 0.97, 0.01]], [[-0.69, -0.33, -0.56]]]]> : tensor<1x3x1x3xf32>
  %v = arith.constant dense<[[[[0.01, -0.38]], [[-0.3, -1.38]], [[-0.81, 1.65]]]]> : tensor<1x3x1x2xf32>
  %sink = arith.constant dense<[0.25, -1.0]> : tensor<2xf32>
  %o:3 = weft.attention %q, %k, %v sink %sink {scale = 0.5 : f64, weights, lse}
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %end = arith.addi %i, %i : index
      %m = arith.cmpi slt, %j, %end : index
      weft.yield %m : i1
    }
    weigh {
    ^bb0(%p: f32, %b: index, %h: index, %i: index, %j: index):
      %0 = arith.mulf %p, %p : f32
      %1 = arith.index_cast %j : index to i32
      %2 = arith.sitofp %1 : i32 to f32
      %one = arith.constant 1.0 : f32
      %3 = arith.addf %2, %one : f32
      %4 = arith.mulf %0, %3 : f32
      weft.yield %4 : f32
    } : (tensor<1x2x2x3xf32>, tensor<1x3x1x3xf32>, tensor<1x3x1x2xf32>, tensor<2xf32>)
      -> (tensor<1x2x2x2xf32>, tensor<1x2x2x3xf32>, tensor<1x2x2xf32>)
  %expected = arith.constant dense<
      [[[[0.0, 0.0], [0.0, 0.0]], [[-0.0024832, -0.2041447], [-0.1350389, -0.6734433]]]]> : tensor<1x2x2x2xf32>
  %weights = arith.constant dense<
      [[[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [[0.4523988, 0.0233573, 0.0],
      [0.1226865, 0.4542191, 0.0]]]]> : tensor<1x2x2x3xf32>
  %lse = arith.constant dense<[[[0.25, -1.0], [1.7671956, 0.7534614]]]> : tensor<1x2x2xf32>
  check.expect_close %o#0, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x2xf32>
  check.expect_close %o#1, %weights {atol = 1.0e-6 : f64} : tensor<1x2x2x3xf32>
  check.expect_close %o#2, %lse {atol = 1.0e-6 : f64} : tensor<1x2x2xf32>
  return
}

// Without a sink, the sum of a row that admits no key is zero, and its logarithm -inf.
func.func @lse_of_nothing() {
  %q = arith.constant dense<
      [[[[0.13, -1.54, 1.25], [1.44, -0.07, -0.27]], [[-0.16, -0.98, 1.1],
      [-0.54, -0.05, -0.79]]]]> : tensor<1x2x2x3xf32>
  %k = arith.constant dense<
      [[[[-0.63, -1.28, 1.26]], [[-0.15, 0.97, 0.01]], [[-0.69, -0.33, -0.56]]]]> : tensor<1x3x1x3xf32>
  %v = arith.constant dense<[[[[0.01, -0.38]], [[-0.3, -1.38]], [[-0.81, 1.65]]]]> : tensor<1x3x1x2xf32>
  %o:2 = weft.attention %q, %k, %v {scale = 0.5 : f64, lse}
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %end = arith.addi %i, %i : index
      %m = arith.cmpi slt, %j, %end : index
      weft.yield %m : i1
    } : (tensor<1x2x2x3xf32>, tensor<1x3x1x3xf32>, tensor<1x3x1x2xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2xf32>)
  %expected = arith.constant dense<
      [[[[0.0, 0.0], [0.0, 0.0]], [[-0.032913, -0.518429], [-0.1686755, -0.9563726]]]]> : tensor<1x2x2x2xf32>
  %lse = arith.constant dense<
      [[[0xFF800000, 0xFF800000], [1.5195978, 0.563301]]]> : tensor<1x2x2xf32>
  check.expect_close %o#0, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x2xf32>
  check.expect_close %o#1, %lse {atol = 1.0e-6 : f64} : tensor<1x2x2xf32>
  return
}

// A similarity of two sums instead of the dot product, doubled by the scale: w . tanh(q + k), and q . q.
func.func @similarity() {
  %q = arith.constant dense<
      [[[[0.13, -1.54, 1.25], [1.44, -0.07, -0.27]], [[-0.16, -0.98, 1.1],
      [-0.54, -0.05, -0.79]]]]> : tensor<1x2x2x3xf32>
  %k = arith.constant dense<
      [[[[-0.63, -1.28, 1.26]], [[-0.15, 0.97, 0.01]], [[-0.69, -0.33, -0.56]]]]> : tensor<1x3x1x3xf32>
  %v = arith.constant dense<[[[[0.01, -0.38]], [[-0.3, -1.38]], [[-0.81, 1.65]]]]> : tensor<1x3x1x2xf32>
  %w = arith.constant dense<[0.5, -1.5, 2.0]> : tensor<3xf32>
  %o = weft.attention %q, %k, %v {scale = 2.0 : f64}
    similarity {
    ^bb0(%x: f32, %y: f32, %b: index, %h: index, %d: index):
      %0 = arith.addf %x, %y : f32
      %1 = math.tanh %0 : f32
      %2 = tensor.extract %w[%d] : tensor<3xf32>
      %3 = arith.mulf %1, %2 : f32
      %4 = arith.mulf %x, %x : f32
      weft.yield %3, %4 : f32, f32
    }
    score {
    ^bb0(%s: f32, %t: f32, %b: index, %h: index, %i: index, %j: index):
      %one = arith.constant 1.0 : f32
      %0 = math.absf %t : f32
      %1 = arith.addf %0, %one : f32
      %2 = arith.divf %s, %1 : f32
      weft.yield %2 : f32
    } : (tensor<1x2x2x3xf32>, tensor<1x3x1x3xf32>, tensor<1x3x1x2xf32>) -> tensor<1x2x2x2xf32>
  %expected = arith.constant dense<
      [[[[-0.3414176, -0.0680365], [-0.175566, -0.1600552]], [[-0.309521, -0.028821],
      [-0.0678082, -0.2544225]]]]> : tensor<1x2x2x2xf32>
  check.expect_close %o, %expected {atol = 1.0e-6 : f64} : tensor<1x2x2x2xf32>
  return
}

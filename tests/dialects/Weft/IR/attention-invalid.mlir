// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @attention_c1(%q: tensor<?x8x16xf32>, %k: tensor<2x?x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op query must be [batch, position, head, width], but is 'tensor<?x8x16xf32>' (C1)}}
  %o = weft.attention %q, %k, %k {scale = 1.0 : f64}
      : (tensor<?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<?x8x16xf32>
  return
}

// -----

func.func @attention_c2_width(%q: tensor<2x?x8x16xf32>, %k: tensor<2x?x8x8xf32>) {
  // expected-error@+1 {{'weft.attention' op query has width 16 but key has 8 (C2)}}
  %o = weft.attention %q, %k, %k {scale = 1.0 : f64}
      : (tensor<2x?x8x16xf32>, tensor<2x?x8x8xf32>, tensor<2x?x8x8xf32>) -> tensor<2x?x8x8xf32>
  return
}

// -----

func.func @attention_c2_positions(%q: tensor<2x?x8x16xf32>, %k: tensor<2x5x8x16xf32>, %v: tensor<2x6x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op key is 'tensor<2x5x8x16xf32>' but value is 'tensor<2x6x8x16xf32>': positions and heads must agree (C2)}}
  %o = weft.attention %q, %k, %v {scale = 1.0 : f64}
      : (tensor<2x?x8x16xf32>, tensor<2x5x8x16xf32>, tensor<2x6x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c2_heads(%q: tensor<2x?x8x16xf32>, %k: tensor<2x5x8x16xf32>, %v: tensor<2x5x4x16xf32>) {
  // expected-error@+1 {{'weft.attention' op key is 'tensor<2x5x8x16xf32>' but value is 'tensor<2x5x4x16xf32>': positions and heads must agree (C2)}}
  %o = weft.attention %q, %k, %v {scale = 1.0 : f64}
      : (tensor<2x?x8x16xf32>, tensor<2x5x8x16xf32>, tensor<2x5x4x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c2_batch(%q: tensor<2x?x8x16xf32>, %k: tensor<3x?x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op query, key and value must have the same batch (C2)}}
  %o = weft.attention %q, %k, %k {scale = 1.0 : f64}
      : (tensor<2x?x8x16xf32>, tensor<3x?x8x16xf32>, tensor<3x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<2x?x8x16xf32>, %k: tensor<2x?x3x16xf32>) {
  // expected-error@+1 {{'weft.attention' op has 8 query heads, which is not a multiple of 3 key heads (C3)}}
  %o = weft.attention %q, %k, %k {scale = 1.0 : f64}
      : (tensor<2x?x8x16xf32>, tensor<2x?x3x16xf32>, tensor<2x?x3x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c4_arguments(%q: tensor<2x?x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op 'mask' must take ('index', 'index', 'index', 'index') (C4)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    mask {
    ^bb0(%i: index, %j: index):
      %m = arith.cmpi sle, %j, %i : index
      weft.yield %m : i1
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c4_yield(%q: tensor<2x?x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op 'mask' must yield 'i1' (C4)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      weft.yield %j : index
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c5_arguments(%q: tensor<2x?x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op 'score' must take ('f32', 'index', 'index', 'index', 'index') (C5)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    score {
    ^bb0(%s: f32):
      weft.yield %s : f32
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c5_yield(%q: tensor<2x?x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op 'score' must yield 'f32' (C5)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      weft.yield %s, %s : f32, f32
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c6(%q: tensor<2x5x8x16xf32>, %v: tensor<2x5x8x24xf32>) {
  // expected-error@+1 {{'weft.attention' op result is 2x5x8x16 but must be 2x5x8x24 (C6)}}
  %o = weft.attention %q, %q, %v {scale = 1.0 : f64}
      : (tensor<2x5x8x16xf32>, tensor<2x5x8x16xf32>, tensor<2x5x8x24xf32>) -> tensor<2x5x8x16xf32>
  return
}

// -----

func.func @attention_c6_results(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op has 1 results, but 2 are asked for (C6)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64, weights} : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c6_weights(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op weights is 2x?x8x4x1 but must be 2x?x8x? (C6)}}
  %o:2 = weft.attention %q, %q, %q {scale = 1.0 : f64, weights} : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> (tensor<2x?x8x16xf32>, tensor<2x?x8x4x1xf32>)
  return
}

// -----

func.func @attention_c6_lse(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op lse is 2x?x7 but must be 2x?x8 (C6)}}
  %o:2 = weft.attention %q, %q, %q {scale = 1.0 : f64, lse} : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> (tensor<2x?x8x16xf32>, tensor<2x?x7xf32>)
  return
}

// -----

func.func @attention_c7_arguments(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op 'similarity' must take ('f32', 'f32', 'index', 'index', 'index') (C7)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    similarity {
    ^bb0(%x: f32, %y: f32):
      weft.yield %x : f32
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c7_yield(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op 'similarity' must yield one f32 or more (C7)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    similarity {
    ^bb0(%x: f32, %y: f32, %b: index, %h: index, %d: index):
      weft.yield %d : index
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c7_score(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op 'similarity' yields 2 numbers, so a 'score' must make one of their sums (C7)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    similarity {
    ^bb0(%x: f32, %y: f32, %b: index, %h: index, %d: index):
      weft.yield %x, %y : f32, f32
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c8(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op 'weigh' must yield 'f32' (C8)}}
  %o = weft.attention %q, %q, %q {scale = 1.0 : f64}
    weigh {
    ^bb0(%p: f32, %b: index, %h: index, %i: index, %j: index):
      weft.yield %j : index
    } : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c9(%q: tensor<2x?x8x16xf32>, %n: tensor<3xf32>) {
  // expected-error@+1 {{'weft.attention' op sink is 'tensor<3xf32>' but must be f32, one for each of 8 heads (C9)}}
  %o = weft.attention %q, %q, %q sink %n {scale = 1.0 : f64} : (tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<2x?x8x16xf32>, tensor<3xf32>) -> tensor<2x?x8x16xf32>
  return
}

// -----

func.func @attention_c10(%q: memref<2x?x8x16xf32>, %w: memref<4x2x?x8x16xf32>) {
  // expected-error@+1 {{'weft.attention' op workspace is 'memref<4x2x?x8x16xf32>' but must be f32, [parts, batch, queries, 8, 18] (C10)}}
  weft.attention %q, %q, %q workspace %w outs %q {scale = 1.0 : f64} : (memref<2x?x8x16xf32>, memref<2x?x8x16xf32>, memref<2x?x8x16xf32>, memref<4x2x?x8x16xf32>, memref<2x?x8x16xf32>) -> ()
  return
}

// -----

func.func @attention_c10_weights(%q: memref<2x4x8x16xf32>, %w: memref<4x2x1x8x18xf32>, %p: memref<2x4x8x4xf32>) {
  // expected-error@+1 {{'weft.attention' op has a workspace, but single probabilities are asked for (C10)}}
  weft.attention %q, %q, %q workspace %w outs %q, %p {scale = 1.0 : f64, weights} : (memref<2x4x8x16xf32>, memref<2x4x8x16xf32>, memref<2x4x8x16xf32>, memref<4x2x1x8x18xf32>, memref<2x4x8x16xf32>, memref<2x4x8x4xf32>) -> ()
  return
}

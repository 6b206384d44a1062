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

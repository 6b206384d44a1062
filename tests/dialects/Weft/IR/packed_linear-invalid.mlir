// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @packed_linear_c1(%x: tensor<?x9xf32>, %p: tensor<2x8x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op input is 'tensor<?x9xf32>' but packed weights take 8 elements (C1)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x9xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c1_rank(%x: tensor<?x8xf32>, %p: tensor<40x8xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op packed weights must be [panels, depth, panel], or [panels, words, panel, elements of a word] in f16, bf16, i8 or i4, but are 'tensor<40x8xf32>' (C1)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<40x8xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c2_panels(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op has 2 panels, which do not hold 65 columns (C2)}}
  %y = weft.packed_linear %x, %p attributes {columns = 65 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x65xf32>
  return
}

// -----

func.func @packed_linear_c2(%x: tensor<3x8xf32>, %p: tensor<2x8x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op result is 3x41 but must be 3x40 (C2)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<3x8xf32>, tensor<2x8x32xf32>) -> tensor<3x41xf32>
  return
}

// -----

func.func @packed_linear_c3_parts(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op parts must divide the panel of 32, but is 3 (C3)}}
  %y = weft.packed_linear %x, %p attributes {columns = 20 : i64, parts = 3 : i64} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    weft.yield %a : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x20xf32>
  return
}

// -----

func.func @packed_linear_c3_arguments(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op epilogue takes 2 arguments but there are 1 accumulators and 0 extras (C3)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32, %b: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c3_yield(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op epilogue must yield one 'f32' (C3)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c4_count(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %b: tensor<40xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op has 1 extras but 0 maps (C4)}}
  %y = weft.packed_linear %x, %p extras %b attributes {columns = 40 : i64} {
  ^bb0(%acc: f32, %bias: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<40xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c4_rank(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %b: tensor<40xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op map affine_map<(d0, d1) -> (d0, d1)> does not project the result's 2 dimensions to 'tensor<40xf32>' (C4)}}
  %y = weft.packed_linear %x, %p extras %b
      attributes {columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%acc: f32, %bias: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<40xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c4_repeat(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %b: tensor<40x40xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op map affine_map<(d0, d1) -> (d1, d1)> does not project the result's 2 dimensions to 'tensor<40x40xf32>' (C4)}}
  %y = weft.packed_linear %x, %p extras %b
      attributes {columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d1, d1)>]} {
  ^bb0(%acc: f32, %bias: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<40x40xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c3_panel(%x: tensor<?x8xf32>, %p: tensor<2x8x0xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op parts must divide the panel of 0, but is 1 (C3)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x0xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c3_extra_type(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %b: tensor<40xi32>) {
  // expected-error@+1 {{'weft.packed_linear' op epilogue takes 'f32' for an extra of 'tensor<40xi32>' (C3)}}
  %y = weft.packed_linear %x, %p extras %b attributes {columns = 40 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%acc: f32, %e: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<40xi32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c5(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %t: tensor<40xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error@+1 {{'weft.packed_linear' op epilogue may hold only arith and math, but holds tensor.extract (C5)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    %e = tensor.extract %t[%c0] : tensor<40xf32>
    weft.yield %e : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c1_words(%x: tensor<?x9xf32>, %p: tensor<2x4x32x2xbf16>) {
  // expected-error@+1 {{'weft.packed_linear' op input is 'tensor<?x9xf32>' but packed weights take 4 words (C1)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x9xf32>, tensor<2x4x32x2xbf16>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c6_none(%x: tensor<?x9xf32>, %p: tensor<2x3x32x4xi8>) {
  // expected-error@+1 {{'weft.packed_linear' op needs scales for weights of 'i8' (C6)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x9xf32>, tensor<2x3x32x4xi8>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c6(%x: tensor<?x33xf32>, %p: tensor<2x5x32x8xi4>, %s: tensor<2x1x32xbf16>) {
  // expected-error@+1 {{'weft.packed_linear' op scales must be 2x2x32x'bf16', but are 'tensor<2x1x32xbf16>' (C6)}}
  %y = weft.packed_linear %x, %p scales %s attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x33xf32>, tensor<2x5x32x8xi4>, tensor<2x1x32xbf16>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c7(%x: tensor<?x9xf32>, %p: tensor<2x5x32x2xbf16>) {
  // expected-error@+1 {{'weft.packed_linear' op activations must be i8, with weights of i8, but are 'i8' with 'bf16' (C7)}}
  %y = weft.packed_linear %x, %p attributes {activations = i8, columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x9xf32>, tensor<2x5x32x2xbf16>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c7_depth(%x: tensor<?x131072xf32>, %p: tensor<1x32768x32x4xi8>, %s: tensor<1x1x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op sums 131072 products of i8, which may not fit in 32 bits (C7)}}
  %y = weft.packed_linear %x, %p scales %s attributes {activations = i8, columns = 32 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x131072xf32>, tensor<1x32768x32x4xi8>, tensor<1x1x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @packed_linear_c8_eps(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op norm_eps must be finite and not negative, but is -1.000000e+00 (C8)}}
  %y = weft.packed_linear %x, %p attributes {columns = 40 : i64, norm_eps = -1.0 : f64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c8_scale(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %g: tensor<9xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op norm_scale must have 8 elements, but is 'tensor<9xf32>' (C8)}}
  %y = weft.packed_linear %x, %p norm_scale %g attributes {columns = 40 : i64, norm_eps = 1.0 : f64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<9xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c8_alone(%x: tensor<?x8xf32>, %p: tensor<2x8x32xf32>, %g: tensor<8xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op has a norm_scale without norm_eps (C8)}}
  %y = weft.packed_linear %x, %p norm_scale %g attributes {columns = 40 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x32xf32>, tensor<8xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @packed_linear_c8_rounded(%x: tensor<?x9xf32>, %p: tensor<2x3x32x4xi8>, %s: tensor<2x1x32xf32>) {
  // expected-error@+1 {{'weft.packed_linear' op norms its input, and so cannot round it to 'i8' (C8)}}
  %y = weft.packed_linear %x, %p scales %s attributes {activations = i8, columns = 40 : i64, norm_eps = 1.0 : f64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x9xf32>, tensor<2x3x32x4xi8>, tensor<2x1x32xf32>) -> tensor<?x40xf32>
  return
}

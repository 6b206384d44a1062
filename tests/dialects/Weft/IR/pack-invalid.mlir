// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @pack_c1_rank(%a: tensor<20xf32>) {
  // expected-error@+1 {{'weft.pack' op weights must be matrices, but one is 'tensor<20xf32>' (C1)}}
  %p = weft.pack %a {panel = 32 : i64} : (tensor<20xf32>) -> tensor<1x8x32xf32>
  return
}

// -----

func.func @pack_c1_depth(%a: tensor<20x8xf32>, %b: tensor<20x9xf32>) {
  // expected-error@+1 {{'weft.pack' op weights must share their input size 8, but one is 'tensor<20x9xf32>' (C1)}}
  %p = weft.pack %a, %b {panel = 32 : i64} : (tensor<20x8xf32>, tensor<20x9xf32>) -> tensor<2x8x32xf32>
  return
}

// -----

func.func @pack_c2_count(%a: tensor<20x8xf32>) {
  // expected-error@+1 {{'weft.pack' op interleaves 2 parts but has 1 weights (C2)}}
  %p = weft.pack %a {panel = 32 : i64, parts = 2 : i64} : (tensor<20x8xf32>) -> tensor<2x8x32xf32>
  return
}

// -----

func.func @pack_c2_columns(%a: tensor<20x8xf32>, %b: tensor<21x8xf32>) {
  // expected-error@+1 {{'weft.pack' op parts must have the same output size 20, but one is 'tensor<21x8xf32>' (C2)}}
  %p = weft.pack %a, %b {panel = 32 : i64, parts = 2 : i64}
      : (tensor<20x8xf32>, tensor<21x8xf32>) -> tensor<2x8x32xf32>
  return
}

// -----

func.func @pack_c2_panel(%a: tensor<20x8xf32>, %b: tensor<20x8xf32>) {
  // expected-error@+1 {{'weft.pack' op panel 31 is not a multiple of parts 2 (C2)}}
  %p = weft.pack %a, %b {panel = 31 : i64, parts = 2 : i64}
      : (tensor<20x8xf32>, tensor<20x8xf32>) -> tensor<2x8x31xf32>
  return
}

// -----

func.func @pack_c3(%a: tensor<33x8xf32>) {
  // expected-error@+1 {{'weft.pack' op result is 'tensor<1x8x32xf32>' but must be 2x8x32 (C3)}}
  %p = weft.pack %a {panel = 32 : i64} : (tensor<33x8xf32>) -> tensor<1x8x32xf32>
  return
}

// -----

func.func @pack_c4(%a: tensor<20x8xf32>, %g: tensor<20xf32>) {
  // expected-error@+1 {{'weft.pack' op scale must have 8 elements, but is 'tensor<20xf32>' (C4)}}
  %p = weft.pack %a scale %g {panel = 32 : i64} : (tensor<20x8xf32>, tensor<20xf32>) -> tensor<1x8x32xf32>
  return
}

// -----

func.func @pack_of_nothing() {
  // expected-error@+1 {{'weft.pack' op needs at least one weight}}
  %p = weft.pack {panel = 32 : i64} : () -> tensor<1x8x32xf32>
  return
}

// -----

func.func @pack_without_columns(%a: tensor<20x8xf32>) {
  // expected-error@+1 {{'weft.pack' op needs parts and panel of at least 1, but they are 1 and 0}}
  %p = weft.pack %a {panel = 0 : i64} : (tensor<20x8xf32>) -> tensor<1x8x0xf32>
  return
}

// -----

func.func @pack_c3_words(%a: tensor<33x9xf32>) {
  // expected-error@+1 {{'weft.pack' op result is 'tensor<2x9x32x2xbf16>' but must be 2x5x32x2 (C3)}}
  %p = weft.pack %a {panel = 32 : i64} : (tensor<33x9xf32>) -> tensor<2x9x32x2xbf16>
  return
}

// -----

func.func @pack_c3_without_scales(%a: tensor<33x9xf32>) {
  // expected-error@+1 {{'weft.pack' op needs a second result, the scales, for 'i8' (C3)}}
  %p = weft.pack %a {panel = 32 : i64} : (tensor<33x9xf32>) -> tensor<2x3x32x4xi8>
  return
}

// -----

func.func @pack_c3_with_scales(%a: tensor<33x9xf32>) {
  // expected-error@+1 {{'weft.pack' op has scales, which there are none of for 'bf16' (C3)}}
  %p, %s = weft.pack %a {panel = 32 : i64} : (tensor<33x9xf32>) -> (tensor<2x5x32x2xbf16>, tensor<2x1x32xf32>)
  return
}

// -----

func.func @pack_c3_scales(%a: tensor<33x40xf32>) {
  // expected-error@+1 {{'weft.pack' op scales are 'tensor<2x2x32xf32>' but must be 2x2x32x'bf16' (C3)}}
  %p, %s = weft.pack %a {panel = 32 : i64} : (tensor<33x40xf32>) -> (tensor<2x5x32x8xi4>, tensor<2x2x32xf32>)
  return
}

// -----

func.func @pack_c5(%a: tensor<33x9xf32>) {
  // expected-error@+1 {{'weft.pack' op packs f32, f16, bf16, i8 or i4, but result is 'tensor<2x9x32xf64>' (C5)}}
  %p = weft.pack %a {panel = 32 : i64} : (tensor<33x9xf32>) -> tensor<2x9x32xf64>
  return
}

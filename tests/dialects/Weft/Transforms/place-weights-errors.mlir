// RUN: weft-opt %s -weft-place-weights -split-input-file -verify-diagnostics

// expected-note@+1 {{computed here}}
func.func @computed_weight(%w: tensor<8x8xf32>) -> tensor<1x8x32xf32> {
  // expected-error@+1 {{'weft.pack' op packs what is computed, but only a 'weft.weight' can be packed}}
  %p = weft.pack %w {panel = 32 : i64} : (tensor<8x8xf32>) -> tensor<1x8x32xf32>
  return %p : tensor<1x8x32xf32>
}

// -----

// expected-note@+1 {{computed here}}
func.func @computed_scale(%s: tensor<8xf32>) -> tensor<1x8x32xf32> {
  %w = weft.weight "w" : tensor<8x8xf32>
  // expected-error@+1 {{'weft.pack' op packs what is computed, but only a 'weft.weight' can be packed}}
  %p = weft.pack %w scale %s {panel = 32 : i64} : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<1x8x32xf32>
  return %p : tensor<1x8x32xf32>
}

// -----

func.func @element_type() -> tensor<1x8x32xf32> {
  // expected-error@+1 {{'weft.weight' op cannot be packed: it is 'tensor<8x8xbf16>', but what is packed is f32 before}}
  %w = weft.weight "w" : tensor<8x8xbf16>
  %p = weft.pack %w {panel = 32 : i64} : (tensor<8x8xbf16>) -> tensor<1x8x32xf32>
  return %p : tensor<1x8x32xf32>
}

// -----

// expected-error@+1 {{weights have their places already: the module has 'weft.parameters'}}
module attributes {weft.parameters = []} {
  func.func @again() -> tensor<8xf32> {
    %w = weft.weight "w" : tensor<8xf32>
    return %w : tensor<8xf32>
  }
}

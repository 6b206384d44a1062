// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @layer_norm_c1_scale(%x: tensor<?x8xf32>, %g: tensor<9xf32>) {
  // expected-error@+1 {{'weft.layer_norm' op scale must have 8 elements, but is 'tensor<9xf32>' (C1)}}
  %y = weft.layer_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @layer_norm_c1_shift(%x: tensor<?x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error@+1 {{'weft.layer_norm' op shift must have 8 elements, but is 'tensor<1x8xf32>' (C1)}}
  %y = weft.layer_norm %x shift %s {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @layer_norm_c2(%x: tensor<3x8xf32>) {
  // expected-error@+1 {{'weft.layer_norm' op result is 8x3 but must be 3x8 (C2)}}
  %y = weft.layer_norm %x {eps = 1.0e-5 : f64} : (tensor<3x8xf32>) -> tensor<8x3xf32>
  return
}

// -----

func.func @layer_norm_c3(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{'weft.layer_norm' op eps must be finite and not negative, but is nan (C3)}}
  %y = weft.layer_norm %x {eps = 0x7FF8000000000000 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

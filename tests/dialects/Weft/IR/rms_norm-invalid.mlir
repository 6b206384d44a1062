// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @rms_norm_c1(%x: tensor<?x8xf32>, %g: tensor<9xf32>) {
  // expected-error@+1 {{'weft.rms_norm' op scale must have 8 elements, but is 'tensor<9xf32>' (C1)}}
  %y = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @rms_norm_c2(%x: tensor<3x8xf32>) {
  // expected-error@+1 {{'weft.rms_norm' op result is 3x9 but must be 3x8 (C2)}}
  %y = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<3x8xf32>) -> tensor<3x9xf32>
  return
}

// -----

func.func @rms_norm_c2_element(%x: tensor<3x8xf32>) {
  // expected-error@+1 {{'weft.rms_norm' op result must have the input's element type 'f32'}}
  %y = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<3x8xf32>) -> tensor<3x8xf64>
  return
}

// -----

func.func @rms_norm_c3(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{'weft.rms_norm' op eps must be finite and not negative, but is -1.000000e+00 (C3)}}
  %y = weft.rms_norm %x {eps = -1.0 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @rms_norm_of_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{'weft.rms_norm' op input must have a last dimension, but is 'tensor<f32>'}}
  %y = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<f32>) -> tensor<f32>
  return
}

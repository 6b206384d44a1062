// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @argmax_c1_type(%x: tensor<3x8xf32>) {
  // expected-error@+1 {{'weft.argmax' op result must be i32, but is 'i64' (C1)}}
  %y = weft.argmax %x : (tensor<3x8xf32>) -> tensor<3xi64>
  return
}

// -----

func.func @argmax_c1_shape(%x: tensor<3x8xf32>) {
  // expected-error@+1 {{'weft.argmax' op result is 8 but must be 3 (C1)}}
  %y = weft.argmax %x : (tensor<3x8xf32>) -> tensor<8xi32>
  return
}

// -----

func.func @argmax_of_nothing(%x: tensor<3x0xf32>) {
  // expected-error@+1 {{'weft.argmax' op needs a last dimension that is not empty, but input is 'tensor<3x0xf32>'}}
  %y = weft.argmax %x : (tensor<3x0xf32>) -> tensor<3xi32>
  return
}

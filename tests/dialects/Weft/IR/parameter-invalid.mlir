// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @parameter_c1_alignment() {
  // expected-error@+1 {{'weft.parameter' op offset must be a multiple of 64 and not negative, but is 100 (C1)}}
  %p = weft.parameter 100 : tensor<8xf32>
  return
}

// -----

func.func @parameter_c1_sign() {
  // expected-error@+1 {{'weft.parameter' op offset must be a multiple of 64 and not negative, but is -64 (C1)}}
  %p = weft.parameter -64 : tensor<8xf32>
  return
}

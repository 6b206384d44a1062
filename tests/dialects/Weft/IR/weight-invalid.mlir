// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @weight_c1() {
  // expected-error@+1 {{'weft.weight' op result #0 must be statically shaped tensor of any type values, but got 'tensor<?xf32>'}}
  %w = weft.weight "w" : tensor<?xf32>
  return
}

// -----

func.func @weight_without_name() {
  // expected-error@+1 {{'weft.weight' op needs a name}}
  %w = weft.weight "" : tensor<8xf32>
  return
}

// -----

func.func @weight_c2() {
  // expected-error@+1 {{'weft.weight' op must be f32, f16 or bf16, but is 'tensor<4xf64>' (C2)}}
  %w = weft.weight "w" : tensor<4xf64>
  return
}

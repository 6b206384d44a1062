// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @linear_c1(%x: tensor<?x9xf32>, %w: tensor<20x8xf32>) {
  // expected-error@+1 {{'weft.linear' op input has 9 elements in its last dimension but weight takes 8 (C1)}}
  %y = weft.linear %x, %w : (tensor<?x9xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  return
}

// -----

func.func @linear_c1_scalar(%x: tensor<f32>, %w: tensor<20x8xf32>) {
  // expected-error@+1 {{'weft.linear' op input must have a last dimension, but is 'tensor<f32>' (C1)}}
  %y = weft.linear %x, %w : (tensor<f32>, tensor<20x8xf32>) -> tensor<20xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<?x8xf32>, %w: tensor<20x8x1xf32>) {
  // expected-error@+1 {{'weft.linear' op weight must be a matrix, but is 'tensor<20x8x1xf32>' (C2)}}
  %y = weft.linear %x, %w : (tensor<?x8xf32>, tensor<20x8x1xf32>) -> tensor<?x20xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<?x8xf32>, %w: tensor<20x8xf32>, %b: tensor<8xf32>) {
  // expected-error@+1 {{'weft.linear' op bias must have 20 elements, but is 'tensor<8xf32>' (C3)}}
  %y = weft.linear %x, %w bias %b : (tensor<?x8xf32>, tensor<20x8xf32>, tensor<8xf32>) -> tensor<?x20xf32>
  return
}

// -----

func.func @linear_c4(%x: tensor<3x8xf32>, %w: tensor<20x8xf32>) {
  // expected-error@+1 {{'weft.linear' op result is 3x21 but must be 3x20 (C4)}}
  %y = weft.linear %x, %w : (tensor<3x8xf32>, tensor<20x8xf32>) -> tensor<3x21xf32>
  return
}

// -----

func.func @linear_in_both_forms(%x: tensor<3x8xf32>, %w: tensor<20x8xf32>, %y: memref<3x20xf32>) {
  // expected-error@+1 {{'weft.linear' op needs either a result, on tensors, or 'outs', on memrefs}}
  %r = weft.linear %x, %w outs %y : (tensor<3x8xf32>, tensor<20x8xf32>, memref<3x20xf32>) -> tensor<3x20xf32>
  return
}

// -----

func.func @linear_mixed_to_tensor(%x: tensor<3x8xf32>, %w: memref<20x8xf32>) {
  // expected-error@+1 {{'weft.linear' op has a result, so its operands must be tensors, but one is 'memref<20x8xf32>'}}
  %y = weft.linear %x, %w : (tensor<3x8xf32>, memref<20x8xf32>) -> tensor<3x20xf32>
  return
}

// -----

func.func @linear_mixed_to_buffer(%x: tensor<3x8xf32>, %w: memref<20x8xf32>, %y: memref<3x20xf32>) {
  // expected-error@+1 {{'weft.linear' op has 'outs', so its operands must be memrefs, but one is 'tensor<3x8xf32>'}}
  weft.linear %x, %w outs %y : (tensor<3x8xf32>, memref<20x8xf32>, memref<3x20xf32>) -> ()
  return
}

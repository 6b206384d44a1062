// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @softmax_c1(%x: tensor<3x8xf32>) {
  // expected-error@+1 {{'weft.softmax' op result is 3 but must be 3x8 (C1)}}
  %y = weft.softmax %x : (tensor<3x8xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @softmax_without_destination(%x: memref<3x8xf32>) {
  // expected-error@+1 {{'weft.softmax' op needs either a result, on tensors, or 'outs', on memrefs}}
  weft.softmax %x : (memref<3x8xf32>) -> ()
  return
}

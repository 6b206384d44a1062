// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @rotary_c1(%x: tensor<?x4x16xf32>, %t: tensor<?x8x2xf32>) {
  // expected-error@+1 {{'weft.rotary' op input must be [batch, position, head, width], but is 'tensor<?x4x16xf32>' (C1)}}
  %y = weft.rotary %x, %t : (tensor<?x4x16xf32>, tensor<?x8x2xf32>) -> tensor<?x4x16xf32>
  return
}

// -----

func.func @rotary_c2_shape(%x: tensor<?x?x4x16xf32>, %t: tensor<?x2x8xf32>) {
  // expected-error@+1 {{'weft.rotary' op table must be [position, width / 2, 2], but is 'tensor<?x2x8xf32>' (C2)}}
  %y = weft.rotary %x, %t : (tensor<?x?x4x16xf32>, tensor<?x2x8xf32>) -> tensor<?x?x4x16xf32>
  return
}

// -----

func.func @rotary_c2_positions(%x: tensor<?x5x4x16xf32>, %t: tensor<6x8x2xf32>) {
  // expected-error@+1 {{'weft.rotary' op table must be [position, width / 2, 2], but is 'tensor<6x8x2xf32>' (C2)}}
  %y = weft.rotary %x, %t : (tensor<?x5x4x16xf32>, tensor<6x8x2xf32>) -> tensor<?x5x4x16xf32>
  return
}

// -----

func.func @rotary_c2_width(%x: tensor<?x?x4x16xf32>, %t: tensor<?x9x2xf32>) {
  // expected-error@+1 {{'weft.rotary' op table rotates 18 elements but the width is 16 (C2)}}
  %y = weft.rotary %x, %t : (tensor<?x?x4x16xf32>, tensor<?x9x2xf32>) -> tensor<?x?x4x16xf32>
  return
}

// -----

func.func @rotary_c3(%x: tensor<?x?x4x16xf32>, %t: tensor<?x8x2xf32>) {
  // expected-error@+1 {{'weft.rotary' op result is ?x?x4x8 but must be ?x?x4x16 (C3)}}
  %y = weft.rotary %x, %t : (tensor<?x?x4x16xf32>, tensor<?x8x2xf32>) -> tensor<?x?x4x8xf32>
  return
}

// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @yield_elsewhere(%x: f32) {
  // expected-error@+1 {{'weft.yield' op expects parent op to be one of 'weft.packed_linear, weft.attention'}}
  weft.yield %x : f32
}

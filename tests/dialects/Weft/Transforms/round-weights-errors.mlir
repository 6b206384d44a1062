// RUN: weft-opt %s -weft-round-weights="type=int8 activations" -split-input-file -verify-diagnostics

func.func @deep() -> tensor<1x131072x32xf32> {
  %w = weft.weight "w" : tensor<10x131072xf32>
  // expected-error@+1 {{this product has 131072 inputs, but only fewer than 131072 products of int8 are certain to sum up to 32 bits; use weights of int8 without activations of int8}}
  %p = weft.pack %w {panel = 32 : i64} : (tensor<10x131072xf32>) -> tensor<1x131072x32xf32>
  return %p : tensor<1x131072x32xf32>
}

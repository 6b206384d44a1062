// RUN: weft-opt %s -weft-pack-weights -verify-diagnostics

// expected-note@+1 {{computed here}}
func.func @computed(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) -> tensor<?x4xf32> {
  // expected-error@+1 {{'weft.linear' op needs a 'weft.weight' to pack, but its weight is computed}}
  %y = weft.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

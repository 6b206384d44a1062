// RUN: weft-opt %s -weft-bind-entry -verify-diagnostics

// expected-error @below {{entry point 'm' must be one block}}
func.func @m(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> attributes {weft.entry = "sequence"} {
  cf.cond_br %c, ^a, ^a
^a:
  return %x : tensor<4xf32>
}

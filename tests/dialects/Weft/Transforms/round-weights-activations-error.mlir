// RUN: weft-opt %s -weft-round-weights="type=bf16 activations" -verify-diagnostics

// expected-error@+1 {{activations become int8 for weights of int8, but these are bf16}}
func.func @activations() {
  return
}

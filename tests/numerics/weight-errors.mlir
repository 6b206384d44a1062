// RUN: not weft-interpret %s --weights %S/Inputs/small.safetensors 2>&1 | FileCheck %s
// Weights that the checkpoint does not hold, or not in this shape.

// CHECK: missing: {{.*}}: 'weft.weight' needs the weight 'a.wieght', which {{.*}}small.safetensors does not hold; the nearest names are a.weight,
func.func @missing() {
  %w = weft.weight "a.wieght" : tensor<3x2xf32>
  return
}

// CHECK: misshaped: {{.*}}: 'weft.weight' needs the weight 'a.weight' with shape [2, 3], but {{.*}}small.safetensors has [3, 2]
func.func @misshaped() {
  %w = weft.weight "a.weight" : tensor<2x3xf32>
  return
}

// CHECK: unplaced: {{.*}}: 'weft.parameter' has no entry in the module's weft.parameters for its offset
func.func @unplaced() {
  %w = weft.parameter 64 : tensor<2xf32>
  return
}

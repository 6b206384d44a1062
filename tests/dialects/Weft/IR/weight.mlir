// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @weight
// CHECK:       weft.weight "model.norm.weight" : tensor<64xf32>
func.func @weight() -> tensor<64xf32> {
  %w = weft.weight "model.norm.weight" : tensor<64xf32>
  return %w : tensor<64xf32>
}

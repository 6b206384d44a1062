// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @weight
// CHECK:       weft.weight "model.norm.weight" : tensor<64xf32>
func.func @weight() -> tensor<64xf32> {
  %w = weft.weight "model.norm.weight" : tensor<64xf32>
  return %w : tensor<64xf32>
}

// CHECK-LABEL: @rounded
// CHECK:       weft.weight "table" : tensor<10x8xbf16>
func.func @rounded() -> tensor<10x8xbf16> {
  %w = weft.weight "table" : tensor<10x8xbf16>
  return %w : tensor<10x8xbf16>
}

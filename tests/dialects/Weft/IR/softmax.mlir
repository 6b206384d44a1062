// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @tensors
// CHECK:       weft.softmax %{{.*}} : (tensor<?x?xf32>) -> tensor<?x?xf32>
func.func @tensors(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = weft.softmax %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.softmax %{{.*}} outs %{{.*}} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
func.func @buffers(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  weft.softmax %x outs %y : (memref<?x8xf32>, memref<?x8xf32>) -> ()
  return
}

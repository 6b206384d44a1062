// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @tensors
// CHECK:       weft.argmax %{{.*}} : (tensor<?x?x8xf32>) -> tensor<?x?xi32>
func.func @tensors(%x: tensor<?x?x8xf32>) -> tensor<?x?xi32> {
  %y = weft.argmax %x : (tensor<?x?x8xf32>) -> tensor<?x?xi32>
  return %y : tensor<?x?xi32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.argmax %{{.*}} outs %{{.*}} : (memref<?x8xf32>, memref<?xi32>) -> ()
func.func @buffers(%x: memref<?x8xf32>, %y: memref<?xi32>) {
  weft.argmax %x outs %y : (memref<?x8xf32>, memref<?xi32>) -> ()
  return
}

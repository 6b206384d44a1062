// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @tensors
// CHECK:       weft.lookup %{{.*}}, %{{.*}} {label = "tokens"} : (tensor<512x8xf32>, tensor<?x?xi32>) -> tensor<?x?x8xf32>
func.func @tensors(%t: tensor<512x8xf32>, %i: tensor<?x?xi32>) -> tensor<?x?x8xf32> {
  %y = weft.lookup %t, %i {label = "tokens"} : (tensor<512x8xf32>, tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.lookup %{{.*}}, %{{.*}} outs %{{.*}} {label = "tokens"} : (memref<512x8xf32>, memref<?xi32>, memref<?x8xf32>) -> ()
func.func @buffers(%t: memref<512x8xf32>, %i: memref<?xi32>, %y: memref<?x8xf32>) {
  weft.lookup %t, %i outs %y {label = "tokens"} : (memref<512x8xf32>, memref<?xi32>, memref<?x8xf32>) -> ()
  return
}

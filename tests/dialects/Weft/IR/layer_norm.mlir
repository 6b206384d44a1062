// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @tensors
// CHECK:       weft.layer_norm %{{.*}} {eps = 1.000000e-05 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK:       weft.layer_norm %{{.*}} scale %{{.*}} {eps
// CHECK:       weft.layer_norm %{{.*}} shift %{{.*}} {eps
// CHECK:       weft.layer_norm %{{.*}} scale %{{.*}} shift %{{.*}} {eps
func.func @tensors(%x: tensor<?x8xf32>, %g: tensor<8xf32>) -> tensor<?x8xf32> {
  %a = weft.layer_norm %x {eps = 1.0e-5 : f64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = weft.layer_norm %a scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %c = weft.layer_norm %b shift %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %d = weft.layer_norm %c scale %g shift %g {eps = 1.0e-5 : f64}
      : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %d : tensor<?x8xf32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.layer_norm %{{.*}} scale %{{.*}} shift %{{.*}} outs %{{.*}} {eps = 1.000000e-05 : f64} : (memref<?x8xf32>, memref<8xf32>, memref<8xf32>, memref<?x8xf32>) -> ()
func.func @buffers(%x: memref<?x8xf32>, %g: memref<8xf32>, %y: memref<?x8xf32>) {
  weft.layer_norm %x scale %g shift %g outs %y {eps = 1.0e-5 : f64}
      : (memref<?x8xf32>, memref<8xf32>, memref<8xf32>, memref<?x8xf32>) -> ()
  return
}

// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @tensors
// CHECK:       weft.rms_norm %{{.*}} {eps = 1.000000e-05 : f64} : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
// CHECK:       weft.rms_norm %{{.*}} scale %{{.*}} {eps = 0.000000e+00 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
func.func @tensors(%x: tensor<?x?x8xf32>, %g: tensor<8xf32>) -> tensor<?x?x8xf32> {
  %y = weft.rms_norm %x {eps = 1.0e-5 : f64} : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %z = weft.rms_norm %y scale %g {eps = 0.0 : f64} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return %z : tensor<?x?x8xf32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.rms_norm %{{.*}} scale %{{.*}} outs %{{.*}} {eps = 1.000000e-05 : f64} : (memref<?x8xf32>, memref<8xf32>, memref<?x8xf32>) -> ()
func.func @buffers(%x: memref<?x8xf32>, %g: memref<8xf32>, %y: memref<?x8xf32>) {
  weft.rms_norm %x scale %g outs %y {eps = 1.0e-5 : f64} : (memref<?x8xf32>, memref<8xf32>, memref<?x8xf32>) -> ()
  return
}

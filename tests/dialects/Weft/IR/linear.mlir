// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @tensors
// CHECK:       weft.linear %{{.*}}, %{{.*}} : (tensor<?x?x8xf32>, tensor<20x8xf32>) -> tensor<?x?x20xf32>
func.func @tensors(%x: tensor<?x?x8xf32>, %w: tensor<20x8xf32>) -> tensor<?x?x20xf32> {
  %y = weft.linear %x, %w : (tensor<?x?x8xf32>, tensor<20x8xf32>) -> tensor<?x?x20xf32>
  return %y : tensor<?x?x20xf32>
}

// CHECK-LABEL: @biased
// CHECK:       weft.linear %{{.*}}, %{{.*}} bias %{{.*}} {in_out} : (tensor<8xf32>, tensor<8x20xf32>, tensor<20xf32>) -> tensor<20xf32>
func.func @biased(%x: tensor<8xf32>, %w: tensor<8x20xf32>, %b: tensor<20xf32>) -> tensor<20xf32> {
  %y = weft.linear %x, %w bias %b {in_out} : (tensor<8xf32>, tensor<8x20xf32>, tensor<20xf32>) -> tensor<20xf32>
  return %y : tensor<20xf32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.linear %{{.*}}, %{{.*}} bias %{{.*}} outs %{{.*}} : (memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<20x8xf32>, memref<20xf32>, memref<?x20xf32>) -> ()
func.func @buffers(%x: memref<?x8xf32, strided<[?, 1], offset: ?>>, %w: memref<20x8xf32>, %b: memref<20xf32>,
                   %y: memref<?x20xf32>) {
  weft.linear %x, %w bias %b outs %y
      : (memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<20x8xf32>, memref<20xf32>, memref<?x20xf32>) -> ()
  return
}

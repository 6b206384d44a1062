// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// The table may rotate less than the width.
// CHECK-LABEL: @tensors
// CHECK:       weft.rotary %{{.*}}, %{{.*}} : (tensor<?x?x4x16xf32>, tensor<?x8x2xf32>) -> tensor<?x?x4x16xf32>
// CHECK:       weft.rotary %{{.*}}, %{{.*}} {interleaved} : (tensor<?x?x4x16xf32>, tensor<?x3x2xf32>) -> tensor<?x?x4x16xf32>
func.func @tensors(%x: tensor<?x?x4x16xf32>, %whole: tensor<?x8x2xf32>, %part: tensor<?x3x2xf32>) -> tensor<?x?x4x16xf32> {
  %y = weft.rotary %x, %whole : (tensor<?x?x4x16xf32>, tensor<?x8x2xf32>) -> tensor<?x?x4x16xf32>
  %z = weft.rotary %y, %part {interleaved} : (tensor<?x?x4x16xf32>, tensor<?x3x2xf32>) -> tensor<?x?x4x16xf32>
  return %z : tensor<?x?x4x16xf32>
}

// CHECK-LABEL: @buffers
// CHECK:       weft.rotary %{{.*}}, %{{.*}} outs %{{.*}} : (memref<?x?x4x16xf32, strided<[?, ?, 16, 1], offset: ?>>, memref<?x8x2xf32>, memref<?x?x4x16xf32>) -> ()
func.func @buffers(%x: memref<?x?x4x16xf32, strided<[?, ?, 16, 1], offset: ?>>, %t: memref<?x8x2xf32>,
                   %y: memref<?x?x4x16xf32>) {
  weft.rotary %x, %t outs %y
      : (memref<?x?x4x16xf32, strided<[?, ?, 16, 1], offset: ?>>, memref<?x8x2xf32>, memref<?x?x4x16xf32>) -> ()
  return
}

// RUN: weft-opt %s -weft-forward-stores | FileCheck %s

// An output: the kernel writes there at once.
// CHECK-LABEL: func.func @output
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[OUT:.*]]: memref<?x8xf32>
func.func @output(%x: memref<?x8xf32>, %out: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %t = memref.alloc(%n) : memref<?x8xf32>
  // CHECK-NOT: memref.alloc
  // CHECK: weft.softmax %[[X]] outs %[[OUT]]
  // CHECK-NOT: memref.copy
  weft.softmax %x outs %t : (memref<?x8xf32>, memref<?x8xf32>) -> ()
  memref.copy %t, %out : memref<?x8xf32> to memref<?x8xf32>
  return
}

// A place in a cache: its view moves before the kernel.
// CHECK-LABEL: func.func @place
func.func @place(%x: memref<2x3x4x8xf32>, %table: memref<3x4x2xf32>, %state: memref<2x16x4x8xf32>, %past: index) {
  %t = memref.alloc() : memref<2x3x4x8xf32>
  // CHECK: %[[PLACE:.*]] = memref.subview
  // CHECK: weft.rotary %{{.*}}, %{{.*}} outs %[[PLACE]]
  // CHECK-NOT: memref.copy
  weft.rotary %x, %table outs %t : (memref<2x3x4x8xf32>, memref<3x4x2xf32>, memref<2x3x4x8xf32>) -> ()
  %s = memref.subview %state[0, %past, 0, 0] [2, 3, 4, 8] [1, 1, 1, 1]
      : memref<2x16x4x8xf32> to memref<2x3x4x8xf32, strided<[512, 32, 8, 1], offset: ?>>
  memref.copy %t, %s : memref<2x3x4x8xf32> to memref<2x3x4x8xf32, strided<[512, 32, 8, 1], offset: ?>>
  return
}

// Kept: the buffer has another reader.
// CHECK-LABEL: func.func @read_elsewhere
func.func @read_elsewhere(%x: memref<4x8xf32>, %out: memref<4x8xf32>, %other: memref<4x8xf32>) {
  // CHECK: memref.alloc
  %t = memref.alloc() : memref<4x8xf32>
  weft.softmax %x outs %t : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  // CHECK: memref.copy
  memref.copy %t, %out : memref<4x8xf32> to memref<4x8xf32>
  weft.softmax %t outs %other : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  return
}

// Kept: the kernel reads what the copy overwrites.
// CHECK-LABEL: func.func @overwritten
func.func @overwritten(%x: memref<4x8xf32>) {
  // CHECK: memref.alloc
  %t = memref.alloc() : memref<4x8xf32>
  weft.softmax %x outs %t : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  // CHECK: memref.copy
  memref.copy %t, %x : memref<4x8xf32> to memref<4x8xf32>
  return
}

// RUN: weft-opt %s -one-shot-bufferize -canonicalize -cse | FileCheck %s

// A kernel op writes into a buffer of its own; its regions move along.
// CHECK-LABEL: func.func @kernel
func.func @kernel(%m: memref<?x8xf32>, %w: memref<1x8x32xf32>, %out: memref<?x4xf32>) {
  %x = bufferization.to_tensor %m restrict : memref<?x8xf32> to tensor<?x8xf32>
  %p = bufferization.to_tensor %w restrict : memref<1x8x32xf32> to tensor<1x8x32xf32>
  // CHECK: %[[N:.*]] = memref.dim %arg0
  // CHECK: %[[Y:.*]] = memref.alloc(%[[N]]) {alignment = 64 : i64} : memref<?x4xf32>
  // CHECK: weft.packed_linear %arg0, %arg1 outs %[[Y]] attributes {columns = 4 : i64} {
  // CHECK: math.tanh
  %y = weft.packed_linear %x, %p attributes {columns = 4 : i64, extra_maps = []} {
  ^bb0(%acc: f32):
    %t = math.tanh %acc : f32
    weft.yield %t : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x4xf32>
  bufferization.materialize_in_destination %y in restrict writable %out : (tensor<?x4xf32>, memref<?x4xf32>) -> ()
  return
}

// A cache is updated in place, and its result is a view of it.
// CHECK-LABEL: func.func @cache
func.func @cache(%m: memref<2x?x8xf32>, %s: memref<2x16x8xf32>, %past: index, %out: memref<2x?x8xf32>) {
  %x = bufferization.to_tensor %m restrict : memref<2x?x8xf32> to tensor<2x?x8xf32>
  %state = bufferization.to_tensor %s restrict writable : memref<2x16x8xf32> to tensor<2x16x8xf32>
  // CHECK-NOT: memref.alloc
  // CHECK: %[[PLACE:.*]] = memref.subview %arg1[0, %arg2, 0]
  // CHECK: memref.copy %arg0, %[[PLACE]]
  // CHECK: %[[END:.*]] = arith.addi %arg2
  // CHECK: %[[ALL:.*]] = memref.subview %arg1[0, 0, 0] [2, %[[END]], 8]
  %all = weft.cache %x into %state at %past : tensor<2x?x8xf32> into tensor<2x16x8xf32> -> tensor<2x?x8xf32>
  // CHECK: memref.copy %[[ALL]], %arg3
  bufferization.materialize_in_destination %all in restrict writable %out : (tensor<2x?x8xf32>, memref<2x?x8xf32>) -> ()
  return
}

// With heads first, what is seen of it is in the order of the input all the same.
// CHECK-LABEL: func.func @cache_heads_first
func.func @cache_heads_first(%m: memref<?x?x4x8xf32>, %s: memref<?x4x16x8xf32>, %past: index, %out: memref<?x?x4x8xf32>) {
  %x = bufferization.to_tensor %m restrict : memref<?x?x4x8xf32> to tensor<?x?x4x8xf32>
  %state = bufferization.to_tensor %s restrict writable : memref<?x4x16x8xf32> to tensor<?x4x16x8xf32>
  // CHECK-NOT: memref.alloc
  // CHECK: %[[BATCH:.*]] = memref.dim %arg1, %c0
  // CHECK: %[[VIEW:.*]] = memref.reinterpret_cast %arg1 to offset: [0], sizes: [%[[BATCH]], 16, 4, 8], strides: [512, 8, 128, 1]
  // CHECK: %[[PLACE:.*]] = memref.subview %[[VIEW]][0, %arg2, 0, 0]
  // CHECK: memref.copy %arg0, %[[PLACE]]
  // CHECK: memref.subview %[[VIEW]][0, 0, 0, 0]
  %all = weft.cache %x into %state at %past {position = 2 : i64} : tensor<?x?x4x8xf32> into tensor<?x4x16x8xf32> -> tensor<?x?x4x8xf32>
  bufferization.materialize_in_destination %all in restrict writable %out : (tensor<?x?x4x8xf32>, memref<?x?x4x8xf32>) -> ()
  return
}

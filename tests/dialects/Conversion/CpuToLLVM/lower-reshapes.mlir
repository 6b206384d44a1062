// RUN: weft-opt %s -weft-lower-reshapes -canonicalize -cse -mlir-print-local-scope | FileCheck %s
// RUN: weft-opt %s -weft-lower-reshapes -expand-strided-metadata -o /dev/null

// CHECK-LABEL: @two_unknown
// CHECK-SAME:  %[[X:.*]]: memref<?x4x8xf32>, %[[B:.*]]: index, %[[G:.*]]: index
// CHECK:       %[[STRIDE:.*]] = arith.muli %[[G]], %c32
// CHECK:       memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[B]], %[[G]], 2, 2, 8], strides: [%[[STRIDE]], 32, 16, 8, 1]
// CHECK-SAME:    to memref<?x?x2x2x8xf32>
func.func @two_unknown(%x: memref<?x4x8xf32>, %b: index, %g: index) -> memref<?x?x2x2x8xf32> {
  %y = memref.expand_shape %x [[0, 1], [2, 3], [4]] output_shape [%b, %g, 2, 2, 8] : memref<?x4x8xf32> into memref<?x?x2x2x8xf32>
  return %y : memref<?x?x2x2x8xf32>
}

// Rows of another view: strides and offset are known when running.
// CHECK-LABEL: @strided
// CHECK-SAME:  %[[X:.*]]: memref<?x8xf32, strided<[?, 1], offset: ?>>, %[[B:.*]]: index, %[[G:.*]]: index
// CHECK:       %{{.*}}, %[[OFFSET:.*]], %{{.*}}:2, %[[ST:.*]]:2 = memref.extract_strided_metadata %[[X]]
// CHECK:       %[[OUTER:.*]] = arith.muli %[[ST]]#0, %[[G]]
// CHECK:       memref.reinterpret_cast %[[X]] to offset: [%[[OFFSET]]], sizes: [%[[B]], %[[G]], 8], strides: [%[[OUTER]], %[[ST]]#0, 1]
func.func @strided(%x: memref<?x8xf32, strided<[?, 1], offset: ?>>, %b: index, %g: index)
    -> memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %g, 8]
      : memref<?x8xf32, strided<[?, 1], offset: ?>> into memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>>
  return %y : memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>>
}

// CHECK-LABEL: @one_unknown
// CHECK:       memref.expand_shape
func.func @one_unknown(%x: memref<?x8xf32>, %b: index) -> memref<?x2x8xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, 2, 8] : memref<?x8xf32> into memref<?x2x8xf32>
  return %y : memref<?x2x8xf32>
}

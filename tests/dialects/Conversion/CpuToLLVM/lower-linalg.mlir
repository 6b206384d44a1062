// RUN: weft-opt %s -weft-lower-linalg -canonicalize -cse | FileCheck %s
// What the loops compute is LinalgLoopsTest's question; here it is which loops there are.

// Dense operands of one shape are one long vector, divided as such.
// CHECK-LABEL: @elementwise
// CHECK: memref.collapse_shape %{{.*}} {{\[}}[0, 1, 2]]
// CHECK: scf.forall
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: memref.load %{{.*}}[%[[I:.*]]] : memref<?xf32>
// CHECK: arith.mulf
// CHECK: memref.store %{{.*}}[%[[I]]] : memref<?xf32>
// CHECK: return
func.func @elementwise(%x: memref<?x?x8xf32>, %y: memref<?x?x8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
                  iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : memref<?x?x8xf32>) outs(%y : memref<?x?x8xf32>) {
  ^bb0(%u: f32, %old: f32):
    %0 = arith.mulf %u, %u : f32
    linalg.yield %0 : f32
  }
  return
}

// Rows are shared, a row's sum stays in a register, and vectors of sums are allowed.
// CHECK-LABEL: @rows
// CHECK: scf.forall
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: %[[START:.*]] = memref.load %{{.*}}[%[[ROW]]]
// CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = {{.*}} iter_args(%{{.*}} = %[[START]])
// CHECK: memref.load %{{.*}}[%[[ROW]], %[[K]]]
// CHECK: arith.addf %{{.*}} fastmath<reassoc>
// CHECK: memref.store %[[SUM]], %{{.*}}[%[[ROW]]]
func.func @rows(%x: memref<?x64xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%u: f32, %sum: f32):
    %0 = arith.addf %sum, %u : f32
    linalg.yield %0 : f32
  }
  return
}

// Sums of columns run along the rows, where elements are neighbours.
// CHECK-LABEL: @columns
// CHECK: scf.forall
// CHECK: scf.for %[[ROW:.*]] = %c0
// CHECK: scf.for %[[COLUMN:.*]] =
// CHECK: memref.load %{{.*}}[%[[ROW]], %[[COLUMN]]]
// CHECK-NOT: fastmath
// CHECK: memref.store %{{.*}}[%[[COLUMN]]]
func.func @columns(%x: memref<?x64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, k) -> (k, i)>, affine_map<(i, k) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%u: f32, %sum: f32):
    %0 = arith.addf %sum, %u : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: @rank_zero
// CHECK-NOT: scf
// CHECK: %[[X:.*]] = memref.load %{{.*}}[] : memref<f32>
// CHECK: memref.store %[[X]], %{{.*}}[] : memref<f32>
func.func @rank_zero(%x: memref<f32>, %y: memref<f32>) {
  memref.copy %x, %y : memref<f32> to memref<f32>
  return
}

// No copy is left to a run-time library.
// CHECK-LABEL: @strided_copy
// CHECK-NOT: memref.copy
// CHECK: scf.forall
// CHECK: memref.store
func.func @strided_copy(%x: memref<?x?x8xf32>, %y: memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>>) {
  memref.copy %x, %y : memref<?x?x8xf32> to memref<?x?x8xf32, strided<[?, ?, 1], offset: ?>>
  return
}

// CHECK-LABEL: @named
// CHECK-NOT: linalg
// CHECK: return
func.func @named(%x: memref<4x8xf32>, %t: memref<8x4xf32>, %v: f32) {
  linalg.transpose ins(%x : memref<4x8xf32>) outs(%t : memref<8x4xf32>) permutation = [1, 0]
  linalg.fill ins(%v : f32) outs(%x : memref<4x8xf32>)
  return
}

// On tensors it is not yet time.
// CHECK-LABEL: @tensors
// CHECK: linalg.fill
func.func @tensors(%x: tensor<4xf32>, %v: f32) -> tensor<4xf32> {
  %0 = linalg.fill ins(%v : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// One invocation for each element; a grid of more than 65535 workgroups goes on in y, and the last row of it has some
// too many.
// CHECK-LABEL: @formula
// CHECK: %[[X:.*]] = arith.minsi %{{.*}}, %c65535
// CHECK: gpu.launch blocks(%{{.*}}, %[[BY:.*]], %{{.*}}) in (%{{.*}} = %[[X]], %{{.*}} = %{{.*}}, %{{.*}} = %c1) threads({{.*}}%c128{{.*}}) {
// CHECK: arith.muli %[[BY]]
// CHECK: scf.if
// CHECK: scf.if
// CHECK: math.exp
// CHECK: memref.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] : memref<?x64xf32>
func.func private @formula(%x: memref<?x64xf32>, %y: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  }
  return
}

// A known grid that fits has no tests for workgroups, and what reduces is a loop that carries the result.
// CHECK-LABEL: @sums
// CHECK: gpu.launch blocks({{.*}}) in (%{{.*}} = %c3
// CHECK: scf.if
// CHECK: %[[START:.*]] = memref.load %{{.*}}[%[[I:.*]]] : memref<300xf32>
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %c0 to %c20 step %c1 iter_args(%{{.*}} = %[[START]])
// CHECK: arith.addf
// CHECK: memref.store %[[SUM]], %{{.*}}[%[[I]]] : memref<300xf32>
func.func private @sums(%x: memref<20x300xf32>, %y: memref<300xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<20x300xf32>) outs(%y : memref<300xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %b, %a : f32
    linalg.yield %s : f32
  }
  return
}

// Neighbouring invocations write neighbouring elements, whatever the order of loops.
// CHECK-LABEL: @transposed
// CHECK: %[[I:.*]] = arith.divui %[[ITEM:.*]], %c7
// CHECK: %[[J:.*]] = arith.remui %[[ITEM]], %c7
// CHECK: memref.load %{{.*}}[%[[J]], %[[I]]]
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[I]], %[[J]]]
func.func private @transposed(%x: memref<7x5xf32>, %y: memref<5x7xf32>) {
  linalg.transpose ins(%x : memref<7x5xf32>) outs(%y : memref<5x7xf32>) permutation = [1, 0]
  return
}

// CHECK-LABEL: @copy
// CHECK: gpu.launch
// CHECK: %[[A:.*]] = memref.load %{{.*}} : memref<?x4xf32, strided<[8, 2], offset: 1>>
// CHECK: memref.store %[[A]]
func.func private @copy(%x: memref<?x4xf32, strided<[8, 2], offset: 1>>, %y: memref<?x4xf32>) {
  memref.copy %x, %y : memref<?x4xf32, strided<[8, 2], offset: 1>> to memref<?x4xf32>
  return
}

// Constant tables are read inside of the kernel.
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
// CHECK-LABEL: @table_of_kernel
// CHECK: gpu.launch
// CHECK: %[[T:.*]] = memref.get_global @table
// CHECK: memref.load %[[T]]
func.func private @table_of_kernel(%y: memref<4xf32>) {
  %t = memref.get_global @table : memref<4xf32>
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%t : memref<4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// A word of weights has two inputs of a column: four weights at a time are two columns of two inputs. Of the last word,
// whose second weight is 0, the second input is 0 as well, so that no infinite one becomes NaN.
// CHECK-LABEL: @linear
// CHECK: gpu.launch
// CHECK: scf.for %[[WORD:.*]] = %{{.*}} to %c5 step %c8 iter_args(%[[SUM:.*]] = %
// CHECK: %[[FOUR:.*]] = vector.load %{{.*}}[%{{.*}}, %[[WORD]], %{{.*}}, %c0] : memref<2x5x32x2xbf16>, vector<4xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[FOUR]] : vector<4xbf16> to vector<4xf32>
// CHECK: %[[FIRST:.*]] = memref.load %{{.*}} : memref<?x9xf32>
// CHECK: %[[AT:.*]] = arith.minsi %{{.*}}, %c8
// CHECK: %[[NEXT:.*]] = memref.load %{{.*}}[%{{.*}}, %[[AT]]] : memref<?x9xf32>
// CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %{{.*}}, %c9
// CHECK: %[[SECOND:.*]] = arith.select %[[INSIDE]], %[[NEXT]], %cst
// CHECK: %[[INPUTS:.*]] = vector.from_elements %[[FIRST]], %[[SECOND]], %[[FIRST]], %[[SECOND]] : vector<4xf32>
// CHECK: math.fma %[[INPUTS]], %[[WIDE]], %[[SUM]] : vector<4xf32>
// CHECK-COUNT-2: arith.addf %{{.*}} : f32
// CHECK: gpu.barrier
func.func private @linear(%x: memref<?x9xf32>, %w: memref<2x5x32x2xbf16>, %y: memref<?x50xf32>) {
  weft.packed_linear %x, %w outs %y attributes {columns = 50 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x9xf32>, memref<2x5x32x2xbf16>, memref<?x50xf32>) -> ()
  return
}

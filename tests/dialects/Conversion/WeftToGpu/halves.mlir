// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// A word of weights has two inputs of a column, and two words lie side by side: four weights are a pair of columns of
// each of two inputs. What is beyond the last input is 0, weight and input, so that no infinite one becomes NaN.
// CHECK-LABEL: @linear
// CHECK: gpu.launch
// CHECK: %[[WORD:.*]] = arith.minsi %{{.*}}, %c4
// CHECK: %[[FOUR:.*]] = vector.load %{{.*}}[%{{.*}}, %[[WORD]], %{{.*}}, %c0] : memref<2x5x32x2xbf16>, vector<4xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[FOUR]] : vector<4xbf16> to vector<4xf32>
// CHECK: %[[PAIR:.*]] = vector.shuffle %[[WIDE]], %[[WIDE]] [0, 2]
// CHECK: vector.shuffle %[[WIDE]], %[[WIDE]] [1, 3]
// CHECK: %[[INSIDE:.*]] = arith.cmpi slt, %{{.*}}, %c9
// CHECK: %[[AT:.*]] = arith.minsi %{{.*}}, %c8
// CHECK: %[[WEIGHTS:.*]] = arith.select %[[INSIDE]], %[[PAIR]], %{{.*}} : vector<2xf32>
// CHECK: %[[NEXT:.*]] = memref.load %{{.*}}[%{{.*}}, %[[AT]]] : memref<?x9xf32>
// CHECK: %[[INPUT:.*]] = arith.select %[[INSIDE]], %[[NEXT]], %{{.*}} : f32
// CHECK: %[[EACH:.*]] = vector.broadcast %[[INPUT]]
// CHECK: math.fma %[[EACH]], %[[WEIGHTS]], %{{.*}} : vector<2xf32>
// CHECK: gpu.barrier
func.func private @linear(%x: memref<?x9xf32>, %w: memref<2x5x32x2xbf16>, %y: memref<?x50xf32>) {
  weft.packed_linear %x, %w outs %y attributes {columns = 50 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x9xf32>, memref<2x5x32x2xbf16>, memref<?x50xf32>) -> ()
  return
}

// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// Cross-attention: neither mask nor score, and values of a width of their own.
// CHECK-LABEL: @plain
// CHECK:       weft.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f64}
// CHECK-NOT:   mask
// CHECK-NOT:   score
// CHECK:       : (tensor<?x?x8x16xf32>, tensor<?x?x8x16xf32>, tensor<?x?x8x24xf32>) -> tensor<?x?x8x24xf32>
func.func @plain(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x8x16xf32>, %v: tensor<?x?x8x24xf32>) -> tensor<?x?x8x24xf32> {
  %o = weft.attention %q, %k, %v {scale = 0.5 : f64}
      : (tensor<?x?x8x16xf32>, tensor<?x?x8x16xf32>, tensor<?x?x8x24xf32>) -> tensor<?x?x8x24xf32>
  return %o : tensor<?x?x8x24xf32>
}

// Grouped heads, positions that begin in the past, a causal mask and a soft cap.
// CHECK-LABEL: @clauses
// CHECK:       weft.attention %{{.*}}, %{{.*}}, %{{.*}} past %{{.*}} {scale = 5.000000e-01 : f64} mask {
// CHECK-NEXT:  ^bb0(%{{.*}}: index, %{{.*}}: index, %[[I:.*]]: index, %[[J:.*]]: index):
// CHECK-NEXT:    %[[M:.*]] = arith.cmpi sle, %[[J]], %[[I]] : index
// CHECK-NEXT:    weft.yield %[[M]] : i1
// CHECK-NEXT:  } score {
// CHECK-NEXT:  ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:    %[[T:.*]] = math.tanh %[[S]] : f32
// CHECK-NEXT:    weft.yield %[[T]] : f32
func.func @clauses(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x2x16xf32>, %v: tensor<?x?x2x16xf32>, %past: index)
    -> tensor<?x?x8x16xf32> {
  %o = weft.attention %q, %k, %v past %past {scale = 0.5 : f64}
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %m = arith.cmpi sle, %j, %i : index
      weft.yield %m : i1
    }
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %t = math.tanh %s : f32
      weft.yield %t : f32
    } : (tensor<?x?x8x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, index) -> tensor<?x?x8x16xf32>
  return %o : tensor<?x?x8x16xf32>
}

// A mask reads a tensor from above; only a score; on buffers, key and value are views of a cache.
// CHECK-LABEL: @buffers
// CHECK:       weft.attention %{{.*}}, %{{.*}}, %{{.*}} outs %{{.*}} {scale = 1.000000e+00 : f64} score {
// CHECK:         memref.load
// CHECK:       -> ()
func.func @buffers(%q: memref<?x?x8x16xf32>, %k: memref<?x?x8x16xf32, strided<[65536, 128, 16, 1]>>, %bias: memref<?xf32>,
                   %o: memref<?x?x8x16xf32>) {
  weft.attention %q, %k, %k outs %o {scale = 1.0 : f64}
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %f = memref.load %bias[%j] : memref<?xf32>
      %t = arith.addf %s, %f : f32
      weft.yield %t : f32
    } : (memref<?x?x8x16xf32>, memref<?x?x8x16xf32, strided<[65536, 128, 16, 1]>>,
         memref<?x?x8x16xf32, strided<[65536, 128, 16, 1]>>, memref<?x?x8x16xf32>) -> ()
  return
}

// Everything at once: additive similarity of two sums, a sink, a hook on the probabilities, and all results.
// CHECK-LABEL: @all
// CHECK:       weft.attention %{{.*}}, %{{.*}}, %{{.*}} sink %{{.*}} {lse, scale = 1.000000e+00 : f64, weights} similarity {
// CHECK:         weft.yield %{{.*}}, %{{.*}} : f32, f32
// CHECK:       } score {
// CHECK-NEXT:  ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
// CHECK:       } weigh {
// CHECK:       -> (tensor<?x?x8x16xf32>, tensor<?x?x8x?xf32>, tensor<?x?x8xf32>)
func.func @all(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x2x16xf32>, %sink: tensor<8xf32>, %w: tensor<16xf32>)
    -> (tensor<?x?x8x16xf32>, tensor<?x?x8x?xf32>, tensor<?x?x8xf32>) {
  %o:3 = weft.attention %q, %k, %k sink %sink {scale = 1.0 : f64, weights, lse}
    similarity {
    ^bb0(%x: f32, %y: f32, %b: index, %h: index, %d: index):
      %0 = arith.addf %x, %y : f32
      %1 = math.tanh %0 : f32
      %2 = tensor.extract %w[%d] : tensor<16xf32>
      %3 = arith.mulf %1, %2 : f32
      weft.yield %3, %0 : f32, f32
    }
    score {
    ^bb0(%s: f32, %t: f32, %b: index, %h: index, %i: index, %j: index):
      %0 = arith.divf %s, %t : f32
      weft.yield %0 : f32
    }
    weigh {
    ^bb0(%p: f32, %b: index, %h: index, %i: index, %j: index):
      %0 = arith.mulf %p, %p : f32
      weft.yield %0 : f32
    } : (tensor<?x?x8x16xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>, tensor<8xf32>)
      -> (tensor<?x?x8x16xf32>, tensor<?x?x8x?xf32>, tensor<?x?x8xf32>)
  return %o#0, %o#1, %o#2 : tensor<?x?x8x16xf32>, tensor<?x?x8x?xf32>, tensor<?x?x8xf32>
}

// On buffers, one destination for each result.
// CHECK-LABEL: @all_on_buffers
// CHECK:       weft.attention %{{.*}}, %{{.*}}, %{{.*}} outs %{{.*}}, %{{.*}} {lse, scale = 1.000000e+00 : f64}
func.func @all_on_buffers(%q: memref<?x?x8x16xf32>, %o: memref<?x?x8x16xf32>, %lse: memref<?x?x8xf32>) {
  weft.attention %q, %q, %q outs %o, %lse {scale = 1.0 : f64, lse}
      : (memref<?x?x8x16xf32>, memref<?x?x8x16xf32>, memref<?x?x8x16xf32>, memref<?x?x8x16xf32>, memref<?x?x8xf32>) -> ()
  return
}

// Parts of the keys keep what they have found in a workspace.
// CHECK-LABEL: @workspace
// CHECK:       weft.attention %{{.*}}, %{{.*}}, %{{.*}} workspace %{{.*}} outs %{{.*}} {scale = 1.000000e+00 : f64}
func.func @workspace(%q: memref<?x?x8x16xf32>, %w: memref<4x?x?x8x18xf32>, %o: memref<?x?x8x16xf32>) {
  weft.attention %q, %q, %q workspace %w outs %o {scale = 1.0 : f64}
      : (memref<?x?x8x16xf32>, memref<?x?x8x16xf32>, memref<?x?x8x16xf32>, memref<4x?x?x8x18xf32>, memref<?x?x8x16xf32>) -> ()
  return
}

// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s
// What the clauses of attention add to the loops; what they compute is AttentionClausesTest's question.

!queries = memref<?x32x2x16xf32>
!keys = memref<?x?x2x16xf32>
!weights = memref<?x32x2x?xf32>
!lse = memref<?x32x2xf32>
!sink = memref<2xf32>

// A sink is read once for a block of queries, after the last key; so is the log of the sum. One pass.
// CHECK-LABEL: @sink_and_lse
// CHECK-SAME: %[[SINK:[^:]*]]: memref<2xf32>
// CHECK: %[[STATE:.*]]:4 = scf.for
// CHECK: vector.reduction <or>
// CHECK: %[[NUMBER:.*]] = memref.load %[[SINK]]
// CHECK: vector.broadcast %[[NUMBER]]
// CHECK-COUNT-2: math.log
// CHECK-NOT: iter_args
// CHECK: memref.store %{{.*}}, %{{.*}} : memref<?x32x2xf32>
// CHECK: return
func.func private @sink_and_lse(%sink: !sink, %q: !queries, %k: !keys, %v: !keys, %o: !queries, %l: !lse) {
  weft.attention %q, %k, %v sink %sink outs %o, %l {scale = 0.25 : f64, lse} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %m = arith.cmpi sle, %j, %i : index
    weft.yield %m : i1
  } : (!queries, !keys, !keys, !sink, !queries, !lse) -> ()
  return
}

// Probabilities take a second pass over the keys. In the first, values are not looked at.
// CHECK-LABEL: @weights
// CHECK-SAME: memref<?x?x2x16xf32>, %[[V:[^:]*]]: memref<?x?x2x16xf32>
// CHECK: %[[VALUES:.*]] = memref.subview %[[V]]
// The first pass: maxima and sums.
// CHECK: %{{.*}}:4 = scf.for
// CHECK: vector.fma
// CHECK: math.exp2
// CHECK-NOT: memref.load %[[VALUES]]
// CHECK: arith.divf
// What no key writes is zero.
// CHECK: vector.maskedstore %{{.*}} : memref<?x32x2x?xf32>
// The second: the probability of each score, 0 where the mask says no; then weights, and values.
// CHECK: scf.for
// CHECK: vector.fma
// CHECK: math.exp2
// CHECK: math.absf
// CHECK: scf.if
// CHECK: arith.select
// CHECK: vector.maskedstore %{{.*}} : memref<?x32x2x?xf32>
// CHECK: memref.load %[[VALUES]]
// CHECK: return
func.func private @weights(%q: !queries, %k: !keys, %v: !keys, %o: !queries, %w: !weights) {
  weft.attention %q, %k, %v outs %o, %w {scale = 0.25 : f64, weights} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %m = arith.cmpi sle, %j, %i : index
    weft.yield %m : i1
  } weigh {
  ^bb0(%p: f32, %b: index, %h: index, %i: index, %j: index):
    %t = math.absf %p : f32
    weft.yield %t : f32
  } : (!queries, !keys, !keys, !queries, !weights) -> ()
  return
}

// A similarity is computed for four keys and two vectors of queries at a time; its sums are scaled in the exponent, not the
// queries: 0.25 log2(e).
// CHECK-LABEL: @similarity
// CHECK: %[[SCALE:.*]] = arith.constant dense<0.360673755> : vector<16xf32>
// CHECK: scf.for {{.*}} step %c4
// CHECK: %[[SUMS:.*]]:8 = scf.for
// CHECK-NOT: vector.fma
// CHECK-COUNT-8: math.absf
// CHECK: scf.yield
// CHECK-NOT: arith.mulf %[[SUMS]]
// CHECK: math.fma %{{.*}}, %[[SCALE]]
// CHECK: math.exp2
// CHECK: return
func.func private @similarity(%q: !queries, %k: !keys, %v: !keys, %o: !queries) {
  weft.attention %q, %k, %v outs %o {scale = 0.25 : f64} similarity {
  ^bb0(%x: f32, %y: f32, %b: index, %h: index, %d: index):
    %t = arith.subf %x, %y : f32
    %u = math.absf %t : f32
    weft.yield %u : f32
  } : (!queries, !keys, !keys, !queries) -> ()
  return
}

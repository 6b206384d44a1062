// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s
// What depends on the distance of query and key alone is computed once for each distance of a block.

!rows = memref<?x?x2x16xf32, strided<[?, ?, 16, 1], offset: ?>>

// 32 queries and at most 256 keys have 287 distances. The number for each is looked up before the tiles, which read it.
// CHECK-LABEL: @bias
// CHECK: %[[TABLE:.*]] = memref.alloca() {alignment = 64 : i64} : memref<1x288xf32>
// CHECK: scf.for {{.*}} step %c16 {
// CHECK: %[[NUMBERS:.*]] = vector.gather
// CHECK: vector.store %[[NUMBERS]], %[[TABLE]][%c0, {{.*}}]
// CHECK: scf.for {{.*}} step %c8 iter_args
// CHECK-NOT: vector.gather
// CHECK: vector.load %[[TABLE]][%c0, {{.*}}] : memref<1x288xf32>, vector<16xf32>
// CHECK-NOT: vector.gather
// CHECK: math.exp2
func.func private @bias(%q: !rows, %k: !rows, %v: !rows, %past: index, %bias: memref<2x64xf32>, %o: !rows) {
  %c63 = arith.constant 63 : index
  weft.attention %q, %k, %v past %past outs %o {scale = 0.25 : f64} score {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
    %distance = arith.subi %i, %j : index
    %near = arith.minsi %distance, %c63 : index
    %n = memref.load %bias[%h, %near] : memref<2x64xf32>
    %t = arith.addf %s, %n : f32
    weft.yield %t : f32
  } : (!rows, !rows, !rows, index, !rows) -> ()
  return
}

// A difference costs no more than to read it, and q + k is none.
// CHECK-LABEL: @others
// CHECK-NOT: 288xf32
// CHECK: scf.for {{.*}} step %c8 iter_args
// CHECK: vector.gather
// CHECK: math.exp2
func.func private @others(%q: !rows, %k: !rows, %v: !rows, %past: index, %bias: memref<64xf32>, %o: !rows) {
  weft.attention %q, %k, %v past %past outs %o {scale = 0.25 : f64} score {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
    %distance = arith.subi %i, %j : index
    %int = arith.index_cast %distance : index to i32
    %float = arith.sitofp %int : i32 to f32
    %sum = arith.addi %i, %j : index
    %n = memref.load %bias[%sum] : memref<64xf32>
    %t = arith.addf %s, %n : f32
    %u = arith.addf %t, %float : f32
    weft.yield %u : f32
  } : (!rows, !rows, !rows, index, !rows) -> ()
  return
}

// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s
// What attention computes is AttentionKernelTest's question; here it is the shape of the loops.

!queries = memref<?x?x4x64xf32, strided<[?, ?, 64, 1], offset: ?>>
!keys = memref<?x?x2x64xf32, strided<[?, ?, 64, 1], offset: ?>>

// Many queries: lanes are queries. Keys up to the last query; tiles of 8 keys x 2 vectors; the mask only where a tile
// is not admitted whole.
// CHECK-LABEL: @causal
// CHECK-SAME: %[[Q:.*]]: memref<?x?x4x64xf32, {{.*}}, %[[K:.*]]: memref<?x?x2x64xf32, {{.*}}, %[[V:.*]]: memref<{{.*}}, %[[PAST:.*]]: index
// CHECK-DAG: %[[T:.*]] = memref.dim %[[K]], %c1
// CHECK-DAG: %[[S:.*]] = memref.dim %[[Q]], %c1
// CHECK: scf.if
// CHECK: scf.forall
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<64x32xf32>
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<256x32xf32>
// The last block of queries ends where the sequence does.
// CHECK: %[[END:.*]] = arith.subi %[[S]], %{{.*}} : index
// CHECK: %[[START:.*]] = arith.subi %[[END]], %c32
// CHECK: %[[I:.*]] = arith.maxsi %[[START]], %c0
// CHECK: %[[COUNT:.*]] = arith.subi %[[END]], %[[I]] : index
// CHECK: %[[FIRST:.*]] = arith.addi %[[PAST]], %[[I]] : index
// CHECK: %[[LAST1:.*]] = arith.addi %[[FIRST]], %[[COUNT]] : index
// CHECK: arith.minsi %[[LAST1]], %[[T]] : index
// All of it once more, carefully, where the result has a NaN.
// CHECK: scf.while (%[[CAREFUL:.*]] = %false)
// Keys that the later half of the queries sees alone, where there are as many as a tile has, are cut off.
// CHECK-COUNT-2: arith.cmpi sge, %{{.*}}, %c8
// CHECK: %[[ISCUT:.*]] = arith.andi
// CHECK: arith.select %[[ISCUT]]
// CHECK: %[[BLOCKS:.*]]:4 = scf.for
// The scores of a block, in two runs of 32 products; meanwhile the next keys and the tile's values are asked for.
// CHECK: %[[TILE:.*]]:2 = scf.for {{.*}} step %c8 iter_args
// CHECK: %{{.*}}:16 = scf.for {{.*}} = %c0 to %c32 step %c1 iter_args
// CHECK: memref.prefetch {{.*}}, read, locality<3>, data
// CHECK: memref.prefetch {{.*}}, read, locality<2>, data
// CHECK-COUNT-16: vector.fma
// CHECK: %{{.*}}:16 = scf.for {{.*}} = %c32 to %c64 step %c1 iter_args
// CHECK-COUNT-16: vector.fma
// CHECK: arith.addf
// CHECK: %{{.*}}:16 = scf.if
// CHECK: else
// CHECK-COUNT-16: arith.select
// CHECK: }
// Exponentials, scaled on the way; no mask. Those of the next key are made beside the products of 4 elements with this
// key's; the others find them.
// CHECK: arith.mulf %{{.*}}, %[[SCALE:cst[_0-9]*]] : vector<16xf32>
// CHECK: scf.if %[[CAREFUL]]
// CHECK: else
// CHECK: %[[FIRST:.*]]:12 = scf.for %[[ROW:.*]] = %c0 to {{.*}} step %c1 iter_args(%[[P0:[^ ]*]] = %{{[^,]*}}, %[[P1:[^ ]*]] =
// CHECK-NOT: arith.select
// CHECK: math.fma %{{.*}}, %[[SCALE]], %{{.*}} : vector<16xf32>
// CHECK-NEXT: math.exp2 {{.*}} fastmath<afn>
// CHECK: math.exp2
// CHECK: vector.store %[[P0]], %{{.*}}[%[[ROW]], %c0]
// CHECK: vector.store %[[P1]], %{{.*}}[%[[ROW]], %c16]
// CHECK-COUNT-8: vector.fma
// CHECK: scf.for {{.*}} = %c4 to %c64 step %c12
// CHECK: scf.for {{.*}} step %c1 iter_args
// CHECK-COUNT-24: vector.fma
// What was cut off, for one vector.
// CHECK: %[[REST:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %[[BLOCKS]]#1, %{{.*}} = %[[BLOCKS]]#3)
// CHECK: scf.for {{.*}} step %c8 iter_args
// CHECK: %{{.*}}:8 = scf.for {{.*}} step %c1 iter_args
// CHECK-COUNT-8: vector.fma
// CHECK: arith.cmpf uno
// CHECK: %[[NAN:.*]] = vector.reduction <or>
// CHECK: %[[AGAIN:.*]] = arith.select %[[CAREFUL]], %false, %[[NAN]]
// CHECK: scf.condition(%[[AGAIN]]) %[[BLOCKS]]#2, %[[REST]]#1
// Few queries: lanes are keys, then elements. The queries of four rows stay where they are for all tiles of a block. Four
// keys in a loop, strictly one after the other, each with four rows; meanwhile keys 16 KB, 64 positions, ahead are asked
// for where all may be in a cache, and at the end of a block its first values. While values are read, more values are
// asked for, and at the end the keys of the next block, part or head. Rows share a vector: of the third and fourth the sums stand 8 lanes from where they
// go to, of the second and fourth 4 lanes, since queries are skewed. Sums of four keys are two shuffles and an addition.
// Long keys fall into parts, whose number comes from that of the keys; what they leave is merged in their order.
// CHECK: %[[CACHED:.*]] = arith.cmpi ule, %{{.*}}, %c25165824
// CHECK: %[[QUOTIENT:.*]] = arith.divui %[[T]], %c1024
// CHECK: %[[ATMOST:.*]] = arith.minsi %[[QUOTIENT]], %c16
// CHECK: %[[PARTS:.*]] = arith.maxsi %[[ATMOST]], %c1
// CHECK: %[[PARKED:.*]] = memref.alloca() {alignment = 64 : i64} : memref<51x8x80xf32>
// CHECK: %[[DIVIDED:.*]] = arith.cmpi ugt, %[[PARTS]], %c1
// CHECK: scf.forall
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<8x64xf32>
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<4x4x16xf32>
// CHECK: %[[NEXTPART:.*]] = arith.cmpi ult, %{{.*}}, %[[PARTS]]
// CHECK: %[[NEXTKEYS:.*]] = arith.select %[[NEXTPART]]
// CHECK: scf.for {{.*}} step %c1024
// CHECK: %[[DISTANCE:.*]] = arith.select %[[CACHED]], %c64, %c0
// CHECK: %[[KEYSEND:.*]] = arith.subi %{{.*}}, %[[DISTANCE]]
// CHECK: %[[AFTERVALUES:.*]] = arith.select %{{.*}}, %[[NEXTKEYS]], %{{.*}}
// CHECK: scf.for {{.*}} step %c4
// CHECK-COUNT-4: vector.load
// CHECK: vector.shuffle %{{.*}} [0, 1, 2, 3, 20, 21, 22, 23, 8, 9, 10, 11, 28, 29, 30, 31]
// CHECK: vector.shuffle %{{.*}} [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]
// CHECK-COUNT-12: vector.load
// CHECK: %{{.*}}:4 = scf.for {{.*}} step %c16 iter_args
// CHECK: %[[ISBEFORE:.*]] = arith.cmpi slt, %{{.*}}, %[[KEYSEND]]
// CHECK: %[[BASE:.*]] = arith.select %[[ISBEFORE]]
// CHECK: scf.for {{.*}} %c4 step %c1
// CHECK: %[[KEY:.*]] = arith.minsi
// CHECK-NEXT: %[[BYTES:.*]] = arith.muli %[[KEY]], %{{.*}}
// CHECK-NEXT: %[[LATER:.*]] = arith.addi %[[BASE]], %[[BYTES]]
// CHECK-NEXT: %[[NUMBER:.*]] = arith.index_cast %[[LATER]]
// CHECK-NEXT: %[[ADDRESS:.*]] = llvm.inttoptr %[[NUMBER]]
// CHECK-NEXT: "llvm.intr.prefetch"(%[[ADDRESS]]) <{cache = 1 : i32, hint = 2 : i32, rw = 0 : i32}>
// CHECK-NEXT: vector.load %{{.*}}[%[[KEY]], %c0]
// CHECK-COUNT-4: arith.mulf
// CHECK: "llvm.intr.prefetch"
// CHECK-NEXT: vector.load
// CHECK-COUNT-12: vector.fma
// CHECK-COUNT-2: vector.shuffle %{{.*}} [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]
// CHECK: vector.shuffle %{{.*}} [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]
// CHECK-NEXT: arith.addf
// CHECK: llvm.fence syncscope("singlethread") seq_cst
// CHECK: vector.shuffle %{{.*}} [0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29]
// CHECK-NEXT: vector.shuffle %{{.*}} [2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31]
// CHECK-NEXT: arith.addf
// CHECK: vector.shuffle %{{.*}} [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
// CHECK-NEXT: vector.shuffle %{{.*}} [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]
// The largest scores of each lane meanwhile, then those of each row and the exponentials of four rows.
// CHECK-COUNT-4: arith.cmpf ogt
// CHECK: scf.for {{.*}} step %c4
// CHECK-COUNT-4: vector.reduction <maxnumf>
// CHECK: %{{.*}}:4 = scf.for {{.*}} step %c16 iter_args
// CHECK-COUNT-4: math.exp2
// CHECK: scf.for {{.*}} step %c4
// CHECK: %{{.*}}:16 = scf.for {{.*}} %c2 step %c1 iter_args
// CHECK: %[[ISFIRST:.*]] = arith.cmpi eq, %{{.*}}, %c0
// CHECK: arith.select %[[ISFIRST]], %{{.*}}, %{{.*}}
// CHECK: %{{.*}}:16 = scf.for {{.*}} step %c1 iter_args
// CHECK-COUNT-4: "llvm.intr.prefetch"
// CHECK-COUNT-16: vector.fma
// CHECK: scf.if %[[DIVIDED]]
// CHECK: vector.store %{{.*}}, %[[PARKED]]
// CHECK: scf.if %[[DIVIDED]]
// CHECK: scf.for {{.*}} to %[[PARTS]] step %c1 iter_args
// CHECK: scf.for {{.*}} to %[[PARTS]] step %c1 iter_args
// CHECK: math.exp2
// CHECK: %{{.*}}:4 = scf.for {{.*}} to %[[PARTS]] step %c1 iter_args
func.func private @causal(%q: !queries, %k: !keys, %v: !keys, %past: index, %o: !queries) {
  weft.attention %q, %k, %v past %past outs %o {scale = 0.125 : f64} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %m = arith.cmpi sle, %j, %i : index
    weft.yield %m : i1
  } : (!queries, !keys, !keys, index, !queries) -> ()
  return
}

// Without a mask nothing is tested, no key is skipped, and values need not be looked at. One vector is enough for 16
// queries that are left.
// CHECK-LABEL: @no_mask
// CHECK: scf.forall
// CHECK: %[[MANY:.*]] = arith.cmpi ugt, %{{.*}}, %c16
// CHECK: scf.if %[[MANY]]
// CHECK: %{{.*}}:16 = scf.for {{.*}} step %c1 iter_args
// CHECK: } else {
// CHECK: %{{.*}}:8 = scf.for {{.*}} step %c1 iter_args
// CHECK-NOT: scf.if
// CHECK-NOT: vector.reduction <or>
// CHECK: scf.forall
// CHECK-NOT: vector.reduction <or>
// CHECK: return
func.func private @no_mask(%q: !queries, %k: !keys, %v: !keys, %o: !queries) {
  weft.attention %q, %k, %v outs %o {scale = 0.125 : f64} : (!queries, !keys, !keys, !queries) -> ()
  return
}

// Sizes known when compiling leave one of the two loop nests.
// CHECK-LABEL: @one_query
// CHECK-NOT: memref<64x32xf32>
// CHECK: scf.forall
// CHECK-NOT: scf.forall
// CHECK: return
func.func private @one_query(%q: memref<1x1x4x64xf32>, %k: !keys, %v: !keys, %o: memref<1x1x4x64xf32>) {
  weft.attention %q, %k, %v outs %o {scale = 0.125 : f64} : (memref<1x1x4x64xf32>, !keys, !keys, memref<1x1x4x64xf32>) -> ()
  return
}

// A length by batch entry bounds the keys: it is read once per work item, before the loops.
// CHECK-LABEL: @lengths
// CHECK-SAME: %[[TABLE:[^:]*]]: memref<?xi32>
// CHECK: scf.forall
// CHECK: scf.for
// CHECK: %[[LENGTH:.*]] = memref.load %[[TABLE]][%{{.*}}] : memref<?xi32>
// CHECK: %[[END:.*]] = arith.index_cast %[[LENGTH]] : i32 to index
// CHECK: arith.minsi %[[END]], %{{.*}} : index
// CHECK: vector.shuffle
func.func private @lengths(%table: memref<?xi32>, %q: !queries, %k: !keys, %v: !keys, %o: !queries) {
  weft.attention %q, %k, %v outs %o {scale = 0.125 : f64} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %l = memref.load %table[%b] : memref<?xi32>
    %n = arith.index_cast %l : i32 to index
    %m = arith.cmpi slt, %j, %n : index
    weft.yield %m : i1
  } : (!queries, !keys, !keys, !queries) -> ()
  return
}

// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s
// RUN: weft-opt %s -convert-weft-to-cpu=report-key-blocks | FileCheck %s --check-prefix=REPORT
// Blocks of keys are looked at one by one only where the bounds of the mask do not say it all. What is skipped is
// KeyBlocksTest's question; here it is the shape of the loops. (The loop that carries one flag is around all blocks.)

!data = memref<?x?x1x16xf32>
func.func private @weft_key_block(index, index, index)

// Documents: the least and the largest number of the queries are found before the loop over keys, those of the keys in it.
// CHECK-LABEL: @documents
// CHECK-SAME: %[[TABLE:[^:]*]]: memref<?xi32>
// CHECK: scf.forall
// CHECK: vector.load %[[TABLE]]{{.*}} vector<16xi32>
// CHECK: vector.reduction <minsi>
// CHECK: vector.reduction <maxsi>
// CHECK: scf.while ({{[^)]*}},
// CHECK: scf.condition
// CHECK: vector.load %[[TABLE]]{{.*}} vector<16xi32>
// CHECK: vector.reduction <minsi>
// CHECK: scf.if
// The block itself, in which a tile is tested when it is not in the longest stretch that is admitted whole.
// CHECK: vector.gather %[[TABLE]]
// CHECK: scf.forall
// CHECK: scf.while ({{[^)]*}},
func.func private @documents(%table: memref<?xi32>, %q: !data, %k: !data, %v: !data, %o: !data) {
  weft.attention %q, %k, %v outs %o {scale = 0.25 : f64} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %x = memref.load %table[%i] : memref<?xi32>
    %y = memref.load %table[%j] : memref<?xi32>
    %m = arith.cmpi eq, %x, %y : i32
    weft.yield %m : i1
  } : (!data, !data, !data, !data) -> ()
  return
}

// Global and local: a few scalar operations, and no table.
// CHECK-LABEL: @global_and_local
// CHECK: scf.forall
// CHECK: scf.while ({{[^)]*}},
// CHECK-NOT: vector.reduction <minsi>
// CHECK: return
func.func private @global_and_local(%q: !data, %k: !data, %v: !data, %o: !data) {
  weft.attention %q, %k, %v outs %o {scale = 0.25 : f64} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %c8 = arith.constant 8 : index
    %c512 = arith.constant 512 : index
    %causal = arith.cmpi sle, %j, %i : index
    %distance = arith.subi %i, %j : index
    %near = arith.cmpi slt, %distance, %c512 : index
    %first = arith.cmpi slt, %j, %c8 : index
    %either = arith.ori %near, %first : i1
    %m = arith.andi %causal, %either : i1
    weft.yield %m : i1
  } : (!data, !data, !data, !data) -> ()
  return
}

// A prefix, and a distance to both sides: the bounds are exact.
// CHECK-LABEL: @exact
// CHECK-NOT: scf.while ({{[^)]*}},
// CHECK: return
// REPORT-LABEL: @exact
// REPORT: scf.forall
// REPORT: func.call @weft_key_block(%{{.*}}, %{{.*}}, %{{.*}}) : (index, index, index) -> ()
// REPORT: scf.forall
// REPORT: func.call @weft_key_block
// REPORT: return
func.func private @exact(%q: !data, %k: !data, %v: !data, %o: !data) {
  weft.attention %q, %k, %v outs %o {scale = 0.25 : f64} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %c0 = arith.constant 0 : index
    %c512 = arith.constant 512 : index
    %distance = arith.subi %i, %j : index
    %opposite = arith.subi %c0, %distance : index
    %absolute = arith.maxsi %distance, %opposite : index
    %near = arith.cmpi sle, %absolute, %c512 : index
    %causal = arith.cmpi sle, %j, %i : index
    %first = arith.cmpi slt, %j, %c512 : index
    %prefix = arith.ori %causal, %first : i1
    %m = arith.andi %near, %prefix : i1
    weft.yield %m : i1
  } : (!data, !data, !data, !data) -> ()
  return
}

// A condition that intervals can say nothing of costs nothing either.
// CHECK-LABEL: @unknown
// CHECK-NOT: scf.while ({{[^)]*}},
// CHECK: return
func.func private @unknown(%table: memref<?xf32>, %q: !data, %k: !data, %v: !data, %o: !data) {
  weft.attention %q, %k, %v outs %o {scale = 0.25 : f64} mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %zero = arith.constant 0.0 : f32
    %x = memref.load %table[%j] : memref<?xf32>
    %given = arith.cmpf ogt, %x, %zero : f32
    %causal = arith.cmpi sle, %j, %i : index
    %m = arith.andi %causal, %given : i1
    weft.yield %m : i1
  } : (!data, !data, !data, !data) -> ()
  return
}

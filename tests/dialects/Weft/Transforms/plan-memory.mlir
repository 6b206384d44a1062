// RUN: weft-opt %s -weft-plan-memory -canonicalize -cse | FileCheck %s

// a and c never live together and share a place, which is as large as the larger of them; b has its own after it.
// CHECK-LABEL: func.func @m
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[OUT:.*]]: memref<?x8xf32>, %{{.*}}: memref<?xi8>, %[[ARENA:.*]]: memref<?xi8>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[BYTES:.*]] = arith.constant 64 : index
// CHECK: %[[N:.*]] = memref.dim %[[X]], %[[ZERO]]
// CHECK: %[[AFTER:.*]] = arith.muli %[[N]], %[[BYTES]]
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[ZERO]]][%[[N]]] : memref<?xi8> to memref<?x8xf32>
// CHECK: weft.softmax %[[X]] outs %[[A]]
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[AFTER]]][%[[N]]]
// CHECK: weft.softmax %[[A]] outs %[[B]]
// CHECK: %[[C:.*]] = memref.view %[[ARENA]][%[[ZERO]]][%[[N]]] : memref<?xi8> to memref<?x16xf32>
// CHECK: weft.packed_linear %[[B]], %{{.*}} outs %[[C]]

// The places: 64 bytes per row, and 32 per row rounded up to 64 bytes.
// CHECK-LABEL: func.func @m_arena
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %{{.*}} : index
// CHECK: arith.andi
// CHECK: return %{{.*}} : index
func.func @m(%x: memref<?x8xf32>, %out: memref<?x8xf32>, %weights: memref<?xi8>, %arena: memref<?xi8>)
    attributes {weft.entry = "sequence"} {
  %c0 = arith.constant 0 : index
  %w = memref.view %weights[%c0][] : memref<?xi8> to memref<1x8x32xf32>
  %w2 = memref.view %weights[%c0][] : memref<?xi8> to memref<1x16x32xf32>
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%n) : memref<?x8xf32>
  weft.softmax %x outs %a : (memref<?x8xf32>, memref<?x8xf32>) -> ()
  %b = memref.alloc(%n) : memref<?x8xf32>
  weft.softmax %a outs %b : (memref<?x8xf32>, memref<?x8xf32>) -> ()
  %c = memref.alloc(%n) : memref<?x16xf32>
  weft.packed_linear %b, %w outs %c attributes {columns = 16 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x8xf32>, memref<1x8x32xf32>, memref<?x16xf32>) -> ()
  weft.packed_linear %c, %w2 outs %out attributes {columns = 8 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x16xf32>, memref<1x16x32xf32>, memref<?x8xf32>) -> ()
  return
}

// Loops: what the body allocates lives for one round, what it uses from outside until the last one. So b does not lie
// where a does, though a's last line stands before c's; c may lie where b was, and after the loop d where a was.
// CHECK-LABEL: func.func @loop(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %[[OUT:.*]]: memref<4xf32>, %{{.*}}, %{{.*}}, %[[ARENA:.*]]: memref<?xi8>)
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[C0]]][] : memref<?xi8> to memref<4xf32>
// CHECK: scf.for
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[C64]]][] : memref<?xi8> to memref<4xf32>
// CHECK: weft.softmax %[[A]] outs %[[B]]
// CHECK: weft.softmax %[[B]] outs %[[A]]
// CHECK: weft.softmax %[[A]] outs %[[B]]
// CHECK: weft.softmax %[[B]] outs %[[OUT]]
// CHECK: weft.softmax %[[X]] outs %[[A]]
// CHECK: weft.softmax %[[A]] outs %[[OUT]]
func.func @loop(%x: memref<4xf32>, %out: memref<4xf32>, %n: memref<?xf32>, %weights: memref<?xi8>, %arena: memref<?xi8>)
    attributes {weft.entry = "sequence"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rounds = memref.dim %n, %c0 : memref<?xf32>
  %a = memref.alloc() : memref<4xf32>
  weft.softmax %x outs %a : (memref<4xf32>, memref<4xf32>) -> ()
  scf.for %i = %c0 to %rounds step %c1 {
    %b = memref.alloc() : memref<4xf32>
    weft.softmax %a outs %b : (memref<4xf32>, memref<4xf32>) -> ()
    weft.softmax %b outs %a : (memref<4xf32>, memref<4xf32>) -> ()
    %c = memref.alloc() : memref<4xf32>
    weft.softmax %a outs %c : (memref<4xf32>, memref<4xf32>) -> ()
    weft.softmax %c outs %out : (memref<4xf32>, memref<4xf32>) -> ()
  }
  %d = memref.alloc() : memref<4xf32>
  weft.softmax %x outs %d : (memref<4xf32>, memref<4xf32>) -> ()
  weft.softmax %d outs %out : (memref<4xf32>, memref<4xf32>) -> ()
  return
}

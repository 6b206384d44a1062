// RUN: weft-opt %s -weft-wrap-entry | FileCheck %s

// What the arguments are called is the descriptor's business from here on.
// CHECK: func.func @m(%{{.*}}: memref<?x8xf32>, %{{.*}}: index) attributes {llvm.linkage = #llvm.linkage<internal>
func.func @m(%x: memref<?x8xf32> {weft.name = "x"}, %past: index) attributes {weft.entry = "step"} {
  return
}
// CHECK: func.func @weft_run_m(%[[ARGS:.*]]: !llvm.ptr) {
// CHECK: %[[SLOT:.*]] = llvm.getelementptr %[[ARGS]][0]
// CHECK: %[[PLACE:.*]] = llvm.load %[[SLOT]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.load %[[PLACE]] : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
// CHECK: llvm.getelementptr %[[ARGS]][1]
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: call @m

// CHECK: func.func @m_arena
// CHECK-SAME: internal
func.func @m_arena(%x: memref<?x8xf32>, %past: index) -> index {
  %c0 = arith.constant 0 : index
  return %c0 : index
}
// CHECK: func.func @weft_arena_m(%{{.*}}: !llvm.ptr) -> i64
// CHECK: call @m_arena

// RUN: weft-opt %s -weft-outline-parallel | FileCheck %s

// The body is a function of a closure and an index; the memref and the number travel in the closure, the constant does not.
// CHECK: func.func private @weft_parallel(!llvm.ptr, !llvm.ptr, i64)
// CHECK: func.func private @kernel_body_0(%[[CLOSURE:.*]]: !llvm.ptr, %[[I:.*]]: i64)
// CHECK: arith.constant 1.000000e+00
// CHECK: llvm.getelementptr %[[CLOSURE]][0, 0]
// CHECK: llvm.getelementptr %[[CLOSURE]][0, 1]
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[I]] : i64 to index
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[INDEX]], %{{.*}}]

// CHECK-LABEL: func.func @kernel
// CHECK: %[[FRAME:.*]] = llvm.alloca
// CHECK: scf.if
// CHECK: llvm.store %{{.*}}, %{{.*}}
// CHECK: %[[BODY:.*]] = func.constant @kernel_body_0
// CHECK: func.call @weft_parallel(%{{.*}}, %[[FRAME]], %{{.*}})
func.func @kernel(%x: memref<?x4xf32>, %column: index, %count: index, %condition: i1) {
  %one = arith.constant 1.0 : f32
  scf.if %condition {
    scf.forall (%i) in (%count) {
      memref.store %one, %x[%i, %column] : memref<?x4xf32>
    }
  }
  return
}

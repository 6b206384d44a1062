// RUN: weft-opt %s -weft-outline-kernels | FileCheck %s

// Labels of look-ups are numbered for the code that reports bad indices.
// CHECK: module attributes {{.*}}weft.labels = ["ids"]

// Two equal norms share one kernel; the third differs in its eps. Constants move into the kernel.
// CHECK: func.func private @rms_norm_0(%[[A:.*]]: memref<?x8xf32>, %[[B:.*]]: memref<?x8xf32>)
// CHECK-NEXT: weft.rms_norm %[[A]] outs %[[B]] {eps = 1.000000e-05 : f64}
// CHECK: func.func private @rms_norm_1
// CHECK: func.func private @fill_0(%{{.*}}: memref<?x8xf32>)
// CHECK-NEXT: arith.constant 2.000000e+00
// CHECK: func.func private @lookup_0

// CHECK-LABEL: func.func @m
// CHECK: call @rms_norm_0
// CHECK-NEXT: call @rms_norm_0
// CHECK-NEXT: call @rms_norm_1
// CHECK-NEXT: call @fill_0
// CHECK-NEXT: call @lookup_0
// Kernels in loops are kernels like others.
// CHECK: scf.for
// CHECK-NEXT: call @rms_norm_0
module {
  func.func @m(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %ids: memref<?xi32>, %table: memref<5x8xf32>)
      attributes {weft.entry = "sequence"} {
    %two = arith.constant 2.0 : f32
    weft.rms_norm %x outs %y {eps = 1.0e-5 : f64} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    weft.rms_norm %y outs %x {eps = 1.0e-5 : f64} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    weft.rms_norm %x outs %y {eps = 1.0e-6 : f64} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    linalg.fill ins(%two : f32) outs(%x : memref<?x8xf32>)
    weft.lookup %table, %ids outs %y {label = "ids"} : (memref<5x8xf32>, memref<?xi32>, memref<?x8xf32>) -> ()
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = memref.dim %x, %c0 : memref<?x8xf32>
    scf.for %i = %c0 to %n step %c1 {
      weft.rms_norm %x outs %y {eps = 1.0e-5 : f64} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    }
    return
  }
}

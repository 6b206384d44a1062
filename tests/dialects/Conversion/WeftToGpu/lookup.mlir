// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

module attributes {weft.labels = ["segments", "tokens"]} {
  // CHECK-NOT: @weft_bad_index
  func.func private @weft_bad_index(i64, i64, i64, i64)

  // A bad index lowers the number of its label, says the bound, and is not followed.
  // CHECK-LABEL: @lookup
  // CHECK-SAME: %[[ERRORS:[a-z0-9]*]]: memref<4xi64>
  // CHECK-DAG: %[[BOUND:.*]] = arith.constant 512 : i64
  // CHECK: %[[BAD:.*]] = arith.cmpi uge, %[[INDEX:.*]], %c512
  // CHECK: memref.atomic_rmw minu %{{.*}}, %[[ERRORS]][%c1]
  // CHECK: memref.store %[[BOUND]], %[[ERRORS]][%c3]
  // CHECK: scf.if %[[BAD]] -> (f32) {
  // CHECK-NEXT: scf.yield %cst
  // CHECK: memref.load %{{.*}}[%[[INDEX]], %{{.*}}] : memref<512x64xf32>
  func.func private @lookup(%t: memref<512x64xf32>, %i: memref<?x?xi32>, %y: memref<?x?x64xf32>) {
    weft.lookup %t, %i outs %y {label = "tokens"} : (memref<512x64xf32>, memref<?x?xi32>, memref<?x?x64xf32>) -> ()
    return
  }

  // The entry point gets memory for errors, and hands it on.
  // CHECK-LABEL: @m
  // CHECK-SAME: %[[BYTES:[a-z0-9]*]]: memref<?xi8>)
  // CHECK: %[[VIEW:.*]] = memref.view %[[BYTES]]
  // CHECK: call @lookup({{.*}}, %[[VIEW]])
  func.func @m(%t: memref<512x64xf32>, %i: memref<?x?xi32>, %y: memref<?x?x64xf32>) attributes {weft.entry = "sequence"} {
    call @lookup(%t, %i, %y) : (memref<512x64xf32>, memref<?x?xi32>, memref<?x?x64xf32>) -> ()
    return
  }
}

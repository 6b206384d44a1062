// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s

module attributes {weft.labels = ["segments", "tokens"]} {
  func.func private @weft_bad_index(i64, i64, i64, i64)

  // A bad index is reported by the number of its label, and row 0 is taken.
  // CHECK-LABEL: @lookup
  // CHECK-DAG: %[[LABEL:.*]] = arith.constant 1 : i64
  // CHECK-DAG: %[[BOUND:.*]] = arith.constant 512 : i64
  // CHECK: %[[BAD:.*]] = arith.cmpi uge, %[[INDEX:.*]], %c512
  // CHECK: scf.if %[[BAD]] {
  // CHECK: func.call @weft_bad_index(%[[LABEL]], %{{.*}}, %{{.*}}, %[[BOUND]])
  // CHECK: %[[ROW:.*]] = arith.select %[[BAD]], %c0, %[[INDEX]]
  // CHECK: vector.load %{{.*}}[%[[ROW]], %{{.*}}] : memref<512x64xf32>
  func.func private @lookup(%t: memref<512x64xf32>, %i: memref<?x?xi32>, %y: memref<?x?x64xf32>) {
    weft.lookup %t, %i outs %y {label = "tokens"} : (memref<512x64xf32>, memref<?x?xi32>, memref<?x?x64xf32>) -> ()
    return
  }

  // CHECK-LABEL: @empty
  // CHECK-NOT: vector.load
  // CHECK: return
  func.func private @empty(%t: memref<0x64xf32>, %i: memref<?xi32>, %y: memref<?x64xf32>) {
    weft.lookup %t, %i outs %y {label = "tokens"} : (memref<0x64xf32>, memref<?xi32>, memref<?x64xf32>) -> ()
    return
  }
}

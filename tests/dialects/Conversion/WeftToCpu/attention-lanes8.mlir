// RUN: weft-opt %s -convert-weft-to-cpu=lanes=8 -canonicalize -cse | FileCheck %s
// 16 registers: tiles of 6 keys x 2 vectors of 8 queries, of 40 elements 36 in such tiles and 4 in one of their own.

// CHECK-LABEL: @attention
// CHECK: scf.forall
// CHECK: memref.alloca() {{.*}} : memref<40x16xf32>
// CHECK: scf.for {{.*}} step %c6 iter_args
// CHECK: %{{.*}}:12 = scf.for {{.*}} step %c1 iter_args
// CHECK-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// CHECK: math.exp2
// CHECK: scf.for {{.*}} step %c6
// CHECK: %{{.*}}:12 = scf.for
// CHECK: %{{.*}}:8 = scf.for
// Few queries: a query of 5 vectors and sums of four keys; then 8 vectors of a value, of which there are 5.
// CHECK: scf.forall
// CHECK: memref<1x2x8xf32>
// CHECK: arith.mulf
// CHECK-COUNT-4: vector.fma {{.*}} : vector<8xf32>
// CHECK: llvm.fence
// CHECK-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// CHECK: math.exp2
// CHECK: %{{.*}}:5 = scf.for {{.*}} step %c1 iter_args
func.func private @attention(%q: memref<?x?x4x40xf32>, %k: memref<?x?x4x40xf32>, %v: memref<?x?x4x40xf32>,
                             %o: memref<?x?x4x40xf32>) {
  weft.attention %q, %k, %v outs %o {scale = 1.0 : f64}
    : (memref<?x?x4x40xf32>, memref<?x?x4x40xf32>, memref<?x?x4x40xf32>, memref<?x?x4x40xf32>) -> ()
  return
}

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
// CHECK: scf.forall
func.func private @attention(%q: memref<?x?x4x40xf32>, %k: memref<?x?x4x40xf32>, %v: memref<?x?x4x40xf32>,
                             %o: memref<?x?x4x40xf32>) {
  weft.attention %q, %k, %v outs %o {scale = 1.0 : f64}
    : (memref<?x?x4x40xf32>, memref<?x?x4x40xf32>, memref<?x?x4x40xf32>, memref<?x?x4x40xf32>) -> ()
  return
}

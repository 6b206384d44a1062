// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s
// Eight query heads of 128 for each key head: the queries of two fill the registers. 32 keys stay in the first-level cache
// for all rows. So do 32 values, whose halves are added up for four rows at a time.

// CHECK-LABEL: @grouped
// CHECK: scf.for %[[BLOCK:.*]] = {{.*}} step %c1024
// CHECK: scf.for %[[PART:.*]] = %[[BLOCK]] to %[[END:.*]] step %c32 {
// CHECK: %[[NEXT:.*]] = arith.addi %[[PART]], %c32
// CHECK: %[[PARTEND:.*]] = arith.minsi %[[NEXT]], %[[END]]
// CHECK: scf.for {{.*}} step %c2 {
// CHECK-COUNT-2: vector.load
// CHECK: vector.shuffle %{{.*}} [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]
// CHECK: %[[LARGEST:.*]]:2 = scf.for %[[TILE:.*]] = %[[PART]] to %[[PARTEND]] step %c16 iter_args
// CHECK: %[[AT:.*]] = arith.subi %[[TILE]], %[[BLOCK]]
// CHECK: vector.store %{{.*}}[%{{.*}}, %[[AT]]]
// CHECK: vector.store %[[LARGEST]]#0
// CHECK: scf.for {{.*}} step %c32 {
// CHECK: scf.for {{.*}} step %c64 {
// CHECK: scf.for {{.*}} step %c4 {
// CHECK: %{{.*}}:16 = scf.for {{.*}} step %c1 iter_args
// CHECK-COUNT-16: vector.fma
func.func private @grouped(%q: memref<1x1x8x128xf32>, %k: memref<1x?x1x128xf32>, %v: memref<1x?x1x128xf32>,
                           %o: memref<1x1x8x128xf32>) {
  weft.attention %q, %k, %v outs %o {scale = 0.125 : f64}
    : (memref<1x1x8x128xf32>, memref<1x?x1x128xf32>, memref<1x?x1x128xf32>, memref<1x1x8x128xf32>) -> ()
  return
}

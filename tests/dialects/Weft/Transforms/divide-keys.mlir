// RUN: weft-opt %s -weft-divide-keys -split-input-file | FileCheck %s
// RUN: weft-opt %s -weft-divide-keys=groups=8 -split-input-file | FileCheck %s --check-prefix=FEW

// 8 parts have 256 keys each when the cache is full. 4 query heads of each key head are a row each: 2 queries at most.
// CHECK-LABEL: @step
// CHECK-SAME:  %[[Q:[^:]*]]: memref<?x?x32x128xf32>
// CHECK-DAG:   %[[B:.*]] = memref.dim %[[Q]], %c0
// CHECK-DAG:   %[[S:.*]] = memref.dim %[[Q]], %c1
// CHECK:       %[[MOST:.*]] = arith.minsi %[[S]], %c2
// CHECK:       %[[W:.*]] = memref.alloc(%[[B]], %[[MOST]]) {alignment = 64 : i64} : memref<8x?x?x32x130xf32>
// CHECK:       weft.attention %{{.*}}, %{{.*}}, %{{.*}} past %{{.*}} workspace %[[W]] outs
// FEW-LABEL:   @step
// FEW-NOT:     workspace
func.func @step(%q: memref<?x?x32x128xf32>, %k: memref<?x2048x8x128xf32>, %v: memref<?x2048x8x128xf32>, %y: memref<?x?x32x128xf32>, %p: index) {
  weft.attention %q, %k, %v past %p outs %y {scale = 1.0 : f64} :
    (memref<?x?x32x128xf32>, memref<?x2048x8x128xf32>, memref<?x2048x8x128xf32>, index, memref<?x?x32x128xf32>) -> ()
  return
}

// -----

// As many parts as there may be, for keys whose number is known only when running; one query alone.
// CHECK-LABEL: @unknown
// CHECK:       memref.alloc() {{.*}} : memref<32x1x1x8x18xf32>
// FEW-LABEL:   @unknown
// FEW:         memref.alloc() {{.*}} : memref<8x1x1x8x18xf32>
func.func @unknown(%q: memref<1x1x8x16xf32>, %k: memref<1x?x1x16xf32>, %y: memref<1x1x8x16xf32>) {
  weft.attention %q, %k, %k outs %y {scale = 1.0 : f64} :
    (memref<1x1x8x16xf32>, memref<1x?x1x16xf32>, memref<1x?x1x16xf32>, memref<1x1x8x16xf32>) -> ()
  return
}

// -----

// Too few keys for two parts; more rows than few, for one query; and single probabilities.
// CHECK-LABEL: @one
// CHECK-NOT:   workspace
func.func @one(%q: memref<1x1x1x16xf32>, %k: memref<1x511x1x16xf32>, %h: memref<1x1x16x16xf32>, %l: memref<1x2048x1x16xf32>, %w: memref<1x1x1x2048xf32>) {
  weft.attention %q, %k, %k outs %q {scale = 1.0 : f64} :
    (memref<1x1x1x16xf32>, memref<1x511x1x16xf32>, memref<1x511x1x16xf32>, memref<1x1x1x16xf32>) -> ()
  weft.attention %h, %l, %l outs %h {scale = 1.0 : f64} :
    (memref<1x1x16x16xf32>, memref<1x2048x1x16xf32>, memref<1x2048x1x16xf32>, memref<1x1x16x16xf32>) -> ()
  weft.attention %q, %l, %l outs %q, %w {scale = 1.0 : f64, weights} :
    (memref<1x1x1x16xf32>, memref<1x2048x1x16xf32>, memref<1x2048x1x16xf32>, memref<1x1x1x16xf32>, memref<1x1x1x2048xf32>) -> ()
  return
}

// RUN: weft-opt %s -convert-weft-to-cpu -canonicalize -cse | FileCheck %s
// What rows compute is RowKernelsTest's question; here it is the shape of their loops.

// Four sums at a time, then single vectors; 300 columns leave a vector of 12.
// CHECK-LABEL: @rms_norm
// CHECK: scf.forall
// CHECK: scf.for
// CHECK: %[[SUMS:.*]]:4 = scf.for {{.*}} step %c64 iter_args
// CHECK-COUNT-4: vector.fma
// CHECK: scf.for {{.*}} step %c16 iter_args
// CHECK: vector.maskedload
// CHECK: vector.reduction <add>, %{{.*}} fastmath<reassoc>
// CHECK: math.sqrt
// CHECK: scf.for {{.*}} step %c16
// CHECK: vector.store
// CHECK: vector.maskedstore
func.func private @rms_norm(%x: memref<?x300xf32>, %g: memref<300xf32>, %y: memref<?x300xf32>) {
  weft.rms_norm %x scale %g outs %y {eps = 1.0e-5 : f64} : (memref<?x300xf32>, memref<300xf32>, memref<?x300xf32>) -> ()
  return
}

// Sum, what rounding took from the mean, and the variance as that of deviations: three passes.
// CHECK-LABEL: @layer_norm
// CHECK: vector.reduction <add>
// CHECK: arith.subf
// CHECK: vector.reduction <add>
// CHECK: arith.subf
// CHECK: vector.reduction <add>
// CHECK-NOT: mask
// CHECK: return
func.func private @layer_norm(%x: memref<?x64xf32>, %y: memref<?x64xf32>) {
  weft.layer_norm %x outs %y {eps = 1.0e-5 : f64} : (memref<?x64xf32>, memref<?x64xf32>) -> ()
  return
}

// CHECK-LABEL: @softmax
// CHECK: vector.reduction <maxnumf>
// CHECK: math.exp
// CHECK: vector.reduction <add>
// CHECK: arith.divf
func.func private @softmax(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  weft.softmax %x outs %y : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  return
}

// Cosine and sine are taken apart once for all heads.
// CHECK-LABEL: @rotary
// CHECK: vector.load %{{.*}} : memref<?x64xf32>, vector<32xf32>
// CHECK: vector.deinterleave
// CHECK: scf.for
// CHECK: vector.fma
// CHECK-NOT: vector.deinterleave
// CHECK: return
func.func private @rotary(%x: memref<?x?x8x64xf32>, %t: memref<?x32x2xf32>, %y: memref<?x?x8x64xf32, strided<[?, ?, 64, 1], offset: ?>>) {
  weft.rotary %x, %t outs %y :
    (memref<?x?x8x64xf32>, memref<?x32x2xf32>, memref<?x?x8x64xf32, strided<[?, ?, 64, 1], offset: ?>>) -> ()
  return
}

// CHECK-LABEL: @rotary_interleaved
// CHECK-COUNT-2: vector.deinterleave
// CHECK: vector.interleave
func.func private @rotary_interleaved(%x: memref<?x?x8x64xf32>, %t: memref<?x32x2xf32>, %y: memref<?x?x8x64xf32>) {
  weft.rotary %x, %t outs %y {interleaved} : (memref<?x?x8x64xf32>, memref<?x32x2xf32>, memref<?x?x8x64xf32>) -> ()
  return
}

// CHECK-LABEL: @argmax
// CHECK: vector.reduction <maxsi>
// CHECK: vector.reduction <minsi>
func.func private @argmax(%x: memref<?x?xf32>, %y: memref<?xi32>) {
  weft.argmax %x outs %y : (memref<?x?xf32>, memref<?xi32>) -> ()
  return
}

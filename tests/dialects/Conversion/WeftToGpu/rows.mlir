// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// A workgroup for each row of 300: its 128 invocations add up every 128th column, then halves in workgroup memory.
// CHECK-LABEL: @rms_norm
// CHECK: gpu.launch
// CHECK: scf.for %{{.*}} = %{{.*}} to %c300 step %c128 iter_args
// CHECK: %[[MEMORY:.*]] = memref.alloc() : memref<128xf32, #gpu.address_space<workgroup>>
// CHECK-COUNT-8: gpu.barrier
// CHECK: math.sqrt
// CHECK: scf.for %{{.*}} to %c300 step %c128
func.func private @rms_norm(%x: memref<?x300xf32>, %g: memref<300xf32>, %y: memref<?x300xf32>) {
  weft.rms_norm %x scale %g outs %y {eps = 1.0e-5 : f64} : (memref<?x300xf32>, memref<300xf32>, memref<?x300xf32>) -> ()
  return
}

// Rows of 8 share a workgroup, 16 at a time; those beyond the last do its work again and write nothing.
// CHECK-LABEL: @layer_norm
// CHECK: gpu.launch
// CHECK: arith.divui %{{.*}}, %c8
// CHECK: arith.remui %{{.*}}, %c8
// CHECK: arith.minsi
// CHECK: arith.subf
// CHECK: arith.subf
// CHECK: math.sqrt
// CHECK: scf.if
// CHECK: memref.store %{{.*}} : memref<?x8xf32>
func.func private @layer_norm(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  weft.layer_norm %x outs %y {eps = 1.0e-5 : f64} : (memref<?x8xf32>, memref<?x8xf32>) -> ()
  return
}

// CHECK-LABEL: @softmax
// CHECK: gpu.launch
// CHECK: arith.cmpf ogt
// CHECK: math.exp
// CHECK: arith.divf
// CHECK: memref.store %{{.*}} : memref<?x?xf32>
func.func private @softmax(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  weft.softmax %x outs %y : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  return
}

// CHECK-LABEL: @argmax
// CHECK: gpu.launch
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: memref.store %{{.*}} : memref<?xi32>
func.func private @argmax(%x: memref<?x?xf32>, %y: memref<?xi32>) {
  weft.argmax %x outs %y : (memref<?x?xf32>, memref<?xi32>) -> ()
  return
}

// CHECK-LABEL: @rotary
// CHECK: gpu.launch
// CHECK: %[[SECOND:.*]] = arith.cmpi sge
// CHECK: arith.select %[[SECOND]]
// CHECK: memref.store
func.func private @rotary(%x: memref<?x?x8x64xf32>, %t: memref<?x32x2xf32>, %y: memref<?x?x8x64xf32, strided<[?, ?, 64, 1], offset: ?>>) {
  weft.rotary %x, %t outs %y :
    (memref<?x?x8x64xf32>, memref<?x32x2xf32>, memref<?x?x8x64xf32, strided<[?, ?, 64, 1], offset: ?>>) -> ()
  return
}

// CHECK-LABEL: @rotary_interleaved
// CHECK: gpu.launch
// CHECK: arith.cmpi ne
func.func private @rotary_interleaved(%x: memref<?x?x8x64xf32>, %t: memref<?x32x2xf32>, %y: memref<?x?x8x64xf32>) {
  weft.rotary %x, %t outs %y {interleaved} : (memref<?x?x8x64xf32>, memref<?x32x2xf32>, memref<?x?x8x64xf32>) -> ()
  return
}

// RUN: weft-opt %s -weft-lower-launches -canonicalize | FileCheck %s

module attributes {gpu.container_module} {
  // Kernel @copy reads its first argument and writes its second.
  // CHECK-LABEL: func.func @entry
  // CHECK-DAG: %[[NO:.*]] = arith.constant 0 : i64
  // CHECK-DAG: %[[YES:.*]] = arith.constant 1 : i64
  func.func @entry(%x: memref<4xf32>, %y: memref<4xf32>, %arena: memref<?xi8>, %n: index) attributes {weft.entry = "sequence"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %a = memref.view %arena[%c0][] : memref<?xi8> to memref<4xf32>
    %b = memref.view %arena[%c64][] : memref<?xi8> to memref<4xf32>
    // Two that read the same and write different places of the arena need not wait, nor for each other.
    // CHECK: call @weft_dispatch(%{{.*}}, %[[NO]],
    gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>, %a : memref<4xf32>)
    // CHECK: call @weft_dispatch(%{{.*}}, %[[NO]],
    gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>, %b : memref<4xf32>)
    // One that reads what was written waits; the next, for the other place, then need not.
    // CHECK: call @weft_dispatch(%{{.*}}, %[[YES]],
    gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%a : memref<4xf32>, %y : memref<4xf32>)
    // CHECK: call @weft_dispatch(%{{.*}}, %[[NO]],
    gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>, %b : memref<4xf32>)
    // What was read is overwritten.
    // CHECK: call @weft_dispatch(%{{.*}}, %[[YES]],
    gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>, %a : memref<4xf32>)
    // A loop's first launch waits for its last one.
    // CHECK: scf.for
    scf.for %i = %c0 to %n step %c1 {
      // CHECK: call @weft_dispatch(%{{.*}}, %[[YES]],
      gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<4xf32>, %b : memref<4xf32>)
      // CHECK: call @weft_dispatch(%{{.*}}, %[[YES]],
      gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%b : memref<4xf32>, %y : memref<4xf32>)
    }
    // What is not an argument may be any memory.
    %odd = arith.cmpi eq, %n, %c1 : index
    %either = arith.select %odd, %x, %y : memref<4xf32>
    // CHECK: call @weft_dispatch(%{{.*}}, %[[YES]],
    gpu.launch_func @m::@copy blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%either : memref<4xf32>, %a : memref<4xf32>)
    return
  }

  gpu.module @m {
    gpu.func @copy(%x: memref<4xf32>, %y: memref<4xf32>) kernel attributes {known_block_size = array<i32: 1, 1, 1>} {
      %c0 = arith.constant 0 : index
      %v = memref.load %x[%c0] : memref<4xf32>
      memref.store %v, %y[%c0] : memref<4xf32>
      gpu.return
    }
  }
}

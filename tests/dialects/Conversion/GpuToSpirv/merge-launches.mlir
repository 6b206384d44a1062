// RUN: weft-opt %s -weft-merge-launches -canonicalize -cse | FileCheck %s

module attributes {gpu.container_module} {
  // Two that write different memory run beside each other. The one that reads what they wrote comes after, and has
  // company: a launch that nobody waits for.
  // CHECK-LABEL: func.func @entry
  // CHECK-SAME:  %[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>, %[[A:.*]]: memref<4xf32>, %[[B:.*]]: memref<4xf32>, %[[G:.*]]: index, %[[H:.*]]: index
  // CHECK-DAG:   %[[BOTH:.*]] = arith.addi %[[G]], %[[H]]
  // CHECK-DAG:   %[[COUNT:.*]] = arith.minsi %[[BOTH]], %c65535
  // CHECK:       gpu.launch_func @[[FIRST:copy_and_copy_kernel]]::@[[FIRST]] blocks in (%[[COUNT]], %{{.*}}, %c1) threads in (%c64, %c1, %c1)
  // CHECK-SAME:  %[[X]] : memref<4xf32>, %[[A]] : memref<4xf32>
  // CHECK-SAME:  %[[Y]] : memref<4xf32>, %[[B]] : memref<4xf32>
  // CHECK-NEXT:  gpu.launch_func @[[FIRST]]::@[[FIRST]]
  // CHECK-NOT:   gpu.launch_func
  func.func @entry(%x: memref<4xf32>, %y: memref<4xf32>, %a: memref<4xf32>, %b: memref<4xf32>, %g: index, %h: index)
      attributes {weft.entry = "sequence"} {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    gpu.launch_func @copy::@copy blocks in (%g, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<4xf32>, %a : memref<4xf32>)
    gpu.launch_func @copy::@copy blocks in (%h, %c1, %c1) threads in (%c64, %c1, %c1) args(%y : memref<4xf32>, %b : memref<4xf32>)
    gpu.launch_func @copy::@copy blocks in (%g, %c1, %c1) threads in (%c64, %c1, %c1) args(%a : memref<4xf32>, %x : memref<4xf32>)
    gpu.launch_func @copy::@copy blocks in (%h, %c1, %c1) threads in (%c64, %c1, %c1) args(%b : memref<4xf32>, %y : memref<4xf32>)
    return
  }

  // Workgroups of a grid with rows find their place in it, and kernels whose invocations work together stay alone.
  // CHECK-LABEL: func.func @rows
  // CHECK:       gpu.launch_func @[[ROWS:copy_and_grid_kernel]]::@[[ROWS]]
  // CHECK:       gpu.launch_func @together::@together
  // CHECK-NOT:   gpu.launch_func
  func.func @rows(%x: memref<4xf32>, %y: memref<4xf32>, %a: memref<4xf32>, %b: memref<4xf32>, %z: memref<4xf32>, %g: index, %h: index)
      attributes {weft.entry = "sequence"} {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %n = arith.muli %g, %h : index
    gpu.launch_func @copy::@copy blocks in (%n, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<4xf32>, %a : memref<4xf32>)
    gpu.launch_func @together::@together blocks in (%g, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<4xf32>, %z : memref<4xf32>)
    gpu.launch_func @grid::@grid blocks in (%g, %h, %c1) threads in (%c64, %c1, %c1) args(%x : memref<4xf32>, %b : memref<4xf32>)
    return
  }

  // A launch moves over code that launches what it has nothing to do with, and over no other.
  // CHECK-LABEL: func.func @between
  // CHECK:       gpu.launch_func @copy_and_copy_kernel{{.*}}::
  // CHECK:       scf.if
  // CHECK:         gpu.launch_func @copy::@copy
  // CHECK:       gpu.launch_func @copy::@copy
  // CHECK-NOT:   gpu.launch_func
  func.func @between(%x: memref<4xf32>, %y: memref<4xf32>, %a: memref<4xf32>, %b: memref<4xf32>, %z: memref<4xf32>, %is: i1)
      attributes {weft.entry = "sequence"} {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    gpu.launch_func @copy::@copy blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<4xf32>, %a : memref<4xf32>)
    scf.if %is {
      gpu.launch_func @copy::@copy blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<4xf32>, %z : memref<4xf32>)
    }
    gpu.launch_func @copy::@copy blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) args(%x : memref<4xf32>, %b : memref<4xf32>)
    gpu.launch_func @copy::@copy blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) args(%y : memref<4xf32>, %z : memref<4xf32>)
    return
  }

  // A workgroup's number says which part it is of; what is left of it is its place there.
  // CHECK:       gpu.func @[[FIRST]](%{{.*}}: index, %[[X1:.*]]: memref<4xf32>, %[[A1:.*]]: memref<4xf32>, %[[END:.*]]: index
  // CHECK-SAME:    kernel attributes {known_block_size = array<i32: 64, 1, 1>}
  // CHECK:         %[[ROW:.*]] = arith.muli %{{.*}}, %{{.*}}
  // CHECK:         %[[GROUP:.*]] = arith.addi %[[ROW]], %{{.*}}
  // CHECK:         arith.cmpi slt, %[[GROUP]]
  // CHECK:         scf.if
  // CHECK:           memref.load %[[X1]][%[[GROUP]]]
  // CHECK:         } else {
  // CHECK:           scf.if
  // CHECK:             %[[OWN:.*]] = arith.subi %[[GROUP]]
  // CHECK:             memref.load %{{.*}}[%[[OWN]]]
  // CHECK:       gpu.func @[[ROWS]]
  // CHECK:         arith.remui
  // CHECK:         arith.divui
  gpu.module @copy {
    gpu.func @copy(%x: memref<4xf32>, %y: memref<4xf32>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
      %i = gpu.block_id x
      %v = memref.load %x[%i] : memref<4xf32>
      memref.store %v, %y[%i] : memref<4xf32>
      gpu.return
    }
  }
  gpu.module @grid {
    gpu.func @grid(%x: memref<4xf32>, %y: memref<4xf32>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
      %i = gpu.block_id x
      %j = gpu.block_id y
      %v = memref.load %x[%i] : memref<4xf32>
      memref.store %v, %y[%j] : memref<4xf32>
      gpu.return
    }
  }
  gpu.module @together {
    gpu.func @together(%x: memref<4xf32>, %y: memref<4xf32>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
      %i = gpu.block_id x
      %v = memref.load %x[%i] : memref<4xf32>
      gpu.barrier
      memref.store %v, %y[%i] : memref<4xf32>
      gpu.return
    }
  }
}

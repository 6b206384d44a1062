// RUN: weft-opt %s -weft-lower-launches -canonicalize -cse | FileCheck %s

module attributes {gpu.container_module} {
  // Addresses first, then sizes, strides and numbers of four bytes: 2 * 8 + 2 + 1 + 1 of 4.
  // CHECK-LABEL: func.func @host
  // CHECK-SAME: (%[[X:.*]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, %[[Y:.*]]: memref<8xi1>, %[[N:.*]]: index, %[[SCALE:.*]]: f32)
  // CHECK: %[[RECORD:.*]] = llvm.alloca %{{.*}} x i8
  // CHECK: %[[GROUPS:.*]] = llvm.alloca %{{.*}} x i8
  // CHECK: llvm.store %{{.*}}, %{{.*}} : i64, !llvm.ptr
  // CHECK: %{{.*}}, %[[OFFSET:.*]], %[[SIZES:.*]]:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[X]]
  // CHECK: %[[BYTES:.*]] = arith.muli %[[OFFSET]], %c4
  // CHECK: %[[BASE:.*]] = memref.extract_aligned_pointer_as_index %[[X]]
  // CHECK: %[[ADDRESS:.*]] = arith.addi %[[BASE]], %[[BYTES]]
  // What does not fit the 31 bits that a kernel counts in is said by a flag.
  // CHECK: %[[SIZE:.*]] = arith.index_cast %[[SIZES]]#0 : index to i64
  // CHECK: %[[NARROW:.*]] = arith.trunci %[[SIZE]] : i64 to i32
  // CHECK: %[[AGAIN:.*]] = arith.extsi %[[NARROW]] : i32 to i64
  // CHECK: arith.cmpi ne, %[[AGAIN]], %[[SIZE]] : i64
  // CHECK: llvm.getelementptr %[[RECORD]][32]
  // CHECK: llvm.store %[[SCALE]], %{{.*}} : f32
  // CHECK: %[[LARGE:.*]] = arith.extui %{{.*}} : i1 to i64
  // CHECK: %[[SHIFTED:.*]] = arith.shli %[[LARGE]], %c1_i64
  // CHECK: %[[FLAG:.*]] = arith.ori %[[SHIFTED]], %c1_i64
  // CHECK: call @weft_dispatch(%{{.*}}, %[[FLAG]], %[[GROUPS]], %[[RECORD]], %c40_i64)
  // CHECK-NOT: gpu.launch
  func.func @host(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<8xi1>, %n: index, %scale: f32) {
    %c1 = arith.constant 1 : index
    %c128 = arith.constant 128 : index
    gpu.launch_func @module::@kernel blocks in (%n, %c1, %c1) threads in (%c128, %c1, %c1)
      args(%x : memref<?x?xf32, strided<[?, 1], offset: ?>>, %y : memref<8xi1>, %n : index, %scale : f32)
    return
  }

  // The kernel reads them from there. Offsets into a buffer of unknown size have 64 bits; a flag is a byte.
  gpu.module @module {
    memref.global "private" constant @table : memref<2x2xf64> = dense<[[1.0, 2.0], [3.0, 4.0]]>
    // CHECK-LABEL: gpu.func @kernel
    // CHECK-SAME: (%[[R:.*]]: i64) kernel
    // CHECK: %[[TABLE:.*]] = spirv.Variable init(%{{.*}}) : !spirv.ptr<!spirv.array<4 x f64>, Function>
    // CHECK: %[[P:.*]] = spirv.ConvertUToPtr %[[R]] : i64 to !spirv.ptr<i64, PhysicalStorageBuffer>
    // CHECK: %[[XA:.*]] = spirv.Load "PhysicalStorageBuffer" %[[P]] ["Aligned", 8] : i64
    // CHECK: memref.alloc() : memref<128xf32, #spirv.storage_class<Workgroup>>
    // CHECK: %[[WIDE:.*]] = arith.muli %{{.*}}, %{{.*}} : i64
    // CHECK: spirv.Load "PhysicalStorageBuffer" %{{.*}} ["Aligned", 4] : f32
    // CHECK: spirv.AccessChain %[[TABLE]]
    // CHECK: spirv.Load "PhysicalStorageBuffer" %{{.*}} ["Aligned", 1] : i8
    // CHECK: arith.extui %{{.*}} : i1 to i8
    // CHECK: spirv.Store "PhysicalStorageBuffer" %{{.*}}, %{{.*}} ["Aligned", 1] : i8
    gpu.func @kernel(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<8xi1>, %n: index, %scale: f32) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>} {
      %c0 = arith.constant 0 : index
      %shared = memref.alloc() : memref<128xf32, #gpu.address_space<workgroup>>
      %table = memref.get_global @table : memref<2x2xf64>
      %a = memref.load %x[%n, %n] : memref<?x?xf32, strided<[?, 1], offset: ?>>
      %b = arith.mulf %a, %scale : f32
      memref.store %b, %shared[%c0] : memref<128xf32, #gpu.address_space<workgroup>>
      %t = memref.load %table[%c0, %c0] : memref<2x2xf64>
      %u = arith.truncf %t : f64 to f32
      memref.store %u, %shared[%n] : memref<128xf32, #gpu.address_space<workgroup>>
      %s = memref.load %shared[%n] : memref<128xf32, #gpu.address_space<workgroup>>
      memref.store %s, %x[%n, %c0] : memref<?x?xf32, strided<[?, 1], offset: ?>>
      %f = memref.load %y[%n] : memref<8xi1>
      memref.store %f, %y[%c0] : memref<8xi1>
      gpu.return
    }
  }
}

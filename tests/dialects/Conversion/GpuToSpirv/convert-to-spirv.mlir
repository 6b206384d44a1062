// RUN: weft-opt %s -weft-convert-to-spirv | FileCheck %s
// RUN: weft-opt %s -weft-convert-to-spirv -weft-serialize-spirv | FileCheck %s --check-prefix=BINARY

// What is pushed is the address of the record. Floating-point operations are as written.
// CHECK: spirv.module @{{.*}} PhysicalStorageBuffer64 GLSL450 requires #spirv.vce<v1.5, [{{.*}}PhysicalStorageBufferAddresses{{.*}}], []>
// CHECK: spirv.GlobalVariable @kernel_record : !spirv.ptr<!spirv.struct<{{.*}}(i64 [0]){{.*}}>, PushConstant>
// CHECK: spirv.func @kernel()
// CHECK: spirv.mlir.addressof @kernel_record
// CHECK: spirv.FMul %{{.*}}, %{{.*}} {no_contraction} : f32
// CHECK: spirv.EntryPoint "GLCompute" @kernel
// CHECK: spirv.ExecutionMode @kernel "LocalSize", 64, 1, 1

// BINARY: weft.kernels = [{features = 1 : i32, local_size = [64 : i32, 1 : i32, 1 : i32], matrix = 0 : i32, name = "kernel", shared_bytes = 256 : i32, spirv = "{{.*}}", subgroup_size = 0 : i32}]
// BINARY-NOT: spirv.module
gpu.module @module {
  gpu.func @kernel(%record: i64) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %shared = memref.alloc() : memref<64xf32, #spirv.storage_class<Workgroup>>
    %thread = gpu.thread_id x
    %p = spirv.ConvertUToPtr %record : i64 to !spirv.ptr<f32, PhysicalStorageBuffer>
    %a = spirv.Load "PhysicalStorageBuffer" %p ["Aligned", 4] : f32
    %b = arith.mulf %a, %a : f32
    memref.store %b, %shared[%thread] : memref<64xf32, #spirv.storage_class<Workgroup>>
    gpu.barrier
    %c = memref.load %shared[%thread] : memref<64xf32, #spirv.storage_class<Workgroup>>
    spirv.Store "PhysicalStorageBuffer" %p, %c ["Aligned", 4] : f32
    gpu.return
  }
}

// A loop that may have no round gives its first value then.
// CHECK: spirv.func @sum()
// CHECK: %[[BOUND:.*]] = spirv.Load "PhysicalStorageBuffer" %{{.*}} ["Aligned", 4] : i32
// CHECK: %[[SUM:.*]] = spirv.Load "Function"
// CHECK: %[[ANY:.*]] = spirv.SLessThan %{{.*}}, %[[BOUND]] : i32
// CHECK: spirv.Select %[[ANY]], %[[SUM]], %cst_f32
gpu.module @loops {
  gpu.func @sum(%record: i64) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %one = arith.constant 1.0 : f32
    %c1 = arith.constant 1 : index
    %from = gpu.thread_id x
    %n = spirv.ConvertUToPtr %record : i64 to !spirv.ptr<i32, PhysicalStorageBuffer>
    %bound = spirv.Load "PhysicalStorageBuffer" %n ["Aligned", 4] : i32
    %to = arith.index_cast %bound : i32 to index
    %sum = scf.for %i = %from to %to step %c1 iter_args(%so_far = %one) -> f32 {
      %next = arith.addf %so_far, %so_far : f32
      scf.yield %next : f32
    }
    %p = spirv.ConvertUToPtr %record : i64 to !spirv.ptr<f32, PhysicalStorageBuffer>
    spirv.Store "PhysicalStorageBuffer" %p, %sum ["Aligned", 4] : f32
    gpu.return
  }
}

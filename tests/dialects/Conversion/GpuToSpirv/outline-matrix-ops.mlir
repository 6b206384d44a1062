// RUN: weft-opt %s -pass-pipeline="builtin.module(gpu.module(weft-outline-matrix-ops))" -split-input-file -verify-diagnostics | FileCheck %s

!sums = !gpu.mma_matrix<8x8xf32, "COp">

// A region becomes a function of the place and the elements, and then of what it has read from above; constants and what
// makes pointers move into it. The op becomes a call of a function that exists nowhere.
// CHECK-LABEL: gpu.module @rows
// CHECK: func.func private @matrix.change_use.3(!gpu.mma_matrix<8x8xf16, "COp">) -> !gpu.mma_matrix<8x8xf16, "AOp">
// CHECK: func.func private @matrix.round.2(!gpu.mma_matrix<8x8xf32, "COp">) -> !gpu.mma_matrix<8x8xf16, "COp">
// CHECK: func.func private @matrix.reduce_rows.element1(!gpu.mma_matrix<8x8xf32, "COp">) -> !gpu.mma_matrix<8x8xf32, "COp">
// CHECK: func.func private @element1(%{{.*}}: f32, %{{.*}}: f32) -> f32
// CHECK: func.func private @matrix.per_element.element0(!gpu.mma_matrix<8x8xf32, "COp">, i64, index) -> !gpu.mma_matrix<8x8xf32, "COp"> attributes {linkage_attributes = #spirv.linkage_attributes<linkage_name = "matrix.per_element.element0", linkage_type = <Import>>}
// CHECK: func.func private @element0(%[[ROW:.*]]: index, %{{.*}}: index, %[[X:.*]]: f32, %[[ADDRESS:.*]]: i64, %[[FIRST:.*]]: index) -> f32
// CHECK: %[[POINTER:.*]] = spirv.ConvertUToPtr %[[ADDRESS]]
// CHECK: %[[TWO:.*]] = arith.constant 2.0
// CHECK: spirv.Load "PhysicalStorageBuffer" %[[POINTER]]
// CHECK: arith.addi %[[FIRST]], %[[ROW]]
// CHECK: arith.mulf %[[X]], %[[TWO]]
// CHECK: return
// CHECK: gpu.func @kernel(%[[ADDRESS:.*]]: i64, %[[FIRST:.*]]: index)
// CHECK-NOT: matrix.map
// CHECK: %[[MAPPED:.*]] = func.call @matrix.per_element.element0(%{{.*}}, %[[ADDRESS]], %[[FIRST]])
// CHECK: %[[SUMS:.*]] = func.call @matrix.reduce_rows.element1(%[[MAPPED]])
// CHECK: %[[HALVES:.*]] = func.call @matrix.round.2(%[[SUMS]])
// CHECK: func.call @matrix.change_use.3(%[[HALVES]])
gpu.module @rows {
  gpu.func @kernel(%address: i64, %first: index) kernel {
    %two = arith.constant 2.0 : f32
    %a = gpu.subgroup_mma_constant_matrix %two : !sums
    %pointer = spirv.ConvertUToPtr %address : i64 to !spirv.ptr<f32, PhysicalStorageBuffer>
    %0 = matrix.map %a {
    ^bb0(%row: index, %column: index, %x: f32):
      %1 = spirv.Load "PhysicalStorageBuffer" %pointer ["Aligned", 4] : f32
      %2 = arith.addi %first, %row : index
      %3 = arith.cmpi ult, %2, %column : index
      %4 = arith.mulf %x, %two : f32
      %5 = arith.select %3, %1, %4 : f32
      matrix.yield %5 : f32
    } : (!sums) -> !sums
    %6 = matrix.reduce_rows %0 {
    ^bb0(%x: f32, %y: f32):
      %7 = arith.addf %x, %y : f32
      matrix.yield %7 : f32
    } : !sums
    %8 = matrix.convert %6 : !sums to !gpu.mma_matrix<8x8xf16, "AOp">
    gpu.return
  }
}

// -----

// Memory of the workgroup cannot be handed over.
gpu.module @memory {
  gpu.func @kernel(%m: memref<8xf32>, %a: !gpu.mma_matrix<8x8xf32, "COp">) kernel {
    // expected-error@+1 {{cannot hand a value of type 'memref<8xf32>' to a function of elements}}
    %0 = matrix.map %a {
    ^bb0(%row: index, %column: index, %x: f32):
      %1 = memref.load %m[%row] : memref<8xf32>
      matrix.yield %1 : f32
    } : (!gpu.mma_matrix<8x8xf32, "COp">) -> !gpu.mma_matrix<8x8xf32, "COp">
    gpu.return
  }
}

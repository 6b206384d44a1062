// RUN: weft-opt %s -weft-serialize-spirv | %python %S/Inputs/instructions.py | FileCheck %s --implicit-check-not=matrix. --implicit-check-not=OpFunctionCall

// Calls of functions that exist nowhere become instructions, of the functions that they name; nothing is left of what was
// called. The validator of Debian 12 has not heard of them; ./dev test --vulkan-coop brings one that has to all examples.
// CHECK: version 1 6
// CHECK: OpCapability 6022
// CHECK: OpCapability 5432
// CHECK: OpCapability 5430
// CHECK: OpCapability 5431
// CHECK: OpExtension SPV_NV_cooperative_matrix2
// CHECK: OpExtension SPV_KHR_cooperative_matrix
// CHECK-DAG: OpName [[ELEMENT:[0-9]+]] element0
// CHECK-DAG: OpName [[BOTH:[0-9]+]] both
// CHECK-NOT: OpDecorate {{.*}} 41
// CHECK: OpFunction {{[0-9]+}} [[ELEMENT]]
// CHECK: OpFunction {{[0-9]+}} [[BOTH]]
// CHECK: OpCooperativeMatrixPerElementOpNV [[TYPE:[0-9]+]] [[MAPPED:[0-9]+]] {{[0-9]+}} [[ELEMENT]] [[MORE:[0-9]+]]
// CHECK-NEXT: OpCooperativeMatrixReduceNV [[TYPE]] [[SUMS:[0-9]+]] [[MAPPED]] 1 [[BOTH]]
// CHECK-NEXT: OpFConvert [[HALF:[0-9]+]] [[HALVES:[0-9]+]] [[SUMS]]
// CHECK-NEXT: OpCooperativeMatrixConvertNV {{[0-9]+}} {{[0-9]+}} [[HALVES]]
!sums = !spirv.coopmatrix<8x8xf32, Subgroup, MatrixAcc>
!halves = !spirv.coopmatrix<8x8xf16, Subgroup, MatrixAcc>
!left = !spirv.coopmatrix<8x8xf16, Subgroup, MatrixA>

spirv.module PhysicalStorageBuffer64 Vulkan requires #spirv.vce<v1.6, [Shader, Float16, VulkanMemoryModel, PhysicalStorageBufferAddresses, CooperativeMatrixKHR], [SPV_KHR_cooperative_matrix]> attributes {spirv.target_env = #spirv.target_env<#spirv.vce<v1.6, [Shader], []>, #spirv.resource_limits<subgroup_size = 8>>} {
  spirv.func @matrix.per_element.element0(!sums, f32) -> !sums "None" attributes {linkage_attributes = #spirv.linkage_attributes<linkage_name = "matrix.per_element.element0", linkage_type = <Import>>}
  spirv.func @matrix.reduce_rows.both(!sums) -> !sums "None" attributes {linkage_attributes = #spirv.linkage_attributes<linkage_name = "matrix.reduce_rows.both", linkage_type = <Import>>}
  spirv.func @matrix.round.2(!sums) -> !halves "None" attributes {linkage_attributes = #spirv.linkage_attributes<linkage_name = "matrix.round.2", linkage_type = <Import>>}
  spirv.func @matrix.change_use.3(!halves) -> !left "None" attributes {linkage_attributes = #spirv.linkage_attributes<linkage_name = "matrix.change_use.3", linkage_type = <Import>>}
  spirv.func @element0(%row: i32, %column: i32, %x: f32, %more: f32) -> f32 "None" {
    %0 = spirv.FMul %x, %more : f32
    spirv.ReturnValue %0 : f32
  }
  spirv.func @both(%x: f32, %y: f32) -> f32 "None" {
    %0 = spirv.FAdd %x, %y : f32
    spirv.ReturnValue %0 : f32
  }
  spirv.func @kernel() "None" {
    %one = spirv.Constant 1.0 : f32
    %a = spirv.CompositeConstruct %one : (f32) -> !sums
    %0 = spirv.FunctionCall @matrix.per_element.element0(%a, %one) : (!sums, f32) -> !sums
    %1 = spirv.FunctionCall @matrix.reduce_rows.both(%0) : (!sums) -> !sums
    %2 = spirv.FunctionCall @matrix.round.2(%1) : (!sums) -> !halves
    %3 = spirv.FunctionCall @matrix.change_use.3(%2) : (!halves) -> !left
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @kernel
  spirv.ExecutionMode @kernel "LocalSize", 8, 1, 1
}

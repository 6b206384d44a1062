// RUN: weft-opt %s -weft-serialize-spirv -split-input-file -verify-diagnostics

!sums = !spirv.coopmatrix<8x8xf32, Subgroup, MatrixAcc>

// expected-error @+1 {{there is no function 'element0' for elements of matrices (this is a defect of weft)}}
spirv.module PhysicalStorageBuffer64 Vulkan requires #spirv.vce<v1.6, [Shader, VulkanMemoryModel, PhysicalStorageBufferAddresses, CooperativeMatrixKHR], [SPV_KHR_cooperative_matrix]> {
  spirv.func @matrix.per_element.element0(!sums) -> !sums "None" attributes {linkage_attributes = #spirv.linkage_attributes<linkage_name = "matrix.per_element.element0", linkage_type = <Import>>}
  spirv.func @kernel() "None" {
    %one = spirv.Constant 1.0 : f32
    %a = spirv.CompositeConstruct %one : (f32) -> !sums
    %0 = spirv.FunctionCall @matrix.per_element.element0(%a) : (!sums) -> !sums
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @kernel
  spirv.ExecutionMode @kernel "LocalSize", 8, 1, 1
}

// RUN: weft-opt %s -weft-serialize-spirv=check-only | FileCheck %s

// What is only checked stays as it is.
// CHECK-NOT: weft.kernels
// CHECK: spirv.module
spirv.module Logical GLSL450 requires #spirv.vce<v1.5, [Shader], []> {
  spirv.func @kernel() "None" {
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @kernel
  spirv.ExecutionMode @kernel "LocalSize", 1, 1, 1
}

// RUN: weft-opt %s -weft-serialize-spirv -split-input-file -verify-diagnostics

// expected-error @+1 {{this kernel became invalid SPIR-V: No OpEntryPoint instruction was found}}
spirv.module Logical GLSL450 requires #spirv.vce<v1.5, [Shader], []> {
}

// -----

// expected-error @+1 {{this kernel became invalid SPIR-V: }}
spirv.module Logical GLSL450 requires #spirv.vce<v1.5, [Shader], []> {
  spirv.func @kernel() "None" {
    %0 = spirv.Constant 1 : i64
    %1 = spirv.IAdd %0, %0 : i64
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @kernel
  spirv.ExecutionMode @kernel "LocalSize", 1, 1, 1
}

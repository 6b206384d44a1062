//===- Passes.h - passes that cross dialects ------------------------------------------------------------*- C++ -*-===//
// Answers: how do I create and register the passes that Passes.td describes?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Pass/Pass.h"

namespace weft {
#define GEN_PASS_DECL
#include "dialects/Conversion/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "dialects/Conversion/Passes.h.inc"
} // namespace weft

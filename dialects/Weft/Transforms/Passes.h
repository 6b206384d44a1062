//===- Passes.h - passes on the weft dialect ------------------------------------------------------------*- C++ -*-===//
// Answers: how do I create and register the passes that Passes.td describes?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/Pass.h"

namespace weft {
#define GEN_PASS_DECL
#include "dialects/Weft/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "dialects/Weft/Transforms/Passes.h.inc"
} // namespace weft

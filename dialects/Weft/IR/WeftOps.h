//===- WeftOps.h - the weft dialect ---------------------------------------------------------------------*- C++ -*-===//
// Answers: which C++ classes stand for the ops that WeftOps.td specifies?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeightType.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Weft/IR/WeftDialect.h.inc"
#include "dialects/Weft/IR/WeftInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialects/Weft/IR/WeftOps.h.inc"

//===- MatrixOps.h - the matrix dialect -----------------------------------------------------------------*- C++ -*-===//
// Answers: which C++ classes stand for the ops that MatrixOps.td specifies?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Matrix/IR/MatrixDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/Matrix/IR/MatrixOps.h.inc"

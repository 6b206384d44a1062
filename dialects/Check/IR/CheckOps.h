//===- CheckOps.h - the check dialect -------------------------------------------------------------------*- C++ -*-===//
// Answers: which C++ classes stand for the expectations that CheckOps.td specifies?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"

#include "dialects/Check/IR/CheckDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/Check/IR/CheckOps.h.inc"

//===- ExpandFunctions.h - functions in integers and f32 -------------------------------------------------*- C++
//-*-===//
// Answers: how does a shader compute sines and powers without f64, which few GPUs have?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/PatternMatch.h"

namespace weft {

/// sin and cos of f32, and those of a position times a frequency of a constant table in f64 that are rounded to f32.
void populateAnglePatterns(mlir::RewritePatternSet &patterns); // ExpandAngles.cpp
/// pow of f32.
void populatePowerPatterns(mlir::RewritePatternSet &patterns); // ExpandPower.cpp

} // namespace weft

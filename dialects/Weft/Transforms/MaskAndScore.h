//===- MaskAndScore.h - which part of a score's formula is a mask ---------------------------------------*- C++ -*-===//
// Answers: where is a score -inf because its formula says so, what is it elsewhere, and may all of a row be -inf?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/Transforms/ElementFormula.h"

namespace weft {

/// A score is `score` where `mask` holds and -inf elsewhere. Without a mask (null) it is `score` everywhere.
struct MaskAndScore {
  mlir::Value mask, score;
};

/// Splits a formula. A mask does not depend on `product`, the number that is computed from query and key: only
/// conditions on positions, and on tensors, can tell beforehand what need not be computed.
MaskAndScore splitMask(ElementFormula &formulas, mlir::Value formula, mlir::Value product);

/// Whether a mask is known to hold for the key at one of `candidates`, whatever the positions (which count from 0).
bool admitsOneOf(ElementFormula &formulas, mlir::Value mask, mlir::Value key, mlir::ValueRange candidates);

} // namespace weft

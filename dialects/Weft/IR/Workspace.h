//===- Workspace.h - rows of rounded activations --------------------------------------------------------*- C++ -*-===//
// Answers: what do rows become in a matmul's workspace, and where in it do their numbers, scales and sums lie?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"
#include "llvm/Support/MathExtras.h"

namespace weft {

/// What the numbers of a row become, for instructions that multiply words by words of weights.
enum class RoundedRow {
  BF16,
  F16,       ///< normed as well, for matrices
  Int8,      ///< with the row's scale and the sum of its integers behind them
  FixedPoint ///< integers of 31 or 24 bits, in digits of 8 bits: as exact as f32; see fixedPoint...
};

inline RoundedRow roundedRow(PackedLinearOp op) {
  if (op.getActivations())
    return RoundedRow::Int8;
  if (op.getWeightType() == WeightType::F16)
    return RoundedRow::F16;
  return op.getWeightType() == WeightType::BF16 ? RoundedRow::BF16 : RoundedRow::FixedPoint;
}

/// In fixed point a row is, for each word of digits - one digit each of 4 inputs - its words of the lowest to the
/// highest digits, and what is known of each group of inputs that share a scale of weights.
///   int8 weights: numbers of 31 bits. One group: the 4 numbers that its 4 sums begin with; the row's scale is near the
///   end. int4 weights: numbers of 24 bits, for a sum of 32 of them times weights has 32: the number that it begins
///   with, and the scale of these 32. The digits of 8 inputs are those of even inputs, then of odd ones, as masks cut
///   weights out of a word.
inline int64_t digitsOfNumber(WeightType type) { return type == WeightType::Int4 ? 3 : 4; }
inline int64_t fixedPointPerGroup(WeightType type) { return type == WeightType::Int4 ? 2 : digitsOfNumber(type); }
/// Where what is known of a group lies: behind the digits, of whole vectors of inputs.
inline int64_t fixedPointGroup(WeightType type, int64_t depth, int64_t group) {
  return llvm::alignTo(depth, 16) / 4 * digitsOfNumber(type) + fixedPointPerGroup(type) * group;
}
/// Whether sums of digits times weights, both of 8 bits, fit in 32 bits.
inline bool fitsFixedPoint(WeightType type, int64_t depth) { return groupDepth(type, depth) <= 1 << 15; }

/// Whether a matmul of many rows rounds them before it multiplies: `dots` says that code for CPUs multiplies words of
/// narrow numbers, `matrices` that a device has matrices of f16. Axes whose size is not known may be long.
inline bool roundsRows(PackedLinearOp op, bool dots, bool matrices) {
  if (op.getActivations())
    return true;
  WeightType type = op.getWeightType();
  auto mayHave = [&](int64_t least) {
    int64_t count = 1;
    for (int64_t size : cast<mlir::ShapedType>(op.getInput().getType()).getShape().drop_back())
      if (mlir::ShapedType::isDynamic(size))
        return true;
      else
        count *= size;
    return count >= least;
  };
  if (matrices && op.getNormEps() && type == WeightType::F16)
    return mayHave(rowsForMatrices);
  if (!dots || op.getNormEps())
    return false;
  if (type == WeightType::Int8 || type == WeightType::Int4)
    return fitsFixedPoint(type, op.getDepth()) && op.getPanel() / op.getParts() % 16 == 0;
  return type == WeightType::BF16 && mayHave(rowsThatRound);
}

/// Words of a row: whole vectors, so that rounding needs no mask. Rows do not lie a multiple of 2 KiB apart: those that
/// are read together would share the sets of the L1 cache.
inline int64_t workspaceWords(RoundedRow row, WeightType type, int64_t depth) {
  constexpr int64_t vector = 16, conflict = 512;
  int64_t words = llvm::alignTo(llvm::divideCeil(depth, perWord(type)), vector);
  if (row == RoundedRow::Int8)
    words += vector;
  if (row == RoundedRow::FixedPoint)
    words = llvm::alignTo(fixedPointGroup(type, depth, groupsOf(type, depth)) + 2, vector);
  return words % conflict == 0 ? words + vector : words;
}
inline int64_t workspaceScale(int64_t words) { return words - 2; }
inline int64_t workspaceSum(int64_t words) { return words - 1; } ///< of Int8

} // namespace weft

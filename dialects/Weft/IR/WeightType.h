//===- WeightType.h - the types that weights are stored in ----------------------------------------------*- C++ -*-===//
// Answers: how is a weight rounded, and how do rounded weights lie in panels? The text is that of `weft.pack`: elements
// that are narrower than f32 fill words of 32 bits, each of which holds consecutive inputs of one column.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace weft {

enum class WeightType {
  F32,
  F16,
  BF16,
  Int8, ///< multiples of one scale for each column
  Int4  ///< multiples of one scale for each column and 32 inputs
};

/// As `--type` spells it: f32, f16, bf16, int8, int4.
llvm::StringRef name(WeightType type);
std::optional<WeightType> weightTypeNamed(llvm::StringRef name);

/// The element type of packed weights, and what it stands for; none for other types.
mlir::Type elementType(mlir::MLIRContext *context, WeightType type);
std::optional<WeightType> weightTypeOf(mlir::Type element);

unsigned bitsOf(WeightType type);
inline int64_t perWord(WeightType type) { return 32 / bitsOf(type); }
/// Inputs that share a scale: `depth` (or 1, if there are none) where a whole column does, 0 where there are no scales.
int64_t groupDepth(WeightType type, int64_t depth);
/// Scales of a column: 0 for types without.
int64_t groupsOf(WeightType type, int64_t depth);
/// The element type of scales: f32 where there is one for a column, bf16 where there are many.
mlir::Type scaleType(mlir::MLIRContext *context, WeightType type);

/// [P, K, panel] in f32, else [P, ceil(K / v), panel, v] with v elements to a word.
llvm::SmallVector<int64_t> packedShape(WeightType type, int64_t panels, int64_t depth, int64_t panel);

/// The upper half of a number, rounded to nearest, ties to even; NaN stays NaN.
uint16_t roundToBF16(float value);
inline float widenBF16(uint16_t bits) {
  uint32_t word = static_cast<uint32_t>(bits) << 16;
  float value;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}

/// In 16 bits, 11 of them significant, rounded to nearest, ties to even; infinite from 65520 on, and NaN stays NaN.
uint16_t roundToF16(float value);
/// The bits of a number in F16 or BF16.
inline uint16_t roundToHalf(WeightType type, float value) {
  return type == WeightType::F16 ? roundToF16(value) : roundToBF16(value);
}
/// Whether rounding has made an infinite number of a finite one, which only F16 does.
bool isLost(WeightType type, float value);

/// Numbers from -127 to 127 (Int8) or -8 to 7 (Int4) that stand for their product with a scale.
struct Quantizer {
  /// For the numbers of one group, `stride` apart. The scale is NaN where a number is not finite: no integer stands
  /// for it.
  static Quantizer of(WeightType type, const float *numbers, int64_t count, int64_t stride);
  int operator()(float number) const;

  float scale = 0; ///< a bf16 number for Int4
  int least = 0, most = 0;
};

/// Products of at least this many rows round their activations to bf16 where the CPU multiplies bf16 numbers and the
/// weights are such; fewer rows wait for the weights to arrive in any case, and keep f32.
inline constexpr int64_t rowsThatRound = 8;
/// Products of at least this many rows multiply by matrices of f16, and round their activations to it, where a GPU has
/// such matrices and the weights are f16.
inline constexpr int64_t rowsForMatrices = 17;

} // namespace weft

//===- WeightType.cpp - the types that weights are stored in ------------------------------------------------------===//
// Answers: which number stands for a weight in each type?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/WeightType.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace weft {

static constexpr WeightType allTypes[] = {WeightType::F32, WeightType::F16, WeightType::BF16, WeightType::Int8,
                                          WeightType::Int4};
static constexpr int64_t groupInputs = 32; // of Int4: one scale of 16 bits for 128 bits of weights

llvm::StringRef name(WeightType type) {
  switch (type) {
  case WeightType::F32:
    return "f32";
  case WeightType::F16:
    return "f16";
  case WeightType::BF16:
    return "bf16";
  case WeightType::Int8:
    return "int8";
  case WeightType::Int4:
    return "int4";
  }
  llvm_unreachable("unknown type of weights");
}

std::optional<WeightType> weightTypeNamed(llvm::StringRef wanted) {
  for (WeightType type : allTypes)
    if (name(type) == wanted)
      return type;
  return std::nullopt;
}

Type elementType(MLIRContext *context, WeightType type) {
  switch (type) {
  case WeightType::F32:
    return Float32Type::get(context);
  case WeightType::F16:
    return Float16Type::get(context);
  case WeightType::BF16:
    return BFloat16Type::get(context);
  case WeightType::Int8:
  case WeightType::Int4:
    return IntegerType::get(context, bitsOf(type));
  }
  llvm_unreachable("unknown type of weights");
}

std::optional<WeightType> weightTypeOf(Type element) {
  for (WeightType type : allTypes)
    if (elementType(element.getContext(), type) == element)
      return type;
  return std::nullopt;
}

unsigned bitsOf(WeightType type) {
  switch (type) {
  case WeightType::F32:
    return 32;
  case WeightType::F16:
  case WeightType::BF16:
    return 16;
  case WeightType::Int8:
    return 8;
  case WeightType::Int4:
    return 4;
  }
  llvm_unreachable("unknown type of weights");
}

int64_t groupDepth(WeightType type, int64_t depth) {
  if (type == WeightType::Int8)
    return std::max<int64_t>(depth, 1);
  return type == WeightType::Int4 ? groupInputs : 0;
}

int64_t groupsOf(WeightType type, int64_t depth) {
  int64_t each = groupDepth(type, depth);
  return each ? std::max<int64_t>(1, llvm::divideCeilSigned(depth, each)) : 0;
}

Type scaleType(MLIRContext *context, WeightType type) {
  return type == WeightType::Int4 ? Type(BFloat16Type::get(context)) : Type(Float32Type::get(context));
}

SmallVector<int64_t> packedShape(WeightType type, int64_t panels, int64_t depth, int64_t panel) {
  if (type == WeightType::F32)
    return {panels, depth, panel};
  return {panels, llvm::divideCeilSigned(depth, perWord(type)), panel, perWord(type)};
}

uint16_t roundToBF16(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value))
    return static_cast<uint16_t>(bits >> 16 | 0x40); // quiet, and not infinite for want of the lower bits
  // Half of the last place that is kept, less one where that place is even: ties then do not reach the next number.
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t roundToF16(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (std::isnan(value))
    return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff)); // quiet
  if (magnitude >= 0x477ff000)                                               // 65520, half way to what comes next
    return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x38800000) { // below 2^-14 numbers lie 2^-24 apart, as those of f32 do at 0.5
    float shifted;
    __builtin_memcpy(&shifted, &magnitude, sizeof shifted);
    shifted += 0.5f;
    uint32_t sum;
    __builtin_memcpy(&sum, &shifted, sizeof sum);
    return static_cast<uint16_t>(sign | (sum - 0x3f000000));
  }
  // Half of the last place, as in bf16; the exponent counts from 15 instead of 127.
  return static_cast<uint16_t>(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

bool isLost(WeightType type, float value) {
  return type == WeightType::F16 && std::isfinite(value) && std::fabs(value) >= 65520;
}

Quantizer Quantizer::of(WeightType type, const float *numbers, int64_t count, int64_t stride) {
  Quantizer quantizer;
  float largest = 0; // with its sign; the first of equals
  for (int64_t i = 0; i < count; ++i) {
    float number = numbers[i * stride];
    if (!std::isfinite(number)) {
      quantizer.scale = std::numeric_limits<float>::quiet_NaN();
      return quantizer;
    }
    if (std::fabs(number) > std::fabs(largest))
      largest = number;
  }
  if (type == WeightType::Int8) {
    quantizer.least = -127;
    quantizer.most = 127;
    quantizer.scale = std::fabs(largest) / 127;
  } else {
    // The largest number becomes -8, which the other end of the range has no number for.
    quantizer.least = -8;
    quantizer.most = 7;
    quantizer.scale = widenBF16(roundToBF16(largest / -8));
  }
  return quantizer;
}

int Quantizer::operator()(float number) const {
  if (scale == 0)
    return 0;
  float multiple = std::nearbyint(number / scale); // ties to even, as the environment rounds by default
  return static_cast<int>(std::clamp(multiple, static_cast<float>(least), static_cast<float>(most)));
}

} // namespace weft

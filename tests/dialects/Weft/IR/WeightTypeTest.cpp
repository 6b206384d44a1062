//===- WeightTypeTest.cpp - which number stands for a weight ------------------------------------------------------===//
#include "dialects/Weft/IR/WeightType.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace weft;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

TEST(BF16, RoundsToNearestAndTiesToEven) {
  auto rounded = [](uint32_t bits) { return roundToBF16(llvm::bit_cast<float>(bits)); };
  EXPECT_EQ(rounded(0x3f800000), 0x3f80);
  EXPECT_EQ(rounded(0x3f807fff), 0x3f80); // below half
  EXPECT_EQ(rounded(0x3f808000), 0x3f80); // half: down, to even
  EXPECT_EQ(rounded(0x3f808001), 0x3f81); // above half
  EXPECT_EQ(rounded(0x3f818000), 0x3f82); // half: up, to even
  EXPECT_EQ(rounded(0xbf818000), 0xbf82);
  EXPECT_EQ(rounded(0x3fffffff), 0x4000); // into the exponent
  EXPECT_EQ(rounded(0x7f7fffff), 0x7f80); // the largest number is beyond the largest of bf16
  EXPECT_EQ(rounded(0x00000001), 0x0000); // subnormal numbers stay what they are
  EXPECT_EQ(rounded(0x00018000), 0x0002);
  EXPECT_EQ(rounded(0x80000000), 0x8000);
}

TEST(BF16, KeepsWhatIsNoNumber) {
  EXPECT_EQ(widenBF16(roundToBF16(infinity)), infinity);
  EXPECT_EQ(widenBF16(roundToBF16(-infinity)), -infinity);
  EXPECT_TRUE(std::isnan(widenBF16(roundToBF16(NAN))));
  EXPECT_TRUE(std::isnan(widenBF16(roundToBF16(llvm::bit_cast<float>(0x7f800001u))))); // its bits are the lower ones
}

TEST(BF16, AgreesWithLLVM) {
  std::mt19937 generator(1);
  for (int i = 0; i < 100000; ++i) {
    float value = llvm::bit_cast<float>(static_cast<uint32_t>(generator()));
    if (std::isnan(value))
      continue;
    llvm::APFloat number(value);
    bool loses;
    number.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven, &loses);
    ASSERT_EQ(roundToBF16(value), number.bitcastToAPInt().getZExtValue()) << value;
  }
}

TEST(F16, AgreesWithLLVM) {
  std::mt19937 generator(1);
  for (int i = 0; i < 200000; ++i) {
    uint32_t bits = static_cast<uint32_t>(generator());
    if (i % 2) // an exponent near those of f16
      bits = (bits & 0x807fffff) | (100 + bits % 45) << 23;
    float value = llvm::bit_cast<float>(bits);
    if (std::isnan(value))
      continue;
    llvm::APFloat number(value);
    bool loses;
    number.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven, &loses);
    ASSERT_EQ(roundToF16(value), number.bitcastToAPInt().getZExtValue()) << value;
    ASSERT_EQ(isLost(WeightType::F16, value), std::isfinite(value) && number.isInfinity()) << value;
  }
}

TEST(F16, RoundsTiesToEvenAndKeepsWhatIsNoNumber) {
  EXPECT_EQ(roundToF16(65504), 0x7bff);
  EXPECT_EQ(roundToF16(65519.99f), 0x7bff);
  EXPECT_EQ(roundToF16(-65520), 0xfc00);
  EXPECT_EQ(roundToF16(1 + 0x1p-11f), 0x3c00);
  EXPECT_EQ(roundToF16(1 + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(roundToF16(0x1p-24f), 0x0001);
  EXPECT_EQ(roundToF16(0x1p-25f), 0x0000); // half of the smallest: to even
  EXPECT_EQ(roundToF16(-0.0f), 0x8000);
  EXPECT_EQ(roundToF16(infinity), 0x7c00);
  EXPECT_EQ(roundToF16(llvm::bit_cast<float>(0x7f800001u)) & 0x7fff, 0x7e00); // its bits are the lower ones
  EXPECT_FALSE(isLost(WeightType::F16, infinity));
  EXPECT_FALSE(isLost(WeightType::BF16, 1e30f));
}

TEST(Quantizer, OfInt8IsSymmetric) {
  const float numbers[] = {0.5f, -2.54f, 1.27f, 0.03f, 0.01f};
  auto quantizer = Quantizer::of(WeightType::Int8, numbers, 5, 1);
  EXPECT_FLOAT_EQ(quantizer.scale, 0.02f);
  EXPECT_EQ(quantizer(-2.54f), -127);
  EXPECT_EQ(quantizer(2.54f), 127);
  EXPECT_EQ(quantizer(100), 127); // never further than the type reaches
  EXPECT_EQ(quantizer(0), 0);
}

TEST(Quantizer, TiesGoToEven) {
  const float numbers[] = {127, 0.5f, 1.5f, -2.5f};
  auto quantizer = Quantizer::of(WeightType::Int8, numbers, 4, 1);
  ASSERT_EQ(quantizer.scale, 1);
  EXPECT_EQ(quantizer(0.5f), 0);
  EXPECT_EQ(quantizer(1.5f), 2);
  EXPECT_EQ(quantizer(-2.5f), -2);
}

TEST(Quantizer, OfInt4ReachesFurthestWhereTheLargestNumberIs) {
  const float negative[] = {-8, 7, 3}, positive[] = {8, -8, -7};
  auto of = [](const float *numbers) { return Quantizer::of(WeightType::Int4, numbers, 3, 1); };
  EXPECT_EQ(of(negative).scale, 1);
  EXPECT_EQ(of(negative)(-8), -8);
  EXPECT_EQ(of(negative)(7), 7);
  EXPECT_EQ(of(positive).scale, -1); // the first of the largest
  EXPECT_EQ(of(positive)(8), -8);
  EXPECT_EQ(of(positive)(-8), 7); // 8 is out of reach
}

TEST(Quantizer, ScalesOfInt4AreBF16Numbers) {
  const float numbers[] = {1.2345678f};
  float scale = Quantizer::of(WeightType::Int4, numbers, 1, 1).scale;
  EXPECT_EQ(widenBF16(roundToBF16(scale)), scale);
  EXPECT_NEAR(scale, -1.2345678f / 8, 1e-3);
}

TEST(Quantizer, OfNothingButZerosGivesZeros) {
  const float zeros[] = {0, -0.0f, 0};
  for (WeightType type : {WeightType::Int8, WeightType::Int4}) {
    auto quantizer = Quantizer::of(type, zeros, 3, 1);
    EXPECT_EQ(quantizer.scale, 0);
    EXPECT_EQ(quantizer(0), 0);
  }
}

TEST(Quantizer, OfNumbersTooSmallForAScaleGivesZeros) {
  const float tiny[] = {1e-45f};
  auto quantizer = Quantizer::of(WeightType::Int8, tiny, 1, 1);
  EXPECT_EQ(quantizer.scale, 0);
  EXPECT_EQ(quantizer(tiny[0]), 0);
}

TEST(Quantizer, HasNoScaleForWhatIsNotFinite) {
  for (float odd : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    const float numbers[] = {1, odd, 2};
    EXPECT_TRUE(std::isnan(Quantizer::of(WeightType::Int8, numbers, 3, 1).scale));
    EXPECT_TRUE(std::isnan(Quantizer::of(WeightType::Int4, numbers, 3, 1).scale));
    EXPECT_FALSE(std::isnan(Quantizer::of(WeightType::Int4, numbers, 2, 2).scale)); // strides leave it out
  }
}

TEST(WeightTypes, HaveNamesAndElements) {
  mlir::MLIRContext context;
  for (WeightType type : {WeightType::F32, WeightType::F16, WeightType::BF16, WeightType::Int8, WeightType::Int4}) {
    EXPECT_EQ(weightTypeNamed(name(type)), type);
    EXPECT_EQ(weightTypeOf(elementType(&context, type)), type);
  }
  EXPECT_EQ(weightTypeNamed("f8"), std::nullopt);
  EXPECT_EQ(weightTypeOf(mlir::Float64Type::get(&context)), std::nullopt);
}

TEST(WeightTypes, FillWordsAndGroups) {
  using Shape = llvm::SmallVector<int64_t>;
  EXPECT_EQ(packedShape(WeightType::F32, 2, 33, 32), (Shape{2, 33, 32}));
  EXPECT_EQ(packedShape(WeightType::BF16, 2, 33, 32), (Shape{2, 17, 32, 2}));
  EXPECT_EQ(packedShape(WeightType::F16, 2, 33, 32), (Shape{2, 17, 32, 2}));
  EXPECT_EQ(packedShape(WeightType::Int8, 2, 33, 32), (Shape{2, 9, 32, 4}));
  EXPECT_EQ(packedShape(WeightType::Int4, 2, 33, 32), (Shape{2, 5, 32, 8}));
  EXPECT_EQ(groupsOf(WeightType::F32, 33), 0);
  EXPECT_EQ(groupsOf(WeightType::BF16, 33), 0);
  EXPECT_EQ(groupsOf(WeightType::Int8, 33), 1);
  EXPECT_EQ(groupsOf(WeightType::Int4, 32), 1);
  EXPECT_EQ(groupsOf(WeightType::Int4, 33), 2);
}

} // namespace

//===- MathAccuracyTest.cpp - f32 functions against double ------------------------------------------------------===//
// Answers: by how many units in the last place are expanded functions wrong, as scalars and in lanes?
//===------------------------------------------------------------------------------------------------------------===//
#include "tests/dialects/Conversion/Jit.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>

namespace weft::test {
namespace {

constexpr int64_t lanes = 16, count = 1 << 18;
constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

/// @scalar and @lanes, each applying `op` to every element.
std::unique_ptr<Jit> compileUnary(const std::string &op, const std::string &flags = "") {
  return Jit::compile(substitute(R"(
    func.func @scalar(%in: memref<?xf32>, %out: memref<?xf32>) attributes {llvm.emit_c_interface} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = memref.dim %in, %c0 : memref<?xf32>
      scf.for %i = %c0 to %n step %c1 {
        %x = memref.load %in[%i] : memref<?xf32>
        %y = math.$op %x $flags : f32
        memref.store %y, %out[%i] : memref<?xf32>
      }
      return
    }
    func.func @lanes(%in: memref<?xf32>, %out: memref<?xf32>) attributes {llvm.emit_c_interface} {
      %c0 = arith.constant 0 : index
      %c16 = arith.constant 16 : index
      %n = memref.dim %in, %c0 : memref<?xf32>
      scf.for %i = %c0 to %n step %c16 {
        %x = vector.load %in[%i] : memref<?xf32>, vector<16xf32>
        %y = math.$op %x $flags : vector<16xf32>
        vector.store %y, %out[%i] : memref<?xf32>, vector<16xf32>
      }
      return
    })",
                                 {{"op", op}, {"flags", flags}}));
}

std::vector<float> apply(Jit &jit, const std::string &form, std::vector<float> in) {
  in.resize((in.size() + lanes - 1) / lanes * lanes);
  std::vector<float> out(in.size());
  int64_t size = in.size();
  jit.call(form, {Descriptor(in.data(), {size}), Descriptor(out.data(), {size})});
  return out;
}

/// The distance in units in the last place of the exact result.
double errorInUlp(float got, double exact) {
  if (std::isnan(exact))
    return std::isnan(got) ? 0 : inf;
  float rounded = std::abs(static_cast<float>(exact));
  if (std::isinf(rounded))
    return std::abs(got) == rounded ? 0 : inf;
  double ulp = static_cast<double>(std::nextafter(rounded, inf)) - rounded;
  double error = std::abs(got - exact) / ulp;
  return std::isnan(error) ? inf : error;
}

struct Function {
  const char *name;
  double (*exact)(double);
  double low, high;
  double allowedUlp;
};

void PrintTo(const Function &f, std::ostream *out) { *out << f.name << " over " << f.low << ".." << f.high; }

class MathAccuracy : public testing::TestWithParam<Function> {};

TEST_P(MathAccuracy, StaysWithinItsBound) {
  const Function &f = GetParam();
  std::unique_ptr<Jit> jit = compileUnary(f.name);
  ASSERT_TRUE(jit);
  std::vector<float> in(count);
  for (int64_t i = 0; i < count; ++i)
    in[i] = f.low + (f.high - f.low) * i / (count - 1);
  for (const char *form : {"scalar", "lanes"}) {
    std::vector<float> out = apply(*jit, form, in);
    double worst = 0;
    float where = 0;
    for (int64_t i = 0; i < count; ++i)
      if (double error = errorInUlp(out[i], f.exact(in[i])); error > worst) {
        worst = error;
        where = in[i];
      }
    EXPECT_LE(worst, f.allowedUlp) << form << " " << f.name << " at " << where;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Functions, MathAccuracy,
    testing::Values(Function{"exp", std::exp, -87, 88, 1}, Function{"exp", std::exp, -1, 1, 1},
                    Function{"exp", std::exp, 88, 88.72, 1}, Function{"exp2", std::exp2, -126, 127.99, 1},
                    Function{"tanh", std::tanh, -1e-3, 1e-3, 2}, Function{"tanh", std::tanh, -12, 12, 5},
                    Function{"erf", std::erf, -5, 5, 4}, Function{"erf", std::erf, -1e-3, 1e-3, 4},
                    Function{"erf", std::erf, 0.3, 0.7, 4}, Function{"erfc", std::erfc, -5, 9, 3},
                    Function{"expm1", std::expm1, -20, 80, 3}, Function{"expm1", std::expm1, -1e-3, 1e-3, 3},
                    Function{"log", std::log, 1e-30, 2, 1}, Function{"log", std::log, 1, 1e30, 1},
                    Function{"log2", std::log2, 0.5, 2, 2}, Function{"log1p", std::log1p, -0.999, 10, 3},
                    Function{"log1p", std::log1p, -1e-3, 1e-3, 3}, Function{"sin", std::sin, -1e5, 1e5, 1},
                    Function{"cos", std::cos, -1e5, 1e5, 1}, Function{"sinh", std::sinh, -1e-3, 1e-3, 2},
                    Function{"atan", std::atan, -10, 10, 1}, Function{"cbrt", std::cbrt, -10, 10, 1}),
    [](const auto &info) { return std::string(info.param.name) + "_" + std::to_string(info.index); });

TEST(MathAccuracy, ExpKeepsWhatIsNotANumber) {
  std::unique_ptr<Jit> jit = compileUnary("exp");
  ASSERT_TRUE(jit);
  for (const char *form : {"scalar", "lanes"}) {
    std::vector<float> out = apply(*jit, form, {inf, -inf, nan, -nan, 0.0f, -0.0f, 3e38f, -3e38f, 88.73f, -150.0f});
    EXPECT_EQ(out[0], inf);
    EXPECT_EQ(out[1], 0.0f);
    EXPECT_TRUE(std::isnan(out[2]) && std::isnan(out[3]));
    EXPECT_EQ(out[4], 1.0f);
    EXPECT_EQ(out[5], 1.0f);
    EXPECT_EQ(out[6], inf);
    EXPECT_EQ(out[7], 0.0f);
    EXPECT_EQ(out[8], inf);
    EXPECT_EQ(out[9], 0.0f);
  }
}

TEST(MathAccuracy, Exp2KeepsWhatIsNotANumber) {
  std::unique_ptr<Jit> jit = compileUnary("exp2");
  ASSERT_TRUE(jit);
  std::vector<float> out = apply(*jit, "lanes", {inf, -inf, nan, 128.0f, -1.0f, 10.0f});
  EXPECT_EQ(out[0], inf);
  EXPECT_EQ(out[1], 0.0f);
  EXPECT_TRUE(std::isnan(out[2]));
  EXPECT_EQ(out[3], inf);
  EXPECT_EQ(out[4], 0.5f); // whole powers are exact
  EXPECT_EQ(out[5], 1024.0f);
}

// Lanes are a register of AVX-512 where the machine has these: then a table, whose numbers are rounded as well.
TEST(MathAccuracy, Exp2OfSmallPowers) {
  std::unique_ptr<Jit> jit = compileUnary("exp2", "fastmath<afn>");
  ASSERT_TRUE(jit);
  for (const char *form : {"scalar", "lanes"}) {
    std::vector<float> in(count);
    for (int64_t i = 0; i < count; ++i)
      in[i] = -126.0f + 252.0f * i / (count - 1);
    std::vector<float> out = apply(*jit, form, in);
    for (int64_t i = 0; i < count; ++i)
      ASSERT_LE(errorInUlp(out[i], std::exp2(double(in[i]))), 1.1) << form << " of " << in[i];
    std::vector<float> ends = apply(*jit, form, {-inf, nan, -nan, 0.0f, -0.0f, -150.0f, -1e8f, -1e12f, -3e38f, 126.0f});
    EXPECT_EQ(ends[0], 0.0f);
    EXPECT_TRUE(std::isnan(ends[1]) && std::isnan(ends[2]));
    EXPECT_EQ(ends[3], 1.0f);
    EXPECT_EQ(ends[4], 1.0f);
    for (int below = 5; below < 9; ++below)
      EXPECT_EQ(ends[below], 0.0f);
    EXPECT_EQ(ends[9], std::exp2(126.0f));
  }
}

// tanh and erf.
class MathLimits : public testing::TestWithParam<Function> {};

TEST_P(MathLimits, AreReachedAndNotPassed) {
  const Function &f = GetParam();
  std::unique_ptr<Jit> jit = compileUnary(f.name);
  ASSERT_TRUE(jit);
  for (const char *form : {"scalar", "lanes"}) {
    std::vector<float> in(count);
    for (int64_t i = 0; i < count; ++i)
      in[i] = 20.0f * i / count;
    for (float y : apply(*jit, form, in))
      ASSERT_LE(y, 1.0f);
    std::vector<float> out = apply(*jit, form, {inf, -inf, nan, 0.0f, -0.0f, 1e-40f, 9.5f, -3e38f});
    EXPECT_EQ(out[0], 1.0f);
    EXPECT_EQ(out[1], -1.0f);
    EXPECT_TRUE(std::isnan(out[2]));
    EXPECT_EQ(out[3], 0.0f);
    EXPECT_TRUE(std::signbit(out[4]));
    EXPECT_NEAR(out[5], f.exact(1e-40f), 2e-45);
    EXPECT_EQ(out[6], 1.0f);
    EXPECT_EQ(out[7], -1.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Functions, MathLimits,
                         testing::Values(Function{"tanh", std::tanh, -12, 12, 5}, Function{"erf", std::erf, -5, 5, 4}),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace weft::test

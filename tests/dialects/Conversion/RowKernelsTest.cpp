//===- RowKernelsTest.cpp - norms, softmax, rotary, lookup and argmax against double ----------------------------===//
// Answers: do row-wise kernels hold their bounds for all widths, strides and special numbers?
//===------------------------------------------------------------------------------------------------------------===//
#include "tests/dialects/Conversion/Jit.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace weft::test {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
constexpr float sentinel = -12345.0f;
constexpr int64_t widths[] = {1, 3, 8, 15, 16, 17, 63, 64, 65, 100, 129, 1000};

std::vector<float> randomNumbers(size_t count, unsigned seed, float mean = 0) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(mean, 1);
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(generator);
  return values;
}

/// A kernel with `operands` (name: type) and one op, for 8 or 16 lanes.
std::unique_ptr<Jit> compileKernel(const std::string &operands, const std::string &op, unsigned lanes) {
  return Jit::compile("module attributes {weft.labels = [\"other\", \"tokens\"]} {\n"
                      "func.func private @weft_bad_index(i64, i64, i64, i64)\n"
                      "func.func @kernel(" +
                          operands + ") attributes {llvm.emit_c_interface} {\n" + op + "\nreturn } }",
                      lanes);
}

class RowKernels : public testing::TestWithParam<unsigned> {};

//===-- norms ---------------------------------------------------------------------------------------------------===//

/// max |got - exact| of a row, and the same for the two-pass formula in f32.
struct LayerNormErrors {
  double kernel = 0, twoPass = 0;
};

LayerNormErrors layerNormErrors(const float *x, const float *y, int64_t width, double eps) {
  double mean = 0, variance = 0;
  float mean32 = 0, variance32 = 0;
  for (int64_t i = 0; i < width; ++i) {
    mean += x[i];
    mean32 += x[i];
  }
  mean /= width;
  mean32 /= width;
  for (int64_t i = 0; i < width; ++i) {
    variance += (x[i] - mean) * (x[i] - mean);
    variance32 += (x[i] - mean32) * (x[i] - mean32);
  }
  double factor = 1 / std::sqrt(variance / width + eps);
  float factor32 = 1 / std::sqrt(variance32 / width + static_cast<float>(eps));
  LayerNormErrors errors;
  for (int64_t i = 0; i < width; ++i) {
    double exact = (x[i] - mean) * factor;
    errors.kernel = std::max(errors.kernel, std::abs(y[i] - exact));
    errors.twoPass = std::max(errors.twoPass, std::abs((x[i] - mean32) * factor32 - exact));
  }
  return errors;
}

TEST_P(RowKernels, LayerNormIsAsGoodAsTwoPasses) {
  std::unique_ptr<Jit> jit = compileKernel("%x: memref<?x?xf32>, %y: memref<?x?xf32>",
                                           "weft.layer_norm %x outs %y {eps = 1.0e-5 : f64} : "
                                           "(memref<?x?xf32>, memref<?x?xf32>) -> ()",
                                           GetParam());
  ASSERT_TRUE(jit);
  for (float mean : {0.0f, 10.0f, 1000.0f})
    for (int64_t width : widths) {
      constexpr int64_t rows = 3;
      std::vector<float> x = randomNumbers(rows * width, width, mean), y(rows * width + 16, sentinel);
      jit->call("kernel", {Descriptor(x.data(), {rows, width}), Descriptor(y.data(), {rows, width})});
      for (int64_t r = 0; r < rows; ++r) {
        LayerNormErrors errors = layerNormErrors(&x[r * width], &y[r * width], width, 1e-5);
        EXPECT_LE(errors.kernel, 2 * errors.twoPass + 1e-6) << "width " << width << ", mean " << mean;
      }
      EXPECT_EQ(y[rows * width], sentinel);
    }
}

TEST_P(RowKernels, NormsScaleAndShift) {
  std::unique_ptr<Jit> jit = compileKernel(
      "%x: memref<?x?x20xf32, strided<[?, ?, 1]>>, %g: memref<20xf32>, %b: memref<20xf32>, %rms: memref<?x?x20xf32>, "
      "%layer: memref<?x?x20xf32>",
      R"(weft.rms_norm %x scale %g outs %rms {eps = 0.5 : f64} :
           (memref<?x?x20xf32, strided<[?, ?, 1]>>, memref<20xf32>, memref<?x?x20xf32>) -> ()
         weft.layer_norm %x scale %g shift %b outs %layer {eps = 0.5 : f64} :
           (memref<?x?x20xf32, strided<[?, ?, 1]>>, memref<20xf32>, memref<20xf32>, memref<?x?x20xf32>) -> ())",
      GetParam());
  ASSERT_TRUE(jit);
  constexpr int64_t batch = 2, positions = 3, width = 20, pitch = 33, block = 4 * pitch;
  std::vector<float> x = randomNumbers(batch * block, 1), g = randomNumbers(width, 2), b = randomNumbers(width, 3),
                     rms(batch * positions * width), layer(rms.size());
  jit->call("kernel",
            {Descriptor(x.data(), {batch, positions, width}, {block, pitch, 1}), Descriptor(g.data(), {width}),
             Descriptor(b.data(), {width}), Descriptor(rms.data(), {batch, positions, width}),
             Descriptor(layer.data(), {batch, positions, width})});
  for (int64_t r = 0; r < batch * positions; ++r) {
    const float *row = &x[r / positions * block + r % positions * pitch];
    double squares = 0, mean = 0, variance = 0;
    for (int64_t i = 0; i < width; ++i) {
      squares += row[i] * row[i];
      mean += row[i] / static_cast<double>(width);
    }
    for (int64_t i = 0; i < width; ++i)
      variance += (row[i] - mean) * (row[i] - mean) / width;
    for (int64_t i = 0; i < width; ++i) {
      EXPECT_NEAR(rms[r * width + i], row[i] / std::sqrt(squares / width + 0.5) * g[i], 2e-6);
      EXPECT_NEAR(layer[r * width + i], (row[i] - mean) / std::sqrt(variance + 0.5) * g[i] + b[i], 2e-6);
    }
  }
}

//===-- softmax -------------------------------------------------------------------------------------------------===//

TEST_P(RowKernels, SoftmaxRowsSumToOne) {
  std::unique_ptr<Jit> jit =
      compileKernel("%x: memref<?x?xf32>, %y: memref<?x?xf32>",
                    "weft.softmax %x outs %y : (memref<?x?xf32>, memref<?x?xf32>) -> ()", GetParam());
  ASSERT_TRUE(jit);
  for (int64_t width : widths)
    for (float scale : {1.0f, 30.0f, 1e4f}) {
      std::vector<float> x = randomNumbers(2 * width, width), y(2 * width + 16, sentinel);
      for (float &value : x)
        value *= scale;
      jit->call("kernel", {Descriptor(x.data(), {2, width}), Descriptor(y.data(), {2, width})});
      for (int64_t r = 0; r < 2; ++r) {
        const float *in = &x[r * width], *out = &y[r * width];
        double maximum = *std::max_element(in, in + width), all = 0, sum = 0;
        for (int64_t i = 0; i < width; ++i)
          all += std::exp(in[i] - maximum);
        for (int64_t i = 0; i < width; ++i) {
          double exact = std::exp(in[i] - maximum) / all;
          // The difference itself is rounded to f32, by up to 2^-24 of its size.
          EXPECT_NEAR(out[i], exact, (1e-6 + (maximum - in[i]) * 0x1p-24) * exact + 1e-37)
              << "width " << width << ", at " << i;
          sum += out[i];
        }
        EXPECT_NEAR(sum, 1, 4e-7 + 1e-7 * std::sqrt(width)) << "width " << width; // bar N4
      }
      EXPECT_EQ(y[2 * width], sentinel);
    }
}

TEST_P(RowKernels, SoftmaxOfSpecialNumbersIsItsFormula) {
  std::unique_ptr<Jit> jit =
      compileKernel("%x: memref<?x5xf32>, %y: memref<?x5xf32>",
                    "weft.softmax %x outs %y : (memref<?x5xf32>, memref<?x5xf32>) -> ()", GetParam());
  ASSERT_TRUE(jit);
  std::vector<float> x = {-inf, 0,    -inf, 0,    -inf, // some excluded
                          -inf, -inf, -inf, -inf, -inf, // all excluded
                          0,    1,    nan,  2,    3,    // not a number
                          0,    1,    inf,  2,    3};
  std::vector<float> y(x.size());
  jit->call("kernel", {Descriptor(x.data(), {4, 5}), Descriptor(y.data(), {4, 5})});
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 5), (std::vector<float>{0, 0.5f, 0, 0.5f, 0}));
  for (int64_t i = 5; i < 15; ++i)
    EXPECT_TRUE(std::isnan(y[i])) << i;
  EXPECT_TRUE(std::isnan(y[17]));
}

//===-- rotary --------------------------------------------------------------------------------------------------===//

void checkRotary(unsigned lanes, bool interleaved, int64_t width, int64_t rotated) {
  auto types = [&](const char *text) {
    return substitute(text, {{"io", "memref<?x?x?x$Dxf32, strided<[?, ?, ?, 1]>>"},
                             {"table", "memref<?x$Px2xf32>"},
                             {"form", interleaved ? "{interleaved}" : ""},
                             {"D", std::to_string(width)},
                             {"P", std::to_string(rotated / 2)}});
  };
  std::unique_ptr<Jit> jit = compileKernel(types("%x: $io, %t: $table, %y: $io"),
                                           types("weft.rotary %x, %t outs %y $form : ($io, $table, $io) -> ()"), lanes);
  ASSERT_TRUE(jit);
  constexpr int64_t batch = 2, positions = 5, heads = 3;
  int64_t head = width + 2, position = heads * head + 1, block = 7 * position;
  std::vector<float> x = randomNumbers(batch * block, 1), t = randomNumbers(positions * rotated, 2),
                     y(batch * block, sentinel);
  Descriptor from(x.data(), {batch, positions, heads, width}, {block, position, head, 1});
  Descriptor to(y.data(), {batch, positions, heads, width}, {block, position, head, 1});
  jit->call("kernel", {from, Descriptor(t.data(), {positions, rotated / 2, 2}), to});
  std::vector<float> expected(batch * block, sentinel);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t s = 0; s < positions; ++s)
      for (int64_t h = 0; h < heads; ++h) {
        int64_t row = b * block + s * position + h * head;
        for (int64_t i = 0; i < width; ++i)
          expected[row + i] = x[row + i];
        for (int64_t i = 0; i < rotated / 2; ++i) {
          int64_t first = row + (interleaved ? 2 * i : i), second = interleaved ? first + 1 : first + rotated / 2;
          double cosine = t[s * rotated + 2 * i], sine = t[s * rotated + 2 * i + 1];
          expected[first] = x[first] * cosine - x[second] * sine;
          expected[second] = x[second] * cosine + x[first] * sine;
        }
      }
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(y[i], expected[i], 2e-6) << "at " << i << ", width " << width << ", rotated " << rotated;
}

TEST_P(RowKernels, RotaryTurnsPairs) {
  for (bool interleaved : {false, true}) {
    checkRotary(GetParam(), interleaved, 8, 8);
    checkRotary(GetParam(), interleaved, 64, 64);
    checkRotary(GetParam(), interleaved, 50, 36);
    checkRotary(GetParam(), interleaved, 7, 0);
  }
}

//===-- lookup --------------------------------------------------------------------------------------------------===//

TEST_P(RowKernels, LookupFollowsOnlyGoodIndices) {
  std::unique_ptr<Jit> jit = compileKernel(
      "%t: memref<4x20xf32>, %i: memref<?x?xi32>, %y: memref<?x?x20xf32>",
      "weft.lookup %t, %i outs %y {label = \"tokens\"} : (memref<4x20xf32>, memref<?x?xi32>, memref<?x?x20xf32>) -> ()",
      GetParam());
  ASSERT_TRUE(jit);
  std::vector<float> table = randomNumbers(4 * 20, 1), y(6 * 20 + 1, sentinel);
  std::vector<int32_t> indices = {3, 0, -1, 4, 2, std::numeric_limits<int32_t>::min()};
  Jit::badIndices.clear();
  jit->call("kernel",
            {Descriptor(table.data(), {4, 20}), Descriptor(indices.data(), {2, 3}), Descriptor(y.data(), {2, 3, 20})});
  for (int64_t r = 0; r < 6; ++r) {
    int64_t followed = indices[r] >= 0 && indices[r] < 4 ? indices[r] : 0;
    for (int64_t i = 0; i < 20; ++i)
      EXPECT_EQ(y[r * 20 + i], table[followed * 20 + i]);
  }
  EXPECT_EQ(y.back(), sentinel);
  ASSERT_EQ(Jit::badIndices.size(), 3u);
  EXPECT_EQ(Jit::badIndices[1].label, 1);
  EXPECT_EQ(Jit::badIndices[1].position, 3);
  EXPECT_EQ(Jit::badIndices[1].index, 4);
  EXPECT_EQ(Jit::badIndices[1].bound, 4);
  EXPECT_EQ(Jit::badIndices[0].index, -1);
}

TEST_P(RowKernels, LookupInAnEmptyTableReadsNothing) {
  std::unique_ptr<Jit> jit = compileKernel(
      "%t: memref<?x20xf32>, %i: memref<?xi32>, %y: memref<?x20xf32>",
      "weft.lookup %t, %i outs %y {label = \"other\"} : (memref<?x20xf32>, memref<?xi32>, memref<?x20xf32>) -> ()",
      GetParam());
  ASSERT_TRUE(jit);
  std::vector<float> y(20, sentinel);
  std::vector<int32_t> indices = {0};
  Jit::badIndices.clear();
  jit->call("kernel", {Descriptor(nullptr, {0, 20}), Descriptor(indices.data(), {1}), Descriptor(y.data(), {1, 20})});
  EXPECT_EQ(y, std::vector<float>(20, 0.0f));
  EXPECT_EQ(Jit::badIndices.size(), 1u);
}

//===-- argmax --------------------------------------------------------------------------------------------------===//

TEST_P(RowKernels, ArgmaxTakesTheFirstOfEquals) {
  std::unique_ptr<Jit> jit =
      compileKernel("%x: memref<?x?xf32>, %y: memref<?xi32>",
                    "weft.argmax %x outs %y : (memref<?x?xf32>, memref<?xi32>) -> ()", GetParam());
  ASSERT_TRUE(jit);
  auto argmax = [&](std::vector<float> x) {
    int32_t result = -1;
    int64_t width = x.size();
    jit->call("kernel", {Descriptor(x.data(), {1, width}), Descriptor(&result, {1})});
    return result;
  };
  for (int64_t width : widths) {
    std::vector<float> x = randomNumbers(width, width);
    EXPECT_EQ(argmax(x), std::max_element(x.begin(), x.end()) - x.begin()) << "width " << width;
    EXPECT_EQ(argmax(std::vector<float>(width, 2.5f)), 0);
    EXPECT_EQ(argmax(std::vector<float>(width, -inf)), 0);
    for (float &value : x)
      value = -std::abs(value) - 1;
    x[width / 2] = -0.0f;
    x.back() = 0.0f; // equal to -0
    EXPECT_EQ(argmax(x), width / 2);
    x[width / 3] = nan;
    x.back() = -nan;
    EXPECT_EQ(argmax(x), std::min(width / 3, width - 1));
  }
  EXPECT_EQ(argmax({1, inf, 3, inf}), 1);
}

INSTANTIATE_TEST_SUITE_P(Lanes, RowKernels, testing::Values(8u, 16u));

} // namespace
} // namespace weft::test

//===- LinearTypesTest.cpp - matmuls with weights in narrow types, against double -------------------------------===//
// Answers: is the product what rounded weights say, whatever the sizes leave over in words, groups, panels and tiles?
// Where activations are rounded, too, the expected sum is that of rounded ones: what is left is the error of f32 sums.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "dialects/Weft/IR/Weights.h"
#include "dialects/Weft/IR/Workspace.h"
#include "tests/dialects/Conversion/Jit.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

namespace weft::test {
namespace {

constexpr float sentinel = -12345.0f;
constexpr int64_t panel = 32;

std::vector<float> randomNumbers(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(generator);
  return values;
}

double inF16(float value) {
  llvm::APFloat number(value);
  bool loses;
  number.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven, &loses);
  return number.convertToDouble();
}

std::string str(int64_t value) { return std::to_string(value); }

enum class Rounds { Nothing, BF16, Int8, FixedPoint };

struct Case {
  WeightType type;
  unsigned lanes;
  Rounds activations;
  int64_t depth, columns, parts;
};

void PrintTo(const Case &c, std::ostream *out) {
  *out << name(c.type).str() << ", " << c.lanes << " lanes, activations " << static_cast<int>(c.activations) << ", K "
       << c.depth << ", N " << c.columns << ", parts " << c.parts;
}

/// Weights [parts * columns, depth], as they lie in memory and as the numbers that they stand for.
struct Packed {
  ParameterRecipe recipe;
  llvm::SmallVector<char> words, scales;
  std::vector<double> numbers;

  /// The weights of the first `zeros` inputs are zero.
  Packed(const Case &c, unsigned seed, int64_t zeros = 0) {
    recipe.kind = ParameterRecipe::Kind::Pack;
    recipe.type = c.type;
    recipe.panel = panel;
    recipe.parts = c.parts;
    recipe.columns = c.columns;
    std::vector<std::vector<float>> weights;
    for (int64_t part = 0; part < c.parts; ++part) {
      recipe.weights.push_back("w" + str(part));
      recipe.shapes.push_back({c.columns, c.depth});
      weights.push_back(randomNumbers(c.columns * c.depth, seed + part));
      for (int64_t n = 0; n < c.columns; ++n)
        std::fill_n(&weights.back()[n * c.depth], zeros, 0.0f);
    }
    // A column of zeros has no largest number.
    std::fill_n(weights[0].begin(), c.depth, 0.0f);
    std::vector<float> panels(recipe.panels() * c.depth * panel);
    llvm::SmallVector<llvm::ArrayRef<float>> views(weights.begin(), weights.end());
    packPanels(recipe, views, {}, panels);
    EXPECT_FALSE(bool(roundPanels(recipe, 0, panels, words)));
    ParameterRecipe ofScales = recipe;
    ofScales.kind = ParameterRecipe::Kind::Scales;
    if (groupsOf(c.type, c.depth))
      EXPECT_FALSE(bool(roundPanels(ofScales, 0, panels, scales)));
    for (auto &weight : weights)
      for (int64_t n = 0; n < c.columns; ++n)
        round(c, &weight[n * c.depth]);
  }

  /// By the text of weft.pack, from the weights themselves: not from the bytes.
  void round(const Case &c, const float *column) {
    int64_t each = bitsOf(c.type) == 16 ? c.depth : groupDepth(c.type, c.depth);
    for (int64_t first = 0; first < c.depth; first += each) {
      int64_t count = std::min(each, c.depth - first);
      Quantizer quantizer = Quantizer::of(c.type, column + first, count, 1);
      for (int64_t k = first; k < first + count; ++k)
        numbers.push_back(c.type == WeightType::BF16  ? widenBF16(roundToBF16(column[k]))
                          : c.type == WeightType::F16 ? inF16(column[k])
                                                      : static_cast<double>(quantizer(column[k])) * quantizer.scale);
    }
  }
};

/// What a matmul makes of a row before it multiplies.
void roundRow(Rounds how, float *row, int64_t depth) {
  float largest = 0;
  for (int64_t k = 0; k < depth; ++k)
    largest = std::max(largest, std::abs(row[k]));
  for (int64_t k = 0; k < depth; ++k)
    if (how == Rounds::BF16)
      row[k] = widenBF16(roundToBF16(row[k]));
    else if (how == Rounds::Int8)
      row[k] = largest ? std::nearbyint(row[k] * (127 / largest)) * (largest / 127) : 0;
}

class LinearTypes : public testing::TestWithParam<Case> {};

TEST_P(LinearTypes, MultiplyWhatWeightsStandFor) {
  const Case &c = GetParam();
  if (c.activations != Rounds::Nothing && !limitsFor("native")->dots)
    GTEST_SKIP() << "this CPU has no dot products of narrow numbers";
  Packed packed(c, 1);
  int64_t inWord = perWord(c.type), words = (c.depth + inWord - 1) / inWord, groups = groupsOf(c.type, c.depth);
  RoundedRow row = c.activations == Rounds::Int8   ? RoundedRow::Int8
                   : c.activations == Rounds::BF16 ? RoundedRow::BF16
                                                   : RoundedRow::FixedPoint;
  int64_t workspace = workspaceWords(row, c.type, c.depth);
  bool rounds = c.activations != Rounds::Nothing;
  std::string accumulators = "%a0: f32", result = "%a0";
  if (c.parts == 2)
    accumulators += ", %a1: f32", result = "%0";
  std::unique_ptr<Jit> jit =
      Jit::compile(substitute(R"(
        func.func @kernel(%x: $in, %p: $weights, $scaleArgument %w: $workspace, %y: $out)
            attributes {llvm.emit_c_interface} {
          weft.packed_linear %x, %p $useScales $useWorkspace outs %y attributes {$activations columns = $N, parts = $parts} {
          ^bb0($accumulators):
            $sum
            weft.yield $result : f32
          } : ($in, $weights, $scaleType $workspaceType $out) -> ()
          return
        })",
                              {{"scaleArgument", groups ? "%s: $scaleType" : ""},
                               {"useScales", groups ? "scales %s" : ""},
                               {"useWorkspace", rounds ? "workspace %w" : ""},
                               {"activations", c.activations == Rounds::Int8 ? "activations = i8," : ""},
                               {"scaleType", groups ? "memref<$Px" + str(groups) + "x32x" +
                                                          (c.type == WeightType::Int4 ? "bf16" : "f32") + ">,"
                                                    : ""},
                               {"workspaceType", rounds ? "$workspace," : ""},
                               {"accumulators", accumulators},
                               {"sum", c.parts == 2 ? "%0 = arith.subf %a0, %a1 : f32" : ""},
                               {"result", result},
                               {"in", "memref<?x" + str(c.depth) + "xf32>"},
                               {"out", "memref<?x" + str(c.columns) + "xf32>"},
                               {"workspace", "memref<?x" + str(workspace) + "xi32>"},
                               {"weights", "memref<$Px" + str(words) + "x32x" + str(inWord) + "x" +
                                               (c.type == WeightType::BF16   ? "bf16"
                                                : c.type == WeightType::F16  ? "f16"
                                                : c.type == WeightType::Int8 ? "i8"
                                                                             : "i4") +
                                               ">"},
                               {"parts", str(c.parts)},
                               {"P", str(packed.recipe.panels())},
                               {"N", str(c.columns)}}),
                   c.lanes);
  ASSERT_TRUE(jit);

  for (int64_t rows : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 197}) {
    std::vector<float> x = randomNumbers(rows * c.depth, 9), y(rows * c.columns + 64, sentinel);
    std::vector<int32_t> room(rows * workspace + 64, 77);
    std::vector<Descriptor> arguments{Descriptor(x.data(), {rows, c.depth}),
                                      Descriptor(packed.words.data(), {packed.recipe.panels(), words, panel, inWord})};
    if (groups)
      arguments.push_back(Descriptor(packed.scales.data(), {packed.recipe.panels(), groups, panel}));
    arguments.push_back(Descriptor(room.data(), {rows, workspace}));
    arguments.push_back(Descriptor(y.data(), {rows, c.columns}));
    jit->call("kernel", arguments);
    if (c.activations == Rounds::Int8 || (c.activations == Rounds::BF16 && rows >= rowsThatRound))
      for (int64_t r = 0; r < rows; ++r)
        roundRow(c.activations, &x[r * c.depth], c.depth);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t n = 0; n < c.columns; ++n) {
        double exact = 0, size = 0;
        for (int64_t part = 0; part < c.parts; ++part)
          for (int64_t k = 0; k < c.depth; ++k) {
            double product = x[r * c.depth + k] * packed.numbers[(part * c.columns + n) * c.depth + k];
            exact += part ? -product : product;
            size += std::abs(product);
          }
        ASSERT_NEAR(y[r * c.columns + n], exact, 1e-6 * size + 1e-30) << rows << " rows, at " << r << ", " << n;
      }
    for (size_t i = rows * c.columns; i < y.size(); ++i)
      ASSERT_EQ(y[i], sentinel) << rows << " rows: written past the end";
    for (size_t i = rows * workspace; i < room.size(); ++i)
      ASSERT_EQ(room[i], 77) << rows << " rows: written past the end of the workspace";
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (WeightType type : {WeightType::F16, WeightType::BF16, WeightType::Int8, WeightType::Int4})
    for (Rounds rounds : {Rounds::Nothing, Rounds::BF16, Rounds::Int8, Rounds::FixedPoint})
      for (unsigned lanes : {8u, 16u}) {
        bool isInteger = type == WeightType::Int8 || type == WeightType::Int4;
        bool can = rounds == Rounds::Nothing || (lanes == 16 && (rounds == Rounds::BF16   ? type == WeightType::BF16
                                                                 : rounds == Rounds::Int8 ? type == WeightType::Int8
                                                                                          : isInteger));
        if (!can)
          continue;
        for (auto [depth, columns, parts] : {std::tuple<int64_t, int64_t, int64_t>{64, 64, 1},
                                             {1, 33, 1},
                                             {7, 5, 1},
                                             {33, 203, 1},
                                             {47, 40, 2},
                                             {97, 31, 1},
                                             {32, 56, 2},
                                             {130, 70, 1}})
          all.push_back({type, lanes, rounds, depth, columns, parts});
      }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Types, LinearTypes, testing::ValuesIn(cases()));

// A row that is not finite is lost as a whole, and no other.
TEST(LinearTypesRounding, KeepsWhatIsNotFiniteInItsRow) {
  if (!limitsFor("native")->dots)
    GTEST_SKIP() << "this CPU has no dot products of narrow numbers";
  Case c{WeightType::Int8, 16, Rounds::Int8, 40, 32, 1};
  Packed packed(c, 1);
  std::unique_ptr<Jit> jit = Jit::compile(R"(
    func.func @kernel(%x: memref<?x40xf32>, %p: memref<1x10x32x4xi8>, %s: memref<1x1x32xf32>, %w: memref<?x32xi32>,
                      %y: memref<?x32xf32>) attributes {llvm.emit_c_interface} {
      weft.packed_linear %x, %p scales %s workspace %w outs %y attributes {activations = i8, columns = 32} {
      ^bb0(%a: f32):
        weft.yield %a : f32
      } : (memref<?x40xf32>, memref<1x10x32x4xi8>, memref<1x1x32xf32>, memref<?x32xi32>, memref<?x32xf32>) -> ()
      return
    })");
  ASSERT_TRUE(jit);
  constexpr int64_t rows = 4;
  std::vector<float> x = randomNumbers(rows * 40, 2), y(rows * 32);
  std::vector<int32_t> room(rows * 32);
  x[0 * 40 + 3] = NAN;
  x[1 * 40 + 39] = INFINITY;
  std::fill_n(&x[2 * 40], 40, 1e-39f); // nothing, as far as int8 can tell
  jit->call("kernel", {Descriptor(x.data(), {rows, 40}), Descriptor(packed.words.data(), {1, 10, 32, 4}),
                       Descriptor(packed.scales.data(), {1, 1, 32}), Descriptor(room.data(), {rows, 32}),
                       Descriptor(y.data(), {rows, 32})});
  for (int64_t n = 0; n < 32; ++n) {
    EXPECT_TRUE(std::isnan(y[n]));
    EXPECT_TRUE(std::isnan(y[32 + n]));
    EXPECT_EQ(y[64 + n], 0);
    EXPECT_TRUE(std::isfinite(y[96 + n]));
  }
}

/// Multiplies rows in fixed point by 32 columns, and compares. Rows with numbers that are not finite are NaN.
void compareInFixedPoint(WeightType type, Packed packed, int64_t depth, std::vector<float> x) {
  constexpr int64_t columns = 32;
  int64_t inWord = perWord(type), inputWords = (depth + inWord - 1) / inWord, groups = groupsOf(type, depth);
  int64_t words = workspaceWords(RoundedRow::FixedPoint, type, depth), rows = x.size() / depth;
  std::unique_ptr<Jit> jit = Jit::compile(substitute(
      R"(
    func.func @kernel(%x: $in, %p: $weights, %s: $scales, %w: $workspace, %y: memref<?x32xf32>)
        attributes {llvm.emit_c_interface} {
      weft.packed_linear %x, %p scales %s workspace %w outs %y attributes {columns = 32} {
      ^bb0(%a: f32):
        weft.yield %a : f32
      } : ($in, $weights, $scales, $workspace, memref<?x32xf32>) -> ()
      return
    })",
      {{"in", "memref<?x" + str(depth) + "xf32>"},
       {"weights", "memref<1x" + str(inputWords) + "x32x" + str(inWord) + (type == WeightType::Int4 ? "xi4>" : "xi8>")},
       {"scales", "memref<1x" + str(groups) + "x32x" + (type == WeightType::Int4 ? "bf16>" : "f32>")},
       {"workspace", "memref<?x" + str(words) + "xi32>"}}));
  ASSERT_TRUE(jit);
  std::vector<float> y(rows * columns);
  std::vector<int32_t> room(rows * words);
  jit->call("kernel",
            {Descriptor(x.data(), {rows, depth}), Descriptor(packed.words.data(), {1, inputWords, 32, inWord}),
             Descriptor(packed.scales.data(), {1, groups, 32}), Descriptor(room.data(), {rows, words}),
             Descriptor(y.data(), {rows, columns})});
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t n = 0; n < columns; ++n) {
      double exact = 0, size = 0;
      bool isFinite = true;
      for (int64_t k = 0; k < depth; ++k) {
        double product = x[r * depth + k] * packed.numbers[n * depth + k];
        exact += product;
        size += std::abs(product);
        isFinite &= std::isfinite(x[r * depth + k]);
      }
      if (isFinite)
        EXPECT_NEAR(y[r * columns + n], exact, 2e-7 * size + 1e-37) << "row " << r << ", of about " << x[r * depth];
      else
        EXPECT_TRUE(std::isnan(y[r * columns + n])) << "row " << r;
    }
}

// In fixed point, too; and numbers that only a row of small ones has are as exact as others.
TEST(LinearTypesRounding, KeepsRowsOfAnySize) {
  if (!limitsFor("native")->dots)
    GTEST_SKIP() << "this CPU has no dot products of narrow numbers";
  constexpr int64_t depth = 40;
  const std::vector<float> sizes = {NAN, INFINITY, -INFINITY, 0, 1e-39f, 1e-25f, 1, 1e30f};
  std::vector<float> x = randomNumbers(sizes.size() * depth, 2);
  for (size_t r = 0; r < sizes.size(); ++r)
    if (std::isfinite(sizes[r]))
      for (int64_t k = 0; k < depth; ++k)
        x[r * depth + k] *= sizes[r];
    else
      x[r * depth + 7 * r] = sizes[r];
  for (WeightType type : {WeightType::Int8, WeightType::Int4})
    compareInFixedPoint(type, Packed({type, 16, Rounds::FixedPoint, depth, 32, 1}, 1), depth, x);
}

// With weights of 4 bits, 32 inputs have a scale; and sums of the largest digits of either sign fit in 32 bits, also of
// numbers just below a power of two.
TEST(LinearTypesRounding, KeepsGroupsOfAnySize) {
  if (!limitsFor("native")->dots)
    GTEST_SKIP() << "this CPU has no dot products of narrow numbers";
  constexpr int64_t depth = 64;
  std::vector<float> x = randomNumbers(depth, 2);
  for (int64_t k = 0; k < 32; ++k)
    x[k] *= 1e9f;
  compareInFixedPoint(WeightType::Int4, Packed({WeightType::Int4, 16, Rounds::FixedPoint, depth, 32, 1}, 1, 32), depth,
                      x);

  Packed packed({WeightType::Int4, 16, Rounds::FixedPoint, depth, 32, 1}, 1);
  x.clear();
  for (float size : {1.0f, 1.9921874f, 1.9921875f, 1.9921876f, 1.9921877f, 1.9921879f, 1.9999999f})
    for (int column : {1, 2})
      for (int64_t k = 0; k < depth; ++k)
        x.push_back(std::copysign(size, static_cast<float>(column == 1 ? 1 : packed.numbers[column * depth + k])));
  compareInFixedPoint(WeightType::Int4, packed, depth, x);
}

} // namespace
} // namespace weft::test

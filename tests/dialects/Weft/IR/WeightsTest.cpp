//===- WeightsTest.cpp - recipes as attributes; packed panels against the text of weft.pack -----------------------===//
#include "dialects/Weft/IR/Weights.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

using namespace mlir;
using weft::ParameterRecipe;
using Kind = ParameterRecipe::Kind;

namespace {

ParameterRecipe packing(ArrayRef<int64_t> columns, int64_t depth, int64_t panel, int64_t parts, bool inOut) {
  ParameterRecipe recipe;
  recipe.kind = Kind::Pack;
  recipe.offset = 128;
  recipe.panel = panel;
  recipe.parts = parts;
  recipe.inOut = inOut;
  for (int64_t n : columns) {
    recipe.weights.push_back("w" + std::to_string(recipe.weights.size()));
    recipe.shapes.push_back(inOut ? SmallVector<int64_t>{depth, n} : SmallVector<int64_t>{n, depth});
    recipe.columns += parts > 1 && recipe.columns ? 0 : n;
  }
  return recipe;
}

/// Packs weights whose element (n, k) of weight i is a number of its own, and checks where each one went.
void checkPanels(ArrayRef<int64_t> columns, int64_t depth, int64_t panel, int64_t parts, bool inOut, bool scaled) {
  ParameterRecipe recipe = packing(columns, depth, panel, parts, inOut);
  auto number = [&](int64_t weight, int64_t n, int64_t k) -> float { return 1 + k + depth * (n + 1000 * weight); };
  std::vector<std::vector<float>> weights;
  for (auto [i, count] : llvm::enumerate(columns)) {
    auto &weight = weights.emplace_back(count * depth);
    for (int64_t n = 0; n < count; ++n)
      for (int64_t k = 0; k < depth; ++k)
        weight[inOut ? k * count + n : n * depth + k] = number(i, n, k);
  }
  std::vector<float> scale;
  for (int64_t k = 0; scaled && k < depth; ++k)
    scale.push_back(0.5f * (k + 1));

  std::vector<float> out(recipe.elements(), -1);
  SmallVector<ArrayRef<float>> views(weights.begin(), weights.end());
  weft::packPanels(recipe, views, scale, out);

  int64_t group = panel / parts;
  for (int64_t i = 0; i < recipe.elements(); ++i) {
    int64_t c = i % panel, k = i / panel % depth, p = i / panel / depth;
    int64_t weight = parts > 1 ? c / group : 0, n = p * group + c % group;
    if (parts == 1)
      while (weight < (int64_t)columns.size() && n >= columns[weight])
        n -= columns[weight++];
    bool padding = weight == (int64_t)columns.size() || n >= columns[weight];
    float expected = padding ? 0 : number(weight, n, k) * (scaled ? scale[k] : 1);
    ASSERT_EQ(out[i], expected) << "panel " << p << " k " << k << " column " << c;
  }

  // The same, panel by panel.
  std::vector<float> again(out.size(), -1);
  for (int64_t p = 0, size = depth * panel; p * size < (int64_t)out.size(); ++p)
    weft::packPanels(recipe, views, scale, p, MutableArrayRef(again).slice(p * size, size));
  EXPECT_EQ(again, out);
}

TEST(Weights, PanelsHoldWhatPackSays) {
  for (bool inOut : {false, true})
    for (bool scaled : {false, true}) {
      checkPanels({5}, 3, 4, 1, inOut, scaled);
      checkPanels({32}, 40, 32, 1, inOut, scaled);
      checkPanels({3, 1, 9}, 17, 4, 1, inOut, scaled);
      checkPanels({2, 2}, 1, 8, 1, inOut, scaled);
      checkPanels({5, 5}, 33, 8, 2, inOut, scaled);
      checkPanels({7, 7, 7}, 2, 12, 3, inOut, scaled);
    }
}

TEST(Weights, PaddingIsZeroWhateverTheScale) {
  ParameterRecipe recipe = packing({1}, 1, 2, 1, false);
  float weight = 1, scale = std::numeric_limits<float>::infinity();
  std::vector<float> out(2, -1);
  weft::packPanels(recipe, {ArrayRef(weight)}, ArrayRef(scale), out);
  EXPECT_EQ(out[1], 0);
}

/// Integers of one column of a panel, read back from its bytes.
std::vector<int> column(const ParameterRecipe &recipe, ArrayRef<char> bytes, int64_t c) {
  int64_t inWord = weft::perWord(recipe.type);
  std::vector<int> integers;
  for (int64_t k = 0, end = llvm::alignTo(recipe.depth(), inWord); k < end; ++k) {
    int64_t element = (k / inWord * recipe.panel + c) * inWord + k % inWord;
    if (recipe.type == weft::WeightType::Int8)
      integers.push_back(static_cast<unsigned char>(bytes[element]) - 128);
    else
      integers.push_back(static_cast<int8_t>(bytes[element / 2] << (element % 2 ? 0 : 4)) >> 4);
  }
  return integers;
}

TEST(Weights, RoundedPanelsHoldWordsOfInputs) {
  using Integers = std::vector<int>;
  const float panel[] = {127, -1, 0, 0, 1.4f, 2, 0, 0, -3, 0.5f, 0, 0, 4, -6, 0, 0, -127, 8, 0, 0}; // [5][4]
  SmallVector<char> bytes;

  ParameterRecipe recipe = packing({2}, 5, 4, 1, false);
  recipe.type = weft::WeightType::Int8;
  ASSERT_FALSE(bool(weft::roundPanels(recipe, 0, panel, bytes)));
  ASSERT_EQ((int64_t)bytes.size(), recipe.bytes());
  EXPECT_EQ(column(recipe, bytes, 0), (Integers{127, 1, -3, 4, -127, 0, 0, 0}));
  EXPECT_EQ(column(recipe, bytes, 1), (Integers{-16, 32, 8, -95, 127, 0, 0, 0})); // multiples of 8 / 127
  EXPECT_EQ(column(recipe, bytes, 3), Integers(8, 0));

  recipe.type = weft::WeightType::Int4;
  ASSERT_FALSE(bool(weft::roundPanels(recipe, 0, panel, bytes)));
  ASSERT_EQ((int64_t)bytes.size(), recipe.bytes());
  EXPECT_EQ(column(recipe, bytes, 1), (Integers{1, -2, 0, 6, -8, 0, 0, 0})); // multiples of -1; ties to even
  EXPECT_EQ(column(recipe, bytes, 3), Integers(8, 0));

  recipe.type = weft::WeightType::BF16;
  ASSERT_FALSE(bool(weft::roundPanels(recipe, 0, panel, bytes)));
  ASSERT_EQ((int64_t)bytes.size(), recipe.bytes());
  auto *halves = reinterpret_cast<const uint16_t *>(bytes.data());
  EXPECT_EQ(halves[2], weft::roundToBF16(-1));     // column 1, input 0
  EXPECT_EQ(halves[3], weft::roundToBF16(2));      // and input 1, in one word
  EXPECT_EQ(halves[16 + 2], weft::roundToBF16(8)); // input 4
  EXPECT_EQ(halves[16 + 3], 0);                    // and none beside it
  EXPECT_EQ(halves[1], weft::roundToBF16(1.4f));

  recipe.type = weft::WeightType::F16;
  ASSERT_FALSE(bool(weft::roundPanels(recipe, 0, panel, bytes)));
  ASSERT_EQ((int64_t)bytes.size(), recipe.bytes());
  halves = reinterpret_cast<const uint16_t *>(bytes.data());
  EXPECT_EQ(halves[1], weft::roundToF16(1.4f));
  EXPECT_EQ(halves[16 + 2], weft::roundToF16(8));
}

TEST(Weights, ScalesAreThoseOfColumnsAndGroups) {
  ParameterRecipe recipe = packing({2}, 33, 2, 1, false);
  recipe.kind = Kind::Scales;
  std::vector<float> panel(33 * 2, 1);
  panel[31 * 2] = -254; // column 0, first group of 32
  panel[32 * 2] = 16;   // column 0, second
  SmallVector<char> bytes;
  recipe.type = weft::WeightType::Int8;
  ASSERT_FALSE(bool(weft::roundPanels(recipe, 0, panel, bytes)));
  ASSERT_EQ(bytes.size(), 2 * sizeof(float));
  EXPECT_EQ(reinterpret_cast<const float *>(bytes.data())[0], 2);
  recipe.type = weft::WeightType::Int4;
  ASSERT_FALSE(bool(weft::roundPanels(recipe, 0, panel, bytes)));
  ASSERT_EQ(bytes.size(), 4 * sizeof(uint16_t));
  auto *halves = reinterpret_cast<const uint16_t *>(bytes.data());
  EXPECT_EQ(weft::widenBF16(halves[0]), 31.75f);
  EXPECT_EQ(weft::widenBF16(halves[1]), -0.125f);
  EXPECT_EQ(weft::widenBF16(halves[2]), -2);
}

TEST(Weights, IntegersStandForNoInfinity) {
  ParameterRecipe recipe = packing({1, 2}, 2, 4, 1, false);
  float panel[] = {1, 1, 1, 0, 1, 1, std::numeric_limits<float>::infinity(), 0};
  SmallVector<char> bytes;
  for (Kind kind : {Kind::Pack, Kind::Scales}) {
    recipe.kind = kind;
    recipe.type = weft::WeightType::Int8;
    EXPECT_EQ(llvm::toString(weft::roundPanels(recipe, 0, panel, bytes)),
              "weight 'w1' is inf for output 1 and input 1, which no integer of int8 stands for; bf16 and f32 keep it");
  }
  recipe.kind = Kind::Pack;
  for (weft::WeightType type : {weft::WeightType::BF16, weft::WeightType::F16}) {
    recipe.type = type;
    EXPECT_FALSE(bool(weft::roundPanels(recipe, 0, panel, bytes)));
  }
  panel[6] = -7e4f;
  EXPECT_EQ(llvm::toString(weft::roundPanels(recipe, 0, panel, bytes)),
            "weight 'w1' is -70000 for output 1 and input 1, which is beyond f16, whose largest number is 65504; bf16 "
            "and f32 keep it");
}

TEST(Weights, RecipesOfNarrowTypesSurviveTheirAttribute) {
  MLIRContext context;
  for (Kind kind : {Kind::Pack, Kind::Scales}) {
    ParameterRecipe recipe = packing({6, 6}, 33, 8, 2, true);
    recipe.kind = kind;
    recipe.type = weft::WeightType::Int4;
    auto read = ParameterRecipe::parse(recipe.toAttribute(&context));
    ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
    EXPECT_EQ(read->toAttribute(&context), recipe.toAttribute(&context));
    EXPECT_EQ(read->bytes(), kind == Kind::Pack ? 2 * 5 * 8 * 4 : 2 * 2 * 8 * 2);
  }
}

TEST(Weights, RecipesSurviveTheirAttribute) {
  MLIRContext context;
  ParameterRecipe recipe = packing({6, 6}, 3, 8, 2, true);
  recipe.scale = "norm.weight";
  auto read = ParameterRecipe::parse(recipe.toAttribute(&context));
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->toAttribute(&context), recipe.toAttribute(&context));
  EXPECT_EQ(read->resultShape(), (SmallVector<int64_t>{2, 3, 8}));
  EXPECT_EQ(read->bytes(), 2 * 3 * 8 * 4);
  EXPECT_TRUE(read->inOut);
}

TEST(Weights, MalformedRecipesAreErrors) {
  const std::pair<const char *, const char *> cases[] = {
      {R"({})", "'offset' must be an integer"},
      {R"({offset = 4})", "'offset' is 4, not a multiple of 64"},
      {R"({offset = 0})", "'weights' and 'shapes' must be arrays"},
      {R"({offset = 0, weights = ["a"], shapes = [[2]]})", "'kind' must be"},
      {R"({offset = 0, kind = "odd", weights = ["a"], shapes = [[2]]})", "'kind' must be"},
      {R"({offset = 0, kind = "plain", weights = ["a", "b"], shapes = [[2], [2]]})", "made of 1 weight, not of 2"},
      {R"({offset = 0, kind = "plain", weights = ["a"], shapes = [[-2]]})", "integers of at least 0"},
      {R"({offset = 0, kind = "concat", weights = ["a"], shapes = [[2, 2]]})", "must have rank 1"},
      {R"({offset = 0, kind = "pack", weights = ["a"], shapes = [[2, 2]]})", "'panel' must be an integer"},
      {R"({offset = 0, kind = "pack", weights = ["a"], shapes = [[2]], panel = 4, parts = 1, columns = 2})",
       "'a' has rank 1"},
      {R"({offset = 0, kind = "pack", weights = ["a"], shapes = [[2, 2]], panel = 4, parts = 1, columns = 3})",
       "'columns' is 3, but the weights have 2"},
      {R"({offset = 0, kind = "pack", weights = ["a", "b"], shapes = [[2, 2], [2, 3]], panel = 4, parts = 1, columns = 4})",
       "'b' has depth 3 and 'a' 2"},
      {R"({offset = 0, kind = "pack", weights = ["a"], shapes = [[2, 2]], panel = 4, parts = 2, columns = 2})",
       "2 parts need as many weights, not 1"},
      {R"({offset = 0, kind = "plain", type = "f8", weights = ["a"], shapes = [[2]]})", "'type' must be"},
      {R"({offset = 0, kind = "plain", type = "int8", weights = ["a"], shapes = [[2]]})",
       "is f32, f16 or bf16, not int8"},
      {R"({offset = 0, kind = "concat", type = "bf16", weights = ["a"], shapes = [[2]]})", "are f32, not bf16"},
      {R"({offset = 0, kind = "scales", type = "bf16", weights = ["a"], shapes = [[2, 2]], panel = 4, parts = 1, columns = 2})",
       "weights of bf16 have no scales"},
  };
  MLIRContext context;
  for (auto [text, message] : cases) {
    auto read = ParameterRecipe::parse(cast<DictionaryAttr>(parseAttribute(text, &context)));
    ASSERT_FALSE(bool(read)) << text;
    std::string error = llvm::toString(read.takeError());
    EXPECT_NE(error.find(message), std::string::npos) << text << ": " << error;
  }
}

} // namespace

//===- RoundedPanels.cpp - packed weights in narrow types ---------------------------------------------------------===//
// Answers: which bytes stand for a panel of numbers that are rounded?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/Weights.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cassert>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace weft {
namespace {

/// One panel: numbers [K][panel].
class Panel {
public:
  Panel(const ParameterRecipe &recipe, const float *numbers, int64_t index)
      : recipe(recipe), numbers(numbers), index(index), depth(recipe.depth()), width(recipe.panel) {}

  llvm::Error writeHalves(char *out) const {
    auto *halves = reinterpret_cast<uint16_t *>(out);
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t c = 0; c < width; ++c) {
        float number = numbers[k * width + c];
        if (isLost(recipe.type, number))
          return cannotBe(k, c, ", which is beyond f16, whose largest number is 65504; bf16 and f32 keep it");
        halves[(k / 2 * width + c) * 2 + k % 2] = roundToHalf(recipe.type, number);
      }
    return llvm::Error::success();
  }

  llvm::Error writeIntegers(char *out) const {
    int64_t each = groupDepth(recipe.type, depth);
    for (int64_t c = 0; c < width; ++c)
      for (int64_t first = 0; first < depth; first += each) {
        int64_t end = std::min(first + each, depth);
        auto quantizer = Quantizer::of(recipe.type, numbers + first * width + c, end - first, width);
        if (std::isnan(quantizer.scale))
          return notFinite(c, first, end);
        for (int64_t k = first; k < end; ++k)
          put(out, k, c, quantizer(numbers[k * width + c]));
      }
    // Inputs past the last one in the last word.
    if (recipe.type == WeightType::Int8)
      for (int64_t k = depth, end = llvm::alignTo(depth, 4); k < end; ++k)
        for (int64_t c = 0; c < width; ++c)
          put(out, k, c, 0);
    return llvm::Error::success();
  }

  llvm::Error writeScales(char *out) const {
    int64_t each = groupDepth(recipe.type, depth), groups = groupsOf(recipe.type, depth);
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t c = 0; c < width; ++c) {
        int64_t first = g * each, end = std::min(first + each, depth);
        float scale = Quantizer::of(recipe.type, numbers + first * width + c, end - first, width).scale;
        if (std::isnan(scale))
          return notFinite(c, first, end);
        if (recipe.type == WeightType::Int4) {
          uint16_t half = roundToBF16(scale); // exact
          std::memcpy(out + (g * width + c) * sizeof half, &half, sizeof half);
        } else {
          std::memcpy(out + (g * width + c) * sizeof scale, &scale, sizeof scale);
        }
      }
    return llvm::Error::success();
  }

private:
  void put(char *out, int64_t k, int64_t c, int integer) const {
    int64_t inWord = perWord(recipe.type), element = (k / inWord * width + c) * inWord + k % inWord;
    if (recipe.type == WeightType::Int8)
      out[element] = static_cast<char>(integer + 128);
    else
      out[element / 2] = static_cast<char>(out[element / 2] | (integer & 15) << element % 2 * 4);
  }

  llvm::Error notFinite(int64_t column, int64_t firstInput, int64_t lastInput) const {
    int64_t k = firstInput;
    while (k + 1 < lastInput && std::isfinite(numbers[k * width + column]))
      ++k;
    return cannotBe(k, column,
                    (", which no integer of " + name(recipe.type) + " stands for; bf16 and f32 keep it").str());
  }

  llvm::Error cannotBe(int64_t k, int64_t column, StringRef why) const {
    int64_t group = width / recipe.parts, n = index * group + column % group;
    size_t weight = recipe.parts > 1 ? column / group : 0;
    if (recipe.parts == 1)
      while (weight + 1 < recipe.weights.size() && n >= recipe.shapes[weight][recipe.inOut ? 1 : 0])
        n -= recipe.shapes[weight++][recipe.inOut ? 1 : 0];
    std::string text;
    llvm::raw_string_ostream(text) << "weight '" << recipe.weights[weight] << "'"
                                   << (recipe.scale.empty() ? "" : " times '" + recipe.scale + "'") << " is "
                                   << llvm::format("%g", numbers[k * width + column]) << " for output " << n
                                   << " and input " << k << why;
    return llvm::createStringError(text);
  }

  const ParameterRecipe &recipe;
  const float *numbers;
  int64_t index, depth, width;
};

} // namespace

llvm::Error roundPanels(const ParameterRecipe &recipe, int64_t firstPanel, ArrayRef<float> panels,
                        SmallVectorImpl<char> &out) {
  int64_t each = recipe.depth() * recipe.panel, count = each ? panels.size() / each : 0;
  int64_t bytes = recipe.panels() ? recipe.bytes() / recipe.panels() : 0;
  out.assign(count * bytes, 0);
  for (int64_t p = 0; p < count; ++p) {
    Panel panel(recipe, panels.data() + p * each, firstPanel + p);
    char *begin = out.data() + p * bytes;
    llvm::Error error = llvm::Error::success();
    if (recipe.kind == ParameterRecipe::Kind::Scales)
      error = panel.writeScales(begin);
    else if (recipe.type == WeightType::F16 || recipe.type == WeightType::BF16)
      error = panel.writeHalves(begin);
    else if (recipe.type == WeightType::F32)
      std::memcpy(begin, panels.data() + p * each, each * sizeof(float));
    else
      error = panel.writeIntegers(begin);
    if (error)
      return error;
  }
  return llvm::Error::success();
}

} // namespace weft

//===- Rounding.cpp - numbers in narrow types ---------------------------------------------------------------------===//
// Answers: what do weights and activations become that the IR rounds? Written by the op's text, so that what writes the
// artefact has something to agree with.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Rounding.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>

using namespace mlir;

namespace weft::reference {

static double roundTo(const llvm::fltSemantics &format, double value) {
  llvm::APFloat number(value);
  bool loses;
  number.convert(format, llvm::APFloat::rmNearestTiesToEven, &loses);
  return number.convertToDouble();
}

double roundToBF16(double single) { return roundTo(llvm::APFloat::BFloat(), single); }
double roundToF16(double single) { return roundTo(llvm::APFloat::IEEEhalf(), single); }

llvm::Expected<Multiples> quantize(Operation *op, WeightType type, ArrayRef<double> numbers) {
  double largest = 0;
  for (double number : numbers) {
    if (!std::isfinite(number))
      return failure(op, "rounds " + std::to_string(number) + " to " + name(type) + ", but no integer stands for it");
    if (std::fabs(number) > std::fabs(largest))
      largest = number;
  }
  bool isInt8 = type == WeightType::Int8;
  double scale =
      isInt8 ? static_cast<float>(std::fabs(largest)) / 127.0f : roundToBF16(static_cast<float>(largest) / -8.0f);
  Multiples result{scale, {}};
  for (double number : numbers) {
    float quotient = scale == 0 ? 0 : static_cast<float>(number) / static_cast<float>(scale);
    double integer = std::rint(quotient);
    result.integers.push_back(isInt8 ? std::min(std::max(integer, -127.0), 127.0)
                                     : std::min(std::max(integer, -8.0), 7.0));
  }
  return result;
}

std::vector<double> dequantize(WeightType type, const Tensor &packed, const Tensor *scales, int64_t depth) {
  if (type == WeightType::F32)
    return packed.values;
  int64_t panels = packed.shape[0], panel = packed.shape[2], inWord = packed.shape[3], words = packed.shape[1];
  int64_t groups = scales ? scales->shape[1] : 0, each = groupDepth(type, depth);
  std::vector<double> numbers(panels * depth * panel);
  for (int64_t p = 0; p < panels; ++p)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t c = 0; c < panel; ++c) {
        double element = packed.values[((p * words + k / inWord) * panel + c) * inWord + k % inWord];
        double scale = scales ? scales->values[(p * groups + k / each) * panel + c] : 1;
        numbers[(p * depth + k) * panel + c] = element * scale;
      }
  return numbers;
}

static void roundRowToInt8(MutableArrayRef<double> row) {
  float largest = 0;
  for (double number : row) {
    if (std::isnan(number))
      largest = number;
    if (!std::isnan(largest))
      largest = std::max(largest, std::fabs(static_cast<float>(number)));
  }
  float scale = largest / 127, inverse = largest < 0x1p-120f ? 0 : 127 / largest;
  for (double &number : row) {
    double integer = std::rint(static_cast<float>(number) * inverse);
    number = std::min(std::max(integer, -127.0), 127.0) * scale;
    if (!std::isfinite(scale))
      number = std::nan("");
  }
}

Tensor roundActivations(PackedLinearOp op, const Tensor &input) {
  Tensor rounded = input;
  int64_t rows = count(leading(input)), depth = input.shape.back();
  if (op.getActivations()) {
    for (int64_t r = 0; r < rows; ++r)
      roundRowToInt8(MutableArrayRef(rounded.values).slice(r * depth, depth));
  } else if (op.getWeightType() == WeightType::BF16 && rows >= rowsThatRound) {
    for (double &number : rounded.values)
      number = roundToBF16(number);
  } else if (op.getWeightType() == WeightType::F16 && rows >= rowsForMatrices) {
    for (double &number : rounded.values)
      number = roundToF16(number);
  }
  return rounded;
}

} // namespace weft::reference

//===- Linear.cpp - linear and packed_linear ----------------------------------------------------------------------===//
// Answers: what is y = x W^T + bias, and what does an epilogue make of its accumulators?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Parallel.h"
#include "compiler/reference/Product.h"
#include "compiler/reference/Rounding.h"
#include "compiler/reference/ScalarBody.h"
#include "compiler/reference/WeftOps.h"

using namespace mlir;

namespace weft::reference {
namespace {

/// Columns that `linear` gathers at once: one unit of work for a thread.
constexpr int64_t columnsAtOnce = 32;

template <typename T>
void linear(const Tensor &input, const Tensor &weight, bool inOut, const Tensor *bias, Tensor &result) {
  int64_t depth = input.shape.back(), columns = result.shape.back(), rows = count(leading(input));
  std::vector<T> x = numbers<T>(input);
  llvm::parallelFor(0, llvm::divideCeil(columns, columnsAtOnce), [&](size_t block) {
    int64_t first = block * columnsAtOnce, width = std::min(columnsAtOnce, columns - first);
    std::vector<T> w(depth * width), sums(rows * width);
    for (int64_t c = 0; c < width; ++c)
      for (int64_t k = 0; k < depth; ++k)
        w[k * width + c] = weight.values[inOut ? k * columns + first + c : (first + c) * depth + k];
    product(x.data(), rows, depth, w.data(), width, sums.data());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < width; ++c) {
        T sum = sums[r * width + c];
        result.values[r * columns + first + c] = bias ? sum + static_cast<T>(bias->values[first + c]) : sum;
      }
  });
}

/// An epilogue's operand: where its element for a row and column lies.
struct Extra {
  const Tensor *tensor;
  Type type;
  SmallVector<int64_t> rowSteps; ///< for the result's dimensions but the last
  int64_t columnStep;

  int64_t rowOffset(int64_t row, ArrayRef<int64_t> rowShape) const {
    int64_t offset = 0;
    for (size_t dim = rowShape.size(); dim-- > 0; row /= rowShape[dim])
      offset += row % rowShape[dim] * rowSteps[dim];
    return offset;
  }
};

llvm::Expected<SmallVector<Extra>> extrasOf(PackedLinearOp op, const Tensor &result, const Frame &frame) {
  SmallVector<Extra> extras;
  size_t rank = result.shape.size();
  if (op.getExtras().size() != op.getExtraMaps().size())
    return failure(op, "has " + Twine(op.getExtras().size()) + " extras and " + Twine(op.getExtraMaps().size()) +
                           " maps for them");
  for (auto [value, attribute] : llvm::zip_equal(op.getExtras(), op.getExtraMaps())) {
    AffineMap map = cast<AffineMapAttr>(attribute).getValue();
    const Tensor &tensor = frame[value];
    SmallVector<int64_t> steps(rank, 0), wanted;
    for (auto [expr, distance] : llvm::zip(map.getResults(), strides(tensor.shape))) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      wanted.push_back(dim ? result.shape[dim.getPosition()] : 1); // else the constant 0
      if (dim)
        steps[dim.getPosition()] = distance;
    }
    if (auto error = expectShape(op, "an extra", tensor, wanted))
      return error;
    int64_t columnStep = steps.pop_back_val();
    extras.push_back({&tensor, value.getType(), steps, columnStep});
  }
  return extras;
}

template <typename T>
llvm::Error packedLinear(PackedLinearOp op, const Tensor &input, ArrayRef<double> weights, const ScalarBody &epilogue,
                         ArrayRef<Extra> extras, Tensor &result) {
  int64_t depth = input.shape.back(), columns = result.shape.back(), rows = count(leading(input));
  int64_t panel = op.getPanel(), parts = op.getParts(), group = panel / parts;
  std::vector<T> x = numbers<T>(input);
  return parallelFor(llvm::divideCeil(columns, group), [&](size_t p) -> llvm::Error {
    auto begin = weights.begin() + p * depth * panel;
    std::vector<T> w(begin, begin + depth * panel), sums(rows * panel);
    product(x.data(), rows, depth, w.data(), panel, sums.data());
    Slots slots = epilogue.slots();
    for (int64_t r = 0; r < rows; ++r) {
      auto offsets = llvm::map_to_vector(extras, [&](const Extra &e) { return e.rowOffset(r, leading(result)); });
      for (int64_t c = 0; c < group && int64_t(p) * group + c < columns; ++c) {
        int64_t n = p * group + c;
        for (int64_t part = 0; part < parts; ++part)
          epilogue.argument(slots, part).real = sums[r * panel + part * group + c];
        for (auto [i, extra] : llvm::enumerate(extras))
          epilogue.argument(slots, parts + i) =
              toNumber(extra.tensor->values[offsets[i] + n * extra.columnStep], extra.type);
        if (!epilogue.execute(slots))
          return ScalarBody::error(slots);
        result.values[r * columns + n] = epilogue.result(slots).real;
      }
    }
    return llvm::Error::success();
  });
}

} // namespace

llvm::Error evaluate(LinearOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()], &weight = frame[op.getWeight()];
  const Tensor *bias = op.getBias() ? &frame[op.getBias()] : nullptr;
  int64_t depth = input.shape.back(), columns = weight.shape[op.getInOut() ? 1 : 0];
  if (auto error = expectShape(op, "weight", weight,
                               op.getInOut() ? ArrayRef<int64_t>{depth, columns} : ArrayRef<int64_t>{columns, depth}))
    return error;
  if (bias)
    if (auto error = expectShape(op, "bias", *bias, {columns}))
      return error;
  SmallVector<int64_t> shape(leading(input));
  shape.push_back(columns);
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();
  inPrecision(frame, op.getResult(),
              [&](auto zero) { linear<decltype(zero)>(input, weight, op.getInOut(), bias, *result); });
  frame.set(op.getResult(), std::move(*result));
  return llvm::Error::success();
}

llvm::Error evaluate(PackedLinearOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()], &packed = frame[op.getPacked()];
  int64_t columns = op.getColumns(), parts = op.getParts(), panel = packed.shape[2];
  if (parts < 1 || panel < parts || panel % parts != 0)
    return failure(op, "has " + Twine(parts) + " parts in panels of " + Twine(panel) + " columns");
  int64_t panels = llvm::divideCeil(columns, panel / parts), depth = input.shape.back();
  WeightType type = op.getWeightType();
  if (auto error = expectShape(op, "packed", packed, packedShape(type, panels, depth, panel)))
    return error;
  const Tensor *scales = op.getScales() ? &frame[op.getScales()] : nullptr;
  if (scales)
    if (auto error = expectShape(op, "scales", *scales, {panels, groupsOf(type, depth), panel}))
      return error;
  SmallVector<int64_t> shape(leading(input));
  shape.push_back(columns);
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();
  auto extras = extrasOf(op, *result, frame);
  if (!extras)
    return extras.takeError();
  auto epilogue = ScalarBody::translate(op.getEpilogue().front(), frame);
  if (!epilogue)
    return epilogue.takeError();
  std::vector<double> weights = dequantize(type, packed, scales, depth);
  auto normScale = perColumn(op, "norm_scale", op.getNormScale(), op.getInput(), frame);
  if (!normScale)
    return normScale.takeError();
  Tensor normed;
  if (auto eps = op.getNormEps())
    normed = rmsNorm(frame, op.getResult(), input, eps->convertToDouble(), *normScale);
  const Tensor &given = op.getNormEps() ? normed : input;
  const Tensor &x = frame.options.roundActivations ? roundActivations(op, given) : given;
  if (auto error = inPrecision(frame, op.getResult(), [&](auto zero) {
        return packedLinear<decltype(zero)>(op, x, weights, *epilogue, *extras, *result);
      }))
    return error;
  frame.set(op.getResult(), std::move(*result));
  return llvm::Error::success();
}

} // namespace weft::reference

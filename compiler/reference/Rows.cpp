//===- Rows.cpp - norms, softmax and argmax -----------------------------------------------------------------------===//
// Answers: what do the ops compute that look at one row, the last dimension, at a time?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/WeftOps.h"
#include <cmath>

using namespace mlir;

#pragma STDC FP_CONTRACT OFF // a fused multiply-add is better than the naive float result

namespace weft::reference {
namespace {

/// x / sqrt(mean(x^2) + static_cast<T>(eps)) * scale
template <typename T> void rmsNorm(std::vector<T> &row, double eps, const Tensor *scale) {
  T sum = 0;
  for (T x : row)
    sum += x * x;
  T root = std::sqrt(sum / static_cast<T>(row.size()) + static_cast<T>(eps));
  for (auto [i, x] : llvm::enumerate(row)) {
    x = x / root;
    if (scale)
      x *= static_cast<T>(scale->values[i]);
  }
}

/// (x - mean) / sqrt(variance + static_cast<T>(eps)) * scale + shift
template <typename T> void layerNorm(std::vector<T> &row, double eps, const Tensor *scale, const Tensor *shift) {
  T sum = 0, squares = 0, n = row.size();
  for (T x : row)
    sum += x;
  T mean = sum / n;
  for (T x : row)
    squares += (x - mean) * (x - mean);
  T root = std::sqrt(squares / n + static_cast<T>(eps));
  for (auto [i, x] : llvm::enumerate(row)) {
    x = (x - mean) / root;
    if (scale)
      x *= static_cast<T>(scale->values[i]);
    if (shift)
      x += static_cast<T>(shift->values[i]);
  }
}

/// exp(x - max) / sum. For a row of -inf this is NaN: -inf - -inf is.
template <typename T> void softmax(std::vector<T> &row) {
  T largest = -INFINITY, sum = 0;
  for (T x : row)
    largest = x > largest ? x : largest;
  for (T &x : row)
    sum += x = std::exp(x - largest);
  for (T &x : row)
    x /= sum;
}

/// The input with `kernel(row)` applied to every row.
template <typename Kernel> Tensor forEachRow(const Frame &frame, Value result, const Tensor &input, Kernel kernel) {
  Tensor rowsOf = input;
  int64_t rows = count(leading(rowsOf)), width = rowsOf.shape.back();
  inPrecision(frame, result, [&](auto zero) {
    std::vector<decltype(zero)> row(width);
    for (int64_t r = 0; r < rows; ++r) {
      auto begin = rowsOf.values.begin() + r * width;
      std::copy_n(begin, width, row.begin());
      kernel(row);
      std::copy_n(row.begin(), width, begin);
    }
  });
  return rowsOf;
}

template <typename Op, typename Kernel> llvm::Error setRows(Op op, Frame &frame, Kernel kernel) {
  frame.set(op.getResult(), forEachRow(frame, op.getResult(), frame[op.getInput()], kernel));
  return llvm::Error::success();
}

} // namespace

llvm::Expected<const Tensor *> perColumn(Operation *op, StringRef name, Value operand, Value input,
                                         const Frame &frame) {
  if (!operand)
    return nullptr;
  if (auto error = expectShape(op, name, frame[operand], {frame[input].shape.back()}))
    return error;
  return &frame[operand];
}

Tensor rmsNorm(const Frame &frame, Value result, const Tensor &input, double eps, const Tensor *scale) {
  return forEachRow(frame, result, input, [&](auto &row) { rmsNorm(row, eps, scale); });
}

llvm::Error evaluate(RmsNormOp op, Frame &frame) {
  auto scale = perColumn(op, "scale", op.getScale(), op.getInput(), frame);
  if (!scale)
    return scale.takeError();
  frame.set(op.getResult(),
            rmsNorm(frame, op.getResult(), frame[op.getInput()], op.getEps().convertToDouble(), *scale));
  return llvm::Error::success();
}

llvm::Error evaluate(LayerNormOp op, Frame &frame) {
  auto scale = perColumn(op, "scale", op.getScale(), op.getInput(), frame);
  if (!scale)
    return scale.takeError();
  auto shift = perColumn(op, "shift", op.getShift(), op.getInput(), frame);
  if (!shift)
    return shift.takeError();
  double eps = op.getEps().convertToDouble();
  return setRows(op, frame, [&](auto &row) { layerNorm(row, eps, *scale, *shift); });
}

llvm::Error evaluate(SoftmaxOp op, Frame &frame) {
  return setRows(op, frame, [](auto &row) { softmax(row); });
}

llvm::Error evaluate(ArgmaxOp op, Frame &frame) {
  const Tensor &input = frame[op.getInput()];
  int64_t width = input.shape.back();
  auto result = allocate(op, leading(input));
  if (!result)
    return result.takeError();
  if (width == 0)
    return failure(op, "has rows without elements, which have no largest one");
  for (auto [r, best] : llvm::enumerate(result->values)) {
    const double *row = &input.values[r * width];
    int64_t first = 0;
    for (int64_t i = 1; i < width && !std::isnan(row[first]); ++i)
      if (row[i] > row[first] || std::isnan(row[i]))
        first = i;
    best = first;
  }
  frame.set(op.getResult(), std::move(*result));
  return llvm::Error::success();
}

} // namespace weft::reference

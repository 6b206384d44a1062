//===- Positions.cpp - rotary, lookup and cache -------------------------------------------------------------------===//
// Answers: what do the ops compute that depend on positions: of a token, in a table, in a cache?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/WeftOps.h"
#include <cmath>

using namespace mlir;

#pragma STDC FP_CONTRACT OFF // a fused multiply-add is better than the naive float result

namespace weft::reference {

template <typename T> static void rotate(const Tensor &table, bool interleaved, Tensor &result) {
  int64_t B = result.shape[0], S = result.shape[1], H = result.shape[2], D = result.shape[3], pairs = table.shape[1];
  for (int64_t b = 0; b < B; ++b)
    for (int64_t s = 0; s < S; ++s)
      for (int64_t h = 0; h < H; ++h)
        for (int64_t i = 0; i < pairs; ++i) {
          double *head = &result.values[((b * S + s) * H + h) * D];
          double &first = head[interleaved ? 2 * i : i], &second = head[interleaved ? 2 * i + 1 : i + pairs];
          T x = first, y = second, cosine = table.values[(s * pairs + i) * 2],
            sine = table.values[(s * pairs + i) * 2 + 1];
          first = x * cosine - y * sine;
          second = y * cosine + x * sine;
        }
}

llvm::Error evaluate(RotaryOp op, Frame &frame) {
  Tensor result = frame[op.getInput()];
  const Tensor &table = frame[op.getTable()];
  if (auto error = expectShape(op, "table", table, {result.shape[1], table.shape[1], 2}))
    return error;
  if (2 * table.shape[1] > result.shape[3])
    return failure(op, "rotates " + Twine(2 * table.shape[1]) + " elements of a width of " + Twine(result.shape[3]));
  inPrecision(frame, op.getResult(), [&](auto zero) { rotate<decltype(zero)>(table, op.getInterleaved(), result); });
  frame.set(op.getResult(), std::move(result));
  return llvm::Error::success();
}

llvm::Error evaluate(LookupOp op, Frame &frame) {
  const Tensor &table = frame[op.getTable()], &indices = frame[op.getIndices()];
  int64_t rows = table.shape[0], width = table.shape[1];
  std::vector<int64_t> shape = indices.shape;
  shape.push_back(width);
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();
  llvm::Error error = llvm::Error::success();
  int64_t next = 0;
  forEachIndex(indices.shape, [&](ArrayRef<int64_t> position) {
    int64_t row = indices.values[next];
    if (error)
      return;
    if (row < 0 || row >= rows) {
      error = failure(op, "'" + op.getLabel() + "' is " + Twine(row) + " at position " + text(position) +
                              ", but the table has rows 0 to " + Twine(rows - 1));
      return;
    }
    std::copy_n(table.values.begin() + row * width, width, result->values.begin() + next++ * width);
  });
  if (error)
    return error;
  frame.set(op.getResult(), std::move(*result));
  return llvm::Error::success();
}

/// The state itself changes, in whoever holds it; the result is a copy of its first positions.
llvm::Error evaluate(CacheOp op, Frame &frame) {
  Value origin = op.getState();
  while (auto cast = origin.getDefiningOp<tensor::CastOp>())
    origin = cast.getSource();
  if (!isa<BlockArgument>(origin))
    return failure(op, "appends to a tensor that is not an argument of the function, so nobody would see it");
  Tensor &state = *frame.shared(op.getState());
  const Tensor &input = frame[op.getInput()];
  int64_t position = op.getPosition();
  int64_t past = frame.integer(op.getPast()), capacity = state.shape[position], added = input.shape[1],
          all = past + added;
  if (past < 0 || all > capacity)
    return failure(op, "puts " + Twine(added) + " positions at " + Twine(past) + " into a state of " + Twine(capacity));
  std::vector<int64_t> wanted;
  for (int64_t dim = 0; dim < int64_t(state.shape.size()); ++dim)
    wanted.push_back(state.shape[op.getStateDim(dim)]);
  wanted[1] = added;
  if (auto error = expectShape(op, "input", input, wanted))
    return error;

  std::vector<int64_t> shape = wanted;
  shape[1] = all;
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();
  // Numbers of one position that lie together, and how many such rows a position has.
  ArrayRef<int64_t> sizes(state.shape);
  int64_t width = count(sizes.drop_front(position + 1)), rows = count(sizes.slice(1, position - 1));
  for (int64_t b = 0; b < sizes[0]; ++b)
    for (int64_t row = 0; row < rows; ++row) {
      auto line = state.values.begin() + (b * rows + row) * capacity * width;
      for (int64_t i = 0; i < added; ++i)
        std::copy_n(input.values.begin() + ((b * added + i) * rows + row) * width, width, line + (past + i) * width);
      for (int64_t i = 0; i < all; ++i)
        std::copy_n(line + i * width, width, result->values.begin() + ((b * all + i) * rows + row) * width);
    }
  frame.set(op, std::move(*result));
  return llvm::Error::success();
}

} // namespace weft::reference

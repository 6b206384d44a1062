//===- AttentionLanes.cpp - exchanges between the lanes of vectors -----------------------------------------------===//
// Answers: how are L vectors of L lanes transposed, or each summed, with log2(L) rounds of two-operand shuffles?
//
// Round m exchanges, between vectors i and i + m, the lanes whose number differs in bit m: the blocks off the diagonal
// of a matrix of 2m x 2m blocks (Eklundh, 1972).
//
// A sum needs of each exchange only the total of both results, and where the lanes of a vector come to stand in between
// is free: then two instructions make an exchange that would be two blends and a permutation.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"

using namespace mlir;

namespace weft::cpu {

namespace {
struct Exchange {
  Value low, high;
};
} // namespace

static Exchange exchange(ImplicitLocOpBuilder &b, Value first, Value second, int64_t lanes, int64_t bit) {
  SmallVector<int64_t> low, high;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    bool fromSecond = lane & bit;
    low.push_back(fromSecond ? lanes + lane - bit : lane);
    high.push_back(fromSecond ? lanes + lane : lane + bit);
  }
  return {vector::ShuffleOp::create(b, first, second, low), vector::ShuffleOp::create(b, first, second, high)};
}

SmallVector<Value> transposeLanes(ImplicitLocOpBuilder &b, SmallVector<Value> vectors) {
  int64_t lanes = vectors.size();
  for (int64_t bit = lanes / 2; bit; bit /= 2)
    for (int64_t i = 0; i < lanes; ++i) {
      if (i & bit)
        continue;
      Exchange exchanged = exchange(b, vectors[i], vectors[i + bit], lanes, bit);
      vectors[i] = exchanged.low;
      vectors[i + bit] = exchanged.high;
    }
  return vectors;
}

// Lanes fall into groups, and a group into parts. A part of a result is the first (`low`) or the second (`high`) half
// of a part of an operand, those of `first` before those of `second`. Such shuffles are single instructions of any
// machine and take one step; with lanes that stay where they are it would be blends and permutations by a table.
static Exchange halvesOfParts(ImplicitLocOpBuilder &b, Value first, Value second, int64_t group, int64_t parts) {
  int64_t lanes = cast<VectorType>(first.getType()).getDimSize(0), half = group / parts / 2;
  SmallVector<int64_t> low, high;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    int64_t part = lane % group / half;
    int64_t operand = part < parts ? 0 : lanes, begin = lane - lane % group + part % parts * 2 * half;
    low.push_back(operand + begin + lane % half);
    high.push_back(low.back() + half);
  }
  return {vector::ShuffleOp::create(b, first, second, low), vector::ShuffleOp::create(b, first, second, high)};
}

Value sumLanes(ImplicitLocOpBuilder &b, SmallVector<Value> vectors, int64_t step) {
  int64_t group = vectors.size() * step;
  for (int64_t parts = 1; vectors.size() > 1; parts *= 2) {
    for (size_t i = 0; i < vectors.size() / 2; ++i) {
      Exchange halves = halvesOfParts(b, vectors[2 * i], vectors[2 * i + 1], group, parts);
      vectors[i] = arith::AddFOp::create(b, halves.low, halves.high);
    }
    vectors.resize(vectors.size() / 2);
  }
  return vectors.front();
}

} // namespace weft::cpu

//===- AttentionLanes.cpp - exchanges between the lanes of vectors -----------------------------------------------===//
// Answers: how are L vectors of L lanes transposed, or each summed, with log2(L) rounds of two-operand shuffles?
//
// Round m exchanges, between vectors i and i + m, the lanes whose number differs in bit m: the blocks off the diagonal
// of a matrix of 2m x 2m blocks (Eklundh, 1972).
// A sum needs of each exchange only the total of both results.
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

// A vector made of lanes that stay where they are is a blend, which every unit of a core can do; one that is then
// permuted needs no second operand. Both are cheaper than the exchange of a transposition.
static Value sumOfPairs(ImplicitLocOpBuilder &b, Value first, Value second, int64_t lanes, int64_t bit) {
  SmallVector<int64_t> own, others, swapped;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    own.push_back(lane & bit ? lanes + lane : lane);
    others.push_back(lane & bit ? lane : lanes + lane);
    swapped.push_back(lane ^ bit);
  }
  Value stay = vector::ShuffleOp::create(b, first, second, own);
  Value move = vector::ShuffleOp::create(b, first, second, others);
  return arith::AddFOp::create(b, stay, vector::ShuffleOp::create(b, move, move, swapped));
}

Value sumLanes(ImplicitLocOpBuilder &b, SmallVector<Value> vectors, int64_t step) {
  int64_t lanes = cast<VectorType>(vectors.front().getType()).getDimSize(0);
  for (int64_t bit = vectors.size() / 2; bit; bit /= 2)
    for (int64_t i = 0; i < bit; ++i)
      vectors[i] = sumOfPairs(b, vectors[i], vectors[i + bit], lanes, bit * step);
  return vectors.front();
}

} // namespace weft::cpu

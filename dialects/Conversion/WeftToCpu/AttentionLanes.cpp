//===- AttentionLanes.cpp - exchanges between the lanes of vectors -----------------------------------------------===//
// Answers: how are L vectors of L lanes transposed, or each summed, with log2(L) rounds of two-operand shuffles?
//
// Round m exchanges, between vectors i and i + m, the lanes whose number differs in bit m: the blocks off the diagonal
// of a matrix of 2m x 2m blocks (Eklundh, 1972).
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

Value sumLanes(ImplicitLocOpBuilder &b, SmallVector<Value> vectors) {
  int64_t lanes = vectors.size();
  for (int64_t bit = lanes / 2; bit; bit /= 2)
    for (int64_t i = 0; i < bit; ++i) {
      Exchange exchanged = exchange(b, vectors[i], vectors[i + bit], lanes, bit);
      vectors[i] = arith::AddFOp::create(b, exchanged.low, exchanged.high);
    }
  return vectors.front();
}

} // namespace weft::cpu

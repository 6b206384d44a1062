//===- AttentionLanes.cpp - exchanges between the lanes of vectors -----------------------------------------------===//
// Answers: how are L vectors of L lanes transposed, or each summed, with log2(L) rounds of two-operand shuffles?
//
// Round m exchanges, between vectors i and i + m, the lanes whose number differs in bit m: the blocks off the diagonal
// of a matrix of 2m x 2m blocks (Eklundh, 1972).
//
// A sum needs of each exchange only the total of both results, and where the lanes of a vector come to stand in between
// is free: then two instructions make an exchange that would be two blends and a permutation.
//
// Where one factor of the products to be summed stays the same, as queries do beside many keys, half of the exchanges
// are made in advance: it is skewed, so that what belongs together comes out in different parts of different vectors
// (as blocks of matrices are skewed before they travel; Cannon, 1969).
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

//===-- parts of vectors ------------------------------------------------------------------------------------------===//
// With N vectors a vector has N parts of L / N neighbouring lanes.

static int64_t lanesOfPart(ArrayRef<Value> vectors) {
  return cast<VectorType>(vectors.front().getType()).getDimSize(0) / int64_t(vectors.size());
}

/// Of each lane of a result the number among those of both operands.
static Value shuffle(ImplicitLocOpBuilder &b, Value first, Value second, llvm::function_ref<int64_t(int64_t)> from) {
  int64_t lanes = cast<VectorType>(first.getType()).getDimSize(0);
  return vector::ShuffleOp::create(b, first, second, llvm::map_to_vector(llvm::seq(lanes), from));
}

SmallVector<Value> skewParts(ImplicitLocOpBuilder &b, SmallVector<Value> vectors) {
  int64_t part = lanesOfPart(vectors), lanes = part * vectors.size();
  for (size_t bit = 1; bit < vectors.size(); bit *= 2)
    for (size_t i = 0; i < vectors.size(); ++i) {
      if (i & bit)
        continue;
      Value low = vectors[i], high = vectors[i | bit];
      auto other = [&](int64_t lane) { return lane / part & bit ? lanes + lane : lane; };
      vectors[i] = shuffle(b, low, high, other);
      vectors[i | bit] = shuffle(b, high, low, other);
    }
  return vectors;
}

Value sumSkewedParts(ImplicitLocOpBuilder &b, SmallVector<Value> vectors) {
  int64_t part = lanesOfPart(vectors);
  while (vectors.size() > 1) {
    size_t half = vectors.size() / 2;
    for (size_t i = 0; i < half; ++i) {
      Value high = vectors[half + i];
      Value swapped = shuffle(b, high, high, [&](int64_t lane) { return lane ^ int64_t(half) * part; });
      vectors[i] = arith::AddFOp::create(b, vectors[i], swapped);
    }
    vectors.resize(half);
  }
  return vectors.front();
}

// Each round makes two shorter problems of one: the first halves of what parts there are, and the second halves.
static void appendTransposed(ImplicitLocOpBuilder &b, ArrayRef<Value> vectors, int64_t lanes, int64_t parts,
                             SmallVector<Value> &result) {
  if (vectors.size() == 1) {
    result.push_back(vectors.front());
    return;
  }
  SmallVector<Value> low, high;
  for (size_t i = 0; i < vectors.size(); i += 2) {
    Exchange halves = halvesOfParts(b, vectors[i], vectors[i + 1], lanes, parts);
    low.push_back(halves.low);
    high.push_back(halves.high);
  }
  appendTransposed(b, low, lanes, 2 * parts, result);
  appendTransposed(b, high, lanes, 2 * parts, result);
}

SmallVector<Value> transposeParts(ImplicitLocOpBuilder &b, ArrayRef<Value> vectors) {
  SmallVector<Value> result;
  appendTransposed(b, vectors, lanesOfPart(vectors) * vectors.size(), 1, result);
  return result;
}

} // namespace weft::cpu

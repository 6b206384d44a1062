//===- AttentionNest.h - what the loop nests of attention share -----------------------------------------*- C++ -*-===//
// Answers: which facts, views and formulas of a `weft.attention` do its two loop nests start from?
//
// Names, as in the op: S queries, T keys, H query heads, G key heads, D elements of a key, E of a value.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/Common/KeyBlocks.h"
#include "dialects/Conversion/WeftToCpu/Emitters.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <limits>

namespace weft::cpu {

inline constexpr float minusInfinity = -std::numeric_limits<float>::infinity();
inline constexpr float log2OfE = 1.44269504f, ln2 = 0.693147181f;

/// Where a score stands: batch entry and head are scalars; of query and key at most one varies over lanes.
struct Position {
  mlir::Value batch, head, query, key;
};

/// The rows of one head: [positions, width] views of query, key, value or result.
using HeadView = mlir::Value;

class AttentionNest {
public:
  /// `acrossHeads`: the loop nest treats several query heads at once, so bounds may not depend on the head.
  AttentionNest(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits, bool acrossHeads);

protected:
  int64_t queriesPerKeyHead() const { return H / G; }

  //===-- index arithmetic and loops ------------------------------------------------------------------------------===//
  mlir::Value index(int64_t value) { return constantIndex(b, b.getLoc(), value); }
  template <typename Op> mlir::Value make(mlir::Value a, mlir::Value c) { return b.createOrFold<Op>(a, c); }
  mlir::Value add(mlir::Value a, mlir::Value c) { return make<mlir::arith::AddIOp>(a, c); }
  mlir::Value add(mlir::Value a, int64_t c) { return c ? add(a, index(c)) : a; }
  mlir::Value sub(mlir::Value a, mlir::Value c) { return make<mlir::arith::SubIOp>(a, c); }
  mlir::Value mul(mlir::Value a, mlir::Value c) { return make<mlir::arith::MulIOp>(a, c); }
  mlir::Value min(mlir::Value a, mlir::Value c) { return make<mlir::arith::MinSIOp>(a, c); }
  mlir::Value max(mlir::Value a, mlir::Value c) { return make<mlir::arith::MaxSIOp>(a, c); }
  mlir::Value divide(mlir::Value a, mlir::Value c) { return make<mlir::arith::DivUIOp>(a, c); }
  mlir::Value remainder(mlir::Value a, mlir::Value c) { return make<mlir::arith::RemUIOp>(a, c); }
  mlir::Value ceilDivide(mlir::Value a, int64_t c) { return divide(add(a, c - 1), index(c)); }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a, mlir::Value c) {
    return b.createOrFold<mlir::arith::CmpIOp>(predicate, a, c);
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value c) {
    return b.createOrFold<mlir::arith::SelectOp>(condition, a, c);
  }

  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  /// for (i = from; i < to; i += step), with values carried from one iteration to the next.
  llvm::SmallVector<mlir::Value> loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange carried,
                                      LoopBody body);
  void loop(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  void when(mlir::Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = nullptr);

  //===-- vectors -------------------------------------------------------------------------------------------------===//
  mlir::Value constant(float value) { return mlir::arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }
  mlir::Value constantLike(mlir::Value model, float value); ///< a scalar, or the same in all lanes
  mlir::Value lanesOf(float value);                         ///< the same number in all lanes
  mlir::Value lanesOf(mlir::Value scalar);                  ///< a scalar (f32, index or i1) in all lanes
  mlir::Value positionsFrom(mlir::Value first);             ///< first, first + 1, ... as i32 lanes
  mlir::Value fma(mlir::Value a, mlir::Value c, mlir::Value sum) { return mlir::vector::FMAOp::create(b, a, c, sum); }
  mlir::Value multiply(mlir::Value a, mlir::Value c) { return mlir::arith::MulFOp::create(b, a, c); }
  /// The larger of the two where neither is NaN, `otherwise` where `value` is NaN: one instruction, and a NaN score
  /// does not hide in the maximum but comes out of its exponential.
  mlir::Value larger(mlir::Value value, mlir::Value otherwise);
  /// A maximum to subtract: 0 for -inf, where nothing was admitted yet, so that the exponentials are 0 and never NaN.
  mlir::Value finiteOr0(mlir::Value maximum);
  /// exp(score - maximum), as the power of two that one multiply-add makes of it: 2^(score * exponentFactor() -
  /// subtracted), where `subtracted` is the maximum's product with the same factor. That rounds alike for all scores of
  /// a row, and so cancels out in its probabilities.
  mlir::Value exponential(mlir::Value score, mlir::Value subtracted);
  mlir::Value toSubtract(mlir::Value maximum) {
    return multiply(finiteOr0(maximum), constantLike(maximum, exponentFactor()));
  }
  /// What sums with the maximum `before` are to be multiplied with: exactly 1 where it has not changed.
  mlir::Value rescaling(mlir::Value before, mlir::Value subtracted) {
    return power(mlir::arith::SubFOp::create(b, multiply(before, constantLike(before, exponentFactor())), subtracted));
  }
  mlir::Value power(mlir::Value exponent); ///< 2^exponent; 0 below 2^-126, for exponents up to 126

  mlir::Value load(mlir::Value memref, mlir::ValueRange at, int64_t count);
  void store(mlir::Value vector, mlir::Value memref, mlir::ValueRange at, int64_t count);
  /// The first `count` lanes, where that is known at run time only; all of them where it is L or more.
  void storeFirst(mlir::Value vector, mlir::Value memref, mlir::ValueRange at, mlir::Value count);
  mlir::Value load(mlir::Value memref, mlir::ValueRange at) { return load(memref, at, L); }
  void store(mlir::Value vector, mlir::Value memref, mlir::ValueRange at) { store(vector, memref, at, L); }
  mlir::Value loadScalar(mlir::Value memref, mlir::ValueRange at) {
    return mlir::memref::LoadOp::create(b, memref, at);
  }
  void storeScalar(mlir::Value value, mlir::Value memref, mlir::ValueRange at) {
    mlir::memref::StoreOp::create(b, value, memref, at);
  }
  /// Asks for a row of `width` numbers before it is read. Rows of one head lie apart, often by a power of two, which
  /// the machine does not foresee.
  enum class Cache : uint32_t { Second = 2, First = 3 };
  void prefetch(mlir::Value memref, mlir::Value row, int64_t width, Cache cache);
  void prefetch(mlir::Value memref, mlir::ValueRange at, Cache cache); ///< the line of one number
  /// Memory that is read from here on is read after what was read before. LLVM reads what a block of code asks for in
  /// an order of its own, and a machine foresees ascending addresses only.
  void keepOrder();
  mlir::Value scratch(llvm::ArrayRef<int64_t> shape); ///< f32, aligned to a cache line, on the stack

  //===-- the op --------------------------------------------------------------------------------------------------===//
  HeadView headOf(mlir::Value data, mlir::Value batch, mlir::Value head);

  bool hasMask() { return !op.getMask().empty(); }
  bool hasSimilarity() { return !op.getSimilarity().empty(); }
  float scale; ///< of the sums, before the score region
  /// A positive factor that nothing but the exponential sees: the scale, or the last one of the score region. Scores
  /// are kept without it, and their exponents get it.
  float lastFactor = 1;
  float exponentFactor() { return log2OfE * lastFactor; }
  mlir::Value scoreOfRegion; ///< what the score region yields, less lastFactor; null without a region
  /// What the queries are multiplied with once, so that their products with the keys are scaled. Else sums are scaled
  /// when they have been added up: the terms of a similarity are no products, and a scale that is no power of two would
  /// round every element of a query, all alike where they are equal.
  float scaleOfQueries();
  /// The terms of the similarity region for one query element and one key element, on lanes.
  llvm::SmallVector<mlir::Value> terms(mlir::Value query, mlir::Value key, mlir::Value batch, mlir::Value head,
                                       mlir::Value element);
  /// The score on lanes, of the sums of the terms: scaled where they are not yet and the exponent is not, then the
  /// score region, if any, of which some values may be `known`.
  mlir::Value score(mlir::ValueRange sums, const Position &at, const mlir::IRMapping &known = {});
  mlir::Value admitted(const Position &at); ///< the mask region on lanes of i1

  //===-- AttentionRows.cpp ---------------------------------------------------------------------------------------===//
  mlir::Value weightsOut() { return op.getWeights() ? op.getOuts()[op.getWeightsNumber()] : mlir::Value(); }
  mlir::Value lseOut() { return op.getLse() ? op.getOuts()[op.getLseNumber()] : mlir::Value(); }
  /// Whether someone asks for probabilities: then a second pass over the keys computes the scores again.
  bool hasSecondPass() { return op.getWeights() || !op.getWeigh().empty(); }

  /// What a row's maximum and sum come to when all its keys have been seen; scalars or lanes.
  struct RowEnd {
    mlir::Value empty;      ///< no key is admitted, or all scores are -inf
    mlir::Value subtracted; ///< from the exponents, the sink's among them
    mlir::Value inverse;    ///< 1 / sum of the exponentials, the sink's among them
    mlir::Value factor;     ///< of what was added up with the maximum of the keys alone
    mlir::Value lse;        ///< log of the sum of exp(score); null where nobody asks
  };
  RowEnd endOfRow(mlir::Value maximum, mlir::Value sum, mlir::Value head);
  /// What a score comes to: its probability, weighed. Whether the key is admitted is not looked at.
  mlir::Value probability(mlir::Value score, const RowEnd &end, const Position &at);
  /// Zeros in a row of the weights: what the second pass does not write.
  void clearWeights(mlir::Value batch, mlir::Value query, mlir::Value head);

  EmittedBounds boundsOf(const QueryBlock &queries);

  /// Whether some value of a key that the block tests against the mask is infinite or NaN: then 0 * value is not 0, and
  /// keys that a row does not admit must be left out of its sum instead of being weighted with 0.
  mlir::Value anyNonFinite(HeadView value, const KeyBlock &block);

  //===-- KeyBlocks.cpp -------------------------------------------------------------------------------------------===//
  /// How keys are divided into blocks where the bounds say all that there is to say of them: full blocks and a rest, or
  /// parts of about the same number of tiles of `keysOfTile` keys.
  struct Division {
    std::optional<int64_t> keysOfTile;
    int64_t most = keysOfBlock; ///< keys of a block
  };
  using BlockBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(const KeyBlock &, mlir::ValueRange)>;
  /// Calls `body` once, in a loop over blocks of the keys begin ... end - 1 that together hold every key there that the
  /// mask can admit for these queries. Blocks ascend; with tiles or a mask that is looked at block by block, they
  /// have 16 keys or more where there are as many. `state` is carried from one to the next.
  llvm::SmallVector<mlir::Value> eachKeyBlock(const QueryBlock &queries, const EmittedBounds &bounds, mlir::Value begin,
                                              mlir::Value end, Division division, mlir::ValueRange state,
                                              BlockBody body);

  mlir::ImplicitLocOpBuilder &b;
  AttentionOp op;
  CpuLimits limits;
  int64_t L; // lanes
  int64_t H, G, D, E;
  int64_t sums; // over the width, for each score
  mlir::VectorType floats, flags;
  MaskBounds bounds;
  std::optional<MaskIntervals> intervals; ///< where they say more than the bounds
  mlir::Value batch, S, T, past;

private:
  void splitLastFactor();
  llvm::SmallVector<mlir::Value> compute(const QueryBlock &queries, const KeyBlock &block, mlir::ValueRange state,
                                         BlockBody body);
};

/// What the loop nest for many queries works on at once; it needs at least `rows` keys.
struct PrefillShape {
  PrefillShape(const CpuLimits &limits, AttentionOp op);
  int64_t queries;         ///< of a work item: two vectors
  int64_t elements;        ///< of values in a register tile; elements * 2 accumulators
  int64_t elementsOfFirst; ///< of a tile that makes exponentials as well, which take registers; 0: there is none
  int64_t rows;            ///< of keys in a register tile; rows * 2 accumulators for each sum
};
/// Lanes are queries. AttentionPrefill.cpp
void emitPrefill(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits);

/// Lanes are keys, then elements of a value: for few queries, or few keys. AttentionDecode.cpp
void emitDecode(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits);

//===-- AttentionLanes.cpp ----------------------------------------------------------------------------------------===//

/// L vectors of L lanes: lane j of result i is lane i of vector j.
llvm::SmallVector<mlir::Value> transposeLanes(mlir::ImplicitLocOpBuilder &b, llvm::SmallVector<mlir::Value> vectors);

/// N vectors: lane j of the result is a sum of lanes of vector (j / step) % N, of those whose numbers differ from j in
/// nothing but (j / step) % N. With N = L that is all of them; else sums of such results, of more steps, come to that.
mlir::Value sumLanes(mlir::ImplicitLocOpBuilder &b, llvm::SmallVector<mlir::Value> vectors, int64_t step);

/// N vectors of N parts each: part p of result i is part p of vector i xor p.
llvm::SmallVector<mlir::Value> skewParts(mlir::ImplicitLocOpBuilder &b, llvm::SmallVector<mlir::Value> vectors);

/// What `skewParts` has skewed, or products of that: part i of the result is the sum of the parts of vector i before.
mlir::Value sumSkewedParts(mlir::ImplicitLocOpBuilder &b, llvm::SmallVector<mlir::Value> vectors);

/// N vectors of N parts each: part p of result i is part i of vector p.
llvm::SmallVector<mlir::Value> transposeParts(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::Value> vectors);

} // namespace weft::cpu

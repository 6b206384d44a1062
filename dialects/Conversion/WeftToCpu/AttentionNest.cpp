//===- AttentionNest.cpp - what the loop nests of attention share ------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"
#include "dialects/Conversion/WeftToCpu/Tiles.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;

namespace weft::cpu {

static int64_t sizeOf(Value data, unsigned dim) { return cast<MemRefType>(data.getType()).getDimSize(dim); }

AttentionNest::AttentionNest(ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits, bool acrossHeads)
    : b(b), op(op), limits(limits), L(limits.lanes), H(sizeOf(op.getQuery(), 2)), G(sizeOf(op.getKey(), 2)),
      D(sizeOf(op.getQuery(), 3)), E(sizeOf(op.getValue(), 3)), sums(op.getSums()), floats(lanesType(b, limits)),
      flags(lanesType(b, limits, b.getI1Type())), bounds(MaskBounds::of(op.getMask(), acrossHeads && H != G)) {
  bool useful = false;
  if (!bounds.exact)
    intervals = MaskIntervals::of(op.getMask(), acrossHeads && H != G, &useful);
  if (!useful)
    intervals.reset();
  batch = b.createOrFold<memref::DimOp>(op.getQuery(), 0);
  S = b.createOrFold<memref::DimOp>(op.getQuery(), 1);
  T = b.createOrFold<memref::DimOp>(op.getKey(), 1);
  past = op.getPast() ? op.getPast() : index(0);
  splitLastFactor();
}

// With one that is not positive the largest score would have the smallest exponent.
void AttentionNest::splitLastFactor() {
  auto isFactor = [](double value) { return value > 0 && std::isnormal(static_cast<float>(log2OfE * value)); };
  scale = op.getScale().convertToDouble();
  if (op.getScore().empty()) {
    if (isFactor(scale))
      std::swap(scale, lastFactor);
    return;
  }
  scoreOfRegion = op.getScore().front().getTerminator()->getOperand(0);
  auto product = scoreOfRegion.getDefiningOp<arith::MulFOp>();
  APFloat factor(0.0f);
  if (!product || !matchPattern(product.getRhs(), m_ConstantFloat(&factor)) || !isFactor(factor.convertToDouble()))
    return;
  lastFactor = factor.convertToFloat();
  scoreOfRegion = product.getLhs();
}

PrefillShape::PrefillShape(const CpuLimits &limits, AttentionOp op)
    : queries(2 * limits.lanes), elements(6), elementsOfFirst(0), rows(6) {
  if (limits.lanes == 16)
    elements = 12, elementsOfFirst = 4, rows = 8;
  // A similarity region is copied for each key of a tile, and its values need registers as well.
  if (!op.getSimilarity().empty())
    rows = std::max<int64_t>(1, 4 / op.getSums());
}

std::string tileOf(AttentionOp op, const CpuLimits &limits) {
  PrefillShape shape(limits, op);
  return std::to_string(shape.queries) + "x" + std::to_string(shape.rows);
}

//===-- loops -----------------------------------------------------------------------------------------------------===//

SmallVector<Value> AttentionNest::loop(Value from, Value to, int64_t step, ValueRange carried, LoopBody body) {
  auto result =
      scf::ForOp::create(b, from, to, index(step), carried, [&](OpBuilder &, Location, Value i, ValueRange state) {
        SmallVector<Value> next = body(i, state);
        scf::YieldOp::create(b, next);
      });
  return SmallVector<Value>(result.getResults());
}

void AttentionNest::loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
  loop(from, to, step, {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

void AttentionNest::when(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  auto branch = [&](llvm::function_ref<void()> emit) {
    return [this, emit](OpBuilder &, Location) {
      emit();
      scf::YieldOp::create(b);
    };
  };
  if (otherwise)
    scf::IfOp::create(b, condition, branch(then), branch(otherwise));
  else
    scf::IfOp::create(b, condition, branch(then));
}

//===-- vectors ---------------------------------------------------------------------------------------------------===//

Value AttentionNest::constantLike(Value model, float value) {
  return isa<VectorType>(model.getType()) ? lanesOf(value) : constant(value);
}

Value AttentionNest::lanesOf(float value) {
  return arith::ConstantOp::create(b, DenseElementsAttr::get(floats, value));
}

Value AttentionNest::lanesOf(Value scalar) {
  return splat(b, b.getLoc(), scalar, lanesType(b, limits, scalar.getType()));
}

Value AttentionNest::positionsFrom(Value first) {
  SmallVector<int32_t> numbers(L);
  std::iota(numbers.begin(), numbers.end(), 0);
  VectorType type = lanesType(b, limits, b.getI32Type());
  Value steps = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  return arith::AddIOp::create(b, lanesOf(first), steps);
}

Value AttentionNest::larger(Value value, Value otherwise) {
  Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, value, otherwise);
  return arith::SelectOp::create(b, above, value, otherwise);
}

Value AttentionNest::finiteOr0(Value maximum) {
  Value least = constantLike(maximum, minusInfinity);
  Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, maximum, least);
  return arith::SelectOp::create(b, none, constantLike(maximum, 0.0f), maximum);
}

Value AttentionNest::exponential(Value score, Value subtracted) {
  Value factor = constantLike(score, exponentFactor()), less = arith::NegFOp::create(b, subtracted);
  return power(math::FmaOp::create(b, score, factor, less));
}

// No exponent is far above 0, and what is below the smallest normal number need not be told from 0 beside a sum that is
// at least 1.
Value AttentionNest::power(Value exponent) { return math::Exp2Op::create(b, exponent, arith::FastMathFlags::afn); }

Value AttentionNest::load(Value memref, ValueRange at, int64_t count) {
  if (count == L)
    return vector::LoadOp::create(b, floats, memref, at);
  Value first = vector::ConstantMaskOp::create(b, flags, b.getDenseI64ArrayAttr({count}));
  return vector::MaskedLoadOp::create(b, floats, memref, at, first, lanesOf(0.0f));
}

void AttentionNest::store(Value vector, Value memref, ValueRange at, int64_t count) {
  if (count == L) {
    vector::StoreOp::create(b, vector, memref, at);
    return;
  }
  Value first = vector::ConstantMaskOp::create(b, flags, b.getDenseI64ArrayAttr({count}));
  vector::MaskedStoreOp::create(b, memref, at, first, vector);
}

void AttentionNest::storeFirst(Value vector, Value memref, ValueRange at, Value count) {
  Value first = vector::CreateMaskOp::create(b, flags, count);
  vector::MaskedStoreOp::create(b, memref, at, first, vector);
}

void AttentionNest::prefetch(Value memref, Value row, int64_t width, Cache cache) {
  constexpr int64_t numbersOfLine = 16;
  for (int64_t first = 0; first < width; first += numbersOfLine)
    prefetch(memref, {row, index(first)}, cache);
}

void AttentionNest::prefetch(Value memref, ValueRange at, Cache cache) {
  memref::PrefetchOp::create(b, memref, at, /*isWrite=*/false, static_cast<uint32_t>(cache), /*isDataCache=*/true);
}

// Between the code of one thread: no instruction.
void AttentionNest::keepOrder() {
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::seq_cst, b.getStringAttr("singlethread"));
}

Value AttentionNest::scratch(ArrayRef<int64_t> shape) {
  return memref::AllocaOp::create(b, MemRefType::get(shape, b.getF32Type()), ValueRange(), b.getI64IntegerAttr(64));
}

//===-- the op ----------------------------------------------------------------------------------------------------===//

HeadView AttentionNest::headOf(Value data, Value batchIndex, Value head) {
  auto type = cast<MemRefType>(data.getType());
  SmallVector<OpFoldResult> sizes = memref::getMixedSizes(b, b.getLoc(), data);
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets = {batchIndex, zero, head, zero};
  SmallVector<OpFoldResult> strides(4, one);
  sizes[0] = sizes[2] = one;
  MemRefType view = memref::SubViewOp::inferRankReducedResultType({type.getDimSize(1), type.getDimSize(3)}, type,
                                                                  offsets, sizes, strides);
  return memref::SubViewOp::create(b, view, data, offsets, sizes, strides);
}

SmallVector<Value> AttentionNest::terms(Value query, Value key, Value batchIndex, Value head, Value element) {
  SmallVector<Value> terms = emitOnLanes(b, op.getSimilarity().front(), {query, key, batchIndex, head, element}, L);
  return llvm::map_to_vector(terms, [&](Value term) { return lanesOf(term); });
}

float AttentionNest::scaleOfQueries() {
  int exponent;
  bool isPowerOfTwo = std::abs(std::frexp(scale, &exponent)) == 0.5f;
  return isPowerOfTwo && !hasSimilarity() ? scale : 1.0f;
}

Value AttentionNest::score(ValueRange sums, const Position &at, const IRMapping &known) {
  SmallVector<Value> arguments(sums);
  if (float rest = scale / scaleOfQueries(); rest != 1)
    for (Value &sum : arguments)
      sum = multiply(sum, lanesOf(rest));
  if (op.getScore().empty())
    return arguments.front();
  arguments.append({at.batch, at.head, at.query, at.key});
  return lanesOf(emitOnLanes(b, op.getScore().front(), arguments, L, scoreOfRegion, known).front());
}

Value AttentionNest::admitted(const Position &at) {
  return lanesOf(emitOnLanes(b, op.getMask().front(), {at.batch, at.head, at.query, at.key}, L).front());
}

EmittedBounds AttentionNest::boundsOf(const QueryBlock &queries) {
  return emitBounds(b, b.getLoc(), bounds, op.getMask(), queries.batch, queries.firstHead, queries.firstQuery,
                    queries.lastQuery, T);
}

Value AttentionNest::anyNonFinite(HeadView value, const KeyBlock &block) {
  // The keys to look at: those before, after or, with tests on both sides, around the ones admitted whole.
  Value wholeBegin = max(block.bounds.wholeBegin, block.begin), wholeEnd = min(block.bounds.wholeEnd, block.end);
  Value testsBefore = compare(arith::CmpIPredicate::sgt, block.bounds.wholeBegin, block.begin);
  Value testsAfter = compare(arith::CmpIPredicate::slt, block.bounds.wholeEnd, block.end);
  Value from = select(testsBefore, block.begin, max(wholeEnd, block.begin));
  Value to = select(testsAfter, block.end, min(wholeBegin, block.end));
  // x * 0 is 0 or NaN, and a NaN stays in the sum. Several sums, so that none waits for the one before it.
  Value zero = lanesOf(0.0f);
  SmallVector<Value> zeros(std::min<int64_t>(4, llvm::divideCeil(E, L)), zero);
  SmallVector<Value> sums = loop(from, to, 1, zeros, [&](Value key, ValueRange state) {
    SmallVector<Value> next(state);
    for (int64_t e = 0; e < E; e += L) {
      Value &sum = next[e / L % next.size()];
      sum = fma(load(value, {key, index(e)}, std::min(L, E - e)), zero, sum);
    }
    return next;
  });
  Value sum = sums.front();
  for (Value more : ArrayRef(sums).drop_front())
    sum = arith::AddFOp::create(b, sum, more);
  Value unordered = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, sum, sum);
  return vector::ReductionOp::create(b, vector::CombiningKind::OR, unordered);
}

} // namespace weft::cpu

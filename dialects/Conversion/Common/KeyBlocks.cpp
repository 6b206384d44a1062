//===- KeyBlocks.cpp - which keys a block of queries goes through ------------------------------------------------===//
// Answers: into which blocks do the keys of some queries fall, and which of them are skipped?
//
// Ranges of keys are put to the formula's interval evaluation (MaskIntervals.h): empty ones are skipped, neighbours
// that are not become one block. Ranges begin with 32 keys and grow while the answer is not "partial", so that a
// thousand empty blocks cost ten questions.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Common/KeyBlocks.h"
#include "dialects/Weft/Analysis/MaskValues.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft {

using Predicate = arith::CmpIPredicate;
using Values = LoopBuilder::Values;

static constexpr int64_t leastRange = 32, mostRange = 2048; // keys in a question

namespace {

/// The least and the largest entry of a part of a table, in lanes and one by one.
class TableLoops {
public:
  TableLoops(ImplicitLocOpBuilder &b, memref::LoadOp load, int64_t lanes)
      : b(b), memref(load.getMemRef()), element(load.getType()), lanes(lanes) {
    auto type = cast<MemRefType>(memref.getType());
    bool isFlag = element.isInteger(1); // of which several share a byte in a vector
    inLanes = lanes > 1 && !isFlag && !element.isIndex() && type.getRank() > 0 && type.isLastDimUnitStride();
    scalar = isFlag ? b.getI32Type() : element;
    vector = VectorType::get({lanes}, scalar.isIndex() ? b.getI32Type() : scalar);
  }

  /// As values of the table's type, i32 for flags.
  std::pair<Value, Value> emit(ArrayRef<Value> first, ArrayRef<Value> end) {
    int64_t width = scalar.isIndex() ? 32 : scalar.getIntOrFloatBitWidth();
    TypedAttr top = b.getIntegerAttr(scalar, llvm::maxIntN(width)),
              low = b.getIntegerAttr(scalar, llvm::minIntN(width));
    SmallVector<Value> state = {arith::ConstantOp::create(b, top), arith::ConstantOp::create(b, low)};
    if (inLanes) {
      state.push_back(arith::ConstantOp::create(b, DenseElementsAttr::get(vector, Attribute(top))));
      state.push_back(arith::ConstantOp::create(b, DenseElementsAttr::get(vector, Attribute(low))));
    }
    SmallVector<Value> at;
    state = visit(first, end, at, state);
    if (inLanes)
      state = merge(state, {vector::ReductionOp::create(b, vector::CombiningKind::MINSI, state[2]),
                            vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, state[3])});
    return {state[0], state[1]};
  }

private:
  using State = SmallVector<Value>;

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }

  /// Scalars: the smaller and the larger of each; what is left of `state` stays.
  State merge(ValueRange state, std::pair<Value, Value> entries) {
    State next(state.begin(), state.end());
    next[0] = arith::MinSIOp::create(b, state[0], entries.first);
    next[1] = arith::MaxSIOp::create(b, state[1], entries.second);
    return next;
  }

  State loop(Value from, Value to, int64_t step, ValueRange state, llvm::function_ref<State(Value, ValueRange)> body) {
    auto result =
        scf::ForOp::create(b, from, to, index(step), state, [&](OpBuilder &, Location, Value i, ValueRange state) {
          scf::YieldOp::create(b, body(i, state));
        });
    return State(result.getResults());
  }

  State visit(ArrayRef<Value> first, ArrayRef<Value> end, SmallVector<Value> &at, ValueRange state) {
    if (first.empty())
      return one(at, state);
    if (first.size() == 1 && inLanes)
      return row(first[0], end[0], at, state);
    return loop(first[0], end[0], 1, state, [&](Value i, ValueRange state) {
      at.push_back(i);
      State next = visit(first.drop_front(), end.drop_front(), at, state);
      at.pop_back();
      return next;
    });
  }

  State one(ArrayRef<Value> at, ValueRange state) {
    Value entry = memref::LoadOp::create(b, memref, at);
    if (entry.getType() != scalar)
      entry = arith::ExtUIOp::create(b, scalar, entry);
    return merge(state, {entry, entry});
  }

  /// Whole vectors, the last of which ends with the row; entries one by one where there are fewer.
  State row(Value first, Value end, SmallVector<Value> &at, ValueRange state) {
    Value size = arith::SubIOp::create(b, end, first);
    Value many = arith::CmpIOp::create(b, Predicate::sge, size, index(lanes));
    auto vectors = [&](OpBuilder &, Location) {
      Value last = arith::SubIOp::create(b, end, index(lanes));
      State next = loop(first, end, lanes, state, [&](Value i, ValueRange state) {
        SmallVector<Value> place(at);
        place.push_back(arith::MinSIOp::create(b, i, last));
        Value entries = vector::LoadOp::create(b, vector, memref, place);
        return State{state[0], state[1], arith::MinSIOp::create(b, state[2], entries),
                     arith::MaxSIOp::create(b, state[3], entries)};
      });
      scf::YieldOp::create(b, next);
    };
    auto scalars = [&](OpBuilder &, Location) {
      State next = loop(first, end, 1, state, [&](Value i, ValueRange state) {
        SmallVector<Value> place(at);
        place.push_back(i);
        return one(place, state);
      });
      scf::YieldOp::create(b, next);
    };
    return State(scf::IfOp::create(b, many, vectors, scalars).getResults());
  }

  ImplicitLocOpBuilder &b;
  Value memref;
  Type element, scalar;
  VectorType vector;
  int64_t lanes;
  bool inLanes;
};

} // namespace

/// The least and the largest entry that `op`, a load, can read with its indices from `first` to `last`; indices and
/// entries are of one type, that of the question.
static BoundExpr::Values::Entries tableRange(LoopBuilder &k, const KeyQuestions &questions, Operation *op,
                                             ValueRange first, ValueRange last) {
  ImplicitLocOpBuilder &b = k.b;
  auto load = cast<memref::LoadOp>(op);
  Type type = questions.numbers ? questions.numbers : b.getIndexType();
  auto cast = [&](Value x, Type to) -> Value {
    if (x.getType() == to)
      return x;
    if (x.getType().isIndex() || to.isIndex())
      return b.createOrFold<arith::IndexCastOp>(to, x);
    return b.createOrFold<arith::ExtSIOp>(to, x);
  };
  auto number = [&](int64_t value) -> Value { return arith::ConstantOp::create(b, b.getIntegerAttr(type, value)); };
  SmallVector<Value> from, end;
  Value entries = k.index(1);
  for (auto [d, indices] : llvm::enumerate(llvm::zip(first, last))) {
    Value size = k.sizeOf(load.getMemRef(), d), top = k.add(size, -1);
    auto inside = [&](Value at) {
      return k.max(cast(k.min(k.max(at, number(0)), cast(top, type)), b.getIndexType()), k.index(0));
    };
    from.push_back(inside(std::get<0>(indices)));
    end.push_back(k.min(k.add(inside(std::get<1>(indices)), 1), size));
    entries = k.min(k.mul(entries, k.sub(end.back(), from.back())), k.index(mostTableEntries + 1));
  }
  // Nothing is read of a table that is empty, nor where there is too much to read.
  Value unknown = k.make<arith::OrIOp>(k.compare(Predicate::sgt, entries, k.index(mostTableEntries)),
                                       k.compare(Predicate::slt, entries, k.index(1)));
  if (!from.empty())
    end.front() = k.select(unknown, from.front(), end.front());
  auto [least, most] = TableLoops(b, load, questions.lanes).emit(from, end);
  bool isFlag = load.getType().isInteger(1);
  int64_t width = load.getType().isIndex() ? 32 : load.getType().getIntOrFloatBitWidth();
  return {k.select(unknown, number(isFlag ? 0 : llvm::minIntN(width)), cast(least, type)),
          k.select(unknown, number(isFlag ? 1 : llvm::maxIntN(width)), cast(most, type))};
}

namespace {
/// What the loop over ranges carries, before the state of its user.
enum Carried { From, Length, RunBegin, WholeBegin, BestBegin, BestEnd, numCarried };
} // namespace

// A run is the block to be: ranges that are not empty, one after the other. `WholeBegin` is where the whole ranges at
// its end begin, `Best...` is the longest stretch of whole ranges in it.
Values eachTestedKeyBlock(LoopBuilder &k, Region &mask, const MaskIntervals &intervals, const QueryBlock &queries,
                          Value keys, Value begin, Value end, const KeyQuestions &questions, ValueRange state,
                          llvm::function_ref<Values(const KeyBlock &, ValueRange)> body) {
  ImplicitLocOpBuilder &b = k.b;
  Type type = questions.numbers ? questions.numbers : b.getIndexType();
  auto number = [&](Value x) { return type.isIndex() ? x : b.createOrFold<arith::IndexCastOp>(type, x); };
  auto constant = [&](int64_t x) -> Value { return arith::ConstantOp::create(b, b.getIntegerAttr(type, x)); };
  UniformCopies uniform(b, mask, queries.batch, queries.firstHead);
  auto table = [&](Operation *load, ValueRange first, ValueRange last) {
    return tableRange(k, questions, load, first, last);
  };
  BoundExpr::Values values;
  values.firstQuery = number(queries.firstQuery);
  values.lastQuery = number(queries.lastQuery);
  values.keys = number(keys);
  values.uniform = uniform;
  values.firstHead = number(queries.firstHead);
  values.lastHead = number(queries.lastHead);
  values.table = table;
  values.type = type;
  BoundExpr exprs[] = {intervals.whole, intervals.some};
  BoundExpr::Emitted before = BoundExpr::emitForAllKeys(b, b.getLoc(), exprs, values);

  Value least = k.index(leastRange);
  SmallVector<Value> carried(numCarried, begin);
  carried[Length] = least;
  carried.append(state.begin(), state.end());

  auto step = [&](ValueRange in) -> SmallVector<Value> {
    // The range: as long as wanted and as the block has room for, and never so that fewer than 16 keys are left.
    Value from = in[From], length = in[Length], taken = k.sub(from, in[RunBegin]);
    Value room = k.sub(k.index(keysOfBlock), taken), isRun = k.compare(Predicate::sgt, taken, k.index(0));
    Value wanted = k.select(isRun, k.min(length, room), length), left = k.sub(end, from);
    Value nearEnd = k.compare(Predicate::slt, left, k.add(wanted, leastRange / 2));
    Value to = k.add(from, k.select(nearEnd, k.divide(left, 2), wanted));
    to = k.select(k.compare(Predicate::sle, left, wanted), end, to);
    Value size = k.sub(to, from);

    values.firstKey = number(from);
    values.lastKey = number(k.add(to, -1));
    SmallVector<Value> classes = BoundExpr::emit(b, b.getLoc(), exprs, values, before);
    Value whole = k.compare(Predicate::sgt, classes[0], constant(0)),
          empty = k.compare(Predicate::slt, classes[1], constant(1));

    // Partial ranges are asked again in smaller ones.
    auto either = [&](Value x, Value y) { return k.make<arith::OrIOp>(x, y); };
    auto both = [&](Value x, Value y) { return k.make<arith::AndIOp>(x, y); };
    auto no = [&](Value x) { return k.make<arith::XOrIOp>(x, arith::ConstantIntOp::create(b, true, 1)); };
    Value fits = either(k.compare(Predicate::sle, size, least),
                        both(whole, k.compare(Predicate::sle, size, k.index(keysOfBlock))));
    Value again = both(no(empty), no(fits)), takes = both(no(empty), fits);
    Value shorter = k.max(k.divide(length, 4), least), longer = k.min(k.add(length, length), k.index(mostRange));
    Value nextLength = k.select(again, shorter, k.select(either(empty, whole), longer, least));

    Value stretches = both(takes, whole);
    Value better =
        both(stretches, k.compare(Predicate::sgt, k.sub(to, in[WholeBegin]), k.sub(in[BestEnd], in[BestBegin])));
    Value bestBegin = k.select(better, in[WholeBegin], in[BestBegin]), bestEnd = k.select(better, to, in[BestEnd]);
    Value wholeBegin = k.select(either(stretches, again), in[WholeBegin], to);

    // The run ends before an empty range, at the last key, and where there may be no room for another range.
    Value runEnd = k.select(takes, to, from);
    Value isFull = k.compare(Predicate::sgt, k.sub(runEnd, in[RunBegin]), k.index(keysOfBlock - leastRange));
    Value ends = either(empty, either(isFull, k.compare(Predicate::eq, to, end)));
    Value flushes = both(both(ends, no(again)), k.compare(Predicate::sgt, runEnd, in[RunBegin]));
    KeyBlock block;
    block.begin = in[RunBegin];
    block.end = runEnd;
    block.size = k.sub(runEnd, block.begin);
    block.bounds = {block.begin, block.end, bestBegin, bestEnd};
    ValueRange before = in.drop_front(numCarried);
    auto flush = [&](OpBuilder &, Location) { scf::YieldOp::create(b, body(block, before)); };
    auto keep = [&](OpBuilder &, Location) { scf::YieldOp::create(b, before); };
    auto after = scf::IfOp::create(b, flushes, flush, keep);

    Value fresh = either(empty, flushes);
    SmallVector<Value> next(numCarried);
    next[From] = k.select(again, from, to);
    next[Length] = nextLength;
    next[RunBegin] = k.select(fresh, to, in[RunBegin]);
    next[WholeBegin] = k.select(fresh, to, wholeBegin);
    next[BestBegin] = k.select(fresh, to, bestBegin);
    next[BestEnd] = k.select(fresh, to, bestEnd);
    next.append(after.result_begin(), after.result_end());
    return next;
  };
  auto whileLoop = scf::WhileOp::create(
      b, ValueRange(carried).getTypes(), carried,
      [&](OpBuilder &, Location, ValueRange in) {
        scf::ConditionOp::create(b, k.compare(Predicate::slt, in[From], end), in);
      },
      [&](OpBuilder &, Location, ValueRange in) { scf::YieldOp::create(b, step(in)); });
  return SmallVector<Value>(whileLoop.getResults().drop_front(numCarried));
}

} // namespace weft

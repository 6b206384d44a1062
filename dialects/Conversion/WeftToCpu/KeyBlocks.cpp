//===- KeyBlocks.cpp - which keys a block of queries goes through ------------------------------------------------===//
// Answers: into which blocks do the keys of an item fall, and which of them are skipped?
//
// Where the bounds of the mask are exact, every block between them is computed. Where they are not, ranges of keys are
// put to the formula's interval evaluation (MaskIntervals.h): empty ones are skipped, neighbours that are not become
// one block. Ranges begin with 32 keys and grow while the answer is not "partial", so that a thousand empty blocks cost
// ten questions.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"
#include "dialects/Weft/Analysis/MaskValues.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace weft::cpu {

using Predicate = arith::CmpIPredicate;

static constexpr int64_t leastRange = 32, mostRange = 2048; // keys in a question

SmallVector<Value> AttentionNest::compute(const QueryBlock &queries, const KeyBlock &block, ValueRange state,
                                          BlockBody body) {
  if (limits.reportKeyBlocks)
    func::CallOp::create(b, keyBlockFunction, TypeRange(), ValueRange{queries.firstQuery, block.begin, block.size});
  return body(block, state);
}

SmallVector<Value> AttentionNest::eachKeyBlock(const QueryBlock &queries, const EmittedBounds &bounds, Value begin,
                                               Value end, Division division, ValueRange state, BlockBody body) {
  if (intervals)
    return eachTestedKeyBlock(queries, begin, end, state, body);
  KeyBlock block;
  block.bounds = bounds;
  if (!division.keysOfTile)
    return loop(begin, end, keysOfBlock, state, [&](Value from, ValueRange state) {
      block.begin = from;
      block.end = min(add(from, keysOfBlock), end);
      block.size = sub(block.end, from);
      return compute(queries, block, state, body);
    });
  // Tiles are not cut in two, or each block would compute some keys twice.
  Value tile = index(*division.keysOfTile), tiles = ceilDivide(sub(end, begin), *division.keysOfTile);
  Value count = ceilDivide(tiles, keysOfBlock / *division.keysOfTile);
  auto boundary = [&](Value i) { return min(add(begin, mul(divide(mul(i, tiles), count), tile)), end); };
  return loop(index(0), count, 1, state, [&](Value i, ValueRange state) {
    block.begin = boundary(i);
    block.end = boundary(add(i, 1));
    block.size = sub(block.end, block.begin);
    return compute(queries, block, state, body);
  });
}

namespace {
/// What the loop over ranges carries, before the state of its user.
enum Carried { From, Length, RunBegin, WholeBegin, BestBegin, BestEnd, numCarried };
} // namespace

// A run is the block to be: ranges that are not empty, one after the other. `WholeBegin` is where the whole ranges at
// its end begin, `Best...` is the longest stretch of whole ranges in it.
SmallVector<Value> AttentionNest::eachTestedKeyBlock(const QueryBlock &queries, Value begin, Value end,
                                                     ValueRange state, BlockBody body) {
  UniformCopies uniform(b, op.getMask(), queries.batch, queries.firstHead);
  auto table = [&](Operation *load, ValueRange first, ValueRange last) { return tableRange(load, first, last); };
  BoundExpr::Values values;
  values.firstQuery = queries.firstQuery;
  values.lastQuery = queries.lastQuery;
  values.keys = T;
  values.uniform = uniform;
  values.firstHead = queries.firstHead;
  values.lastHead = queries.lastHead;
  values.table = table;
  BoundExpr exprs[] = {intervals->whole, intervals->some};
  BoundExpr::Emitted before = BoundExpr::emitForAllKeys(b, b.getLoc(), exprs, values);

  Value least = index(leastRange);
  SmallVector<Value> carried(numCarried, begin);
  carried[Length] = least;
  carried.append(state.begin(), state.end());

  auto step = [&](ValueRange in) -> SmallVector<Value> {
    // The range: as long as wanted and as the block has room for, and never so that fewer than 16 keys are left.
    Value from = in[From], length = in[Length], taken = sub(from, in[RunBegin]);
    Value room = sub(index(keysOfBlock), taken), isRun = compare(Predicate::sgt, taken, index(0));
    Value wanted = select(isRun, min(length, room), length), left = sub(end, from);
    Value nearEnd = compare(Predicate::slt, left, add(wanted, leastRange / 2));
    Value to = add(from, select(nearEnd, divide(left, index(2)), wanted));
    to = select(compare(Predicate::sle, left, wanted), end, to);
    Value size = sub(to, from);

    values.firstKey = from;
    values.lastKey = add(to, -1);
    SmallVector<Value> classes = BoundExpr::emit(b, b.getLoc(), exprs, values, before);
    Value whole = compare(Predicate::sgt, classes[0], index(0)), empty = compare(Predicate::slt, classes[1], index(1));

    // Partial ranges are asked again in smaller ones.
    auto either = [&](Value x, Value y) { return make<arith::OrIOp>(x, y); };
    auto both = [&](Value x, Value y) { return make<arith::AndIOp>(x, y); };
    auto no = [&](Value x) { return make<arith::XOrIOp>(x, arith::ConstantIntOp::create(b, true, 1)); };
    Value fits =
        either(compare(Predicate::sle, size, least), both(whole, compare(Predicate::sle, size, index(keysOfBlock))));
    Value again = both(no(empty), no(fits)), takes = both(no(empty), fits);
    Value shorter = max(divide(length, index(4)), least), longer = min(add(length, length), index(mostRange));
    Value nextLength = select(again, shorter, select(either(empty, whole), longer, least));

    Value stretches = both(takes, whole);
    Value better = both(stretches, compare(Predicate::sgt, sub(to, in[WholeBegin]), sub(in[BestEnd], in[BestBegin])));
    Value bestBegin = select(better, in[WholeBegin], in[BestBegin]), bestEnd = select(better, to, in[BestEnd]);
    Value wholeBegin = select(either(stretches, again), in[WholeBegin], to);

    // The run ends before an empty range, at the last key, and where there may be no room for another range.
    Value runEnd = select(takes, to, from);
    Value isFull = compare(Predicate::sgt, sub(runEnd, in[RunBegin]), index(keysOfBlock - leastRange));
    Value ends = either(empty, either(isFull, compare(Predicate::eq, to, end)));
    Value flushes = both(both(ends, no(again)), compare(Predicate::sgt, runEnd, in[RunBegin]));
    KeyBlock block;
    block.begin = in[RunBegin];
    block.end = runEnd;
    block.size = sub(runEnd, block.begin);
    block.bounds = {block.begin, block.end, bestBegin, bestEnd};
    ValueRange before = in.drop_front(numCarried);
    auto flush = [&](OpBuilder &, Location) { scf::YieldOp::create(b, compute(queries, block, before, body)); };
    auto keep = [&](OpBuilder &, Location) { scf::YieldOp::create(b, before); };
    auto after = scf::IfOp::create(b, flushes, flush, keep);

    Value fresh = either(empty, flushes);
    SmallVector<Value> next(numCarried);
    next[From] = select(again, from, to);
    next[Length] = nextLength;
    next[RunBegin] = select(fresh, to, in[RunBegin]);
    next[WholeBegin] = select(fresh, to, wholeBegin);
    next[BestBegin] = select(fresh, to, bestBegin);
    next[BestEnd] = select(fresh, to, bestEnd);
    next.append(after.result_begin(), after.result_end());
    return next;
  };
  auto whileLoop = scf::WhileOp::create(
      b, ValueRange(carried).getTypes(), carried,
      [&](OpBuilder &, Location, ValueRange in) {
        scf::ConditionOp::create(b, compare(Predicate::slt, in[From], end), in);
      },
      [&](OpBuilder &, Location, ValueRange in) { scf::YieldOp::create(b, step(in)); });
  return SmallVector<Value>(whileLoop.getResults().drop_front(numCarried));
}

namespace {

/// The least and the largest entry of a part of a table, in lanes and one by one.
class TableLoops {
public:
  TableLoops(ImplicitLocOpBuilder &b, memref::LoadOp load, int64_t lanes)
      : b(b), memref(load.getMemRef()), element(load.getType()), lanes(lanes) {
    auto type = cast<MemRefType>(memref.getType());
    bool isFlag = element.isInteger(1); // of which several share a byte in a vector
    inLanes = !isFlag && !element.isIndex() && type.getRank() > 0 && type.isLastDimUnitStride();
    scalar = isFlag ? b.getI32Type() : element;
    vector = VectorType::get({lanes}, scalar.isIndex() ? b.getI32Type() : scalar);
  }

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
    return {toIndex(state[0]), toIndex(state[1])};
  }

private:
  using State = SmallVector<Value>;

  Value toIndex(Value value) { return b.createOrFold<arith::IndexCastOp>(b.getIndexType(), value); }
  Value index(int64_t value) { return constantIndex(b, b.getLoc(), value); }

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

BoundExpr::Values::Entries AttentionNest::tableRange(Operation *op, ValueRange first, ValueRange last) {
  auto load = cast<memref::LoadOp>(op);
  SmallVector<Value> from, end;
  Value entries = index(1);
  for (auto [d, indices] : llvm::enumerate(llvm::zip(first, last))) {
    Value size = b.createOrFold<memref::DimOp>(load.getMemRef(), int64_t(d));
    auto inside = [&](Value at) { return max(min(at, add(size, -1)), index(0)); };
    from.push_back(inside(std::get<0>(indices)));
    end.push_back(min(add(inside(std::get<1>(indices)), 1), size));
    entries = min(mul(entries, sub(end.back(), from.back())), index(mostTableEntries + 1));
  }
  // Nothing is read of a table that is empty, nor where there is too much to read.
  Value unknown = make<arith::OrIOp>(compare(Predicate::sgt, entries, index(mostTableEntries)),
                                     compare(Predicate::slt, entries, index(1)));
  if (!from.empty())
    end.front() = select(unknown, from.front(), end.front());
  auto [least, most] = TableLoops(b, load, L).emit(from, end);
  bool isFlag = load.getType().isInteger(1);
  int64_t width = load.getType().isIndex() ? 32 : load.getType().getIntOrFloatBitWidth();
  return {select(unknown, index(isFlag ? 0 : llvm::minIntN(width)), least),
          select(unknown, index(isFlag ? 1 : llvm::maxIntN(width)), most)};
}

} // namespace weft::cpu

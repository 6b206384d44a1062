//===- DecodeParts.cpp - attention of few queries: parts of the keys ---------------------------------------------===//
// Answers: how do several threads share the keys of one item?
//
// An item whose keys are many is several units of work, one for each part of them. A unit leaves its results and what
// they are in terms of in memory; when all are there, they are added up in the order of the parts. How many parts there
// are depends on the number of keys alone, and never on that of threads: results are the same bits on any machine.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionDecode.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace weft::cpu {

// Few queries see many keys in steps, and of these only where there is room for so many positions between two heads.
// Probabilities are known only when all keys have been seen; whoever asks for them gets no parts.
bool Decode::mayDivide() {
  if (hasSecondPass() || !op.getPast())
    return false;
  auto type = cast<MemRefType>(op.getKey().getType());
  auto [strides, offset] = type.getStridesAndOffset();
  if (G == 1 || ShapedType::isDynamic(strides[1]) || ShapedType::isDynamic(strides[2]) || strides[2] < strides[1])
    return true;
  return strides[2] / strides[1] >= 2 * leastOfPart;
}

void Decode::divideKeys() {
  units = std::max<int64_t>(2, mostParked / (4 * rowsOfItem * lineOfParked()));
  parts = index(1);
  if (!mayDivide())
    return;
  parts = max(index(1), min(divide(T, index(leastOfPart)), index(std::min<int64_t>(units, 16))));
  parked = scratch({units, rowsOfItem, lineOfParked()});
}

void Decode::whenDivided(llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  if (mayDivide())
    return when(compare(arith::CmpIPredicate::ugt, parts, index(1)), then, otherwise);
  if (otherwise)
    otherwise();
}

/// Calls `body` for all items: for as many at a time as there is room for, or, undivided, for all at once.
void Decode::eachRegion(Value items, llvm::function_ref<void(Value, Value)> body) {
  if (!mayDivide())
    return body(index(0), items);
  Value divided = compare(arith::CmpIPredicate::ugt, parts, index(1));
  Value together = select(divided, divide(index(units), parts), max(items, index(1)));
  Value regions = divide(add(items, sub(together, index(1))), together);
  loop(index(0), regions, 1, [&](Value region) {
    Value first = mul(region, together);
    body(first, min(together, sub(items, first)));
  });
}

// Whole tiles.
void Decode::takePart(Item &item, Value part) {
  if (!mayDivide())
    return;
  Value end = item.bounds.end, tiles = ceilDivide(sub(end, item.bounds.begin), L);
  Value keys = mul(divide(add(tiles, add(parts, -1)), parts), index(L));
  item.bounds.begin = min(add(item.bounds.begin, mul(part, keys)), end);
  item.bounds.end = min(add(item.bounds.begin, keys), end);
}

void Decode::parkPart(const Item &item, Value unit) {
  int64_t facts = llvm::alignTo(E, L);
  loop(index(0), item.rows, 1, [&](Value row) {
    eachPiece(vectorsOfRow, [&](const Piece &piece) {
      for (int64_t e = 0; e < piece.count; e += L) {
        Value at = add(piece.first, e);
        store(load(results, {row, at}), parked, {unit, row, at});
      }
    });
    storeScalar(loadScalar(maxima, row), parked, {unit, row, index(facts)});
    storeScalar(loadScalar(rowSums, row), parked, {unit, row, index(facts + 1)});
  });
}

void Decode::mergeItem(Value number, Value firstUnit) {
  Item item = describe(number);
  int64_t facts = llvm::alignTo(E, L);
  loop(index(0), item.rows, 1, [&](Value row) {
    auto fact = [&](Value part, int64_t which) {
      return loadScalar(parked, {add(firstUnit, part), row, index(facts + which)});
    };
    Value maximum = loop(index(0), parts, 1, constant(minusInfinity), [&](Value part, ValueRange state) {
                      return Vectors{larger(fact(part, 0), state[0])};
                    }).front();
    Value subtracted = toSubtract(maximum);
    Value sum = loop(index(0), parts, 1, constant(0.0f), [&](Value part, ValueRange state) {
                  Value factor = rescaling(fact(part, 0), subtracted);
                  storeScalar(factor, parked, {add(firstUnit, part), row, index(facts + 2)});
                  return Vectors{math::FmaOp::create(b, fact(part, 1), factor, state[0])};
                }).front();
    Row place = rowOf(item, row);
    RowEnd end = endOfRow(maximum, sum, place.head);
    if (op.getLse())
      storeScalar(end.lse, lseOut(), {item.batch, place.query, place.head});
    Value empty = end.empty, factor = lanesOf(end.factor), zero = lanesOf(0.0f);
    eachPiece(vectors, [&](const Piece &piece) {
      Vectors start(llvm::divideCeil(piece.count, L), zero);
      Vectors all = loop(index(0), parts, 1, start, [&](Value part, ValueRange state) {
        Value unit = add(firstUnit, part), ofPart = lanesOf(fact(part, 2));
        Vectors next;
        for (auto [i, sum] : llvm::enumerate(state))
          next.push_back(fma(load(parked, {unit, row, add(piece.first, i * L)}), ofPart, sum));
        return next;
      });
      for (auto [i, value] : llvm::enumerate(all))
        store(select(empty, zero, multiply(value, factor)), op.getOut(),
              {item.batch, place.query, place.head, add(piece.first, i * L)},
              std::min<int64_t>(L, piece.count - i * L));
    });
  });
}

} // namespace weft::cpu

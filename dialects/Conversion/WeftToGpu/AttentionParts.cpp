//===- AttentionParts.cpp - attention on a GPU: parts of the keys beside each other -------------------------------===//
// Answers: how do workgroups share the keys of few rows, and who makes one result of what they have found?
//
// Each of a key head's workgroups sees one part of the keys that the mask may admit, and leaves the maximum, the sum
// and the elements, not yet divided, of each row in the workspace: element 0 ... E - 1, the sum, the maximum. A second
// kernel has an invocation for each element of the result, and goes through the parts in their order.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Attention.h"

using namespace mlir;

namespace weft::grid {

constexpr int64_t keysAtOnce = 32; // a part has a multiple of them

void Attention::cutRange(Kernel &k) {
  Value keys = k.max(k.sub(range.end, range.begin), k.index(0));
  Value span = k.mul(k.ceilDivide(k.ceilDivide(keys, parts), keysAtOnce), keysAtOnce);
  range.begin = k.min(k.add(range.begin, k.mul(part, span)), range.end);
  range.end = k.min(k.add(range.begin, span), range.end);
}

void Attention::writePart(Kernel &k, ValueRange state) {
  for (auto [i, row] : llvm::enumerate(valueRows)) {
    const Place &place = row.place;
    auto write = [&](Value number, Value column) {
      k.store(number, op.getWorkspace(), {part, batch, place.query, place.head, column});
    };
    k.when(k.both(place.isInside, hasValueRow), [&, i = i, &row = row] {
      for (auto [j, element] : llvm::enumerate(elements)) {
        auto writeElement = [&, j = j, element = element] { write(state[i * elements.size() + j], element); };
        if (areAllElements)
          writeElement();
        else
          k.when(k.less(element, k.index(E)), writeElement);
      }
      k.when(isFirstElement, [&] {
        write(state[rows * elements.size() + i], k.index(E));
        write(k.load(maxima, row.number), k.index(E + 1));
      });
    });
  }
}

void Attention::launchMerge() {
  LoopBuilder host(b);
  SmallVector<Value> sizes = {batches, S, host.index(H), host.index(E)};
  Value items = host.mul(host.mul(host.mul(batches, S), H), E);
  launchItems(b, items, limits, [&](Kernel &k, Value item) {
    SmallVector<Value> at = unflatten(k, item, sizes);
    auto found = [&](Value part, Value column) {
      return k.load(op.getWorkspace(), {part, at[0], at[1], at[2], column});
    };
    auto maximumOf = [&](Value part) { return found(part, k.index(E + 1)); };
    Value maximum = k.loop(k.index(parts), k.constant(minusInfinity), [&](Value part, ValueRange soFar) {
                       return Values{larger(k, maximumOf(part), soFar[0])};
                     }).front();
    Value subtract = finiteOr0(k, maximum), zero = k.constant(0.0f);
    Values sums = k.loop(k.index(parts), {zero, zero}, [&](Value part, ValueRange soFar) {
      Value factor = exponential(k, minus(k, maximumOf(part), subtract));
      return Values{fma(k, found(part, at[3]), factor, soFar[0]), fma(k, found(part, k.index(E)), factor, soFar[1])};
    });
    RowEnd end = endOfRow(k, maximum, sums[1], at[2]);
    k.store(k.select(end.empty, zero, times(k, sums[0], end.factor)), op.getOut(), at);
    if (op.getLse())
      k.when(k.compare(arith::CmpIPredicate::eq, at[3], k.index(0)),
             [&] { k.store(end.lse, op.getOuts()[op.getLseNumber()], {at[0], at[1], at[2]}); });
  });
}

} // namespace weft::grid

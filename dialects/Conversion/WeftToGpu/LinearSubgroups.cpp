//===- LinearSubgroups.cpp - a product by subgroups alone ---------------------------------------------------------===//
// Answers: how does one subgroup multiply a few of the rows by a panel of weights, without a barrier?
//
// An invocation has some pairs of columns, all parts of them, over all of K, and so nothing to add up in the end. It
// brings two inputs of a stretch of K, which shuffles give to the others.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Linear.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {

constexpr int64_t columnsAtOnce = PackedWeights::pairColumns;

bool PackedLinear::hasSubgroups() {
  return limits.subgroupsAlone && partWidth() % (columnsAtOnce * limits.subgroup) == 0;
}

void PackedLinear::launchAlone(const Rows &rows, int64_t few) {
  const int64_t atOnce = columnsAtOnce * limits.subgroup; // columns, and inputs of a stretch
  const int64_t pairs = panel / atOnce, pairsOfPart = pairs / parts;
  LoopBuilder host(b);
  launchSubgroups(b, host.mul(host.ceilDivide(rows.count(), few), panels), limits, [&](Kernel &k) {
    FewRows place = placeFew(k, rows, few);
    RowView input(k, op.getInput(), leading), output(k, op.getOuts(), leading);
    auto pair = VectorType::get({columnsAtOnce}, b.getF32Type());
    Value zero = k.constant(0.0f), ownColumn = k.mul(k.thread, columnsAtOnce);
    Values sums(few * pairs, arith::ConstantOp::create(b, b.getZeroAttr(pair))); // then, for norms, sums of squares
    sums.append(norms() ? few : 0, zero);

    /// The inputs of row `r`, normed but for the row's factor.
    auto inputs = [&](int64_t r, Value first, int64_t count, Value &squares) {
      Spread xs(k, input.memref, count,
                [&](Value i) { return input.at(place.numbers[r], place.coordinates[r], k.add(first, i)); });
      if (!norms())
        return xs.all(k);
      std::optional<Spread> scale;
      if (op.getNormScale())
        scale.emplace(k, op.getNormScale(), count, [&](Value i) { return Values{k.add(first, i)}; });
      for (int64_t i = 0; i < columnsAtOnce; ++i) {
        Value isOwn = xs.isOwn(k, i), x = xs.own[i], added = fma(k, x, x, squares);
        squares = isOwn ? k.select(isOwn, added, squares) : added;
        if (scale)
          xs.own[i] = times(k, x, scale->own[i]);
      }
      return xs.all(k);
    };
    /// Adds the products of `count` inputs from `first` on.
    auto add = [&](Value first, int64_t count, ValueRange soFar) {
      Values next(soFar);
      SmallVector<Values> xs;
      Value none;
      for (int64_t r = 0; r < few; ++r)
        xs.push_back(inputs(r, first, count, norms() ? next[few * pairs + r] : none));
      for (int64_t i = 0; i < count; i += weights.perWord)
        for (int64_t p = 0; p < pairs; ++p) {
          Values ws = weights.loadPairs(k, place.panelAt, k.add(first, i), k.add(ownColumn, p * atOnce),
                                        weights.perWord, /*areAllThere=*/true);
          for (int64_t n = i; n < std::min(i + weights.perWord, count); ++n)
            for (int64_t r = 0; r < few; ++r) {
              Value x = vector::BroadcastOp::create(b, pair, xs[r][n]), &sum = next[r * pairs + p];
              sum = fma(k, x, ws[n - i], sum);
            }
        }
      return next;
    };
    const int64_t whole = depth / atOnce * atOnce;
    if (whole)
      sums = k.loop(k.index(0), k.index(whole), k.index(atOnce), sums,
                    [&](Value first, ValueRange sums) { return add(first, atOnce, sums); });
    if (whole < depth)
      sums = add(k.index(whole), depth - whole, sums);

    Value firstColumn = k.add(k.mul(place.panelAt, partWidth()), ownColumn);
    auto writeRow = [&](int64_t r, Value factor) {
      Value row = k.add(place.first, r);
      for (int64_t q = 0; q < pairsOfPart; ++q)
        for (int64_t c = 0; c < columnsAtOnce; ++c) {
          Value column = k.add(firstColumn, q * atOnce + c);
          auto write = [&] {
            Values ofParts;
            for (int64_t part = 0; part < parts; ++part) {
              Value sum = vector::ExtractOp::create(b, sums[r * pairs + part * pairsOfPart + q], c);
              ofParts.push_back(factor ? times(k, sum, factor) : sum);
            }
            finish(k, output, row, rows.at(k, row), column, ofParts);
          };
          if (columns % partWidth())
            k.when(k.less(column, k.index(columns)), write);
          else
            write();
        }
    };
    for (int64_t r = 0; r < few; ++r) {
      Value factor = norms() ? normFactor(k, sumOfAll(k, sums[few * pairs + r])) : Value();
      if (few == 1)
        writeRow(r, factor);
      else
        k.when(k.less(k.add(place.first, r), rows.count()), [&] { writeRow(r, factor); });
    }
  });
}

} // namespace weft::grid

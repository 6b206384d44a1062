//===- PrefillValues.cpp - attention of many queries: values of a block of keys ----------------------------------===//
// Answers: how do the values of a block of keys enter the result, and the probabilities the weights?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionPrefill.h"

using namespace mlir;

namespace weft::cpu {

void Prefill::clearResult() {
  Value zero = lanesOf(0.0f);
  loop(index(0), index(E), 1, [&](Value e) {
    for (int64_t v = 0; v < vectors; ++v)
      store(zero, resultT, {e, column(v)});
  });
}

Value Prefill::resultHasNaN() {
  Value none = arith::ConstantOp::create(b, DenseElementsAttr::get(flags, false));
  Vectors found = loop(index(0), index(E), 1, none, [&](Value e, ValueRange state) {
    Value first = load(resultT, {e, column(0)}), last = load(resultT, {e, column(vectors - 1)});
    Value either = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, first, last);
    return Vectors{arith::OrIOp::create(b, state[0], either)};
  });
  return vector::ReductionOp::create(b, vector::CombiningKind::OR, found[0]);
}

/// `careful`: keys that a query does not admit are left out even where their value is infinite or NaN. Null: there is
/// no mask.
void Prefill::addValues(const Item &item, const KeyBlock &block, ValueRange factors, Value careful) {
  auto tiles = [&] {
    int64_t rows = shape.elements, first = 0;
    for (; rows; rows = rows > 4 ? 4 : rows / 2) {
      int64_t count = (E - first) / rows;
      if (count > 1)
        loop(index(first), index(first + count * rows), rows,
             [&](Value e) { addValueTile(item, block, factors, e, rows); });
      else if (count)
        addValueTile(item, block, factors, index(first), rows);
      first += count * rows;
    }
  };
  if (!careful)
    return tiles();
  when(careful, [&] { addAdmittedValues(item, block, factors); }, tiles);
}

/// What the blocks so far have added up, in terms of the present maximum; without factors it has not changed.
Value Prefill::rescaled(Value e, int64_t vector, ValueRange factors) {
  Value sum = load(resultT, {e, column(vector)});
  return factors.empty() ? sum : multiply(sum, factors[vector]);
}

void Prefill::addValueTile(const Item &item, const KeyBlock &block, ValueRange factors, Value first, int64_t rows) {
  Vectors start;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      start.push_back(rescaled(add(first, i), v, factors));
  Vectors sums = loop(index(0), block.size, 1, start, [&](Value row, ValueRange state) {
    Vectors next, p;
    Value key = add(block.begin, row);
    for (int64_t v = 0; v < vectors; ++v)
      p.push_back(load(scoresT, {row, column(v)}));
    for (int64_t i = 0; i < rows; ++i) {
      Value element = lanesOf(loadScalar(item.value, {key, add(first, i)}));
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(fma(element, p[v], state[i * vectors + v]));
    }
    return next;
  });
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      store(sums[i * vectors + v], resultT, {add(first, i), column(v)});
}

// What a query does not admit is left out rather than weighted with 0.
void Prefill::addAdmittedValues(const Item &item, const KeyBlock &block, ValueRange factors) {
  if (!factors.empty())
    loop(index(0), index(E), 1, [&](Value e) {
      for (int64_t v = 0; v < vectors; ++v)
        store(rescaled(e, v, factors), resultT, {e, column(v)});
    });
  loop(block.begin, block.end, 1, [&](Value key) {
    Vectors p, mask;
    for (int64_t v = 0; v < vectors; ++v) {
      p.push_back(load(scoresT, {sub(key, block.begin), column(v)}));
      mask.push_back(admitted(at(item, v, key)));
    }
    loop(index(0), index(E), 1, [&](Value e) {
      Value element = lanesOf(loadScalar(item.value, {key, e}));
      for (int64_t v = 0; v < vectors; ++v) {
        Value sum = load(resultT, {e, column(v)});
        store(select(mask[v], fma(element, p[v], sum), sum), resultT, {e, column(v)});
      }
    });
  });
}

//===-- weights ---------------------------------------------------------------------------------------------------===//

// Without a mask all keys are written.
void Prefill::clearWeightsOf(const Item &item) {
  if (op.getWeights() && hasMask())
    loop(index(0), item.queries, 1, [&](Value i) { clearWeights(item.batch, add(item.firstQuery, i), item.head); });
}

// scoresT is [keys][2L], a row of the weights has the keys of one query. Lanes past the end of the block are transposed
// with the others, and not stored.
void Prefill::writeWeights(const Item &item, const KeyBlock &block) {
  if (!op.getWeights())
    return;
  loop(index(0), block.size, L, [&](Value row) {
    for (int64_t v = 0; v < vectors; ++v) {
      Vectors keys;
      for (int64_t i = 0; i < L; ++i)
        keys.push_back(load(scoresT, {add(row, i), column(v)}));
      for (auto [lane, query] : llvm::enumerate(transposeLanes(b, keys)))
        store(query, staging, {index(v * L + lane), index(0)});
    }
    loop(index(0), item.queries, 1, [&](Value i) {
      storeFirst(load(staging, {i, index(0)}), weightsOut(),
                 {item.batch, add(item.firstQuery, i), item.head, add(block.begin, row)}, sub(block.size, row));
    });
  });
}

} // namespace weft::cpu

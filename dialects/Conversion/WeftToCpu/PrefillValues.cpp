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

// Where registers suffice, the first tile finds scores and leaves exponentials to the others: beside products these
// cost less, for much of them is the work of other units.
Prefill::Vectors Prefill::addScoredValues(const Item &item, const KeyBlock &block, ValueRange subtracted,
                                          ValueRange factors, Value careful) {
  auto usual = [&] {
    int64_t first = std::min(E, shape.elementsOfFirst);
    Vectors sums = first ? addFirstTile(item, block, factors, first, subtracted) : exponentials(block, subtracted);
    addValueTiles(item, block, factors, first);
    return sums;
  };
  if (!careful)
    return usual();
  auto admitted = [&] {
    Vectors sums = exponentials(block, subtracted);
    addAdmittedValues(item, block, factors);
    return sums;
  };
  auto yield = [&](llvm::function_ref<Vectors()> part) {
    return [&, part](OpBuilder &, Location) { scf::YieldOp::create(b, part()); };
  };
  return Vectors(scf::IfOp::create(b, careful, yield(admitted), yield(usual)).getResults());
}

/// `careful`: keys that a query does not admit are left out even where their value is infinite or NaN. Null: there is
/// no mask.
void Prefill::addValues(const Item &item, const KeyBlock &block, Value careful) {
  auto tiles = [&] { addValueTiles(item, block, {}, 0); };
  if (!careful)
    return tiles();
  when(careful, [&] { addAdmittedValues(item, block, {}); }, tiles);
}

void Prefill::addValueTiles(const Item &item, const KeyBlock &block, ValueRange factors, int64_t first) {
  for (int64_t rows = shape.elements; rows; rows = rows > 4 ? 4 : rows / 2) {
    int64_t count = (E - first) / rows;
    if (count > 1)
      loop(index(first), index(first + count * rows), rows,
           [&](Value e) { addValueTile(item, block, factors, e, rows); });
    else if (count)
      addValueTile(item, block, factors, index(first), rows);
    first += count * rows;
  }
}

/// What the blocks so far have added up, in terms of the present maximum; without factors it has not changed.
Value Prefill::rescaled(Value e, int64_t vector, ValueRange factors) {
  Value sum = load(resultT, {e, column(vector)});
  return factors.empty() ? sum : multiply(sum, factors[vector]);
}

void Prefill::addValueTile(const Item &item, const KeyBlock &block, ValueRange factors, Value first, int64_t rows) {
  Vectors sums = loop(index(0), block.size, 1, tileOfResult(factors, first, rows), [&](Value row, ValueRange state) {
    Vectors p;
    for (int64_t v = 0; v < vectors; ++v)
      p.push_back(load(scoresT, {row, column(v)}));
    return addKey(item, add(block.begin, row), first, p, state);
  });
  storeTileOfResult(sums, first);
}

/// The same for the first tile, where the exponentials are made. They are one row ahead of the products, which would
/// otherwise wait for them, and nothing else could be begun meanwhile. Returns their sums.
Prefill::Vectors Prefill::addFirstTile(const Item &item, const KeyBlock &block, ValueRange factors, int64_t rows,
                                       ValueRange subtracted) {
  auto exponentialsOf = [&](Value row) {
    Vectors p;
    for (int64_t v = 0; v < vectors; ++v)
      p.push_back(exponential(load(scoresT, {row, column(v)}), subtracted[v]));
    return p;
  };
  Vectors start = exponentialsOf(index(0));
  start.append(vectors, lanesOf(0.0f));
  start.append(tileOfResult(factors, index(0), rows));
  Value lastRow = add(block.size, -1);
  Vectors state = loop(index(0), block.size, 1, start, [&](Value row, ValueRange state) {
    ValueRange p = state.take_front(vectors), sums = state.slice(vectors, vectors);
    Vectors next = exponentialsOf(min(add(row, 1), lastRow));
    for (int64_t v = 0; v < vectors; ++v) {
      store(p[v], scoresT, {row, column(v)});
      next.push_back(arith::AddFOp::create(b, sums[v], p[v]));
    }
    next.append(addKey(item, add(block.begin, row), index(0), p, state.drop_front(2 * vectors)));
    return next;
  });
  storeTileOfResult(ArrayRef(state).drop_front(2 * vectors), index(0));
  return Vectors(ArrayRef(state).slice(vectors, vectors));
}

Prefill::Vectors Prefill::tileOfResult(ValueRange factors, Value first, int64_t rows) {
  Vectors tile;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      tile.push_back(rescaled(add(first, i), v, factors));
  return tile;
}

Prefill::Vectors Prefill::addKey(const Item &item, Value key, Value first, ValueRange p, ValueRange tile) {
  Vectors next;
  for (int64_t i = 0; i < int64_t(tile.size()) / vectors; ++i) {
    Value element = lanesOf(loadScalar(item.value, {key, add(first, i)}));
    for (int64_t v = 0; v < vectors; ++v)
      next.push_back(fma(element, p[v], tile[i * vectors + v]));
  }
  return next;
}

void Prefill::storeTileOfResult(ArrayRef<Value> tile, Value first) {
  for (int64_t i = 0; i < int64_t(tile.size()) / vectors; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      store(tile[i * vectors + v], resultT, {add(first, i), column(v)});
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

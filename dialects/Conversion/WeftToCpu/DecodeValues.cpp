//===- DecodeValues.cpp - attention of few queries: values of a block of keys ------------------------------------===//
// Answers: how do the values of a block of keys enter the results of several rows at a time, or of one?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionDecode.h"

using namespace mlir;

namespace weft::cpu {

/// Calls `body` for the pieces of `vectors` vectors that E falls into, in a loop where there are several.
void Decode::eachPiece(int64_t vectors, llvm::function_ref<void(const Piece &)> body) {
  int64_t size = vectors * L, whole = E - E % size;
  if (whole > size)
    loop(index(0), index(whole), size, [&](Value first) { body({first, size}); });
  else if (whole)
    body({index(0), size});
  if (whole != E)
    body({index(whole), E - whole});
}

Decode::Vectors Decode::loadPiece(Value memref, Value row, const Piece &piece) {
  Vectors loaded;
  for (int64_t e = 0; e < piece.count; e += L)
    loaded.push_back(load(memref, {row, add(piece.first, e)}, std::min(L, piece.count - e)));
  return loaded;
}

/// What the blocks so far have added up, in terms of the present maximum, which a second pass does not change.
Decode::Vectors Decode::startPiece(Value row, const Piece &piece) {
  Vectors sums = loadPiece(results, row, piece);
  if (hasSecondPass())
    return sums;
  Value factor = lanesOf(loadScalar(factors, row));
  return llvm::map_to_vector(sums, [&](Value sum) { return multiply(sum, factor); });
}

// Whole vectors: the scratch is padded.
void Decode::storePiece(ArrayRef<Value> sums, Value row, const Piece &piece) {
  for (auto [i, sum] : llvm::enumerate(sums))
    store(sum, results, {row, add(piece.first, i * L)});
}

// Where there is one pass, scores become exponentials on the way.
void Decode::addValues(const Item &item, const KeyBlock &block) {
  auto exponentialsOf = [&](Value firstRow, int64_t rows) {
    if (!hasSecondPass())
      exponentials(block, firstRow, rows);
  };
  auto rows = [&] {
    Value together = index(0);
    if (valueRows > 1) {
      together = sub(item.rows, remainder(item.rows, index(valueRows)));
      loop(index(0), together, valueRows, [&](Value row) { exponentialsOf(row, valueRows); });
      addValuesTogether(item, block, together);
    }
    if (valueRows == 1 || queriesPerKeyHead() % valueRows)
      loop(together, item.rows, 1, [&](Value row) {
        if (E <= vectorsOfRow * L && !hasSecondPass())
          return addRow(item, block, row);
        exponentialsOf(row, 1);
        eachPiece(vectorsOfRow, [&](const Piece &piece) { addValuesOfRow(item, block, row, piece); });
      });
  };
  auto carefully = [&] {
    eachRows(item, valueRows, exponentialsOf);
    addAdmittedValues(item, block);
  };
  if (!hasMask())
    return rows();
  when(anyNonFinite(item.value, block), carefully, rows);
}

/// Values of a block for the first `rows` rows, `valueRows` at a time. What does not get by with reading them once has
/// them in the first-level cache when it reads them again.
void Decode::addValuesTogether(const Item &item, const KeyBlock &block, Value rows) {
  auto addKeys = [&](Value from, Value to, llvm::function_ref<Vectors(Value, const Piece &)> startOf) {
    eachPiece(vectors, [&](const Piece &piece) {
      loop(index(0), rows, valueRows, [&](Value row) {
        Vectors start;
        for (int64_t r = 0; r < valueRows; ++r)
          start.append(startOf(add(row, r), piece));
        addKeysOfRows(item, block, row, piece, from, to, start);
      });
    });
  };
  auto startPieces = [&](Value row, const Piece &piece) { return startPiece(row, piece); };
  if (queriesPerKeyHead() <= valueRows && E <= vectors * L)
    return addKeys(index(0), block.size, startPieces);
  if (!hasSecondPass())
    loop(index(0), rows, 1, [&](Value row) {
      eachPiece(vectors, [&](const Piece &piece) { storePiece(startPiece(row, piece), row, piece); });
    });
  loop(index(0), block.size, keysOfCache(E), [&](Value from) {
    addKeys(from, min(add(from, keysOfCache(E)), block.size),
            [&](Value row, const Piece &piece) { return loadPiece(results, row, piece); });
  });
}

void Decode::addKeysOfRows(const Item &item, const KeyBlock &block, Value firstRow, const Piece &piece, Value from,
                           Value to, ValueRange start) {
  int64_t rows = valueRows;
  auto addKey = [&](Value position, Value base, ValueRange state) {
    Vectors value = loadPiece(item.value, position, piece), next;
    for (int64_t e = 0; e < piece.count; e += L)
      if (asksFor(rows, 0, e / L))
        askFor(item.ofValues, base, position, add(piece.first, e));
    for (int64_t r = 0; r < rows; ++r) {
      Value p = lanesOf(loadScalar(scores, {add(firstRow, r), sub(position, block.begin)}));
      for (Value part : value)
        next.push_back(fma(part, p, state[next.size()]));
    }
    return next;
  };
  Vectors ends = eachAhead(item.ofValues, add(block.begin, from), add(block.begin, to), start,
                           [&](Value from, Value to, Value base, ValueRange state) {
                             return loop(from, to, 1, state, [&](Value position, ValueRange state) {
                               return addKey(position, base, state);
                             });
                           });
  int64_t parts = ends.size() / rows;
  for (int64_t r = 0; r < rows; ++r)
    storePiece(ArrayRef(ends).slice(r * parts, parts), add(firstRow, r), piece);
}

void Decode::addValuesOfRow(const Item &item, const KeyBlock &block, Value row, const Piece &piece) {
  finishChains(addKeys(item, block, row, piece, index(0), block.size, startChains(row, piece)), row, piece);
}

// Exponentials tile by tile, each before its values: values are read all the time, and not only when all exponentials
// are there.
void Decode::addRow(const Item &item, const KeyBlock &block, Value row) {
  Vectors subtracted = raiseMaxima(row, 1);
  Piece all = {index(0), E};
  Vectors start = startChains(row, all);
  start.push_back(lanesOf(0.0f));
  Vectors ends = loop(index(0), block.size, L, start, [&](Value key, ValueRange state) {
    Value added = addExponentials(row, key, subtracted, state.take_back()).front();
    Vectors next = addKeys(item, block, row, all, key, min(add(key, L), block.size), state.drop_back());
    next.push_back(added);
    return next;
  });
  addToSums(row, ends.pop_back_val());
  finishChains(ends, row, all);
}

// Several keys at a time, each with sums of its own: one row alone would wait for each addition.
Decode::Vectors Decode::startChains(Value row, const Piece &piece) {
  Vectors sums = startPiece(row, piece);
  sums.append((chains - 1) * sums.size(), lanesOf(0.0f));
  return sums;
}

/// Adds keys from ... to - 1 of a block.
Decode::Vectors Decode::addKeys(const Item &item, const KeyBlock &block, Value row, const Piece &piece, Value from,
                                Value to, ValueRange start) {
  size_t parts = start.size() / chains;
  auto addKey = [&](Value key, ValueRange sums) {
    Value p = lanesOf(loadScalar(scores, {row, key}));
    Vectors next;
    for (auto [part, sum] : llvm::zip(loadPiece(item.value, add(block.begin, key), piece), sums))
      next.push_back(fma(part, p, sum));
    return next;
  };
  Value together = sub(to, remainder(sub(to, from), index(chains)));
  Vectors sums = loop(from, together, chains, start, [&](Value key, ValueRange state) {
    Vectors next;
    for (int64_t chain = 0; chain < chains; ++chain) {
      if (chain)
        keepOrder();
      if (asksFor(1, chain, 0))
        askFor(item.ofValues, item.ofValues.ofOneRow, add(add(block.begin, key), chain), piece.first);
      next.append(addKey(add(key, chain), state.slice(chain * parts, parts)));
    }
    return next;
  });
  if (chains > 1) {
    Vectors first = loop(together, to, 1, ValueRange(sums).take_front(parts), addKey);
    llvm::copy(first, sums.begin());
  }
  return sums;
}

void Decode::finishChains(ArrayRef<Value> chainSums, Value row, const Piece &piece) {
  size_t parts = chainSums.size() / chains;
  Vectors sums(chainSums.take_front(parts));
  for (size_t i = parts; i < chainSums.size(); ++i)
    sums[i % parts] = arith::AddFOp::create(b, sums[i % parts], chainSums[i]);
  storePiece(sums, row, piece);
}

// For blocks with a value that is not finite: what a query does not admit is left out rather than weighted with 0.
void Decode::addAdmittedValues(const Item &item, const KeyBlock &block) {
  loop(index(0), item.rows, 1, [&](Value row) {
    eachPiece(1, [&](const Piece &piece) { storePiece(startPiece(row, piece), row, piece); });
    loop(block.begin, block.end, 1, [&](Value key) {
      Value p = lanesOf(loadScalar(scores, {row, sub(key, block.begin)})), mask = admitted(at(item, row, key));
      eachPiece(1, [&](const Piece &piece) {
        Value sum = loadPiece(results, row, piece).front(), value = loadPiece(item.value, key, piece).front();
        storePiece(select(mask, fma(value, p, sum), sum), row, piece);
      });
    });
  });
}

} // namespace weft::cpu

//===- AttentionDecode.cpp - attention of few queries: lanes are keys, then elements -----------------------------===//
// Answers: by which loops do a few queries see many keys?
//
//   for each (batch, key head, 8 rows)                    a row is a query of one of the query heads that share the key
//   head
//     for each block of at most 256 keys that the mask may admit
//       for each tile of L keys, for each row
//         s[row] = L products along D, summed across lanes; scored and masked with lanes = keys
//       m, l, s = exp(s - m) as in AttentionPrefill.cpp, with lanes = keys
//       o[row] = o[row] exp(m - m') + s[row] V             lanes = elements of a value
//     result = o / l
//
// A key is read from memory once for all rows of an item, in whole vectors, as it lies.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace weft::cpu {
namespace {

using Vectors = SmallVector<Value>;

class Decode : AttentionNest {
public:
  Decode(ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits)
      : AttentionNest(b, op, limits, /*acrossHeads=*/true) {
    int64_t accumulators = limits.registers() / 2;
    vectors = std::min<int64_t>(4, llvm::divideCeil(E, L));
    chains = std::min<int64_t>(4, accumulators / vectors);
  }

  void emit();

private:
  static constexpr int64_t rowsOfItem = 8;
  static constexpr int64_t keysOfBlock = 256;

  struct Item {
    Value batch, keyHead, firstRow, rows;
    HeadView key, value;
    EmittedBounds bounds;
  };
  /// The query and head that a row of an item is.
  struct Row {
    Value query, head;
  };
  /// A part of the elements of a value: `count` of them from `first`, in vectors.
  struct Piece {
    Value first;
    int64_t count;
  };

  void emitItem(Value number);
  Item describe(Value number);
  Row rowOf(const Item &item, Value row);
  Position at(const Item &item, Value row, Value key);
  void start(const Item &item);
  void scoreBlock(const Item &item, const KeyBlock &block);
  Value similarities(ArrayRef<Value> keys, HeadView key, Value row);
  Value maskTile(const Item &item, const KeyBlock &block, Value firstKey, Value row, Value scores);
  void exponentials(const Item &item, const KeyBlock &block);
  void addValues(const Item &item, const KeyBlock &block);
  void addValuesOfRows(const Item &item, const KeyBlock &block, Value firstRow, int64_t rows, const Piece &piece);
  void addValuesOfRow(const Item &item, const KeyBlock &block, Value row, const Piece &piece);
  void addAdmittedValues(const Item &item, const KeyBlock &block);
  void writeResult(const Item &item);

  void eachPiece(int64_t vectors, llvm::function_ref<void(const Piece &)> body);
  Vectors loadPiece(Value memref, Value row, const Piece &piece);
  Vectors startPiece(Value row, const Piece &piece);
  void storePiece(ArrayRef<Value> sums, Value row, const Piece &piece);

  int64_t vectors; // of value elements in a register tile
  int64_t chains;  // of additions in a register tile: as many rows, or as many keys of one row
  Value rowsPerHead, chunks;
  Value queries, scores, results, tileMaxima, maxima, sums, factors;
};

void Decode::emit() {
  rowsPerHead = mul(S, index(queriesPerKeyHead()));
  chunks = ceilDivide(rowsPerHead, rowsOfItem);
  Value items = mul(mul(batch, index(G)), chunks);
  Value cost = mul(mul(T, min(rowsPerHead, index(rowsOfItem))), index(2 * (D + E + 8)));
  auto allocate = [&](OpBuilder &, Location) {
    queries = scratch({rowsOfItem, int64_t(llvm::alignTo(D, L))});
    scores = scratch({rowsOfItem, keysOfBlock});
    results = scratch({rowsOfItem, int64_t(llvm::alignTo(E, L))});
    tileMaxima = scratch({rowsOfItem, L});
    maxima = scratch({rowsOfItem});
    sums = scratch({rowsOfItem});
    factors = scratch({rowsOfItem});
  };
  parallelChunks(b, b.getLoc(), items, cost, [&](OpBuilder &, Location, Value item) { emitItem(item); }, allocate);
}

void Decode::emitItem(Value number) {
  Item item = describe(number);
  start(item);
  loop(item.bounds.begin, item.bounds.end, keysOfBlock, [&](Value begin) {
    KeyBlock block;
    block.begin = begin;
    block.end = min(add(begin, keysOfBlock), item.bounds.end);
    block.size = sub(block.end, begin);
    block.bounds = item.bounds;
    scoreBlock(item, block);
    exponentials(item, block);
    addValues(item, block);
  });
  writeResult(item);
}

Decode::Item Decode::describe(Value number) {
  Item item;
  Value batchAndHead = divide(number, chunks);
  item.firstRow = mul(remainder(number, chunks), index(rowsOfItem));
  item.rows = min(index(rowsOfItem), sub(rowsPerHead, item.firstRow));
  item.batch = divide(batchAndHead, index(G));
  item.keyHead = remainder(batchAndHead, index(G));
  item.key = headOf(op.getKey(), item.batch, item.keyHead);
  item.value = headOf(op.getValue(), item.batch, item.keyHead);
  Row first = rowOf(item, index(0)), last = rowOf(item, add(item.rows, -1));
  item.bounds = boundsOf(item.batch, first.head, add(past, first.query), add(past, last.query));
  return item;
}

Decode::Row Decode::rowOf(const Item &item, Value row) {
  Value number = add(item.firstRow, row), ratio = index(queriesPerKeyHead());
  return {divide(number, ratio), add(mul(item.keyHead, ratio), remainder(number, ratio))};
}

Position Decode::at(const Item &item, Value row, Value key) {
  Row place = rowOf(item, row);
  return {item.batch, place.head, add(past, place.query), key};
}

// Scaled queries, in whole vectors; nothing seen yet.
void Decode::start(const Item &item) {
  Value scale = lanesOf(static_cast<float>(op.getScale().convertToDouble()));
  loop(index(0), item.rows, 1, [&](Value row) {
    Row place = rowOf(item, row);
    for (int64_t d = 0; d < D; d += L) {
      Value query = load(op.getQuery(), {item.batch, place.query, place.head, index(d)}, std::min(L, D - d));
      store(arith::MulFOp::create(b, query, scale), queries, {row, index(d)});
    }
    for (int64_t e = 0; e < E; e += L)
      store(lanesOf(0.0f), results, {row, index(e)});
    storeScalar(constant(minusInfinity), maxima, row);
    storeScalar(constant(0.0f), sums, row);
  });
}

void Decode::scoreBlock(const Item &item, const KeyBlock &block) {
  loop(index(0), item.rows, 1, [&](Value row) { store(lanesOf(minusInfinity), tileMaxima, {row, index(0)}); });
  Value last = add(T, -1);
  loop(block.begin, block.end, L, [&](Value firstKey) {
    // Lanes past the last key repeat it; they are masked below.
    Vectors keys;
    for (int64_t lane = 0; lane < L; ++lane)
      keys.push_back(min(add(firstKey, lane), last));
    Value positions = positionsFrom(firstKey);
    loop(index(0), item.rows, 1, [&](Value row) {
      Value tile = score(similarities(keys, item.key, row), at(item, row, positions));
      tile = maskTile(item, block, firstKey, row, tile);
      store(tile, scores, {row, sub(firstKey, block.begin)});
      store(larger(tile, load(tileMaxima, {row, index(0)})), tileMaxima, {row, index(0)});
    });
  });
}

// Eight keys at a time: as many addresses as there are registers for.
Value Decode::similarities(ArrayRef<Value> keys, HeadView key, Value row) {
  Vectors products;
  for (; !keys.empty(); keys = keys.drop_front(8)) {
    auto multiply = [&](Value d, int64_t count, ValueRange state) {
      Value query = load(queries, {row, d});
      Vectors next;
      for (auto [position, sum] : llvm::zip(keys, state))
        next.push_back(fma(load(key, {position, d}, count), query, sum));
      return next;
    };
    Vectors state(8, lanesOf(0.0f));
    int64_t whole = D - D % L;
    if (whole)
      state = loop(index(0), index(whole), L, state, [&](Value d, ValueRange state) { return multiply(d, L, state); });
    if (whole != D)
      state = multiply(index(whole), D - whole, state);
    products.append(state);
  }
  return sumLanes(b, products);
}

Value Decode::maskTile(const Item &item, const KeyBlock &block, Value firstKey, Value row, Value scores) {
  Value whole = compare(arith::CmpIPredicate::sle, add(firstKey, L), min(block.bounds.wholeEnd, block.end));
  if (hasMask())
    whole = make<arith::AndIOp>(whole, compare(arith::CmpIPredicate::sge, firstKey, block.bounds.wholeBegin));
  auto unchanged = [&](OpBuilder &, Location) { scf::YieldOp::create(b, scores); };
  auto masked = [&](OpBuilder &, Location) {
    Value positions = positionsFrom(firstKey);
    Value counts = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, positions, lanesOf(block.end));
    if (hasMask())
      counts = arith::AndIOp::create(b, counts, admitted(at(item, row, positions)));
    scf::YieldOp::create(b, select(counts, scores, lanesOf(minusInfinity)));
  };
  return scf::IfOp::create(b, whole, unchanged, masked).getResult(0);
}

void Decode::exponentials(const Item &item, const KeyBlock &block) {
  auto reassociate = arith::FastMathFlags::reassoc, noNaN = arith::FastMathFlags::nnan;
  loop(index(0), item.rows, 1, [&](Value row) {
    Value before = loadScalar(maxima, row), tiles = load(tileMaxima, {row, index(0)});
    Value maximum = larger(vector::ReductionOp::create(b, vector::CombiningKind::MAXNUMF, tiles, noNaN), before);
    Value subtracted = finiteOr0(maximum), factor = exponential(before, subtracted), lanes = lanesOf(subtracted);
    Value added = loop(index(0), block.size, L, lanesOf(0.0f), [&](Value key, ValueRange state) -> Vectors {
                    Value p = exponential(load(scores, {row, key}), lanes);
                    store(p, scores, {row, key});
                    return {arith::AddFOp::create(b, state[0], p)};
                  }).front();
    Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, added, reassociate);
    storeScalar(math::FmaOp::create(b, loadScalar(sums, row), factor, sum), sums, row);
    storeScalar(maximum, maxima, row);
    storeScalar(factor, factors, row);
  });
}

//===-- values ----------------------------------------------------------------------------------------------------===//

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

Vectors Decode::loadPiece(Value memref, Value row, const Piece &piece) {
  Vectors loaded;
  for (int64_t e = 0; e < piece.count; e += L)
    loaded.push_back(load(memref, {row, add(piece.first, e)}, std::min(L, piece.count - e)));
  return loaded;
}

Vectors Decode::startPiece(Value row, const Piece &piece) {
  Value factor = lanesOf(loadScalar(factors, row));
  return llvm::map_to_vector(loadPiece(results, row, piece),
                             [&](Value sum) -> Value { return arith::MulFOp::create(b, sum, factor); });
}

// Whole vectors: the scratch is padded.
void Decode::storePiece(ArrayRef<Value> sums, Value row, const Piece &piece) {
  for (auto [i, sum] : llvm::enumerate(sums))
    store(sum, results, {row, add(piece.first, i * L)});
}

void Decode::addValues(const Item &item, const KeyBlock &block) {
  auto rows = [&] {
    Value together = sub(item.rows, remainder(item.rows, index(chains)));
    if (chains > 1)
      eachPiece(vectors, [&](const Piece &piece) {
        loop(index(0), together, chains, [&](Value row) { addValuesOfRows(item, block, row, chains, piece); });
      });
    if (chains == 1 || queriesPerKeyHead() % chains)
      eachPiece(vectors, [&](const Piece &piece) {
        loop(chains > 1 ? together : index(0), item.rows, 1,
             [&](Value row) { addValuesOfRow(item, block, row, piece); });
      });
  };
  if (!hasMask())
    return rows();
  when(anyNonFinite(item.value, block), [&] { addAdmittedValues(item, block); }, rows);
}

void Decode::addValuesOfRows(const Item &item, const KeyBlock &block, Value firstRow, int64_t rows,
                             const Piece &piece) {
  Vectors start;
  for (int64_t r = 0; r < rows; ++r)
    start.append(startPiece(add(firstRow, r), piece));
  Vectors ends = loop(index(0), block.size, 1, start, [&](Value key, ValueRange state) {
    Vectors value = loadPiece(item.value, add(block.begin, key), piece), next;
    for (int64_t r = 0; r < rows; ++r) {
      Value p = lanesOf(loadScalar(scores, {add(firstRow, r), key}));
      for (Value part : value)
        next.push_back(fma(part, p, state[next.size()]));
    }
    return next;
  });
  int64_t parts = ends.size() / rows;
  for (int64_t r = 0; r < rows; ++r)
    storePiece(ArrayRef(ends).slice(r * parts, parts), add(firstRow, r), piece);
}

// Several keys at a time, each with sums of its own: one row alone would wait for each addition.
void Decode::addValuesOfRow(const Item &item, const KeyBlock &block, Value row, const Piece &piece) {
  auto addKey = [&](Value key, ValueRange sums) {
    Value p = lanesOf(loadScalar(scores, {row, key}));
    Vectors next;
    for (auto [part, sum] : llvm::zip(loadPiece(item.value, add(block.begin, key), piece), sums))
      next.push_back(fma(part, p, sum));
    return next;
  };
  Vectors start = startPiece(row, piece);
  size_t parts = start.size();
  Value together = sub(block.size, remainder(block.size, index(chains)));
  start.append((chains - 1) * parts, lanesOf(0.0f));
  Vectors ends = loop(index(0), together, chains, start, [&](Value key, ValueRange state) {
    Vectors next;
    for (int64_t chain = 0; chain < chains; ++chain)
      next.append(addKey(add(key, chain), state.slice(chain * parts, parts)));
    return next;
  });
  Vectors sums(ArrayRef(ends).take_front(parts));
  for (size_t i = parts; i < ends.size(); ++i)
    sums[i % parts] = arith::AddFOp::create(b, sums[i % parts], ends[i]);
  if (chains > 1)
    sums = loop(together, block.size, 1, sums, [&](Value key, ValueRange state) { return addKey(key, state); });
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

void Decode::writeResult(const Item &item) {
  loop(index(0), item.rows, 1, [&](Value row) {
    Row place = rowOf(item, row);
    Value sum = loadScalar(sums, row), zero = constant(0.0f);
    // Rows that admit nothing are 0, whatever 0 * value has made of them.
    Value empty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum, zero);
    Value inverse = lanesOf(arith::DivFOp::create(b, constant(1.0f), sum).getResult());
    for (int64_t e = 0; e < E; e += L) {
      Value weighted = arith::MulFOp::create(b, load(results, {row, index(e)}), inverse);
      store(select(empty, lanesOf(0.0f), weighted), op.getOut(), {item.batch, place.query, place.head, index(e)},
            std::min(L, E - e));
    }
  });
}

} // namespace

void emitDecode(ImplicitLocOpBuilder &b, AttentionOp op, const CpuLimits &limits) { Decode(b, op, limits).emit(); }

} // namespace weft::cpu

//===- Linear.cpp - matmul with packed weights and an epilogue on a GPU -------------------------------------------===//
// Answers: how do invocations share the rows and panels of a product?
//
// Many rows: a workgroup computes a tile of rows x columns. For a stretch of K at a time, both factors come to
// workgroup memory; an invocation keeps some rows x columns of sums in registers, all parts of its columns among them,
// so that the epilogue needs nothing from others.
//
// Few rows: what counts is to read the weights once and at the width of memory. A workgroup has one panel; its
// invocations read two columns at a time, of several consecutive inputs, and share K; what they have found is added up
// at the end, in their order. Where subgroups work alone, each has four rows and a panel, however many rows there are:
// what is read once more comes from the caches of a CPU.
//
// Where the input is to be normed, both add up the squares of a row as it passes by: the factor of the norm multiplies
// the sums of products at the end. (Not where matrices of f16 multiply many rows, which then are normed before.)
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Linear.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {

using Values = LoopBuilder::Values;

constexpr int64_t columnsAtOnce = PackedWeights::pairColumns;
constexpr int64_t inputsAtOnce = 4; // that come in one load there
constexpr int64_t fewRows = 4;      // of a workgroup in the kernel for few rows, unless there is one alone
// Rows up to which that kernel is taken: the weights are read once for each four.
constexpr int64_t mostFew = rowsForMatrices - 1;

PackedLinear::PackedLinear(ImplicitLocOpBuilder &b, PackedLinearOp op, const GpuLimits &limits)
    : b(b), op(op), limits(limits), weights(op), leading(cast<MemRefType>(op.getOuts().getType()).getRank() - 1),
      panels(weights.panels), depth(weights.depth), panel(weights.panel), parts(op.getParts()),
      columns(op.getColumns()) {}

void PackedLinear::emit() {
  LoopBuilder host(b);
  Rows rows(host, op.getOuts(), leading);
  auto isAtMost = [&](int64_t count) {
    return host.compare(arith::CmpIPredicate::sle, rows.count(), host.index(count));
  };
  bool inPairs = partWidth() % columnsAtOnce == 0 && panel / columnsAtOnce <= limits.invocations &&
                 bytesToAddShares * limits.invocations + fewRows * 4 * panel <= limits.sharedBytes;
  if (!inPairs)
    return launchTiles(rows);
  auto launchFew = [&](int64_t few) { hasSubgroups() ? launchAlone(rows, few) : launchPanels(rows, few); };
  auto forFew = [&] { host.when(isAtMost(1), [&] { launchFew(1); }, [&] { launchFew(fewRows); }); };
  if (hasSubgroups() && !hasMatrices())
    return forFew(); // or many
  auto forMany = [&] {
    if (!hasMatrices())
      return launchTiles(rows);
    if (norms())
      emitNormedWords(b, op, limits);
    launchMatrices(rows);
  };
  host.when(isAtMost(mostFew), forFew, forMany);
}

Value PackedLinear::epilogue(Kernel &k, ArrayRef<Value> sums, ArrayRef<Value> coordinates, Value column) {
  SmallVector<Value> arguments(sums);
  for (auto [extra, map] : llvm::zip(op.getExtras(), op.getExtraMaps().getAsValueRange<AffineMapAttr>())) {
    SmallVector<Value> at;
    for (AffineExpr result : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(result);
      if (!dim)
        at.push_back(k.index(cast<AffineConstantExpr>(result).getValue()));
      else
        at.push_back(dim.getPosition() == leading ? column : coordinates[dim.getPosition()]);
    }
    arguments.push_back(k.load(extra, at));
  }
  return inlineBlock(k, op.getEpilogue().front(), arguments).front();
}

void PackedLinear::finish(Kernel &k, const RowView &output, Value row, ArrayRef<Value> coordinates, Value column,
                          ArrayRef<Value> sums) {
  Values scaled(sums);
  if (weights.hasColumnScales()) {
    Value panelAt = k.divide(column, partWidth()), inPart = k.remainder(column, partWidth());
    for (auto [part, sum] : llvm::enumerate(scaled))
      sum = times(k, sum, weights.columnScale(k, panelAt, k.add(inPart, part * partWidth())));
  }
  k.store(epilogue(k, scaled, coordinates, column), output.memref, output.at(row, coordinates, column));
}

//===-- norms -----------------------------------------------------------------------------------------------------===//

Value PackedLinear::normFactor(Kernel &k, Value squares) {
  return inverseRoot(k, over(k, squares, k.constant(static_cast<float>(depth))), *op.getNormEps());
}

/// Element `at` of a row that is normed, but for the row's factor.
Value PackedLinear::scaled(Kernel &k, Value x, Value at) {
  return op.getNormScale() ? times(k, x, k.load(op.getNormScale(), at)) : x;
}

//===-- many rows -------------------------------------------------------------------------------------------------===//

void PackedLinear::launchTiles(const Rows &rows) {
  const int64_t across = 16, down = limits.invocations / across;       // invocations of a tile
  const int64_t each = std::max<int64_t>(1, 4 / parts);                // columns of an invocation, `parts` sums each
  const int64_t high = std::clamp<int64_t>(32 / (each * parts), 1, 8); // rows of an invocation
  const int64_t tileRows = down * high, tileColumns = across * each;
  const int64_t fits = limits.sharedBytes / 4 / (tileColumns * parts + tileRows + 1);
  const int64_t stretch = llvm::bit_floor<uint64_t>(std::clamp<int64_t>(fits, 1, 16));
  const int64_t inWord = std::min(stretch, weights.perWord); // inputs of a column that are brought at once
  const int64_t columnTiles = llvm::divideCeil(columns, tileColumns);

  LoopBuilder host(b);
  Value rowTiles = host.ceilDivide(rows.count(), tileRows);
  launch(b, host.mul(rowTiles, columnTiles), limits.invocations, [&](Kernel &k) {
    // Neighbouring workgroups share rows: the weights pass by in the order in which they lie.
    Value firstRow = k.mul(k.divide(k.group, columnTiles), tileRows);
    Value firstColumn = k.mul(k.remainder(k.group, columnTiles), tileColumns);
    Value tx = k.remainder(k.thread, across), ty = k.divide(k.thread, across);
    RowView input(k, op.getInput(), leading), output(k, op.getOuts(), leading);
    Value inputs = k.shared({stretch, tileRows + 1}), staged = k.shared({stretch, parts, tileColumns});
    Value lastRow = k.add(rows.count(), -1), zero = k.constant(0.0f);

    /// Each invocation brings every n-th element of `count`.
    auto stage = [&](int64_t count, llvm::function_ref<void(Value)> bring) {
      k.loop(k.thread, k.index(count), k.index(k.threads), bring);
    };
    // An invocation brings elements of the same rows in each stretch.
    const int64_t brought = llvm::divideCeil(tileRows * stretch, k.threads);
    Value ownAt = k.remainder(k.thread, stretch);
    SmallVector<Value> ownRows;
    for (int64_t n = 0; n < brought; ++n)
      ownRows.push_back(k.min(k.add(k.divide(k.thread, stretch), n * (k.threads / stretch)), k.index(tileRows - 1)));
    const int64_t products = high * each * parts;
    SmallVector<Value> state(products + (norms() ? brought : 0), zero);
    state = k.loop(k.index(0), k.index(depth), k.index(stretch), state, [&](Value start, ValueRange state) {
      SmallVector<Value> squares(state.drop_front(products));
      k.barrier();
      Value depthAt = k.add(start, ownAt), inner = k.min(depthAt, k.index(depth - 1));
      Value isInside = k.less(depthAt, k.index(depth));
      for (auto [n, tileRow] : llvm::enumerate(ownRows)) {
        Value row = k.min(k.add(firstRow, tileRow), lastRow);
        Value x = k.select(isInside, k.load(input.memref, input.at(row, rows.at(k, row), inner)), zero);
        if (norms()) {
          squares[n] = fma(k, x, x, squares[n]);
          x = scaled(k, x, inner);
        }
        k.store(x, inputs, {ownAt, tileRow});
      }
      stage(stretch / inWord * parts * tileColumns, [&](Value i) {
        Value column = k.remainder(i, tileColumns), rest = k.divide(i, tileColumns);
        Value part = k.remainder(rest, parts), at = k.mul(k.divide(rest, parts), inWord), depthAt = k.add(start, at);
        Value wanted = k.add(firstColumn, column);
        Value panelAt = k.min(k.divide(wanted, partWidth()), k.index(panels - 1));
        Value inPanel = k.add(k.mul(part, partWidth()), k.remainder(wanted, partWidth()));
        Value first = k.min(depthAt, k.index((llvm::divideCeil(depth, inWord) - 1) * inWord));
        for (auto [n, w] : llvm::enumerate(weights.load(k, panelAt, first, inPanel, inWord)))
          k.store(k.select(k.less(k.add(depthAt, n), k.index(depth)), w, zero), staged, {k.add(at, n), part, column});
      });
      k.barrier();
      SmallVector<Value> next = k.loop(k.index(stretch), state.take_front(products), [&](Value at, ValueRange sums) {
        SmallVector<Value> xs, next;
        for (int64_t r = 0; r < high; ++r)
          xs.push_back(k.load(inputs, {at, k.add(ty, r * down)}));
        SmallVector<Value> ws;
        for (int64_t c = 0; c < each; ++c)
          for (int64_t part = 0; part < parts; ++part)
            ws.push_back(k.load(staged, {at, k.index(part), k.add(tx, c * across)}));
        for (auto [i, sum] : llvm::enumerate(sums))
          next.push_back(fma(k, xs[i / ws.size()], ws[i % ws.size()], sum));
        return next;
      });
      next.append(squares);
      return next;
    });
    SmallVector<Value> sums(ArrayRef(state).take_front(products));
    if (norms()) { // several invocations have some of a row's squares
      k.barrier();
      for (auto [tileRow, found] : llvm::zip_equal(ownRows, ArrayRef(state).drop_front(products)))
        k.store(found, inputs, {ownAt, tileRow});
      k.barrier();
      for (int64_t r = 0; r < high; ++r) {
        Value squares = k.loop(k.index(stretch), zero, [&](Value at, ValueRange soFar) {
                           return Values{plus(k, soFar[0], k.load(inputs, {at, k.add(ty, r * down)}))};
                         }).front();
        Value factor = normFactor(k, squares);
        for (Value &sum : MutableArrayRef(sums).slice(r * each * parts, each * parts))
          sum = times(k, sum, factor);
      }
    }
    for (int64_t r = 0; r < high; ++r) {
      Value row = k.add(firstRow, k.add(ty, r * down));
      k.when(k.less(row, rows.count()), [&] {
        SmallVector<Value> coordinates = rows.at(k, row);
        for (int64_t c = 0; c < each; ++c) {
          Value column = k.add(firstColumn, k.add(tx, c * across));
          k.when(k.less(column, k.index(columns)), [&] {
            finish(k, output, row, coordinates, column, ArrayRef(sums).slice((r * each + c) * parts, parts));
          });
        }
      });
    }
  });
}

//===-- few rows --------------------------------------------------------------------------------------------------===//

/// The elements of vectors, and what is none.
static Values unpack(LoopBuilder &k, ArrayRef<Value> values) {
  Values elements;
  for (Value value : values)
    if (auto type = dyn_cast<VectorType>(value.getType()))
      for (int64_t i = 0; i < type.getNumElements(); ++i)
        elements.push_back(vector::ExtractOp::create(k.b, value, i));
    else
      elements.push_back(value);
  return elements;
}

PackedLinear::FewRows PackedLinear::placeFew(Kernel &k, const Rows &rows, int64_t few) {
  bool isOne = few == 1; // of one, and no more groups than panels
  FewRows place;
  place.panelAt = isOne ? k.group : k.remainder(k.group, panels);
  place.first = isOne ? k.index(0) : k.mul(k.divide(k.group, panels), few);
  for (int64_t r = 0; r < few; ++r) {
    place.numbers.push_back(isOne ? place.first : k.min(k.add(place.first, r), k.add(rows.count(), -1)));
    place.coordinates.push_back(rows.at(k, place.numbers.back()));
  }
  return place;
}

void PackedLinear::launchPanels(const Rows &rows, int64_t few) {
  const int64_t lanes = panel / columnsAtOnce, shares = limits.invocations / lanes;
  // Consecutive inputs of a share: as many loads of weights are under way at once, or a word is taken whole.
  const int64_t stretch = std::max(inputsAtOnce, weights.perWord);
  LoopBuilder host(b);
  Value blocks = host.ceilDivide(rows.count(), few);
  launch(b, host.mul(blocks, panels), limits.invocations, [&](Kernel &k) {
    auto pair = VectorType::get({columnsAtOnce}, b.getF32Type());
    FewRows place = placeFew(k, rows, few);
    Value panelAt = place.panelAt, firstRow = place.first;
    ArrayRef<Value> numbers = place.numbers;
    ArrayRef<Values> coordinates = place.coordinates;
    Value lane = k.remainder(k.thread, lanes), share = k.divide(k.thread, lanes);
    RowView input(k, op.getInput(), leading), output(k, op.getOuts(), leading);
    Value zero = k.constant(0.0f);
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(pair));
    Values sums(few, zeros); // then, for norms, sums of squares
    sums.append(norms() ? few : 0, zero);

    /// Adds the products of `stretch` inputs from `first` on; those from K on count for nothing.
    auto add = [&](Value first, bool isWhole, ValueRange soFar) {
      Values next(soFar);
      SmallVector<Values> xs(few);
      for (int64_t r = 0; r < few && isWhole; ++r)
        for (int64_t i = 0; i < stretch; i += inputsAtOnce)
          xs[r].append(
              loadNeighbours(k, input.memref, input.at(numbers[r], coordinates[r], k.add(first, i)), inputsAtOnce));
      Values ws = weights.loadPairs(k, panelAt, first, k.mul(lane, columnsAtOnce), stretch, isWhole);
      for (int64_t i = 0; i < stretch; ++i) {
        Value at = k.add(first, i), isInside = isWhole ? Value() : k.less(at, k.index(depth));
        if (!isWhole)
          at = k.min(at, k.index(depth - 1));
        // Beyond the last input both are 0: neither may be infinite, which would make it NaN.
        Value w = isWhole ? ws[i] : k.select(isInside, ws[i], zeros);
        for (int64_t r = 0; r < few; ++r) {
          Value x = isWhole ? xs[r][i]
                            : k.select(isInside, k.load(input.memref, input.at(numbers[r], coordinates[r], at)), zero);
          if (norms()) {
            next[few + r] = fma(k, x, x, next[few + r]);
            x = scaled(k, x, at);
          }
          next[r] = fma(k, vector::BroadcastOp::create(b, pair, x), w, next[r]);
        }
      }
      return next;
    };
    const int64_t round = shares * stretch, whole = depth / round * round;
    // The last invocations may have no share where lanes do not divide the workgroup: they repeat one and are not
    // heard.
    Value ownShare = k.threads % lanes ? k.min(share, k.index(shares - 1)) : share;
    Value first = k.mul(ownShare, stretch);
    if (whole)
      sums = k.loop(first, k.index(whole), k.index(round), sums,
                    [&](Value at, ValueRange sums) { return add(at, /*isWhole=*/true, sums); });
    if (whole < depth)
      sums = add(k.add(first, whole), /*isWhole=*/false, sums);

    sums = addShares(k, share, shares, lane, lanes, unpack(k, sums));
    endPanels(k, output, panelAt, firstRow, rows, few, lane, k.compare(arith::CmpIPredicate::eq, share, k.index(0)),
              sums);
  });
}

/// From the sums of a lane's columns, for each row, and of the row's squares: what the invocations that `has` them
/// write.
void PackedLinear::endPanels(Kernel &k, const RowView &output, Value panelAt, Value firstRow, const Rows &rows,
                             int64_t few, Value lane, Value has, ArrayRef<Value> sums) {
  const int64_t lanes = panel / columnsAtOnce, lanesOfPart = lanes / parts;
  Value others;
  if (parts > 1) { // the other parts of its columns are another lane's
    others = k.shared({few * columnsAtOnce, lanes});
    k.when(has, [&] {
      for (int64_t i = 0; i < few * columnsAtOnce; ++i)
        k.store(sums[i], others, {k.index(i), lane});
    });
    k.barrier();
    has = k.both(has, k.less(lane, k.index(lanesOfPart)));
  }
  Value column = k.add(k.mul(panelAt, partWidth()), k.mul(lane, columnsAtOnce));
  auto write = [&](int64_t r, int64_t c) {
    int64_t number = r * columnsAtOnce + c;
    Values ofColumn = {sums[number]};
    for (int64_t part = 1; part < parts; ++part)
      ofColumn.push_back(k.load(others, {k.index(number), k.add(lane, part * lanesOfPart)}));
    if (norms())
      for (Value &sum : ofColumn)
        sum = times(k, sum, normFactor(k, sums[few * columnsAtOnce + r]));
    Value row = k.add(firstRow, r);
    finish(k, output, row, rows.at(k, row), k.add(column, c), ofColumn);
  };
  auto writeRow = [&](int64_t r) {
    for (int64_t c = 0; c < columnsAtOnce; ++c)
      if (columns % columnsAtOnce == 0)
        write(r, c);
      else
        k.when(k.less(k.add(column, c), k.index(columns)), [&] { write(r, c); });
  };
  if (columns % partWidth())
    has = k.both(has, k.less(column, k.index(columns)));
  k.when(has, [&] {
    for (int64_t r = 0; r < few; ++r)
      if (few == 1)
        writeRow(r);
      else
        k.when(k.less(k.add(firstRow, r), rows.count()), [&] { writeRow(r); });
  });
}

void emitPackedLinear(ImplicitLocOpBuilder &b, PackedLinearOp op, const GpuLimits &limits) {
  PackedLinear(b, op, limits).emit();
}

} // namespace weft::grid

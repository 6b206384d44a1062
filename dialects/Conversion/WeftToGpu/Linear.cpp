//===- Linear.cpp - matmul with packed weights and an epilogue on a GPU -------------------------------------------===//
// Answers: how do invocations share the rows and panels of a product?
//
// Many rows: a workgroup computes a tile of rows x columns. For a stretch of K at a time, both factors come to
// workgroup memory; an invocation keeps some rows x columns of sums in registers, all parts of its columns among them,
// so that the epilogue needs nothing from others.
//
// Few rows: what counts is to read the weights once and at the width of memory. A workgroup has one panel; its
// invocations read four weights at a time and share K, and what they have found is added up at the end, in their order.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Linear.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {
constexpr int64_t fewRows = 4; // of a workgroup in the kernel for few rows, unless there is one alone
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
  int64_t each = weights.stepColumns();
  bool inFours = panel % each == 0 && panel / each <= limits.invocations &&
                 fewRows * each * limits.invocations * 4 <= limits.sharedBytes;
  auto forMany = [&] { hasMatrices() ? launchMatrices(rows) : launchTiles(rows); };
  if (!inFours)
    return launchTiles(rows);
  auto forFew = [&] { host.when(isAtMost(1), [&] { launchPanels(rows, 1); }, [&] { launchPanels(rows, fewRows); }); };
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
  k.store(epilogue(k, sums, coordinates, column), output.memref, output.at(row, coordinates, column));
}

//===-- many rows -------------------------------------------------------------------------------------------------===//

void PackedLinear::launchTiles(const Rows &rows) {
  const int64_t across = 16, down = limits.invocations / across;       // invocations of a tile
  const int64_t each = std::max<int64_t>(1, 4 / parts);                // columns of an invocation, `parts` sums each
  const int64_t high = std::clamp<int64_t>(32 / (each * parts), 1, 8); // rows of an invocation
  const int64_t tileRows = down * high, tileColumns = across * each;
  const int64_t fits = limits.sharedBytes / 4 / (tileColumns * parts + tileRows + 1);
  const int64_t stretch = llvm::bit_floor<uint64_t>(std::clamp<int64_t>(fits, 1, 16));
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
    SmallVector<Value> sums(high * each * parts, zero);
    sums = k.loop(k.index(0), k.index(depth), k.index(stretch), sums, [&](Value start, ValueRange sums) {
      k.barrier();
      stage(tileRows * stretch, [&](Value i) {
        Value at = k.remainder(i, stretch), depthAt = k.add(start, at), tileRow = k.divide(i, stretch);
        Value row = k.min(k.add(firstRow, tileRow), lastRow);
        Value isInside = k.less(depthAt, k.index(depth));
        Value inner = k.min(depthAt, k.index(depth - 1));
        Value x = k.load(input.memref, input.at(row, rows.at(k, row), inner));
        k.store(k.select(isInside, x, zero), inputs, {at, tileRow});
      });
      stage(stretch * parts * tileColumns, [&](Value i) {
        Value column = k.remainder(i, tileColumns), rest = k.divide(i, tileColumns);
        Value part = k.remainder(rest, parts), at = k.divide(rest, parts), depthAt = k.add(start, at);
        Value wanted = k.add(firstColumn, column);
        Value panelAt = k.min(k.divide(wanted, partWidth()), k.index(panels - 1));
        Value inPanel = k.add(k.mul(part, partWidth()), k.remainder(wanted, partWidth()));
        Value isInside = k.less(depthAt, k.index(depth));
        Value w = weights.load(k, panelAt, k.min(depthAt, k.index(depth - 1)), inPanel);
        k.store(k.select(isInside, w, zero), staged, {at, part, column});
      });
      k.barrier();
      return k.loop(k.index(stretch), sums, [&](Value at, ValueRange sums) {
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
    });
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

/// A vector of four that repeats the numbers.
static Value inEach(Kernel &k, ArrayRef<Value> numbers) {
  auto four = VectorType::get({4}, k.b.getF32Type());
  if (numbers.size() == 1)
    return vector::BroadcastOp::create(k.b, four, numbers.front());
  SmallVector<Value> all;
  for (size_t i = 0; i < 4; ++i)
    all.push_back(numbers[i % numbers.size()]);
  return vector::FromElementsOp::create(k.b, four, all);
}

void PackedLinear::launchPanels(const Rows &rows, int64_t few) {
  const int64_t each = weights.stepColumns(), inputs = weights.stepInputs();
  const int64_t lanes = panel / each, shares = limits.invocations / lanes;
  LoopBuilder host(b);
  Value blocks = host.ceilDivide(rows.count(), few);
  launch(b, host.mul(blocks, panels), limits.invocations, [&](Kernel &k) {
    auto four = VectorType::get({4}, b.getF32Type());
    Value panelAt = k.remainder(k.group, panels), firstRow = k.mul(k.divide(k.group, panels), few);
    Value lane = k.remainder(k.thread, lanes), share = k.divide(k.thread, lanes);
    RowView input(k, op.getInput(), leading), output(k, op.getOuts(), leading);
    SmallVector<Value> numbers;
    SmallVector<SmallVector<Value>> coordinates;
    for (int64_t r = 0; r < few; ++r) { // rows beyond the last are the last once more
      numbers.push_back(k.min(k.add(firstRow, r), k.add(rows.count(), -1)));
      coordinates.push_back(rows.at(k, numbers.back()));
    }
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(four));
    SmallVector<Value> sums(few, zeros);
    // The last invocations may have no share where lanes do not divide the workgroup.
    Value begin = k.select(k.less(share, k.index(shares)), share, k.index(weights.steps()));
    sums = k.loop(begin, k.index(weights.steps()), k.index(shares), sums, [&](Value step, ValueRange sums) {
      Value w = weights.loadStep(k, panelAt, step, k.mul(lane, each)), first = k.mul(step, inputs);
      SmallVector<Value> next;
      for (int64_t r = 0; r < few; ++r) {
        SmallVector<Value> xs;
        for (int64_t i = 0; i < inputs; ++i) {
          Value at = k.add(first, i);
          bool mayBeBeyond = i > 0 && depth % inputs;
          Value inner = mayBeBeyond ? k.min(at, k.index(depth - 1)) : at;
          Value x = k.load(input.memref, input.at(numbers[r], coordinates[r], inner));
          xs.push_back(mayBeBeyond ? k.select(k.less(at, k.index(depth)), x, k.constant(0.0f)) : x);
        }
        next.push_back(fma(k, inEach(k, xs), w, sums[r]));
      }
      return next;
    });
    Value found = k.shared({few, shares, panel});
    k.when(k.less(share, k.index(shares)), [&] {
      for (int64_t r = 0; r < few; ++r)
        for (int64_t c = 0; c < each; ++c) {
          Value sum = vector::ExtractOp::create(b, sums[r], c * inputs);
          for (int64_t i = 1; i < inputs; ++i)
            sum = plus(k, sum, vector::ExtractOp::create(b, sums[r], c * inputs + i));
          k.store(sum, found, {k.index(r), share, k.add(k.mul(lane, each), c)});
        }
    });
    k.barrier();
    k.loop(k.thread, k.index(few * partWidth()), k.index(k.threads), [&](Value i) {
      Value r = k.divide(i, partWidth()), inPart = k.remainder(i, partWidth());
      Value row = k.add(firstRow, r), column = k.add(k.mul(panelAt, partWidth()), inPart);
      k.when(k.both(k.less(row, rows.count()), k.less(column, k.index(columns))), [&] {
        SmallVector<Value> start(parts, k.constant(0.0f));
        SmallVector<Value> totals = k.loop(k.index(shares), start, [&](Value share, ValueRange soFar) {
          SmallVector<Value> next;
          for (int64_t part = 0; part < parts; ++part)
            next.push_back(plus(k, soFar[part], k.load(found, {r, share, k.add(inPart, part * partWidth())})));
          return next;
        });
        finish(k, output, row, rows.at(k, row), column, totals);
      });
    });
  });
}

void emitPackedLinear(ImplicitLocOpBuilder &b, PackedLinearOp op, const GpuLimits &limits) {
  PackedLinear(b, op, limits).emit();
}

} // namespace weft::grid

//===- Linear.cpp - matmul with packed weights and an epilogue in registers --------------------------------------===//
// Answers: which loops multiply rows by panels, and how wide are their register tiles?
//
// A tile is R rows by some columns, its accumulators in registers over all of K; nothing is blocked along K, so every
// element is the same sum in the same order whatever the tile or the number of rows. The columns come in slices, two
// vectors of accumulators in each row: one panel of 32 columns for 16 lanes, half a panel for 8.
//
//   lanes  registers  rows x slices   accumulators + weights + broadcast
//   16     32         8 x 1           16 + 2 + 1; 8 independent sums already cover two FMA units
//    8     16         6 x 1           12 + 2 + 1; 3 rows of a whole panel have as many sums but would read twice the
//                                     weights from L2 for each of them
//   both              4x1, 2x2, 1x4   the rows that are left; few rows take several slices to have 8 sums
//   16     32         6 x 2           where activations are rounded: 24 + 4 + 1, for a dot product is slower than a sum
//   16     32         3x1, 2x1, 1x1   where they are in fixed point: 3 or 4 sums for each vector, 24 + 2 + 1; one row
//                                     has enough, and reads narrow weights in one run, which memory likes best
//
// Work is divided by slices, or a few of them, within blocks of rows: one row divides over threads as many rows do.
// Within a group of slices, which fits the L2 cache, the rows stream by.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/LinearProducts.h"
#include "dialects/Conversion/WeftToCpu/Tiles.h"
#include "dialects/Weft/IR/Workspace.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::cpu {
namespace {

constexpr int64_t blockRows = 128; // x K <= 2048 in f32 is 1 MiB: activations of a block stay in L2

/// Rows and slices of a whole tile.
struct Tile {
  int64_t rows, slices;
};

Tile wholeTile(const CpuLimits &limits, Activations activations) {
  switch (activations) {
  case Activations::Kept:
    return {limits.lanes == 16 ? 8 : 6, 1};
  case Activations::Rounded:
    return {6, 2};
  case Activations::FixedPoint:
    return {3, 1};
  }
  llvm_unreachable("no such activations");
}

/// Of many rows.
Activations activationsOf(PackedLinearOp op, bool rounds) {
  if (!rounds)
    return Activations::Kept;
  return roundedRow(op) == RoundedRow::FixedPoint ? Activations::FixedPoint : Activations::Rounded;
}

class PackedLinear {
public:
  PackedLinear(OpBuilder &b, PackedLinearOp op, const CpuLimits &limits)
      : op(op), loc(op.getLoc()), limits(limits), slices(op, limits),
        type(VectorType::get({slices.width}, b.getF32Type())),
        leading(cast<MemRefType>(op.getOuts().getType()).getRank() - 1), rows(b, loc, op.getOuts(), leading),
        input(b, loc, op.getInput(), leading), output(b, loc, op.getOuts(), leading) {
    for (auto [extra, map] : llvm::zip(op.getExtras(), op.getExtraMaps().getAsValueRange<AffineMapAttr>()))
      extras.emplace_back(b, loc, extra, map, leading);
    if (op.getWorkspace())
      workspace.emplace(b, loc, op.getWorkspace(), leading);
  }

  void emit(OpBuilder &b);

private:
  /// An operand of the epilogue. `byRows` where it has all leading dimensions in order, as rows then find it faster.
  struct Extra {
    Extra(OpBuilder &b, Location loc, Value memref, AffineMap map, unsigned leading)
        : memref(memref), map(map), column(getAffineDimExpr(leading, map.getContext())) {
      bool inOrder = map.getNumResults() >= leading;
      for (unsigned d = 0; d < leading && inOrder; ++d)
        inOrder = map.getResult(d) == getAffineDimExpr(d, map.getContext());
      if (inOrder)
        byRows.emplace(b, loc, memref, leading);
    }
    bool hasRows() const {
      return llvm::any_of(map.getResults(), [&](AffineExpr e) { return isa<AffineDimExpr>(e) && e != column; });
    }
    bool hasColumns() const { return llvm::is_contained(map.getResults(), column); }
    /// Whether a vector lies in memory as it is: neighbouring columns are neighbours, and no i1, which takes a byte
    /// there.
    bool isLoadable() const {
      auto type = cast<MemRefType>(memref.getType());
      return map.getResults().back() == column && type.isLastDimUnitStride() && !type.getElementType().isInteger(1);
    }
    /// Where the element lies; `columnIndex` is a scalar, a vector of i32, or null without columns.
    std::pair<Value, SmallVector<Value>> at(OpBuilder &b, Location loc, const Row &row, Value columnIndex) const {
      SmallVector<Value> indices;
      unsigned skipped = byRows ? row.coordinates.size() : 0;
      for (AffineExpr result : map.getResults().drop_front(skipped)) {
        if (result == column)
          indices.push_back(columnIndex);
        else if (auto dim = dyn_cast<AffineDimExpr>(result))
          indices.push_back(row.coordinates[dim.getPosition()]);
        else
          indices.push_back(constantIndex(b, loc, cast<AffineConstantExpr>(result).getValue()));
      }
      if (byRows)
        return {byRows->memref(), byRows->indices(row, indices)};
      return {memref, indices};
    }

    Value memref;
    AffineMap map;
    AffineExpr column;
    std::optional<RowView> byRows;
  };

  void emitRounded(OpBuilder &b);
  void emitNest(OpBuilder &b, Activations activations, bool areRowsFew = false);
  int64_t slicesTogether();
  void emitBlock(OpBuilder &b, Value firstRow, Value lastRow, Value firstSlice, Value lastSlice);
  void forSlices(OpBuilder &b, Value first, Value last, int64_t atOnce,
                 llvm::function_ref<void(OpBuilder &, Value, int64_t)> body);
  void emitRowsLeft(OpBuilder &b, int64_t tileRows, Value row, Value firstSlice, Value lastSlice);
  void emitTile(OpBuilder &b, int64_t tileRows, int64_t tileSlices, Value firstRow, Value firstSlice);
  void emitPrefetches(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Value> tileSlices);
  void emitEpilogue(OpBuilder &b, ArrayRef<Row> tile, Value slice, ArrayRef<Value> accumulators);
  void emitColumns(OpBuilder &b, ArrayRef<Row> tile, Value slice, ArrayRef<Value> accumulators, int64_t columnsInside);
  Value loadExtra(OpBuilder &b, const Extra &extra, const Row &row, Value column, Value mask);

  Value plus(OpBuilder &b, Value x, int64_t y) {
    return b.createOrFold<arith::AddIOp>(loc, x, constantIndex(b, loc, y));
  }
  void forRange(OpBuilder &b, Value begin, Value end, int64_t step, llvm::function_ref<void(OpBuilder &, Value)> body) {
    scf::ForOp::create(b, loc, begin, end, constantIndex(b, loc, step), ValueRange{},
                       [&](OpBuilder &b, Location loc, Value i, ValueRange) {
                         body(b, i);
                         scf::YieldOp::create(b, loc);
                       });
  }

  PackedLinearOp op;
  Location loc;
  CpuLimits limits;
  Slices slices;
  VectorType type;
  unsigned leading;
  Rows rows;
  RowView input, output;
  std::optional<RowView> workspace;
  SmallVector<Extra> extras;
  // Of the nest that is being emitted:
  Activations activations = Activations::Kept;
  Tile whole;
  bool areFew;
};

//===-- loops -----------------------------------------------------------------------------------------------------===//

void PackedLinear::emit(OpBuilder &b) {
  if (!workspace)
    return emitNest(b, Activations::Kept);
  if (roundedRow(op) != RoundedRow::BF16)
    return emitRounded(b);
  Value areMany =
      b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::uge, rows.count(), constantIndex(b, loc, rowsThatRound));
  scf::IfOp::create(
      b, loc, areMany,
      [&](OpBuilder &b, Location loc) {
        emitRounded(b);
        scf::YieldOp::create(b, loc);
      },
      [&](OpBuilder &b, Location loc) {
        bool areFew = rowsThatRound <= wholeTile(limits, Activations::Kept).rows;
        emitNest(b, Activations::Kept, areFew);
        scf::YieldOp::create(b, loc);
      });
}

void PackedLinear::emitRounded(OpBuilder &b) {
  emitRounding(b, op, rows, input, *workspace, limits);
  emitNest(b, activationsOf(op, bool(op.getWorkspace())));
}

/// All rows and columns, in whole tiles as far as they reach; `areRowsFew`: not one tile has all its rows.
void PackedLinear::emitNest(OpBuilder &b, Activations read, bool areRowsFew) {
  activations = read;
  whole = wholeTile(limits, read);
  areFew = areRowsFew;
  auto constant = [&](int64_t value) { return constantIndex(b, loc, value); };
  auto ceilDiv = [&](OpBuilder &b, Value x, Value y) -> Value {
    Value raised =
        b.createOrFold<arith::AddIOp>(loc, x, b.createOrFold<arith::SubIOp>(loc, y, constantIndex(b, loc, 1)));
    return b.createOrFold<arith::DivUIOp>(loc, raised, y);
  };
  // Blocks of equal height, whole tiles each but the last: 129 rows are 72 + 57, not 128 + 1.
  Value blocks = ceilDiv(b, rows.count(), constant(blockRows));
  Value height = ceilDiv(b, rows.count(), b.createOrFold<arith::MaxUIOp>(loc, blocks, constant(1)));
  height = ceilDiv(b, height, constant(whole.rows));
  height = b.createOrFold<arith::MulIOp>(loc, height, constant(whole.rows));

  int64_t together = std::min(slicesTogether(), slices.count);
  Value itemsOfBlock = constant(llvm::divideCeil(slices.count, together));
  Value items = b.createOrFold<arith::MulIOp>(loc, blocks, itemsOfBlock);
  Value cost = b.createOrFold<arith::MinUIOp>(loc, height, rows.count());
  cost = b.createOrFold<arith::MulIOp>(loc, cost,
                                       constant(slices.depth * slices.parts * slices.sliceColumns() * together));

  parallelRanges(b, loc, items, cost, [&](OpBuilder &b, Location loc, Value begin, Value end) {
    Value firstBlock = b.createOrFold<arith::DivUIOp>(loc, begin, itemsOfBlock);
    forRange(b, firstBlock, ceilDiv(b, end, itemsOfBlock), 1, [&](OpBuilder &b, Value block) {
      Value firstItem = b.createOrFold<arith::MulIOp>(loc, block, itemsOfBlock);
      auto slice = [&](Value item) {
        Value within = b.createOrFold<arith::SubIOp>(loc, item, firstItem);
        return b.createOrFold<arith::MulIOp>(loc, within, constantIndex(b, loc, together));
      };
      Value from = slice(b.createOrFold<arith::MaxUIOp>(loc, begin, firstItem));
      Value to = b.createOrFold<arith::MinUIOp>(loc, slice(end), constantIndex(b, loc, slices.count));
      Value firstRow = b.createOrFold<arith::MulIOp>(loc, block, height);
      Value lastRow = b.createOrFold<arith::AddIOp>(loc, firstRow, height);
      lastRow = b.createOrFold<arith::MinUIOp>(loc, lastRow, rows.count());
      emitBlock(b, firstRow, lastRow, from, to);
    });
  });
}

/// Which threads do not divide. A word of narrow weights that are widened is several sums, one after another: a row has
/// enough that do not wait for each other in 4 slices, and these take less time to read than to hand over.
int64_t PackedLinear::slicesTogether() {
  return activations == Activations::Kept && op.getWeightType() != WeightType::F32 ? slices.group() : 1;
}

void PackedLinear::emitBlock(OpBuilder &b, Value firstRow, Value lastRow, Value firstSlice, Value lastSlice) {
  Value height = b.createOrFold<arith::SubIOp>(loc, lastRow, firstRow);
  Value left = b.createOrFold<arith::RemUIOp>(loc, height, constantIndex(b, loc, whole.rows));
  Value tilesEnd = b.createOrFold<arith::SubIOp>(loc, lastRow, left);
  forRange(b, firstSlice, lastSlice, slices.group(), [&](OpBuilder &b, Value group) {
    Value groupEnd = b.createOrFold<arith::MinUIOp>(loc, plus(b, group, slices.group()), lastSlice);
    if (!areFew)
      forSlices(b, group, groupEnd, whole.slices, [&](OpBuilder &b, Value slice, int64_t atOnce) {
        forRange(b, firstRow, tilesEnd, whole.rows,
                 [&](OpBuilder &b, Value row) { emitTile(b, whole.rows, atOnce, row, slice); });
      });
    Value row = tilesEnd;
    for (int64_t tileRows : {4, 2, 1}) {
      if (tileRows >= whole.rows)
        continue;
      Value present = b.createOrFold<arith::AndIOp>(loc, left, constantIndex(b, loc, tileRows));
      Value isPresent = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, present, constantIndex(b, loc, 0));
      scf::IfOp::create(b, loc, isPresent, [&](OpBuilder &b, Location loc) {
        emitRowsLeft(b, tileRows, row, group, groupEnd);
        scf::YieldOp::create(b, loc);
      });
      row = b.createOrFold<arith::AddIOp>(loc, row, present);
    }
  });
}

void PackedLinear::emitRowsLeft(OpBuilder &b, int64_t tileRows, Value row, Value firstSlice, Value lastSlice) {
  forSlices(b, firstSlice, lastSlice, activations == Activations::FixedPoint ? 1 : 4 / tileRows,
            [&](OpBuilder &b, Value slice, int64_t atOnce) { emitTile(b, tileRows, atOnce, row, slice); });
}

/// Slices by `atOnce` as far as there are so many, then one by one.
void PackedLinear::forSlices(OpBuilder &b, Value first, Value last, int64_t atOnce,
                             llvm::function_ref<void(OpBuilder &, Value, int64_t)> body) {
  atOnce = std::min({slices.group(), atOnce, slices.count});
  Value next = first;
  if (atOnce > 1) {
    Value length = b.createOrFold<arith::SubIOp>(loc, last, first);
    Value odd = b.createOrFold<arith::RemUIOp>(loc, length, constantIndex(b, loc, atOnce));
    next = b.createOrFold<arith::SubIOp>(loc, last, odd);
    forRange(b, first, next, atOnce, [&](OpBuilder &b, Value slice) { body(b, slice, atOnce); });
  }
  forRange(b, next, last, 1, [&](OpBuilder &b, Value slice) { body(b, slice, 1); });
}

//===-- one tile --------------------------------------------------------------------------------------------------===//

void PackedLinear::emitTile(OpBuilder &b, int64_t tileRows, int64_t tileSlices, Value firstRow, Value firstSlice) {
  SmallVector<Row> tile;
  for (int64_t r = 0; r < tileRows; ++r)
    tile.push_back(rows.at(b, loc, plus(b, firstRow, r)));
  SmallVector<Value> sliceIndices;
  for (int64_t s = 0; s < tileSlices; ++s)
    sliceIndices.push_back(plus(b, firstSlice, s));

  if (tileRows == whole.rows)
    emitPrefetches(b, tile, sliceIndices);
  LinearProducts products(op, slices, activations, input, workspace ? &*workspace : nullptr);
  SmallVector<Value> accumulators = products.emit(b, tile, sliceIndices);
  for (auto [s, slice] : llvm::enumerate(sliceIndices)) {
    int64_t each = slices.each();
    SmallVector<Value> ofSlice;
    for (int64_t r = 0; r < tileRows; ++r)
      llvm::append_range(ofSlice, ArrayRef(accumulators).slice((r * tileSlices + s) * each, each));
    emitEpilogue(b, tile, slice, ofSlice);
  }
}

/// Of what the epilogue reads or writes in each row: where rows are many these lines are in no near cache, and all the
/// products of the tile lie between asking for them and needing them. Beside longer columns they are too few to matter.
void PackedLinear::emitPrefetches(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Value> tileSlices) {
  constexpr int64_t longColumn = 1024; // in words
  if (slices.words > longColumn)
    return;
  constexpr int64_t line = 16; // of f32
  for (Value slice : tileSlices)
    for (int64_t first = 0; first < slices.sliceColumns(); first += line) {
      Value column = b.createOrFold<arith::MulIOp>(loc, slice, constantIndex(b, loc, slices.sliceColumns()));
      column = plus(b, column, first);
      for (const Row &row : tile) {
        auto prefetch = [&](Value memref, ValueRange indices, bool isWrite) {
          memref::PrefetchOp::create(b, loc, memref, indices, isWrite, /*localityHint=*/2, /*isDataCache=*/true);
        };
        prefetch(output.memref(), output.indices(row, column), true);
        for (const Extra &extra : extras)
          if (extra.hasRows() && extra.hasColumns() && extra.isLoadable()) {
            auto [memref, indices] = extra.at(b, loc, row, column);
            prefetch(memref, indices, false);
          }
      }
    }
}

//===-- epilogue --------------------------------------------------------------------------------------------------===//

void PackedLinear::emitEpilogue(OpBuilder &b, ArrayRef<Row> tile, Value slice, ArrayRef<Value> accumulators) {
  int64_t whole = slices.sliceColumns(), last = slices.columns - (slices.count - 1) * whole;
  if (last == whole || slices.count == 1)
    return emitColumns(b, tile, slice, accumulators, last);
  Value lastSlice = constantIndex(b, loc, slices.count - 1);
  Value isLast = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, slice, lastSlice);
  auto branch = [&](int64_t inside) {
    return [&, inside](OpBuilder &b, Location loc) {
      emitColumns(b, tile, slice, accumulators, inside);
      scf::YieldOp::create(b, loc);
    };
  };
  scf::IfOp::create(b, loc, isLast, branch(last), branch(whole));
}

/// The epilogue for the first `columnsInside` columns of a slice, in all rows of the tile.
void PackedLinear::emitColumns(OpBuilder &b, ArrayRef<Row> tile, Value slice, ArrayRef<Value> accumulators,
                               int64_t columnsInside) {
  int64_t each = slices.each();
  Value firstColumn = b.createOrFold<arith::MulIOp>(loc, slice, constantIndex(b, loc, slices.sliceColumns()));
  for (int64_t v = 0; v < slices.vectors; ++v) {
    int64_t inside = std::min(columnsInside - v * slices.width, slices.width);
    if (inside <= 0)
      return;
    Value mask;
    if (inside < slices.width)
      mask = vector::ConstantMaskOp::create(b, loc, type.clone(b.getI1Type()), ArrayRef<int64_t>{inside});
    Value column = plus(b, firstColumn, v * slices.width);
    // What is the same in all rows is loaded once: after a store no compiler could tell that it still holds.
    SmallVector<Value> ofAllRows;
    for (const Extra &extra : extras)
      ofAllRows.push_back(extra.hasRows() ? nullptr : loadExtra(b, extra, tile.front(), column, mask));
    for (auto [r, row] : llvm::enumerate(tile)) {
      SmallVector<Value> arguments;
      for (int64_t part = 0; part < slices.parts; ++part)
        arguments.push_back(accumulators[r * each + part * slices.vectors + v]);
      for (auto [extra, known] : llvm::zip(extras, ofAllRows))
        arguments.push_back(known ? known : loadExtra(b, extra, row, column, mask));
      Value result = emitOnLanes(b, op.getEpilogue().front(), arguments, slices.width).front();
      storeLanes(b, loc, splat(b, loc, result, type), output.memref(), output.indices(row, column), mask);
    }
  }
}

Value PackedLinear::loadExtra(OpBuilder &b, const Extra &extra, const Row &row, Value column, Value mask) {
  if (!extra.hasColumns()) {
    auto [memref, indices] = extra.at(b, loc, row, nullptr);
    return memref::LoadOp::create(b, loc, memref, indices);
  }
  if (extra.isLoadable()) {
    auto [memref, indices] = extra.at(b, loc, row, column);
    VectorType loaded = type.clone(cast<MemRefType>(memref.getType()).getElementType());
    return loadLanes(b, loc, loaded, memref, indices, mask);
  }
  Value steps = vector::StepOp::create(b, loc, VectorType::get({slices.width}, b.getIndexType()));
  VectorType i32 = type.clone(b.getI32Type());
  steps = arith::IndexCastOp::create(b, loc, i32, steps);
  Value columns = arith::AddIOp::create(b, loc, splat(b, loc, column, i32), steps);
  auto [memref, indices] = extra.at(b, loc, row, columns);
  return loadOnLanes(b, loc, memref, indices, slices.width);
}

} // namespace

void emitPackedLinear(OpBuilder &b, PackedLinearOp op, const CpuLimits &limits) { PackedLinear(b, op, limits).emit(b); }

std::string tileOf(PackedLinearOp op, const CpuLimits &limits, bool rounds) {
  Slices slices(op, limits);
  Tile whole = wholeTile(limits, activationsOf(op, rounds));
  return std::to_string(whole.rows) + "x" + std::to_string(whole.slices * slices.parts * slices.sliceColumns());
}

} // namespace weft::cpu

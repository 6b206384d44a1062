//===- Rows.cpp - the row-wise view of a kernel's operands -------------------------------------------------------===//
// Answers: which loops and masks does a walk over rows and columns take?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/Rows.h"
#include "dialects/Conversion/Common/Buffers.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::cpu {

//===-- rows ------------------------------------------------------------------------------------------------------===//

Rows::Rows(OpBuilder &b, Location loc, Value result, unsigned leading) {
  total = constantIndex(b, loc, 1);
  for (unsigned d = 0; d < leading; ++d) {
    sizes.push_back(b.createOrFold<memref::DimOp>(loc, result, d));
    total = b.createOrFold<arith::MulIOp>(loc, total, sizes.back());
  }
}

Row Rows::at(OpBuilder &b, Location loc, Value index) const {
  Row row{index, SmallVector<Value>(sizes.size())};
  Value rest = index;
  for (unsigned d = sizes.size(); d-- > 1;) {
    row.coordinates[d] = b.createOrFold<arith::RemUIOp>(loc, rest, sizes[d]);
    rest = b.createOrFold<arith::DivUIOp>(loc, rest, sizes[d]);
  }
  if (!sizes.empty())
    row.coordinates[0] = rest;
  return row;
}

RowView::RowView(OpBuilder &b, Location loc, Value memref, unsigned leading) : buffer(memref), flat(leading == 1) {
  if (leading < 2)
    return;
  if (Value rows = collapseLeading(b, loc, memref, leading)) {
    buffer = rows;
    flat = true;
  }
}

SmallVector<Value> RowView::indices(const Row &row, ValueRange inner) const {
  SmallVector<Value> all;
  if (flat)
    all.push_back(row.index);
  else
    llvm::append_range(all, row.coordinates);
  llvm::append_range(all, inner);
  return all;
}

//===-- columns ---------------------------------------------------------------------------------------------------===//

Value loadLanes(OpBuilder &b, Location loc, VectorType type, Value memref, ValueRange indices, Value mask) {
  if (!mask)
    return vector::LoadOp::create(b, loc, type, memref, indices);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, loc, type, memref, indices, mask, zero);
}

void storeLanes(OpBuilder &b, Location loc, Value vector, Value memref, ValueRange indices, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(b, loc, memref, indices, mask, vector);
  else
    vector::StoreOp::create(b, loc, vector, memref, indices);
}

static Value roundDown(OpBuilder &b, Location loc, Value size, int64_t multiple) {
  Value rest = b.createOrFold<arith::RemUIOp>(loc, size, constantIndex(b, loc, multiple));
  return b.createOrFold<arith::SubIOp>(loc, size, rest);
}

/// What is left of the columns from `begin`, less than one vector; none when there is certainly nothing.
static std::optional<Lanes> tailOf(OpBuilder &b, Location loc, Value begin, Value columns, unsigned lanes) {
  if (std::optional<int64_t> size = getConstantIntValue(columns); size && *size % lanes == 0)
    return std::nullopt;
  Value left = b.createOrFold<arith::SubIOp>(loc, columns, begin);
  auto type = VectorType::get({lanes}, b.getI1Type());
  return Lanes{begin, vector::CreateMaskOp::create(b, loc, type, left)};
}

void forEachVector(OpBuilder &b, Location loc, Value columns, unsigned lanes,
                   llvm::function_ref<void(OpBuilder &, Location, Lanes)> body) {
  Value full = roundDown(b, loc, columns, lanes);
  scf::ForOp::create(b, loc, constantIndex(b, loc, 0), full, constantIndex(b, loc, lanes), ValueRange{},
                     [&](OpBuilder &b, Location loc, Value column, ValueRange) {
                       body(b, loc, {column, nullptr});
                       scf::YieldOp::create(b, loc);
                     });
  if (std::optional<Lanes> tail = tailOf(b, loc, full, columns, lanes))
    body(b, loc, *tail);
}

Value accumulateColumns(OpBuilder &b, Location loc, Value columns, Value start, AccumulateFn accumulate,
                        CombineFn combine) {
  constexpr unsigned ways = 4; // the latency of an addition
  unsigned lanes = cast<VectorType>(start.getType()).getNumElements();
  Value wide = roundDown(b, loc, columns, ways * lanes), full = roundDown(b, loc, columns, lanes);
  auto blocks = scf::ForOp::create(
      b, loc, constantIndex(b, loc, 0), wide, constantIndex(b, loc, ways * lanes), SmallVector<Value>(ways, start),
      [&](OpBuilder &b, Location loc, Value column, ValueRange sums) {
        SmallVector<Value> next;
        for (auto [way, sum] : llvm::enumerate(sums)) {
          Value at = b.createOrFold<arith::AddIOp>(loc, column, constantIndex(b, loc, way * lanes));
          next.push_back(accumulate(b, loc, {at, nullptr}, sum));
        }
        scf::YieldOp::create(b, loc, next);
      });
  Value sum = combine(b, loc, combine(b, loc, blocks.getResult(0), blocks.getResult(1)),
                      combine(b, loc, blocks.getResult(2), blocks.getResult(3)));
  auto vectors = scf::ForOp::create(b, loc, wide, full, constantIndex(b, loc, lanes), sum,
                                    [&](OpBuilder &b, Location loc, Value column, ValueRange sums) {
                                      scf::YieldOp::create(b, loc, accumulate(b, loc, {column, nullptr}, sums[0]));
                                    });
  sum = vectors.getResult(0);
  if (std::optional<Lanes> tail = tailOf(b, loc, full, columns, lanes))
    sum = accumulate(b, loc, *tail, sum);
  return sum;
}

Value sumOfLanes(OpBuilder &b, Location loc, Value vector) {
  // In halves rather than one after another: as exact, and log2(L) additions long.
  return vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, vector, arith::FastMathFlags::reassoc);
}

} // namespace weft::cpu

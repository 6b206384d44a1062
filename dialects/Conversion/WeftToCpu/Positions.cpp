//===- Positions.cpp - rotary embedding, table look-up, argmax ---------------------------------------------------===//
// Answers: how are positions and indices turned into rows and rows into indices?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/Rows.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::cpu {

//===-- rotary ----------------------------------------------------------------------------------------------------===//

namespace {

struct Pair {
  Value first, second;
};

/// Pairs (x, y) of neighbours, as two vectors; `left` pairs are inside, all if null.
class PairsInMemory {
public:
  PairsInMemory(OpBuilder &b, Location loc, VectorType single, Value left)
      : type(VectorType::get({2 * single.getNumElements()}, single.getElementType())) {
    if (!left)
      return;
    Value elements = b.createOrFold<arith::MulIOp>(loc, left, constantIndex(b, loc, 2));
    mask = vector::CreateMaskOp::create(b, loc, type.clone(b.getI1Type()), elements);
  }
  Pair load(OpBuilder &b, Location loc, Value memref, ValueRange indices) const {
    auto split = vector::DeinterleaveOp::create(b, loc, loadLanes(b, loc, type, memref, indices, mask));
    return {split.getRes1(), split.getRes2()};
  }
  void store(OpBuilder &b, Location loc, Pair pair, Value memref, ValueRange indices) const {
    Value joined = vector::InterleaveOp::create(b, loc, pair.first, pair.second);
    storeLanes(b, loc, joined, memref, indices, mask);
  }

private:
  VectorType type;
  Value mask;
};

} // namespace

/// (x, y) turned by the angle with this (cosine, sine).
static Pair rotate(OpBuilder &b, Location loc, Pair point, Pair angle) {
  Value ySin = arith::MulFOp::create(b, loc, point.second, angle.second);
  Value xSin = arith::MulFOp::create(b, loc, point.first, angle.second);
  return {vector::FMAOp::create(b, loc, point.first, angle.first, arith::NegFOp::create(b, loc, ySin)),
          vector::FMAOp::create(b, loc, point.second, angle.first, xSin)};
}

void emitRotary(OpBuilder &b, RotaryOp op, const CpuLimits &limits) {
  Location loc = op.getLoc();
  VectorType type = lanesType(b, limits);
  Value input = op.getInput(), output = op.getOuts();
  auto sizeOf = [&](Value memref, int64_t d) { return b.createOrFold<memref::DimOp>(loc, memref, d); };
  Value heads = sizeOf(output, 2), width = sizeOf(output, 3), pairs = sizeOf(op.getTable(), 1);
  Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1), two = constantIndex(b, loc, 2);
  Value rotated = b.createOrFold<arith::MulIOp>(loc, pairs, two);
  Value kept = b.createOrFold<arith::SubIOp>(loc, width, rotated);
  // [S, W/2, 2] as [S, W]: cosine and sine in turn.
  Value table = memref::CollapseShapeOp::create(b, loc, op.getTable(), ArrayRef<ReassociationIndices>{{0}, {1, 2}});
  Rows positions(b, loc, output, 2);
  Value cost = b.createOrFold<arith::MulIOp>(loc, heads, width);
  cost = b.createOrFold<arith::MulIOp>(loc, cost, constantIndex(b, loc, 4));

  parallelChunks(b, loc, positions.count(), cost, [&](OpBuilder &b, Location loc, Value index) {
    SmallVector<Value> position = positions.at(b, loc, index).coordinates;
    auto forEachHead = [&](OpBuilder &b, llvm::function_ref<void(OpBuilder &, Value)> body) {
      scf::ForOp::create(b, loc, zero, heads, one, ValueRange{},
                         [&](OpBuilder &b, Location loc, Value head, ValueRange) {
                           body(b, head);
                           scf::YieldOp::create(b, loc);
                         });
    };
    // An angle serves all heads.
    forEachVector(b, loc, pairs, limits.lanes, [&](OpBuilder &b, Location loc, Lanes at) {
      Value left = at.mask ? b.createOrFold<arith::SubIOp>(loc, pairs, at.column) : nullptr;
      PairsInMemory neighbours(b, loc, type, left);
      Value evenColumn = b.createOrFold<arith::MulIOp>(loc, at.column, two);
      Value otherHalf = b.createOrFold<arith::AddIOp>(loc, at.column, pairs);
      Pair angle = neighbours.load(b, loc, table, {position[1], evenColumn});
      forEachHead(b, [&](OpBuilder &b, Value head) {
        auto element = [&](Value column) { return SmallVector<Value>{position[0], position[1], head, column}; };
        if (op.getInterleaved()) {
          Pair point = neighbours.load(b, loc, input, element(evenColumn));
          neighbours.store(b, loc, rotate(b, loc, point, angle), output, element(evenColumn));
          return;
        }
        Pair point{loadLanes(b, loc, type, input, element(at.column), at.mask),
                   loadLanes(b, loc, type, input, element(otherHalf), at.mask)};
        Pair turned = rotate(b, loc, point, angle);
        storeLanes(b, loc, turned.first, output, element(at.column), at.mask);
        storeLanes(b, loc, turned.second, output, element(otherHalf), at.mask);
      });
    });
    forEachVector(b, loc, kept, limits.lanes, [&](OpBuilder &b, Location loc, Lanes at) {
      Value column = b.createOrFold<arith::AddIOp>(loc, at.column, rotated);
      forEachHead(b, [&](OpBuilder &b, Value head) {
        SmallVector<Value> element{position[0], position[1], head, column};
        storeLanes(b, loc, loadLanes(b, loc, type, input, element, at.mask), output, element, at.mask);
      });
    });
  });
}

//===-- lookup ----------------------------------------------------------------------------------------------------===//

/// The number of the label among those of the module, which the caller has checked to be there.
static int64_t labelNumber(LookupOp op) {
  auto labels = op->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>(contract::labels);
  return llvm::find(labels, op.getLabelAttr()) - labels.begin();
}

void emitLookup(OpBuilder &b, LookupOp op, const CpuLimits &limits) {
  Location loc = op.getLoc();
  VectorType type = lanesType(b, limits);
  unsigned leading = cast<MemRefType>(op.getOuts().getType()).getRank() - 1;
  Value columns = b.createOrFold<memref::DimOp>(loc, op.getOuts(), leading);
  Value bound = b.createOrFold<memref::DimOp>(loc, op.getTable(), 0);
  Rows rows(b, loc, op.getOuts(), leading);
  RowView indices(b, loc, op.getIndices(), leading), output(b, loc, op.getOuts(), leading);
  int64_t label = labelNumber(op);

  parallelChunks(b, loc, rows.count(), columns, [&](OpBuilder &b, Location loc, Value position) {
    Row row = rows.at(b, loc, position);
    Value given = memref::LoadOp::create(b, loc, indices.memref(), indices.indices(row, {}));
    Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), given);
    // Unsigned, so that a negative index is beyond the bound too.
    Value isBad = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, index, bound);
    scf::IfOp::create(b, loc, isBad, [&](OpBuilder &b, Location loc) {
      SmallVector<Value> report{arith::ConstantIntOp::create(b, loc, b.getI64Type(), label)};
      for (Value value : {position, index, bound})
        report.push_back(arith::IndexCastOp::create(b, loc, b.getI64Type(), value));
      func::CallOp::create(b, loc, badIndexFunction, TypeRange{}, report);
      scf::YieldOp::create(b, loc);
    });
    Value zero = constantIndex(b, loc, 0);
    Value followed = arith::SelectOp::create(b, loc, isBad, zero, index);
    auto fill = [&](OpBuilder &b, bool fromTable) {
      forEachVector(b, loc, columns, limits.lanes, [&](OpBuilder &b, Location loc, Lanes at) {
        VectorType stored = type.clone(cast<MemRefType>(op.getTable().getType()).getElementType());
        Value values = fromTable ? loadLanes(b, loc, stored, op.getTable(), {followed, at.column}, at.mask)
                                 : Value(arith::ConstantOp::create(b, loc, b.getZeroAttr(stored)));
        if (stored != type)
          values = arith::ExtFOp::create(b, loc, type, values);
        storeLanes(b, loc, values, output.memref(), output.indices(row, at.column), at.mask);
      });
    };
    // A table without rows has no row 0 either. Known sizes leave one of the two branches.
    Value isEmpty = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, bound, zero);
    auto branch = [&](bool fromTable) {
      return [&, fromTable](OpBuilder &b, Location loc) {
        fill(b, fromTable);
        scf::YieldOp::create(b, loc);
      };
    };
    scf::IfOp::create(b, loc, isEmpty, branch(false), branch(true));
  });
}

//===-- argmax ----------------------------------------------------------------------------------------------------===//

/// Integers in the order of the numbers, -0 equal to 0 and NaN above all: the first of equals and the first NaN are
/// then simply the first largest key.
static Value orderedKey(OpBuilder &b, Location loc, Value x, VectorType i32) {
  auto constant = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(i32, value));
  };
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(x.getType()));
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  Value bits = arith::BitcastOp::create(b, loc, i32, arith::AddFOp::create(b, loc, x, zero));
  Value sign = arith::ShRSIOp::create(b, loc, bits, constant(31));
  Value flips = arith::AndIOp::create(b, loc, sign, constant(std::numeric_limits<int32_t>::max()));
  Value key = arith::XOrIOp::create(b, loc, bits, flips);
  return arith::SelectOp::create(b, loc, isNaN, constant(std::numeric_limits<int32_t>::max()), key);
}

void emitArgmax(OpBuilder &b, ArgmaxOp op, const CpuLimits &limits) {
  Location loc = op.getLoc();
  VectorType type = lanesType(b, limits), i32 = lanesType(b, limits, b.getI32Type());
  unsigned leading = cast<MemRefType>(op.getOuts().getType()).getRank();
  Value columns = b.createOrFold<memref::DimOp>(loc, op.getInput(), leading);
  Rows rows(b, loc, op.getOuts(), leading);
  RowView input(b, loc, op.getInput(), leading), output(b, loc, op.getOuts(), leading);
  Value cost = b.createOrFold<arith::MulIOp>(loc, columns, constantIndex(b, loc, 2));

  parallelChunks(b, loc, rows.count(), cost, [&](OpBuilder &b, Location loc, Value index) {
    Row row = rows.at(b, loc, index);
    auto constant = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(i32, value));
    };
    Value lowest = constant(std::numeric_limits<int32_t>::min()); // below every key
    auto keysAt = [&](OpBuilder &b, Lanes at) {
      Value x = loadLanes(b, loc, type, input.memref(), input.indices(row, at.column), at.mask);
      Value keys = orderedKey(b, loc, x, i32);
      return at.mask ? Value(arith::SelectOp::create(b, loc, at.mask, keys, lowest)) : keys;
    };
    auto larger = [](OpBuilder &b, Location loc, Value x, Value y) -> Value {
      return arith::MaxSIOp::create(b, loc, x, y);
    };
    Value largest = accumulateColumns(
        b, loc, columns, lowest,
        [&](OpBuilder &b, Location loc, Lanes at, Value keys) { return larger(b, loc, keysAt(b, at), keys); }, larger);
    largest = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI, largest);
    largest = splat(b, loc, largest, i32);

    // Then the first column that holds it.
    auto smaller = [](OpBuilder &b, Location loc, Value x, Value y) -> Value {
      return arith::MinSIOp::create(b, loc, x, y);
    };
    Value none = constant(std::numeric_limits<int32_t>::max());
    Value steps = vector::StepOp::create(b, loc, VectorType::get({limits.lanes}, b.getIndexType()));
    steps = arith::IndexCastOp::create(b, loc, i32, steps);
    Value first = accumulateColumns(
        b, loc, columns, none,
        [&](OpBuilder &b, Location loc, Lanes at, Value columnsSoFar) {
          Value isLargest = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, keysAt(b, at), largest);
          Value column = arith::AddIOp::create(b, loc, splat(b, loc, at.column, i32), steps);
          return smaller(b, loc, arith::SelectOp::create(b, loc, isLargest, column, none), columnsSoFar);
        },
        smaller);
    first = vector::ReductionOp::create(b, loc, vector::CombiningKind::MINSI, first);
    memref::StoreOp::create(b, loc, first, output.memref(), output.indices(row, {}));
  });
}

} // namespace weft::cpu

//===- Positions.cpp - rotary embedding and table look-up on a GPU ------------------------------------------------===//
// Answers: which invocation turns which pair, and what becomes of an index that no row has? One invocation for each
// element of the result.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include "dialects/Weft/IR/ModelContract.h"

using namespace mlir;

namespace weft::grid {

void emitRotary(ImplicitLocOpBuilder &b, RotaryOp op, const GpuLimits &limits) {
  LoopBuilder host(b);
  SmallVector<Value> sizes;
  Value items = host.index(1);
  for (int64_t d = 0; d < 4; ++d) {
    sizes.push_back(host.sizeOf(op.getOuts(), d));
    items = host.mul(items, sizes.back());
  }
  Value pairs = host.sizeOf(op.getTable(), 1), rotated = host.mul(pairs, 2);
  launchItems(b, items, limits, [&](Kernel &k, Value item) {
    SmallVector<Value> at = unflatten(k, item, sizes);
    auto number = [&](Value column) { return k.load(op.getInput(), {at[0], at[1], at[2], column}); };
    auto turn = [&]() -> SmallVector<Value> {
      Value isSecond, pair, x, y;
      if (op.getInterleaved()) {
        isSecond = k.compare(arith::CmpIPredicate::ne, k.remainder(at[3], 2), k.index(0));
        pair = k.divide(at[3], 2);
        x = number(k.mul(pair, 2));
        y = number(k.add(k.mul(pair, 2), 1));
      } else {
        isSecond = k.compare(arith::CmpIPredicate::sge, at[3], pairs);
        pair = k.select(isSecond, k.sub(at[3], pairs), at[3]);
        x = number(pair);
        y = number(k.add(pair, pairs));
      }
      auto angle = [&](int64_t part) { return k.load(op.getTable(), {at[1], pair, k.index(part)}); };
      Value cosine = angle(0), sine = angle(1);
      Value first = minus(k, times(k, x, cosine), times(k, y, sine));
      Value second = plus(k, times(k, y, cosine), times(k, x, sine));
      return {k.select(isSecond, second, first)};
    };
    auto keep = [&]() -> SmallVector<Value> { return {number(at[3])}; };
    k.store(k.choose(k.less(at[3], rotated), turn, keep).front(), op.getOuts(), at);
  });
}

/// Brings errors[label] down to position << 32 | index, and says what the bound is: see abi.h.
static void report(Kernel &k, Value errors, int64_t label, int64_t labels, Value position, Value given, Value bound) {
  ImplicitLocOpBuilder &b = k.b;
  Type i64 = b.getI64Type();
  auto integer = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(b, i64, value); };
  Value high = k.make<arith::ShLIOp>(arith::IndexCastOp::create(b, i64, position), integer(32));
  Value low = k.make<arith::AndIOp>(arith::IndexCastOp::create(b, i64, given), integer(0xffffffff));
  memref::AtomicRMWOp::create(b, i64, arith::AtomicRMWKind::minu, k.make<arith::OrIOp>(high, low), errors,
                              k.index(label));
  k.store(arith::IndexCastOp::create(b, i64, bound), errors, k.index(labels + label));
}

void emitLookup(ImplicitLocOpBuilder &b, LookupOp op, Value errors, const GpuLimits &limits) {
  LoopBuilder host(b);
  int64_t leading = cast<MemRefType>(op.getOuts().getType()).getRank() - 1;
  Value columns = host.sizeOf(op.getOuts(), leading), bound = host.sizeOf(op.getTable(), 0);
  Rows rows(host, op.getOuts(), leading);
  auto labels = op->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>(contract::labels);
  int64_t label = llvm::find(labels, op.getLabelAttr()) - labels.begin();
  launchItems(b, host.mul(rows.count(), columns), limits, [&](Kernel &k, Value item) {
    Value column = k.remainder(item, columns), position = k.divide(item, columns);
    SmallVector<Value> at = rows.at(k, position);
    Value given = arith::IndexCastOp::create(b, b.getIndexType(), k.load(op.getIndices(), at));
    // Unsigned, so that a negative index is beyond the bound too.
    Value isBad = k.compare(arith::CmpIPredicate::uge, given, bound);
    Value isFirst = k.compare(arith::CmpIPredicate::eq, column, k.index(0));
    k.when(k.both(isBad, isFirst), [&] { report(k, errors, label, labels.size(), position, given, bound); });
    auto follow = [&]() -> SmallVector<Value> {
      Value number = k.load(op.getTable(), {given, column});
      return {number.getType().isF32() ? number : arith::ExtFOp::create(b, b.getF32Type(), number)};
    };
    auto nothing = [&]() -> SmallVector<Value> { return {k.constant(0.0f)}; };
    at.push_back(column);
    k.store(k.choose(isBad, nothing, follow).front(), op.getOuts(), at);
  });
}

} // namespace weft::grid

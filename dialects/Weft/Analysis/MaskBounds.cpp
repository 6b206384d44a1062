//===- MaskBounds.cpp - intervals of keys from the formula of a mask ---------------------------------------------===//
#include "dialects/Weft/Analysis/MaskBounds.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace weft {
namespace {

using Expr = BoundExpr;

/// query * q + key * k + rest
struct Linear {
  int64_t query = 0, key = 0;
  Expr rest = Expr::constant(0);

  Linear times(int64_t factor) const { return {query * factor, key * factor, rest * factor}; }
  Linear plus(const Linear &other) const { return {query + other.query, key + other.key, rest + other.rest}; }
  Linear plus(int64_t value) const { return {query, key, rest + value}; }
};

class Analysis {
public:
  Analysis(Block &body, bool acrossHeads) : body(body), firstVarying(acrossHeads ? 1 : 2) {}

  MaskBounds of(Value condition) { return analyze(condition, /*negated=*/false); }

private:
  static KeyInterval everything() { return {Expr::constant(0), Expr::keys()}; }
  // The neutral element of `hull`: begins at the end and ends at the beginning.
  static KeyInterval nothing() { return {Expr::keys(), Expr::constant(0)}; }
  static MaskBounds unknown() { return {everything(), nothing()}; }

  static KeyInterval choose(const Expr &condition, const KeyInterval &yes, const KeyInterval &no) {
    return {Expr::choose(condition, yes.begin, no.begin), Expr::choose(condition, yes.end, no.end)};
  }
  static KeyInterval intersection(const KeyInterval &a, const KeyInterval &b) {
    return {Expr::max(a.begin, b.begin), Expr::min(a.end, b.end)};
  }
  static KeyInterval hull(const KeyInterval &a, const KeyInterval &b) {
    return {Expr::min(a.begin, b.begin), Expr::max(a.end, b.end)};
  }
  // An interval inside the union: all of it where the two meet, else the longer.
  static KeyInterval within(const KeyInterval &a, const KeyInterval &b) {
    KeyInterval common = intersection(a, b);
    KeyInterval longer = choose((a.end - a.begin) - (b.end - b.begin), a, b);
    return choose(common.end - common.begin, hull(a, b), longer);
  }

  static MaskBounds both(const MaskBounds &a, const MaskBounds &b) {
    return {intersection(a.admitted, b.admitted), intersection(a.whole, b.whole)};
  }
  static MaskBounds either(const MaskBounds &a, const MaskBounds &b) {
    return {hull(a.admitted, b.admitted), within(a.whole, b.whole)};
  }

  /// Bounds of `condition`, or of its negation: `not` is pushed down to the comparisons, whose negation is exact.
  MaskBounds analyze(Value condition, bool negated) {
    if (APInt constant; matchPattern(condition, m_ConstantInt(&constant)))
      return constant.isZero() == negated ? MaskBounds{everything(), everything()} : MaskBounds{nothing(), nothing()};
    if (!varies(condition)) {
      Expr holds = Expr::uniform(condition) + -1; // 0 or -1
      KeyInterval keys = negated ? choose(holds, nothing(), everything()) : choose(holds, everything(), nothing());
      return {keys, keys};
    }
    Operation *op = condition.getDefiningOp();
    if (auto conjunction = dyn_cast<arith::AndIOp>(op))
      return combine(conjunction.getLhs(), conjunction.getRhs(), negated, /*all=*/!negated);
    if (auto disjunction = dyn_cast<arith::OrIOp>(op))
      return combine(disjunction.getLhs(), disjunction.getRhs(), negated, /*all=*/negated);
    if (auto difference = dyn_cast<arith::XOrIOp>(op))
      return exclusive(difference, negated);
    if (auto select = dyn_cast<arith::SelectOp>(op)) {
      MaskBounds yes = both(analyze(select.getCondition(), false), analyze(select.getTrueValue(), negated));
      MaskBounds no = both(analyze(select.getCondition(), true), analyze(select.getFalseValue(), negated));
      return either(yes, no);
    }
    if (auto comparison = dyn_cast<arith::CmpIOp>(op))
      return compare(comparison, negated);
    return unknown();
  }

  MaskBounds combine(Value a, Value b, bool negated, bool all) {
    MaskBounds left = analyze(a, negated), right = analyze(b, negated);
    return all ? both(left, right) : either(left, right);
  }

  MaskBounds exclusive(arith::XOrIOp op, bool negated) {
    for (auto [value, other] : {std::pair(op.getLhs(), op.getRhs()), {op.getRhs(), op.getLhs()}})
      if (APInt constant; matchPattern(other, m_ConstantInt(&constant)))
        return analyze(value, negated != !constant.isZero());
    return unknown();
  }

  MaskBounds compare(arith::CmpIOp op, bool negated) {
    std::optional<Linear> left = linear(op.getLhs()), right = linear(op.getRhs());
    if (!left || !right)
      return unknown();
    Linear difference = left->plus(right->times(-1)), opposite = difference.times(-1);
    switch (negated ? arith::invertPredicate(op.getPredicate()) : op.getPredicate()) {
    case arith::CmpIPredicate::sge:
      return atLeastZero(difference);
    case arith::CmpIPredicate::sgt:
      return atLeastZero(difference.plus(-1));
    case arith::CmpIPredicate::sle:
      return atLeastZero(opposite);
    case arith::CmpIPredicate::slt:
      return atLeastZero(opposite.plus(-1));
    case arith::CmpIPredicate::eq:
      return both(atLeastZero(difference), atLeastZero(opposite));
    case arith::CmpIPredicate::ne:
      return either(atLeastZero(difference.plus(-1)), atLeastZero(opposite.plus(-1)));
    default: // unsigned: a negative difference is a large number
      return unknown();
    }
  }

  /// form >= 0, solved for k. The queries that admit most and least lie at the two ends of the block.
  static MaskBounds atLeastZero(const Linear &form) {
    bool rises = form.query > 0;
    Expr most = (rises ? Expr::lastQuery() : Expr::firstQuery()) * form.query + form.rest;
    Expr least = (rises ? Expr::firstQuery() : Expr::lastQuery()) * form.query + form.rest;
    auto keys = [&](const Expr &constant) -> KeyInterval {
      if (form.key == 0)
        return choose(constant, everything(), nothing());
      if (form.key > 0) // k >= ceil(-constant / key)
        return {-constant.floorDiv(form.key), Expr::keys()};
      return {Expr::constant(0), constant.floorDiv(-form.key) + 1};
    };
    return {keys(most), keys(least)};
  }

  std::optional<Linear> linear(Value value) {
    if (value == body.getArgument(2))
      return Linear{1, 0, Expr::constant(0)};
    if (value == body.getArgument(3))
      return Linear{0, 1, Expr::constant(0)};
    if (value.getType().isInteger(1))
      return std::nullopt;
    if (APInt constant; matchPattern(value, m_ConstantInt(&constant))) {
      // Beyond 32 bits a lane would hold something else.
      if (constant.getSignificantBits() > 32)
        return std::nullopt;
      return Linear{0, 0, Expr::constant(constant.getSExtValue())};
    }
    if (!varies(value))
      return Linear{0, 0, Expr::uniform(value)};
    Operation *op = value.getDefiningOp(); // none: the head, where it varies
    if (isa_and_present<arith::IndexCastOp, arith::ExtSIOp>(op))
      return linear(op->getOperand(0));
    if (!isa_and_present<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
      return std::nullopt;
    std::optional<Linear> left = linear(op->getOperand(0)), right = linear(op->getOperand(1));
    if (!left || !right)
      return std::nullopt;
    if (isa<arith::AddIOp>(op))
      return left->plus(*right);
    if (isa<arith::SubIOp>(op))
      return left->plus(right->times(-1));
    for (auto [form, factor] : {std::pair(left, op->getOperand(1)), {right, op->getOperand(0)}})
      if (APInt constant; matchPattern(factor, m_ConstantInt(&constant)))
        return form->times(constant.getSExtValue());
    return std::nullopt;
  }

  /// Whether a value may differ within a block: it depends on q or k, or it is computed by something that cannot be
  /// copied to a place before the loops.
  bool varies(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &body)
      return argument.getArgNumber() >= firstVarying;
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != &body)
      return false;
    if (auto known = variesMemo.find(op); known != variesMemo.end())
      return known->second;
    bool copied = op->getNumRegions() == 0 && (isSpeculatable(op) || isa<memref::LoadOp, tensor::ExtractOp>(op));
    bool result = !copied || llvm::any_of(op->getOperands(), [&](Value operand) { return varies(operand); });
    return variesMemo[op] = result;
  }

  Block &body;
  unsigned firstVarying; // of the arguments batch, head, query, key
  DenseMap<Operation *, bool> variesMemo;
};

KeyInterval clamp(const KeyInterval &keys, const Expr &begin, const Expr &end) {
  Expr first = Expr::min(Expr::max(keys.begin, begin), end);
  return {first, Expr::max(Expr::min(keys.end, end), first)};
}

} // namespace

MaskBounds MaskBounds::of(Region &mask, bool acrossHeads) {
  Expr none = Expr::constant(0), all = Expr::keys();
  if (mask.empty())
    return {{none, all}, {none, all}};
  MaskBounds bounds = Analysis(mask.front(), acrossHeads).of(mask.front().getTerminator()->getOperand(0));
  bounds.admitted = clamp(bounds.admitted, none, all);
  bounds.whole = clamp(bounds.whole, bounds.admitted.begin, bounds.admitted.end);
  return bounds;
}

EmittedBounds emitBounds(OpBuilder &b, Location loc, const MaskBounds &bounds, Region &mask, Value batch, Value head,
                         Value firstQuery, Value lastQuery, Value keys) {
  IRMapping copies;
  if (!mask.empty()) {
    copies.map(mask.getArgument(0), batch);
    copies.map(mask.getArgument(1), head);
  }
  std::function<Value(Value)> uniform = [&](Value value) -> Value {
    if (Value copy = copies.lookupOrNull(value))
      return copy;
    Operation *op = value.getDefiningOp();
    if (!op || op->getParentRegion() != &mask)
      return value;
    for (Value operand : op->getOperands())
      uniform(operand);
    b.clone(*op, copies);
    return copies.lookup(value);
  };
  SmallVector<Value> emitted =
      BoundExpr::emit(b, loc, {bounds.admitted.begin, bounds.admitted.end, bounds.whole.begin, bounds.whole.end},
                      {firstQuery, lastQuery, keys, uniform});
  return {emitted[0], emitted[1], emitted[2], emitted[3]};
}

} // namespace weft

//===- MaskBounds.cpp - intervals of keys from the formula of a mask ---------------------------------------------===//
#include "dialects/Weft/Analysis/MaskBounds.h"
#include "dialects/Weft/Analysis/MaskValues.h"
#include "mlir/IR/Matchers.h"
#include <map>
#include <tuple>

using namespace mlir;

namespace weft {
namespace {

using Expr = BoundExpr;

class Analysis {
public:
  Analysis(Block &body, bool acrossHeads) : values(body, acrossHeads) {}

  /// Bounds of `condition`, or of its negation: `not` is pushed down to the comparisons, whose negation is exact.
  MaskBounds of(Value condition, bool negated = false) {
    auto key = std::pair(condition.getAsOpaquePointer(), negated);
    if (auto found = known.find(key); found != known.end())
      return found->second;
    return known.try_emplace(key, analyze(condition, negated)).first->second;
  }

private:
  using Predicate = arith::CmpIPredicate;

  static KeyInterval everything() { return {Expr::constant(0), Expr::keys()}; }
  // The neutral element of `hull`: begins at the end and ends at the beginning.
  static KeyInterval nothing() { return {Expr::keys(), Expr::constant(0)}; }
  static MaskBounds unknown() { return {everything(), nothing(), /*exact=*/false}; }

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
    return {intersection(a.admitted, b.admitted), intersection(a.whole, b.whole), a.exact && b.exact};
  }
  static MaskBounds either(const MaskBounds &a, const MaskBounds &b) {
    bool exact = a.exact && b.exact && meet(a.admitted, b.admitted) && meet(a.whole, b.whole);
    return {hull(a.admitted, b.admitted), within(a.whole, b.whole), exact};
  }
  // Whether there is never a gap between the two: they begin or end at the same key, or one of them is nothing.
  static bool meet(const KeyInterval &a, const KeyInterval &b) {
    auto isNothing = [](const KeyInterval &keys) {
      return Expr::same(keys.begin, Expr::keys()) || Expr::same(keys.end, Expr::constant(0));
    };
    return Expr::same(a.begin, b.begin) || Expr::same(a.end, b.end) || isNothing(a) || isNothing(b);
  }

  MaskBounds analyze(Value condition, bool negated) {
    if (APInt constant; matchPattern(condition, m_ConstantInt(&constant))) {
      KeyInterval keys = constant.isZero() == negated ? everything() : nothing();
      return {keys, keys, /*exact=*/true};
    }
    if (!values.varies(condition)) {
      Expr holds = Expr::uniform(condition) + -1; // 0 or -1
      KeyInterval keys = negated ? choose(holds, nothing(), everything()) : choose(holds, everything(), nothing());
      return {keys, keys, /*exact=*/true};
    }
    Operation *op = condition.getDefiningOp();
    if (auto conjunction = dyn_cast<arith::AndIOp>(op))
      return combine(conjunction.getLhs(), conjunction.getRhs(), negated, /*all=*/!negated);
    if (auto disjunction = dyn_cast<arith::OrIOp>(op))
      return combine(disjunction.getLhs(), disjunction.getRhs(), negated, /*all=*/negated);
    if (auto difference = dyn_cast<arith::XOrIOp>(op))
      return exclusive(difference, negated);
    if (auto select = dyn_cast<arith::SelectOp>(op))
      return chosen(select, negated);
    if (auto comparison = dyn_cast<arith::CmpIOp>(op))
      return compare(negated ? arith::invertPredicate(comparison.getPredicate()) : comparison.getPredicate(),
                     comparison.getLhs(), comparison.getRhs());
    return unknown();
  }

  MaskBounds combine(Value a, Value b, bool negated, bool all) {
    MaskBounds left = of(a, negated), right = of(b, negated);
    return all ? both(left, right) : either(left, right);
  }

  MaskBounds exclusive(arith::XOrIOp op, bool negated) {
    for (auto [value, other] : {std::pair(op.getLhs(), op.getRhs()), {op.getRhs(), op.getLhs()}})
      if (APInt constant; matchPattern(other, m_ConstantInt(&constant)))
        return of(value, negated != !constant.isZero());
    return unknown();
  }

  MaskBounds chosen(arith::SelectOp select, bool negated) {
    MaskBounds yes = of(select.getTrueValue(), negated), no = of(select.getFalseValue(), negated);
    if (values.varies(select.getCondition()))
      return either(both(of(select.getCondition(), false), yes), both(of(select.getCondition(), true), no));
    Expr holds = Expr::uniform(select.getCondition()) + -1;
    return {choose(holds, yes.admitted, no.admitted), choose(holds, yes.whole, no.whole), yes.exact && no.exact};
  }

  MaskBounds compare(Predicate predicate, Value left, Value right) {
    auto key = std::tuple(predicate, left.getAsOpaquePointer(), right.getAsOpaquePointer());
    if (auto found = knownComparisons.find(key); found != knownComparisons.end())
      return found->second;
    std::optional<LinearForm> x = values.linear(left), y = values.linear(right);
    MaskBounds bounds = x && y ? compareLinear(predicate, *x, *y) : compareExtremum(predicate, left, right);
    return knownComparisons.try_emplace(key, bounds).first->second;
  }

  MaskBounds compareLinear(Predicate predicate, const LinearForm &left, const LinearForm &right) {
    LinearForm difference = left.plus(right.times(-1)), opposite = difference.times(-1);
    switch (predicate) {
    case Predicate::sge:
      return atLeastZero(difference);
    case Predicate::sgt:
      return atLeastZero(difference.plus(-1));
    case Predicate::sle:
      return atLeastZero(opposite);
    case Predicate::slt:
      return atLeastZero(opposite.plus(-1));
    case Predicate::eq:
      return both(atLeastZero(difference), atLeastZero(opposite));
    case Predicate::ne:
      return either(atLeastZero(difference.plus(-1)), atLeastZero(opposite.plus(-1)));
    default: // unsigned: a negative difference is a large number
      return unknown();
    }
  }

  /// max(x, y) < z is x < z and y < z, and so on: |q - k| <= n is a comparison of max(q - k, k - q).
  MaskBounds compareExtremum(Predicate predicate, Value left, Value right) {
    switch (predicate) {
    case Predicate::eq:
      return both(compare(Predicate::sle, left, right), compare(Predicate::sge, left, right));
    case Predicate::ne:
      return either(compare(Predicate::slt, left, right), compare(Predicate::sgt, left, right));
    case Predicate::slt:
    case Predicate::sle:
    case Predicate::sgt:
    case Predicate::sge:
      break;
    default:
      return unknown();
    }
    bool below = predicate == Predicate::slt || predicate == Predicate::sle;
    Operation *x = left.getDefiningOp(), *y = right.getDefiningOp();
    for (bool onLeft : {true, false}) {
      Operation *op = onLeft ? x : y;
      if (!isa_and_present<arith::MaxSIOp, arith::MinSIOp>(op) || op->getBlock() != &values.body)
        continue;
      auto of = [&](Value operand) {
        return onLeft ? compare(predicate, operand, right) : compare(predicate, left, operand);
      };
      MaskBounds first = of(op->getOperand(0)), second = of(op->getOperand(1));
      return isa<arith::MaxSIOp>(op) == (below == onLeft) ? both(first, second) : either(first, second);
    }
    return unknown();
  }

  /// form >= 0, solved for k. The queries that admit most and least lie at the two ends of the block.
  static MaskBounds atLeastZero(const LinearForm &form) {
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
    return {keys(most), keys(least), /*exact=*/true};
  }

  MaskValues values;
  std::map<std::pair<const void *, bool>, MaskBounds> known;
  std::map<std::tuple<Predicate, const void *, const void *>, MaskBounds> knownComparisons;
};

KeyInterval clamp(const KeyInterval &keys, const Expr &begin, const Expr &end) {
  Expr first = Expr::min(Expr::max(keys.begin, begin), end);
  return {first, Expr::max(Expr::min(keys.end, end), first)};
}

} // namespace

MaskBounds MaskBounds::of(Region &mask, bool acrossHeads) {
  Expr none = Expr::constant(0), all = Expr::keys();
  if (mask.empty())
    return {{none, all}, {none, all}, /*exact=*/true};
  MaskBounds bounds = Analysis(mask.front(), acrossHeads).of(mask.front().getTerminator()->getOperand(0));
  bounds.admitted = clamp(bounds.admitted, none, all);
  bounds.whole = clamp(bounds.whole, bounds.admitted.begin, bounds.admitted.end);
  return bounds;
}

EmittedBounds emitBounds(OpBuilder &b, Location loc, const MaskBounds &bounds, Region &mask, Value batch, Value head,
                         Value firstQuery, Value lastQuery, Value keys) {
  UniformCopies uniform(b, mask, batch, head);
  BoundExpr::Values values{firstQuery, lastQuery, keys, uniform};
  values.type = keys.getType();
  SmallVector<Value> emitted = BoundExpr::emit(
      b, loc, {bounds.admitted.begin, bounds.admitted.end, bounds.whole.begin, bounds.whole.end}, values);
  return {emitted[0], emitted[1], emitted[2], emitted[3]};
}

} // namespace weft

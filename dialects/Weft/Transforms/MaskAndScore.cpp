//===- MaskAndScore.cpp - which part of a score's formula is a mask -----------------------------------------------===//
#include "dialects/Weft/Transforms/MaskAndScore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace weft {

//===-- conditions ------------------------------------------------------------------------------------------------===//

static std::optional<bool> knownTruth(Value condition) {
  APInt value;
  if (!matchPattern(condition, m_ConstantInt(&value)))
    return std::nullopt;
  return !value.isZero();
}

namespace {

class Splitter {
public:
  Splitter(ElementFormula &formulas, Value product) : formulas(formulas), product(product) {}

  /// With `rising`, what is to be found is +inf instead: it becomes -inf where it is subtracted.
  MaskAndScore split(Value formula, bool rising) {
    auto known = done[rising].find(formula);
    return known != done[rising].end() ? known->second : done[rising][formula] = compute(formula, rising);
  }

private:
  MaskAndScore compute(Value formula, bool rising) {
    Operation *op = formula.getDefiningOp();
    FloatAttr number;
    if (matchPattern(formula, m_Constant(&number))) {
      const APFloat &value = number.getValue();
      if (value.isInfinity() && value.isNegative() != rising)
        return {formulas.truth(formula.getLoc(), false), formula};
      return {Value(), formula};
    }
    if (auto select = dyn_cast_or_null<arith::SelectOp>(op))
      return choice(select, rising);
    if (isa_and_present<arith::AddFOp, arith::SubFOp>(op))
      return sum(op, rising);
    if (isa_and_present<arith::NegFOp>(op)) {
      MaskAndScore part = split(op->getOperand(0), !rising);
      return part.mask ? MaskAndScore{part.mask, formulas.create<arith::NegFOp>(op->getLoc(), part.score)}
                       : MaskAndScore{Value(), formula};
    }
    if (isa_and_present<arith::MulFOp, arith::DivFOp>(op))
      return scaled(op, rising);
    return {Value(), formula};
  }

  /// Null is true.
  Value both(Location loc, Value a, Value b) {
    if (!a || !b)
      return a ? a : b;
    return formulas.create<arith::AndIOp>(loc, a, b);
  }

  MaskAndScore choice(arith::SelectOp select, bool rising) {
    Location loc = select.getLoc();
    Value condition = select.getCondition();
    MaskAndScore yes = split(select.getTrueValue(), rising), no = split(select.getFalseValue(), rising);
    if ((!yes.mask && !no.mask) || formulas.dependsOn(condition, product))
      return {Value(), select};
    auto never = [](Value mask) { return mask && knownTruth(mask) == false; };
    if (never(no.mask))
      return {both(loc, condition, yes.mask), yes.score};
    if (never(yes.mask))
      return {both(loc, formulas.negation(loc, condition), no.mask), no.score};
    auto orTrue = [&](Value mask) { return mask ? mask : formulas.truth(loc, true); };
    return {formulas.create<arith::SelectOp>(loc, condition, orTrue(yes.mask), orTrue(no.mask)),
            formulas.create<arith::SelectOp>(loc, condition, yes.score, no.score)};
  }

  MaskAndScore sum(Operation *op, bool rising) {
    Location loc = op->getLoc();
    bool subtracts = isa<arith::SubFOp>(op);
    MaskAndScore a = split(op->getOperand(0), rising), b = split(op->getOperand(1), rising != subtracts);
    if (!a.mask && !b.mask)
      return {Value(), op->getResult(0)};
    // Nothing is left of `if c then 0 else -inf` but the mask.
    Value mask = both(loc, a.mask, b.mask);
    if (matchPattern(b.score, m_AnyZeroFloat()))
      return {mask, a.score};
    if (!subtracts && matchPattern(a.score, m_AnyZeroFloat()))
      return {mask, b.score};
    return {mask, subtracts ? formulas.create<arith::SubFOp>(loc, a.score, b.score)
                            : formulas.create<arith::AddFOp>(loc, a.score, b.score)};
  }

  /// Times a number, or divided by one; -inf stays infinite unless that is 0.
  MaskAndScore scaled(Operation *op, bool rising) {
    MaskAndScore whole = {Value(), op->getResult(0)};
    for (unsigned i : {0u, 1u}) {
      Value other = op->getOperand(1 - i);
      FloatAttr number;
      if ((i == 1 && isa<arith::DivFOp>(op)) || !matchPattern(other, m_Constant(&number)) ||
          !number.getValue().isFinite() || number.getValue().isZero())
        continue;
      MaskAndScore part = split(op->getOperand(i), rising != number.getValue().isNegative());
      if (!part.mask)
        return whole;
      return {part.mask, isa<arith::DivFOp>(op) ? formulas.create<arith::DivFOp>(op->getLoc(), part.score, other)
                                                : formulas.create<arith::MulFOp>(op->getLoc(), part.score, other)};
    }
    return whole;
  }

  ElementFormula &formulas;
  Value product;
  DenseMap<Value, MaskAndScore> done[2];
};

} // namespace

MaskAndScore splitMask(ElementFormula &formulas, Value formula, Value product) {
  return Splitter(formulas, product).split(formula, /*rising=*/false);
}

//===-- rows that have a key --------------------------------------------------------------------------------------===//

namespace {

/// What is known of conditions and positions from their formulas alone.
class Facts {
public:
  bool alwaysHolds(Value condition) {
    auto known = conditions.find(condition);
    return known != conditions.end() ? known->second : conditions[condition] = holds(condition);
  }

private:
  bool holds(Value condition) {
    if (std::optional<bool> known = knownTruth(condition))
      return *known;
    Operation *op = condition.getDefiningOp();
    if (isa_and_present<arith::AndIOp>(op))
      return alwaysHolds(op->getOperand(0)) && alwaysHolds(op->getOperand(1));
    if (isa_and_present<arith::OrIOp>(op))
      return alwaysHolds(op->getOperand(0)) || alwaysHolds(op->getOperand(1));
    if (auto select = dyn_cast_or_null<arith::SelectOp>(op))
      return alwaysHolds(select.getTrueValue()) && alwaysHolds(select.getFalseValue());
    auto compare = dyn_cast_or_null<arith::CmpIOp>(op);
    if (!compare)
      return false;
    Value small = compare.getLhs(), large = compare.getRhs();
    if (compare.getPredicate() == arith::CmpIPredicate::sge)
      std::swap(small, large);
    else if (compare.getPredicate() != arith::CmpIPredicate::sle)
      return false;
    APInt number;
    return matchPattern(small, m_ConstantInt(&number)) && !number.isStrictlyPositive() && isNotNegative(large);
  }

  /// Positions, sizes, and their sums: they fit 31 bits.
  bool isNotNegative(Value value) {
    if (APInt number; matchPattern(value, m_ConstantInt(&number)))
      return !number.isNegative();
    Operation *op = value.getDefiningOp();
    if (!op)
      return value.getType().isIndex();
    if (!isa<arith::IndexCastOp, arith::AddIOp>(op))
      return isa<tensor::DimOp>(op);
    if (auto known = signs.find(value); known != signs.end())
      return known->second;
    return signs[value] = llvm::all_of(op->getOperands(), [&](Value operand) { return isNotNegative(operand); });
  }

  DenseMap<Value, bool> conditions, signs;
};

} // namespace

bool admitsOneOf(ElementFormula &formulas, Value mask, Value key, ValueRange candidates) {
  return llvm::any_of(candidates,
                      [&](Value candidate) { return Facts().alwaysHolds(formulas.substitute(mask, key, candidate)); });
}

} // namespace weft

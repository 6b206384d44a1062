//===- MaskIntervals.cpp - interval arithmetic over the formula of a mask ----------------------------------------===//
#include "dialects/Weft/Analysis/MaskIntervals.h"
#include "dialects/Weft/Analysis/MaskValues.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace weft {
namespace {

using Expr = BoundExpr;

/// The least and the largest value; of a condition, 0 for false and 1 for true.
struct Range {
  Expr low, high;
};
/// Nothing for what no interval of 64-bit numbers describes: floating point, and integers of more than 32 bits.
using MaybeRange = std::optional<Range>;

Expr number(int64_t value) { return Expr::constant(value); }
Range point(const Expr &value) { return {value, value}; }
Range eitherWay() { return {number(0), number(1)}; }
Expr negated(const Expr &condition) { return number(1) - condition; }
/// 1 where `value >= 0`.
Expr atLeastZero(const Expr &value) { return Expr::choose(value, number(1), number(0)); }
/// `condition` is 0 or 1.
Expr either(const Expr &condition, const Expr &yes, const Expr &no) { return Expr::choose(condition + -1, yes, no); }
Range either(const Expr &condition, const Range &yes, const Range &no) {
  return {either(condition, yes.low, no.low), either(condition, yes.high, no.high)};
}

/// Integers of 32 bits, and positions and sizes, which must fit them.
bool isNarrow(Type type) { return type.isIndex() || (type.isInteger() && type.getIntOrFloatBitWidth() <= 32); }
bool isCondition(Type type) { return type.isInteger(1); }
int64_t widthOf(Type type) { return type.isIndex() ? 32 : type.getIntOrFloatBitWidth(); }
Range anything(Type type) {
  return isCondition(type) ? eitherWay()
                           : Range{number(llvm::minIntN(widthOf(type))), number(llvm::maxIntN(widthOf(type)))};
}

Range operator+(const Range &a, const Range &b) { return {a.low + b.low, a.high + b.high}; }
Range operator-(const Range &a, const Range &b) { return {a.low - b.high, a.high - b.low}; }
Range operator-(const Range &a) { return {-a.high, -a.low}; }
Range operator*(const Range &a, const Range &b) {
  Expr products[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  Range range = point(products[0]);
  for (const Expr &product : ArrayRef(products).drop_front())
    range = {Expr::min(range.low, product), Expr::max(range.high, product)};
  return range;
}
Range smaller(const Range &a, const Range &b) { return {Expr::min(a.low, b.low), Expr::min(a.high, b.high)}; }
Range larger(const Range &a, const Range &b) { return {Expr::max(a.low, b.low), Expr::max(a.high, b.high)}; }
Range hull(const Range &a, const Range &b) { return {Expr::min(a.low, b.low), Expr::max(a.high, b.high)}; }
Range opposite(const Range &condition) { return {negated(condition.high), negated(condition.low)}; }

/// floor(x / y); y counts as 1 where it is less.
Expr floorOf(const Expr &x, const Expr &y) {
  Expr by = Expr::max(y, number(1));
  if (by.lower() == by.upper())
    return x.floorDiv(by.lower());
  return Expr::choose(x, x.quotient(by), -((by + -1) - x).quotient(by));
}

class Evaluation {
public:
  Evaluation(Region &mask, bool acrossHeads) : body(mask.front()), values(body, acrossHeads) {
    Value query = body.getArgument(2), key = body.getArgument(3);
    ranges.try_emplace(body.getArgument(0), point(Expr::uniform(body.getArgument(0))));
    Value head = body.getArgument(1);
    ranges.try_emplace(head, acrossHeads ? Range{Expr::firstHead(), Expr::lastHead()} : point(Expr::uniform(head)));
    ranges.try_emplace(query, Range{Expr::firstQuery(), Expr::lastQuery()});
    ranges.try_emplace(key, Range{Expr::firstKey(), Expr::lastKey()});
    for (Operation &op : body.without_terminator())
      for (Value result : op.getResults())
        if (isNarrow(result.getType()) || result.getType().isInteger())
          ranges.try_emplace(result, rangeOf(op, result));
  }

  Range condition(Value value) { return range(value).value_or(eitherWay()); }

  /// Whether one of the conditions that must all hold says more than MaskBounds does.
  bool isUseful(Value admitted) {
    SetVector<Value> conditions;
    conditions.insert(admitted);
    for (size_t i = 0; i < conditions.size(); ++i) {
      if (auto conjunction = conditions[i].getDefiningOp<arith::AndIOp>())
        conditions.insert_range(conjunction->getOperands());
      else if (saysMore(conditions[i]))
        return true;
    }
    return false;
  }

private:
  bool saysMore(Value condition) {
    if (auto comparison = condition.getDefiningOp<arith::CmpIOp>())
      if (values.linear(comparison.getLhs()) && values.linear(comparison.getRhs()) &&
          comparison.getPredicate() != arith::CmpIPredicate::ne)
        return false;
    Range known = this->condition(condition);
    return known.low.upper() > 0 || known.high.lower() < 1;
  }

  MaybeRange range(Value value) {
    if (auto found = ranges.find(value); found != ranges.end())
      return found->second;
    if (APInt constant; matchPattern(value, m_ConstantInt(&constant)))
      return constantRange(value.getType(), constant);
    // A further argument of the region can be anything; other values are from outside, or of a type that was left out.
    if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &body)
      return isNarrow(value.getType()) ? MaybeRange(anything(value.getType())) : std::nullopt;
    return isNarrow(value.getType()) ? MaybeRange(point(Expr::uniform(value))) : std::nullopt;
  }

  static MaybeRange constantRange(Type type, const APInt &value) {
    if (isCondition(type))
      return point(number(value.getZExtValue()));
    return value.getSignificantBits() <= 32 ? MaybeRange(point(number(value.getSExtValue()))) : std::nullopt;
  }

  MaybeRange rangeOf(Operation &op, Value result) {
    Type type = result.getType();
    if (APInt constant; matchPattern(result, m_ConstantInt(&constant)))
      return constantRange(type, constant);
    if (isNarrow(type) && !values.varies(result))
      return point(Expr::uniform(result));
    if (std::optional<LinearForm> form = isNarrow(type) ? values.linear(result) : std::nullopt)
      return span(*form);
    MaybeRange computed = compute(op);
    return computed || !isNarrow(type) ? computed : anything(type);
  }

  /// The interval of a linear form, whose ends lie in corners of the block.
  static Range span(const LinearForm &form) {
    Range range = point(form.rest);
    range = range + Range{Expr::firstQuery(), Expr::lastQuery()} * point(number(form.query));
    return range + Range{Expr::firstKey(), Expr::lastKey()} * point(number(form.key));
  }

  MaybeRange compute(Operation &op) {
    return llvm::TypeSwitch<Operation *, MaybeRange>(&op)
        .Case<arith::AddIOp, arith::SubIOp, arith::MulIOp>([&](auto op) { return sum(op); })
        .Case<arith::MinSIOp, arith::MaxSIOp>([&](auto op) -> MaybeRange {
          MaybeRange x = range(op.getLhs()), y = range(op.getRhs());
          if (!x || !y)
            return std::nullopt;
          return isa<arith::MinSIOp>(op.getOperation()) ? smaller(*x, *y) : larger(*x, *y);
        })
        .Case<arith::DivSIOp, arith::RemSIOp, arith::DivUIOp, arith::RemUIOp, arith::FloorDivSIOp, arith::CeilDivSIOp>(
            [&](auto op) { return division(op); })
        .Case<arith::AndIOp, arith::OrIOp, arith::XOrIOp>([&](auto op) { return bitwise(op); })
        .Case<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp>(
            [&](auto op) { return cast(op, op.getIn()); })
        .Case([&](arith::SelectOp op) { return select(op); })
        .Case([&](arith::CmpIOp op) -> MaybeRange { return comparison(op); })
        .Case([&](memref::LoadOp op) { return entries(op, op.getMemRef(), op.getIndices()); })
        .Case([&](tensor::ExtractOp op) { return entries(op, op.getTensor(), op.getIndices()); })
        .Default([](Operation *) { return std::nullopt; });
  }

  //===-- arithmetic ----------------------------------------------------------------------------------------------===//

  /// Arithmetic wraps where a number does not fit its type; then it can be anything. Positions must fit.
  static Range wrapped(Type type, const Range &range) {
    if (type.isIndex())
      return range;
    Range all = anything(type);
    return either(atLeastZero(Expr::min(range.low - all.low, all.high - range.high)), range, all);
  }

  template <typename Op> MaybeRange sum(Op op) {
    MaybeRange x = range(op.getLhs()), y = range(op.getRhs());
    if (!x || !y || !isNarrow(op.getType()) || isCondition(op.getType()))
      return std::nullopt;
    if constexpr (std::is_same_v<Op, arith::AddIOp>)
      return wrapped(op.getType(), *x + *y);
    else if constexpr (std::is_same_v<Op, arith::MulIOp>)
      return wrapped(op.getType(), *x * *y);
    // x - x % y is a multiple of y, and one value, not two.
    if (auto [dividend, divisor] = floorResidues.lookup(op.getRhs()); dividend && dividend == op.getLhs())
      if (std::optional<Expr> by = single(divisor))
        return wrapped(op.getType(), positive(*by, {floorOf(x->low, *by) * *by, floorOf(x->high, *by) * *by}, *x - *y));
    return wrapped(op.getType(), *x - *y);
  }

  /// The expression of a value that does not vary.
  std::optional<Expr> single(Value value) {
    MaybeRange known = range(value);
    return known && Expr::same(known->low, known->high) ? std::optional(known->low) : std::nullopt;
  }

  static Range positive(const Expr &value, const Range &yes, const Range &no) {
    return either(atLeastZero(value + -1), yes, no);
  }

  template <typename Op> MaybeRange division(Op op) {
    constexpr bool isUnsigned = std::is_same_v<Op, arith::DivUIOp> || std::is_same_v<Op, arith::RemUIOp>;
    MaybeRange x = range(op.getLhs());
    std::optional<Expr> y = single(op.getRhs());
    if (!x || !y || !isNarrow(op.getType()) || isCondition(op.getType()))
      return std::nullopt;
    Range all = anything(op.getType()), result = all;
    if constexpr (std::is_same_v<Op, arith::DivSIOp> || std::is_same_v<Op, arith::DivUIOp>)
      result = {x->low.quotient(*y), x->high.quotient(*y)};
    else if constexpr (std::is_same_v<Op, arith::FloorDivSIOp>)
      result = {floorOf(x->low, *y), floorOf(x->high, *y)};
    else if constexpr (std::is_same_v<Op, arith::CeilDivSIOp>)
      result = {-floorOf(-x->low, *y), -floorOf(-x->high, *y)};
    else
      result = residue(*x, *y, {x->low.quotient(*y), x->high.quotient(*y)},
                       {Expr::choose(x->low, number(0), number(1) - *y), Expr::choose(-x->high, number(0), *y + -1)});
    if constexpr (isUnsigned) // a negative number would be a large one
      result = either(atLeastZero(x->low), result, all);
    return positive(*y, result, all);
  }

  /// x - y * (the number of the period that x is in): exact within one period, else within `otherwise`.
  static Range residue(const Range &x, const Expr &y, const Range &period, const Range &otherwise) {
    Range within = {x.low - period.low * y, x.high - period.low * y};
    return either(atLeastZero(period.low - period.high), within, otherwise);
  }

  /// select(r < 0, r + y, r) with r = x rem y: the residue that has the sign of y.
  MaybeRange floorResidue(arith::SelectOp op) {
    auto rest = op.getFalseValue().getDefiningOp<arith::RemSIOp>();
    auto test = op.getCondition().getDefiningOp<arith::CmpIOp>();
    auto lifted = op.getTrueValue().getDefiningOp<arith::AddIOp>();
    if (!rest || !test || !lifted || test.getPredicate() != arith::CmpIPredicate::slt ||
        test.getLhs() != rest.getResult() || !matchPattern(test.getRhs(), m_Zero()) || isCondition(op.getType()))
      return std::nullopt;
    Value x = rest.getResult(), y = rest.getRhs();
    if (!(lifted.getLhs() == x && equal(lifted.getRhs(), y)) && !(lifted.getRhs() == x && equal(lifted.getLhs(), y)))
      return std::nullopt;
    MaybeRange dividend = range(rest.getLhs());
    std::optional<Expr> divisor = single(y);
    if (!dividend || !divisor)
      return std::nullopt;
    floorResidues[op.getResult()] = {rest.getLhs(), y};
    Range result = residue(*dividend, *divisor, {floorOf(dividend->low, *divisor), floorOf(dividend->high, *divisor)},
                           {number(0), *divisor + -1});
    return positive(*divisor, result, anything(op.getType()));
  }

  static bool equal(Value a, Value b) {
    APInt x, y;
    return a == b || (matchPattern(a, m_ConstantInt(&x)) && matchPattern(b, m_ConstantInt(&y)) && x == y);
  }

  MaybeRange cast(Operation *op, Value input) {
    MaybeRange x = range(input);
    Type from = input.getType(), to = op->getResult(0).getType();
    if (!x)
      return std::nullopt;
    if (isa<arith::TruncIOp>(op)) {
      if (isCondition(to))
        return std::nullopt;
      return wrapped(to, *x);
    }
    if (isa<arith::IndexCastOp>(op) && to.isInteger() && widthOf(to) < 32)
      return isCondition(to) ? std::nullopt : MaybeRange(wrapped(to, *x));
    if (isCondition(from)) // 1 is -1 with a sign
      return isa<arith::ExtSIOp, arith::IndexCastOp>(op) ? -*x : *x;
    if (!isa<arith::ExtUIOp, arith::IndexCastUIOp>(op))
      return x;
    // A negative number becomes a large one.
    if (!isNarrow(from) || (isNarrow(to) && widthOf(to) <= widthOf(from)))
      return x->low.lower() >= 0 ? x : MaybeRange();
    return either(atLeastZero(x->low), *x, {number(0), number((int64_t(1) << widthOf(from)) - 1)});
  }

  //===-- conditions ----------------------------------------------------------------------------------------------===//

  template <typename Op> MaybeRange bitwise(Op op) {
    if (!isCondition(op.getType())) {
      APInt bits; // with a constant that is not negative: what it leaves of a number
      if (std::is_same_v<Op, arith::AndIOp> && isNarrow(op.getType()) &&
          (matchPattern(op.getRhs(), m_ConstantInt(&bits)) || matchPattern(op.getLhs(), m_ConstantInt(&bits))) &&
          bits.isNonNegative() && bits.getSignificantBits() <= 32)
        return Range{number(0), number(bits.getSExtValue())};
      return std::nullopt;
    }
    Range x = condition(op.getLhs()), y = condition(op.getRhs());
    if constexpr (std::is_same_v<Op, arith::AndIOp>)
      return smaller(x, y);
    else if constexpr (std::is_same_v<Op, arith::OrIOp>)
      return larger(x, y);
    return larger(smaller(x, opposite(y)), smaller(opposite(x), y));
  }

  MaybeRange select(arith::SelectOp op) {
    if (MaybeRange residue = floorResidue(op))
      return residue;
    Range test = condition(op.getCondition());
    MaybeRange yes = range(op.getTrueValue()), no = range(op.getFalseValue());
    if (!yes || !no)
      return std::nullopt;
    return either(test.low, *yes, either(negated(test.high), *no, hull(*yes, *no)));
  }

  MaybeRange comparison(arith::CmpIOp op) {
    using Predicate = arith::CmpIPredicate;
    Predicate predicate = op.getPredicate();
    bool equality = predicate == Predicate::eq || predicate == Predicate::ne;
    MaybeRange x = range(op.getLhs()), y = range(op.getRhs());
    if (!x || !y || (isCondition(op.getLhs().getType()) && !equality))
      return std::nullopt;
    std::optional<LinearForm> left = values.linear(op.getLhs()), right = values.linear(op.getRhs());
    Range difference = left && right ? span(left->plus(right->times(-1))) : *x - *y;
    // Without a sign as with one, where neither is negative.
    auto ofUnsigned = [&](const Range &result) {
      return either(atLeastZero(Expr::min(x->low, y->low)), result, eitherWay());
    };
    switch (predicate) {
    case Predicate::sge:
      return nonNegative(difference);
    case Predicate::sgt:
      return nonNegative(difference + point(number(-1)));
    case Predicate::sle:
      return nonNegative(-difference);
    case Predicate::slt:
      return nonNegative(-difference + point(number(-1)));
    case Predicate::uge:
      return ofUnsigned(nonNegative(difference));
    case Predicate::ugt:
      return ofUnsigned(nonNegative(difference + point(number(-1))));
    case Predicate::ule:
      return ofUnsigned(nonNegative(-difference));
    case Predicate::ult:
      return ofUnsigned(nonNegative(-difference + point(number(-1))));
    case Predicate::eq:
      return zero(difference);
    case Predicate::ne:
      return opposite(zero(difference));
    }
    llvm_unreachable("every predicate is listed");
  }

  static Range nonNegative(const Range &value) { return {atLeastZero(value.low), atLeastZero(value.high)}; }
  static Range zero(const Range &value) {
    return {atLeastZero(Expr::min(value.low, -value.high)), atLeastZero(Expr::min(value.high, -value.low))};
  }

  //===-- tables --------------------------------------------------------------------------------------------------===//

  MaybeRange entries(Operation *load, Value table, ValueRange indices) {
    Type type = load->getResult(0).getType();
    if (!isNarrow(type) || table.getParentBlock() == &body)
      return std::nullopt;
    SmallVector<std::pair<Expr, Expr>> box;
    for (Value index : indices) {
      Range at = range(index).value_or(anything(index.getType()));
      box.emplace_back(at.low, at.high);
    }
    return Range{Expr::least(load, box), Expr::most(load, box)};
  }

  Block &body;
  MaskValues values;
  DenseMap<Value, MaybeRange> ranges;
  DenseMap<Value, std::pair<Value, Value>> floorResidues; // to dividend and divisor
};

} // namespace

MaskIntervals MaskIntervals::of(Region &mask, bool acrossHeads, bool *useful) {
  Evaluation evaluation(mask, acrossHeads);
  Value admitted = mask.front().getTerminator()->getOperand(0);
  if (useful)
    *useful = evaluation.isUseful(admitted);
  Range known = evaluation.condition(admitted);
  return {known.low, known.high};
}

} // namespace weft

//===- BoundExpr.cpp - building, evaluating and emitting bounds --------------------------------------------------===//
#include "dialects/Weft/Analysis/BoundExpr.h"

using namespace mlir;

namespace weft {

struct BoundExpr::Node {
  Kind kind;
  int64_t number; // the constant, factor or divisor
  Value value;    // of Uniform
  SmallVector<BoundExpr, 3> operands;
};

BoundExpr BoundExpr::make(Kind kind, int64_t number, ArrayRef<BoundExpr> operands, Value value) {
  return BoundExpr(std::make_shared<Node>(Node{kind, number, value, SmallVector<BoundExpr, 3>(operands)}));
}

BoundExpr BoundExpr::constant(int64_t value) { return make(Kind::Constant, value, {}); }
BoundExpr BoundExpr::firstQuery() { return make(Kind::FirstQuery, 0, {}); }
BoundExpr BoundExpr::lastQuery() { return make(Kind::LastQuery, 0, {}); }
BoundExpr BoundExpr::keys() { return make(Kind::Keys, 0, {}); }
BoundExpr BoundExpr::uniform(Value value) { return make(Kind::Uniform, 0, {}, value); }

std::optional<int64_t> BoundExpr::asConstant() const {
  return node->kind == Kind::Constant ? std::optional(node->number) : std::nullopt;
}

// Equal variables and constants, or the very same node: enough to fold the bounds that formulas leave open.
bool BoundExpr::same(const BoundExpr &a, const BoundExpr &b) {
  return a.node == b.node || (a.node->kind == b.node->kind && a.node->operands.empty() &&
                              a.node->number == b.node->number && a.node->value == b.node->value);
}

BoundExpr BoundExpr::operator+(const BoundExpr &other) const {
  std::optional<int64_t> left = asConstant(), right = other.asConstant();
  if (left && right)
    return constant(*left + *right);
  if (left == 0)
    return other;
  if (right == 0)
    return *this;
  if (left)
    return other + *this;
  // (x + c) + d: constants gather at the end.
  if (right && node->kind == Kind::Add)
    if (std::optional<int64_t> inner = node->operands[1].asConstant())
      return node->operands[0] + constant(*inner + *right);
  return make(Kind::Add, 0, {*this, other});
}

BoundExpr BoundExpr::operator*(int64_t factor) const {
  if (std::optional<int64_t> value = asConstant())
    return constant(*value * factor);
  if (factor == 0)
    return constant(0);
  if (factor == 1)
    return *this;
  if (node->kind == Kind::Scale)
    return node->operands[0] * (node->number * factor);
  if (node->kind == Kind::Add)
    return node->operands[0] * factor + node->operands[1] * factor;
  return make(Kind::Scale, factor, {*this});
}

static int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

BoundExpr BoundExpr::floorDiv(int64_t divisor) const {
  if (std::optional<int64_t> value = asConstant())
    return constant(floorDivide(*value, divisor));
  return divisor == 1 ? *this : make(Kind::FloorDiv, divisor, {*this});
}

// Known for sure: among constants, and because there are no fewer than 0 keys.
bool BoundExpr::atMost(const BoundExpr &a, const BoundExpr &b) {
  std::optional<int64_t> left = a.asConstant(), right = b.asConstant();
  return same(a, b) || (left && right && *left <= *right) || (left && *left <= 0 && b.node->kind == Kind::Keys);
}

BoundExpr BoundExpr::min(const BoundExpr &a, const BoundExpr &b) {
  if (atMost(a, b))
    return a;
  return atMost(b, a) ? b : make(Kind::Min, 0, {a, b});
}

BoundExpr BoundExpr::max(const BoundExpr &a, const BoundExpr &b) {
  if (atMost(a, b))
    return b;
  return atMost(b, a) ? a : make(Kind::Max, 0, {a, b});
}

BoundExpr BoundExpr::choose(const BoundExpr &condition, const BoundExpr &yes, const BoundExpr &no) {
  if (same(yes, no))
    return yes;
  if (std::optional<int64_t> value = condition.asConstant())
    return *value >= 0 ? yes : no;
  return make(Kind::Choose, 0, {condition, yes, no});
}

// Nodes are shared, so each is computed once; a tree walk would be exponential in the number of disjunctions.
template <typename Result, typename Compute>
Result BoundExpr::visit(const BoundExpr &expr, DenseMap<const void *, Result> &done, Compute compute) {
  if (auto found = done.find(expr.node.get()); found != done.end())
    return found->second;
  SmallVector<Result, 3> operands;
  for (const BoundExpr &operand : expr.node->operands)
    operands.push_back(visit<Result>(operand, done, compute));
  return done[expr.node.get()] = compute(*expr.node, operands);
}

int64_t BoundExpr::evaluate(const Numbers &numbers) const {
  DenseMap<const void *, int64_t> done;
  return visit<int64_t>(*this, done, [&](const Node &node, ArrayRef<int64_t> in) -> int64_t {
    switch (node.kind) {
    case Kind::Constant:
      return node.number;
    case Kind::FirstQuery:
      return numbers.firstQuery;
    case Kind::LastQuery:
      return numbers.lastQuery;
    case Kind::Keys:
      return numbers.keys;
    case Kind::Uniform:
      return numbers.uniform(node.value);
    case Kind::Add:
      return in[0] + in[1];
    case Kind::Scale:
      return in[0] * node.number;
    case Kind::FloorDiv:
      return floorDivide(in[0], node.number);
    case Kind::Min:
      return std::min(in[0], in[1]);
    case Kind::Max:
      return std::max(in[0], in[1]);
    case Kind::Choose:
      return in[0] >= 0 ? in[1] : in[2];
    }
    llvm_unreachable("every kind is listed");
  });
}

SmallVector<Value> BoundExpr::emit(OpBuilder &b, Location loc, ArrayRef<BoundExpr> exprs, const Values &values) {
  auto number = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  auto asIndex = [&](Value value) -> Value {
    if (value.getType().isIndex())
      return value;
    if (value.getType().isInteger(1))
      return b.createOrFold<arith::IndexCastUIOp>(loc, b.getIndexType(), value);
    return b.createOrFold<arith::IndexCastOp>(loc, b.getIndexType(), value);
  };
  auto compute = [&](const Node &node, ArrayRef<Value> in) -> Value {
    switch (node.kind) {
    case Kind::Constant:
      return number(node.number);
    case Kind::FirstQuery:
      return values.firstQuery;
    case Kind::LastQuery:
      return values.lastQuery;
    case Kind::Keys:
      return values.keys;
    case Kind::Uniform:
      return asIndex(values.uniform(node.value));
    case Kind::Add:
      return b.createOrFold<arith::AddIOp>(loc, in[0], in[1]);
    case Kind::Scale:
      return b.createOrFold<arith::MulIOp>(loc, in[0], number(node.number));
    case Kind::FloorDiv:
      return b.createOrFold<arith::FloorDivSIOp>(loc, in[0], number(node.number));
    case Kind::Min:
      return b.createOrFold<arith::MinSIOp>(loc, in[0], in[1]);
    case Kind::Max:
      return b.createOrFold<arith::MaxSIOp>(loc, in[0], in[1]);
    case Kind::Choose: {
      Value holds = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sge, in[0], number(0));
      return b.createOrFold<arith::SelectOp>(loc, holds, in[1], in[2]);
    }
    }
    llvm_unreachable("every kind is listed");
  };
  DenseMap<const void *, Value> done;
  return llvm::map_to_vector(exprs, [&](const BoundExpr &expr) { return visit<Value>(expr, done, compute); });
}

} // namespace weft

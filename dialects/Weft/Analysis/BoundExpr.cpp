//===- BoundExpr.cpp - building and evaluating bounds ------------------------------------------------------------===//
#include "dialects/Weft/Analysis/BoundNode.h"

using namespace mlir;

namespace weft {

//===-- where a node lies, whatever its variables -----------------------------------------------------------------===//

// Numbers from `beyond` on are as good as infinite: far from what 32 bits hold, and no sum of two of them overflows.
static constexpr int64_t beyond = int64_t(1) << 61, mostPosition = (int64_t(1) << 31) - 1;

static int64_t saturate(__int128 value) {
  return static_cast<int64_t>(std::min<__int128>(std::max<__int128>(value, -beyond), beyond));
}

static std::pair<int64_t, int64_t> product(const BoundExpr &a, const BoundExpr &b) {
  int64_t corners[4], *corner = corners;
  for (int64_t x : {a.lower(), a.upper()})
    for (int64_t y : {b.lower(), b.upper()})
      *corner++ = saturate(__int128(x) * y);
  auto [least, most] = std::minmax_element(std::begin(corners), std::end(corners));
  return {*least, *most};
}

static std::pair<int64_t, int64_t> typeRange(Type type) {
  if (type.isInteger(1))
    return {0, 1};
  if (type.isInteger() && type.getIntOrFloatBitWidth() <= 32)
    return {llvm::minIntN(type.getIntOrFloatBitWidth()), llvm::maxIntN(type.getIntOrFloatBitWidth())};
  return {-beyond, beyond};
}

static int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

std::pair<int64_t, int64_t> BoundExpr::Node::bounds() const {
  auto lower = [&](unsigned i) { return operands[i].lower(); };
  auto upper = [&](unsigned i) { return operands[i].upper(); };
  switch (kind) {
  case Kind::Constant:
    return {saturate(number), saturate(number)};
  case Kind::Uniform:
    return typeRange(value.getType());
  case Kind::Least:
  case Kind::Most:
    return typeRange(load->getResult(0).getType());
  case Kind::Add:
    return {saturate(__int128(lower(0)) + lower(1)), saturate(__int128(upper(0)) + upper(1))};
  case Kind::Scale:
    return product(operands[0], constant(number));
  case Kind::Multiply:
    return product(operands[0], operands[1]);
  case Kind::FloorDiv:
    return {floorDivide(lower(0), number), floorDivide(upper(0), number)};
  case Kind::Quotient:
    return {std::min<int64_t>(lower(0), 0), std::max<int64_t>(upper(0), 0)};
  case Kind::Min:
    return {std::min(lower(0), lower(1)), std::min(upper(0), upper(1))};
  case Kind::Max:
    return {std::max(lower(0), lower(1)), std::max(upper(0), upper(1))};
  case Kind::Choose:
    return {std::min(lower(1), lower(2)), std::max(upper(1), upper(2))};
  default: // variables
    return {0, mostPosition};
  }
}

int64_t BoundExpr::lower() const { return node->least; }
int64_t BoundExpr::upper() const { return node->most; }

// As the code that is emitted does: in 64 bits, which wrap.
static int64_t wrap(__int128 value) { return static_cast<int64_t>(static_cast<uint64_t>(value)); }

//===-- building --------------------------------------------------------------------------------------------------===//

BoundExpr BoundExpr::make(Kind kind, int64_t number, ArrayRef<BoundExpr> operands, Value value, Operation *load) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->number = number;
  node->value = value;
  node->load = load;
  node->operands.assign(operands.begin(), operands.end());
  node->ofKeyBlock = kind == Kind::FirstKey || kind == Kind::LastKey ||
                     llvm::any_of(operands, [](const BoundExpr &operand) { return operand.node->ofKeyBlock; });
  std::tie(node->least, node->most) = node->bounds();
  return BoundExpr(std::move(node));
}

BoundExpr BoundExpr::constant(int64_t value) { return make(Kind::Constant, value, {}); }
BoundExpr BoundExpr::variable(Kind kind) { return make(kind, 0, {}); }
BoundExpr BoundExpr::uniform(Value value) { return make(Kind::Uniform, 0, {}, value); }

std::optional<int64_t> BoundExpr::asConstant() const {
  return node->kind == Kind::Constant ? std::optional(node->number) : std::nullopt;
}

// Equal variables and constants, or the very same node: enough to fold the bounds that formulas leave open.
bool BoundExpr::same(const BoundExpr &a, const BoundExpr &b) {
  return a.node == b.node || (a.node->kind == b.node->kind && a.node->operands.empty() && !a.node->load &&
                              a.node->number == b.node->number && a.node->value == b.node->value);
}

BoundExpr BoundExpr::operator+(const BoundExpr &other) const {
  std::optional<int64_t> left = asConstant(), right = other.asConstant();
  if (left && right)
    return constant(wrap(__int128(*left) + *right));
  if (left == 0)
    return other;
  if (right == 0)
    return *this;
  if (left)
    return other + *this;
  // (x + c) + d: constants gather at the end.
  if (right && node->kind == Kind::Add)
    if (std::optional<int64_t> inner = node->operands[1].asConstant())
      return node->operands[0] + constant(wrap(__int128(*inner) + *right));
  return make(Kind::Add, 0, {*this, other});
}

BoundExpr BoundExpr::operator*(int64_t factor) const {
  if (std::optional<int64_t> value = asConstant())
    return constant(wrap(__int128(*value) * factor));
  if (factor == 0)
    return constant(0);
  if (factor == 1)
    return *this;
  if (node->kind == Kind::Scale)
    return node->operands[0] * wrap(__int128(node->number) * factor);
  // Over a constant only: to distribute over all sums would multiply what their terms share.
  if (node->kind == Kind::Add)
    if (std::optional<int64_t> inner = node->operands[1].asConstant())
      return node->operands[0] * factor + constant(*inner) * factor;
  return make(Kind::Scale, factor, {*this});
}

BoundExpr BoundExpr::operator*(const BoundExpr &other) const {
  if (std::optional<int64_t> factor = other.asConstant())
    return *this * *factor;
  if (std::optional<int64_t> factor = asConstant())
    return other * *factor;
  return make(Kind::Multiply, 0, {*this, other});
}

BoundExpr BoundExpr::floorDiv(int64_t divisor) const {
  if (std::optional<int64_t> value = asConstant())
    return constant(floorDivide(*value, divisor));
  return divisor == 1 ? *this : make(Kind::FloorDiv, divisor, {*this});
}

BoundExpr BoundExpr::quotient(const BoundExpr &divisor) const {
  BoundExpr positive = max(divisor, constant(1));
  std::optional<int64_t> value = asConstant(), by = positive.asConstant();
  if (value && by)
    return constant(*value / *by);
  if (by && lower() >= 0)
    return floorDiv(*by);
  return by == 1 ? *this : make(Kind::Quotient, 0, {*this, positive});
}

BoundExpr BoundExpr::min(const BoundExpr &a, const BoundExpr &b) {
  if (same(a, b) || a.upper() <= b.lower())
    return a;
  return b.upper() <= a.lower() ? b : make(Kind::Min, 0, {a, b});
}

BoundExpr BoundExpr::max(const BoundExpr &a, const BoundExpr &b) {
  if (same(a, b) || b.upper() <= a.lower())
    return a;
  return a.upper() <= b.lower() ? b : make(Kind::Max, 0, {a, b});
}

BoundExpr BoundExpr::choose(const BoundExpr &condition, const BoundExpr &yes, const BoundExpr &no) {
  if (same(yes, no) || condition.lower() >= 0)
    return yes;
  return condition.upper() < 0 ? no : make(Kind::Choose, 0, {condition, yes, no});
}

BoundExpr BoundExpr::entry(Kind kind, Operation *load, ArrayRef<std::pair<BoundExpr, BoundExpr>> box) {
  SmallVector<BoundExpr> ends;
  for (const auto &[first, last] : box)
    ends.append({first, last});
  return make(kind, 0, ends, {}, load);
}

BoundExpr BoundExpr::least(Operation *load, ArrayRef<std::pair<BoundExpr, BoundExpr>> box) {
  return entry(Kind::Least, load, box);
}
BoundExpr BoundExpr::most(Operation *load, ArrayRef<std::pair<BoundExpr, BoundExpr>> box) {
  return entry(Kind::Most, load, box);
}

//===-- evaluating ------------------------------------------------------------------------------------------------===//

int64_t BoundExpr::evaluate(const Numbers &numbers) const {
  DenseMap<const void *, int64_t> done;
  return Node::visit<int64_t>(*this, done, [&](const Node &node, ArrayRef<int64_t> in) -> int64_t {
    switch (node.kind) {
    case Kind::Constant:
      return node.number;
    case Kind::FirstQuery:
      return numbers.firstQuery;
    case Kind::LastQuery:
      return numbers.lastQuery;
    case Kind::FirstKey:
      return numbers.firstKey;
    case Kind::LastKey:
      return numbers.lastKey;
    case Kind::FirstHead:
      return numbers.firstHead;
    case Kind::LastHead:
      return numbers.lastHead;
    case Kind::Keys:
      return numbers.keys;
    case Kind::Uniform:
      return numbers.uniform(node.value);
    case Kind::Add:
      return wrap(__int128(in[0]) + in[1]);
    case Kind::Scale:
      return wrap(__int128(in[0]) * node.number);
    case Kind::Multiply:
      return wrap(__int128(in[0]) * in[1]);
    case Kind::FloorDiv:
      return floorDivide(in[0], node.number);
    case Kind::Quotient:
      return in[0] / in[1];
    case Kind::Min:
      return std::min(in[0], in[1]);
    case Kind::Max:
      return std::max(in[0], in[1]);
    case Kind::Choose:
      return in[0] >= 0 ? in[1] : in[2];
    case Kind::Least:
    case Kind::Most: {
      SmallVector<int64_t> first, last;
      for (size_t i = 0; i < in.size(); i += 2) {
        first.push_back(in[i]);
        last.push_back(in[i + 1]);
      }
      auto [least, most] = numbers.table(node.load, first, last);
      return node.kind == Kind::Least ? least : most;
    }
    }
    llvm_unreachable("every kind is listed");
  });
}

} // namespace weft

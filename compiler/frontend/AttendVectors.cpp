//===- AttendVectors.cpp - scores of the vectors themselves -------------------------------------------------------===//
// Answers: which sums over the width does a score consist of? A score over vectors, 'score additive(q[dim], k[dim];
// w[dim]) = sum[dim] w * tanh(q + k)', is any formula of such sums; what they sum is computed where the products of
// attention are, element by element.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weft::frontend;

bool Elaborator::vectorAxisOf(const FormulaDecl &decl, StringRef &axis) {
  auto fail = [&](Diag id, Loc loc, const Twine &text) {
    error(id, loc, text);
    return false;
  };
  for (const Parameter &parameter : decl.parameters) {
    StringRef name = parameter.name.text;
    if (!parameter.hasAxes)
      continue;
    if (decl.kind == FormulaDecl::Kind::Def)
      return fail(Diag::W015, parameter.loc, "parameters of a formula have no axes; tensors to read stand after ';'");
    if (decl.kind != FormulaDecl::Kind::Score)
      return fail(Diag::W036, parameter.loc,
                  "only a score may take vectors such as '" + parameter.loc.text() + "', and '" + decl.name.text +
                      "' is none; tensors stand after ';'");
    if (name != "q" && name != "k")
      return fail(Diag::W015, parameter.loc,
                  "only 'q' and 'k' are vectors of a score; the tensor '" + name + "' stands after ';'");
    if (parameter.axes.size() != 1)
      return fail(Diag::W015, parameter.loc, "'" + name + "' is a vector along one axis, as in '" + name + "[dim]'");
    if (!axis.empty() && axis != parameter.axes.front().text)
      return fail(Diag::W015, parameter.loc,
                  "'q' and 'k' are vectors along the same axis, but here along '" + axis + "' and '" +
                      parameter.axes.front().text + "'");
    axis = parameter.axes.front().text;
  }
  for (const Parameter &parameter : decl.parameters) {
    StringRef name = parameter.name.text;
    if (axis.empty() || parameter.hasAxes)
      continue;
    if (name == "q" || name == "k")
      return fail(Diag::W036, parameter.loc,
                  "a score over vectors knows no positions, so '" + name + "' must be a vector here, '" + name + "[" +
                      axis + "]'; a score after it, behind 'then', knows them");
    if (name == "s")
      return fail(Diag::W036, parameter.loc, "a score over vectors has no score 's' before it: it makes the first one");
  }
  return true;
}

Node *Elaborator::sumOverWidth(const ReduceExpr &expr, Scope &scope) {
  StringRef operation = expr.operation.text;
  Node *operand = value(*expr.operand, scope);
  if (!operand || !(operand = wantF32(operand, expr.operand->loc, "'" + operation + "'")))
    return nullptr;
  op::Attention &roles = *scope.attention;
  if (operand->axes.empty()) {
    error(Diag::W036, expr.operation.loc,
          "'" + operation +
              "' has no axis to go along here: for one query and one key, all is numbers; a score over "
              "vectors takes 'q[dim]' and 'k[dim]'");
    return nullptr;
  }
  const Axis *axis = expr.axes.size() == 1 ? axisNamed(expr.axes.front(), scope, operand) : roles.width;
  if (!axis)
    return nullptr;
  // A def may name the width by a name of its caller, which a score alone does not know.
  bool foreign = standalone && scope.vectorAxis.empty();
  if (expr.axes.size() != 1 || (axis != roles.width && !foreign)) {
    error(Diag::W022, expr.operation.loc,
          "'" + operation + "' in a score goes along the vectors' axis '" + roles.width->name + "' alone");
    return nullptr;
  }
  if (operation != "sum" && operation != "mean") {
    error(Diag::W040, expr.operation.loc,
          "'" + operation + "' along the vectors of a score is not supported yet; 'sum' and 'mean' are");
    return nullptr;
  }
  Node *sum = sumOfTerm(operand, expr.loc, operation, roles);
  return sum && operation == "mean" ? arithmetic(MapOp::Div, sum, count(roles.width, expr.loc), expr.loc, operation)
                                    : sum;
}

namespace {
/// A term as changing * same / under, of which only the first changes along the width; null for 1.
struct Factors {
  Node *changing, *same = nullptr, *under = nullptr;
};

/// Divides a term into factors. Nodes are shared between terms, so each is looked at once.
class Factoring {
public:
  using Combine = function_ref<Node *(MapOp op, Node *left, Node *right)>;
  Factoring(const Axis *width, Combine combine) : width(width), combine(combine) {}

  /// Whether a sum is part of it.
  bool sums(const Node *node) {
    if (auto it = known.find(node); it != known.end())
      return it->second;
    // The tensor that a read reads is the model's, not the formula's.
    ArrayRef<Node *> operands = ArrayRef(node->operands).drop_front(node->as<op::Read>() ? 1 : 0);
    bool found = node->as<op::WidthSum>() || any_of(operands, [&](const Node *operand) { return sums(operand); });
    return known[node] = found;
  }

  /// None where a sum is more than a factor.
  std::optional<Factors> factors(Node *node) {
    if (auto it = divided.find(node); it != divided.end())
      return it->second;
    std::optional<Factors> result = divide(node);
    return divided[node] = result;
  }

private:
  std::optional<Factors> divide(Node *node) {
    if (!sums(node))
      return Factors{node};
    if (!contains(node->axes, width))
      return Factors{nullptr, node};
    const auto *map = node->as<op::Map>();
    if (!map || (map->op != MapOp::Mul && map->op != MapOp::Div && map->op != MapOp::Neg))
      return std::nullopt;
    std::optional<Factors> left = factors(node->operands[0]);
    if (!left)
      return std::nullopt;
    if (map->op == MapOp::Neg)
      return Factors{combine(MapOp::Neg, left->changing, nullptr), left->same, left->under};
    std::optional<Factors> right = factors(node->operands[1]);
    if (!right)
      return std::nullopt;
    if (map->op == MapOp::Div)
      std::swap(right->same, right->under);
    return Factors{combine(map->op, left->changing, right->changing), combine(MapOp::Mul, left->same, right->same),
                   combine(MapOp::Mul, left->under, right->under)};
  }

  const Axis *width;
  Combine combine;
  DenseMap<const Node *, bool> known;
  DenseMap<const Node *, std::optional<Factors>> divided;
};
} // namespace

Node *Elaborator::sumOfTerm(Node *term, Loc loc, StringRef construct, op::Attention &roles) {
  auto combine = [&](MapOp op, Node *left, Node *right) -> Node * {
    if (op == MapOp::Neg)
      return map(op, Element::F32, {left}, loc, construct);
    if (!right)
      return left;
    if (!left && op == MapOp::Mul)
      return right;
    return map(op, Element::F32, {left ? left : constant(1, Element::F32, loc), right}, loc, construct);
  };
  Factoring factoring(roles.width, combine);
  // The norm of a vector, say, is a sum itself: as a factor of another sum's terms it moves out.
  std::optional<Factors> factors = factoring.factors(term);
  if (!factors) {
    error(Diag::W040, loc,
          "a sum over '" + roles.width->name + "' that is more than a factor in another one is not supported yet");
    return nullptr;
  }
  Node *sum = add(op::WidthSum{static_cast<unsigned>(roles.terms.size())}, Element::F32, {}, {}, loc, construct);
  roles.terms.push_back(factors->changing);
  if (factors->same)
    sum = map(MapOp::Mul, Element::F32, {factors->same, sum}, loc, construct);
  return factors->under ? map(MapOp::Div, Element::F32, {sum, factors->under}, loc, construct) : sum;
}

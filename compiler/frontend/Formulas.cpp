//===- Formulas.cpp - numbers, element by element -----------------------------------------------------------------===//
// Answers: of which type and over which axes is the result of an operator, and which results are known already?
// Integers that are known take the type of what they meet; '/' always makes real numbers; 'and', 'or', 'not' and 'if'
// want conditions, everything else numbers.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;
using namespace weft::frontend;

Node *Elaborator::constant(double value, Element element, Loc loc) {
  return add(op::Constant{value}, element, {}, {}, loc, "constant");
}

Node *Elaborator::convert(Node *node, Element element) {
  if (node->element == element)
    return node;
  if (node->isConstant())
    return constant(node->constant(), element, node->loc);
  // Of two known numbers, each is one of the new type already.
  if (const auto *choice = node->as<op::Map>();
      choice && choice->op == MapOp::Select && node->operands[1]->isConstant() && node->operands[2]->isConstant())
    return map(MapOp::Select, element,
               {node->operands[0], convert(node->operands[1], element), convert(node->operands[2], element)}, node->loc,
               node->construct);
  MapOp op = element == Element::F32 ? MapOp::ToF32 : element == Element::Index ? MapOp::ToIndex : MapOp::ToI32;
  return map(op, element, {node}, node->loc, "convert");
}

bool Elaborator::wantNumber(Node *node, Loc loc, const Twine &what) {
  if (node->element != Element::Bool)
    return true;
  error(Diag::W017, loc, what + " needs numbers, but is given a condition; 'if c then 1 else 0' makes a number of it");
  return false;
}

Node *Elaborator::wantF32(Node *node, Loc loc, const Twine &what) {
  return wantNumber(node, loc, what) ? convert(node, Element::F32) : nullptr;
}

// The value of an operation on known numbers.
static double evaluate(MapOp op, ArrayRef<double> operands) {
  double x = operands[0], y = operands.size() > 1 ? operands[1] : 0;
  switch (op) {
  case MapOp::Add:
    return x + y;
  case MapOp::Sub:
    return x - y;
  case MapOp::Mul:
    return x * y;
  case MapOp::Div:
    return x / y;
  case MapOp::FloorDiv:
    return std::floor(x / y);
  case MapOp::Mod:
    return x - std::floor(x / y) * y;
  case MapOp::Neg:
    return -x;
  case MapOp::Lt:
    return x < y;
  case MapOp::Le:
    return x <= y;
  case MapOp::Gt:
    return x > y;
  case MapOp::Ge:
    return x >= y;
  case MapOp::Eq:
    return x == y;
  case MapOp::Ne:
    return x != y;
  case MapOp::And:
    return x != 0 && y != 0;
  case MapOp::Or:
    return x != 0 || y != 0;
  case MapOp::Not:
    return x == 0;
  case MapOp::Select:
    return x != 0 ? y : operands[2];
  case MapOp::ToF32:
  case MapOp::ToIndex:
  case MapOp::ToI32:
    return x;
#define MATH(name, arity, formula, description)                                                                        \
  case MapOp::Math_##name:                                                                                             \
    return formula;
#include "compiler/frontend/Builtins.def"
  }
  llvm_unreachable("an operation without a value");
}

Node *Elaborator::map(MapOp op, Element element, ArrayRef<Node *> operands, Loc loc, StringRef construct) {
  if (all_of(operands, [](Node *node) { return node->isConstant(); })) {
    SmallVector<double, 3> values;
    for (Node *node : operands)
      values.push_back(node->constant());
    return constant(evaluate(op, values), element, loc);
  }
  std::optional<AxisList> axes = unite(operands, loc);
  if (!axes)
    return nullptr;
  return add(op::Map{op}, element, *axes, operands, loc, construct);
}

/// The type in which numbers of these types meet.
static Element meet(ArrayRef<Node *> nodes) {
  Element element = Element::Integer;
  for (Node *node : nodes) {
    if (node->element == Element::F32)
      return Element::F32;
    if (node->element == Element::Index || element == Element::Integer)
      element = node->element;
  }
  return element;
}

Node *Elaborator::arithmetic(MapOp op, Node *left, Node *right, Loc loc, StringRef construct) {
  std::string what = ("'" + construct + "'").str();
  if (!wantNumber(left, loc, what) || !wantNumber(right, loc, what))
    return nullptr;
  Element element = meet({left, right});
  bool known = left->isConstant() && right->isConstant();
  if (op == MapOp::Div) {
    if (right->isConstant() && right->constant() == 0) {
      error(Diag::W023, loc, "division by zero");
      return nullptr;
    }
    // 64 / 8 stays a whole number, so that it may be a position.
    bool whole = known && element == Element::Integer && std::fmod(left->constant(), right->constant()) == 0;
    element = whole ? Element::Integer : Element::F32;
  }
  if ((op == MapOp::Mod || op == MapOp::FloorDiv) && element != Element::F32 &&
      !(right->isConstant() && right->constant() > 0)) {
    error(Diag::W015, loc, "'" + construct + "' of whole numbers needs a known positive number on its right");
    return nullptr;
  }
  bool compares = op >= MapOp::Lt && op <= MapOp::Ne;
  return map(op, compares ? Element::Bool : element, {convert(left, element), convert(right, element)}, loc, construct);
}

Node *Elaborator::logic(MapOp op, ArrayRef<Node *> operands, Loc loc, StringRef construct) {
  for (Node *operand : operands)
    if (operand->element != Element::Bool) {
      error(Diag::W017, loc, "'" + construct + "' needs conditions, but is given " + describe(operand));
      return nullptr;
    }
  // What is known decides or drops out: 'a and true' is a.
  if (operands.size() == 2)
    for (unsigned i : {0u, 1u})
      if (operands[i]->isConstant())
        return (operands[i]->constant() != 0) == (op == MapOp::And) ? operands[1 - i] : operands[i];
  return map(op, Element::Bool, operands, loc, construct);
}

Node *Elaborator::binary(Operator op, Node *left, Node *right, Loc loc) {
  switch (op) {
  case Operator::And:
    return logic(MapOp::And, {left, right}, loc, "and");
  case Operator::Or:
    return logic(MapOp::Or, {left, right}, loc, "or");
#define CASE(name)                                                                                                     \
  case Operator::name:                                                                                                 \
    return arithmetic(MapOp::name, left, right, loc, spelling(op));
    // clang-format off
    CASE(Add) CASE(Sub) CASE(Mul) CASE(Div) CASE(FloorDiv) CASE(Mod)
    CASE(Lt) CASE(Le) CASE(Gt) CASE(Ge) CASE(Eq) CASE(Ne)
    // clang-format on
#undef CASE
      case Operator::Not:
  case Operator::Neg:
    break;
  }
  llvm_unreachable("not a binary operator");
}

Node *Elaborator::unary(Operator op, Node *operand, Loc loc) {
  if (op == Operator::Not)
    return logic(MapOp::Not, {operand}, loc, "not");
  if (!wantNumber(operand, loc, "'-'"))
    return nullptr;
  return map(MapOp::Neg, operand->element, {operand}, loc, "-");
}

Node *Elaborator::select(Node *condition, Node *then, Node *otherwise, bool positions, Loc loc) {
  if (condition->element != Element::Bool) {
    error(Diag::W017, loc, "'if' needs a condition, but is given " + describe(condition));
    return nullptr;
  }
  if (condition->isConstant())
    return condition->constant() != 0 ? then : otherwise;
  if (then->element == Element::Bool && otherwise->element == Element::Bool)
    return map(MapOp::Select, Element::Bool, {condition, then, otherwise}, loc, "if");
  if (!wantNumber(then, loc, "'if'") || !wantNumber(otherwise, loc, "'if'"))
    return nullptr;
  Element element = meet({then, otherwise});
  // Two known integers and nothing to meet: they are numbers like any other; among positions they may be one.
  if (element == Element::Integer)
    element = positions ? Element::Index : Element::F32;
  return map(MapOp::Select, element, {condition, convert(then, element), convert(otherwise, element)}, loc, "if");
}

Node *Elaborator::math(MapOp op, StringRef name, ArrayRef<Node *> operands, Loc loc) {
  for (Node *operand : operands)
    if (!wantNumber(operand, loc, "'" + name + "'"))
      return nullptr;
  bool keepsIntegers = op == MapOp::Math_min || op == MapOp::Math_max || op == MapOp::Math_abs;
  if ((op == MapOp::Math_floor || op == MapOp::Math_whole) && operands[0]->element != Element::F32)
    return operands[0];
  // Small powers are products: exact, and faster than any general power.
  if (op == MapOp::Math_pow && operands[1]->isConstant() && !operands[0]->isConstant()) {
    double power = operands[1]->constant();
    if (power == 2 || power == 3) {
      Node *square = arithmetic(MapOp::Mul, operands[0], operands[0], loc, name);
      return power == 2 || !square ? square : arithmetic(MapOp::Mul, square, operands[0], loc, name);
    }
  }
  Element element = keepsIntegers ? meet(operands) : Element::F32;
  SmallVector<Node *, 2> converted;
  for (Node *operand : operands)
    converted.push_back(convert(operand, element));
  if (op == MapOp::Math_whole)
    element = converted[0]->isConstant() ? Element::Integer : Element::I32;
  return map(op, element, converted, loc, name);
}

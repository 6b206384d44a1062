//===- AttendFormulas.cpp - masks and scores ----------------------------------------------------------------------===//
// Answers: which condition on positions does 'where' state, and what does 'score' make of a number? The parameters b,
// h, q, k and s (and heads, the number of query heads) bind by name; the others are arguments, in their order.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weft::frontend;

static Ident calledName(const Expr &expr) {
  if (const auto *name = dyn_cast<NameExpr>(&expr))
    return {name->name, name->loc};
  if (const auto *call = dyn_cast<CallExpr>(&expr))
    return call->callee;
  return {};
}

static bool bindsByName(const Parameter &parameter) {
  StringRef name = parameter.name.text;
  return name == "b" || name == "h" || name == "q" || name == "k" || name == "s" || name == "heads";
}

Node *Elaborator::mask(const Expr &expr, Scope &scope, op::Attention &roles, std::vector<Node *> &captured) {
  if (const auto *pair = dyn_cast<BinaryExpr>(&expr); pair && (pair->op == Operator::And || pair->op == Operator::Or)) {
    Node *left = mask(*pair->left, scope, roles, captured);
    Node *right = mask(*pair->right, scope, roles, captured);
    return left && right ? binary(pair->op, left, right, expr.loc) : nullptr;
  }
  if (const auto *negation = dyn_cast<UnaryExpr>(&expr); negation && negation->op == Operator::Not) {
    Node *operand = mask(*negation->operand, scope, roles, captured);
    return operand ? unary(Operator::Not, operand, expr.loc) : nullptr;
  }
  return formula(expr, FormulaDecl::Kind::Mask, nullptr, scope, roles, captured);
}

void Elaborator::wrongFormula(const Expr &expr, const Ident &name, FormulaDecl::Kind wanted, const Scope &scope) {
  bool wantsMask = wanted == FormulaDecl::Kind::Mask;
  StringRef clause = wantsMask ? "where" : "score", kind = wantsMask ? "mask" : "score";
  if (name.text.empty()) {
    error(Diag::W032, expr.loc,
          "'" + clause + "' takes " + (wantsMask ? "masks under 'and', 'or' and 'not'" : "scores") +
              ", not a formula; declare one: '" + kind + " name(q, k) = " + expr.loc.text() + "'");
    return;
  }
  auto it = program.formulas.find(name.text);
  if (it == program.formulas.end()) {
    if (program.blocks.count(name.text) || isBuiltin(name.text) || const_cast<Scope &>(scope).find(name.text)) {
      error(Diag::W032, name.loc, "'" + clause + "' takes a " + kind + ", and '" + name.text + "' is none");
      return;
    }
    std::vector<StringRef> names;
    for (const auto &entry : program.formulas)
      if (entry.getValue()->kind == wanted)
        names.push_back(entry.getKey());
    unknownName(name, names, kind);
    return;
  }
  const FormulaDecl &found = *it->getValue();
  if (wantsMask && found.kind == FormulaDecl::Kind::Score)
    error(Diag::W034, name.loc,
          "'" + name.text + "' is a score, but 'where' takes a mask; did you mean 'score " + expr.loc.text() + "'?")
        .note(found.name.loc, "declared here");
  else
    error(Diag::W032, name.loc,
          "'" + name.text + "' is a " + (found.kind == FormulaDecl::Kind::Def ? "def" : "mask") + ", but '" + clause +
              "' takes a " + kind +
              (found.kind == FormulaDecl::Kind::Mask ? "; did you mean 'where " + expr.loc.text().str() + "'?"
                                                     : std::string()))
        .note(found.name.loc, "declared here");
}

Node *Elaborator::formula(const Expr &expr, FormulaDecl::Kind kind, Node *score, Scope &scope, op::Attention &roles,
                          std::vector<Node *> &captured) {
  Ident name = calledName(expr);
  auto it = program.formulas.find(name.text);
  if (name.text.empty() || it == program.formulas.end() || it->getValue()->kind != kind ||
      program.blocks.count(name.text)) {
    wrongFormula(expr, name, kind, scope);
    return nullptr;
  }
  const FormulaDecl &decl = *it->getValue();
  Scope inner;
  inner.formula = &decl;
  inner.attention = &roles;
  inner.captured = &captured;
  inner.lifted = scope.lifted;
  inner.bound = scope.bound;
  if (!bindFormula(decl, expr, score, scope, inner))
    return nullptr;
  sites.push_back(expr.loc);
  Node *result = value(*decl.body, inner);
  if (result && (result->element == Element::Bool) != (kind == FormulaDecl::Kind::Mask)) {
    error(Diag::W035, decl.body->loc,
          kind == FormulaDecl::Kind::Mask ? "a mask says yes or no, but '" + decl.name.text + "' is " + describe(result)
                                          : "a score is a number, but '" + decl.name.text + "' is a condition");
    result = nullptr;
  }
  sites.pop_back();
  return result;
}

Node *Elaborator::formal(char name, Loc loc, Scope &inner) {
  if (name == 'h' && inner.attention->queryHeads.empty()) {
    error(Diag::W036, loc, "'" + inner.formula->name.text + "' asks for the head 'h', but the query here has no heads");
    return nullptr;
  }
  return add(op::Formal{name}, Element::Index, {}, {}, loc, StringRef(&name, 1));
}

bool Elaborator::bindFormula(const FormulaDecl &decl, const Expr &use, Node *score, Scope &outer, Scope &inner) {
  SmallVector<const Parameter *> wanted;
  for (const Parameter &parameter : decl.parameters) {
    if (parameter.hasAxes) {
      error(Diag::W040, parameter.loc,
            "a score over vectors such as '" + parameter.loc.text() + "' is not supported yet");
      return false;
    }
    StringRef name = parameter.name.text;
    if (!bindsByName(parameter)) {
      wanted.push_back(&parameter);
      continue;
    }
    Node *&slot = inner.layers.back()[name];
    if (name == "heads") {
      std::optional<int64_t> heads = staticProduct(inner.attention->queryHeads, use.loc);
      if (!heads)
        return false;
      slot = constant(static_cast<double>(*heads), Element::Integer, use.loc);
    } else if (name == "s") {
      if (!score) {
        error(Diag::W036, parameter.loc, "a mask has no score 's': it is decided from positions alone");
        return false;
      }
      slot = score;
    } else if (!(slot = formal(name[0], use.loc, inner))) {
      return false;
    }
  }
  const auto *call = dyn_cast<CallExpr>(&use);
  ArrayRef<Argument> arguments = call ? ArrayRef<Argument>(call->arguments) : ArrayRef<Argument>();
  size_t count = wanted.size() + decl.tensors.size();
  if (arguments.size() != count) {
    wrongCount(decl.name.text, count, arguments.size(), use.loc)
        .note(decl.name.loc, "declared here; b, h, q, k, s and heads are no arguments");
    return false;
  }
  for (auto [index, argument] : enumerate(arguments)) {
    if (argument.kind != Argument::Kind::Value) {
      error(Diag::W015, argument.loc, "'" + decl.name.text + "' takes values only");
      return false;
    }
    Node *node = value(*argument.value, outer);
    if (!node)
      return false;
    if (index < wanted.size()) {
      if (!node->isConstant()) {
        error(Diag::W026, argument.loc,
              "'" + wanted[index]->name.text +
                  "' must be a number that is known when compiling; a tensor stands after ';' in '" + decl.name.text +
                  "'");
        return false;
      }
      inner.layers.back()[wanted[index]->name.text] = node;
      continue;
    }
    if (!bindTensor(decl, decl.tensors[index - wanted.size()], argument.loc, node, inner))
      return false;
  }
  return true;
}

bool Elaborator::bindTensor(const FormulaDecl &decl, const Parameter &parameter, Loc loc, Node *node, Scope &inner) {
  AxisList axes;
  for (const Ident &ident : parameter.axes) {
    const Axis *axis = axisNamed(ident, inner, node);
    if (!axis)
      return false;
    if (!contains(node->axes, axis)) {
      error(Diag::W022, loc,
            "'" + parameter.name.text + "' needs axis '" + axis->name + "', but this value is " + describe(node))
          .note(parameter.loc, "declared here");
      return false;
    }
    axes.push_back(axis);
  }
  for (const Axis *axis : node->axes)
    if (!contains(axes, axis) && !contains(inner.attention->batch, axis) &&
        !contains(inner.attention->queryHeads, axis)) {
      error(Diag::W022, loc,
            "'" + parameter.name.text + "' has axis '" + axis->name + "', which neither '" + decl.name.text +
                "' reads nor the query is over")
          .note(parameter.loc, "declared here");
      return false;
    }
  inner.tensors[parameter.name.text] = {node, axes};
  return true;
}

Node *Elaborator::read(const IndexExpr &expr, const Scope::Tensor &tensor, Scope &scope) {
  if (expr.entries.size() != tensor.indexed.size()) {
    error(Diag::W014, expr.loc,
          "a position is needed for each of the axes " + toString(tensor.indexed) + ", but " +
              Twine(expr.entries.size()) + (expr.entries.size() == 1 ? " is" : " are") + " given");
    return nullptr;
  }
  op::Attention &roles = *scope.attention;
  DenseMap<const Axis *, std::pair<Node *, bool>> positions;
  for (auto [axis, entry] : zip(tensor.indexed, expr.entries)) {
    if (entry.axis) {
      error(Diag::W015, entry.axis->loc, "positions in a formula stand in the order of the declaration, without names");
      return nullptr;
    }
    Node *position = value(*entry.value, scope);
    if (!position)
      return nullptr;
    if (position->element == Element::F32 || position->element == Element::Bool) {
      error(Diag::W017, entry.value->loc,
            "a position must be a whole number, but this is " + describe(position) +
                "; '//' and '%' keep numbers whole");
      return nullptr;
    }
    const auto *formal = position->as<op::Formal>();
    const Axis *walked = !formal               ? nullptr
                         : formal->name == 'q' ? roles.queryPosition
                         : formal->name == 'k' ? roles.keyPosition
                                               : nullptr;
    seesWhole(axis, expr.loc, "this formula reads");
    positions[axis] = {convert(position, Element::Index), walked && walked->root() == axis->root()};
  }
  op::Read read;
  SmallVector<Node *, 4> operands = {tensor.node};
  for (const Axis *axis : tensor.node->axes) {
    auto it = positions.find(axis);
    bool given = it != positions.end();
    read.exact.push_back(given ? it->second.second : true);
    operands.push_back(given ? it->second.first
                             : add(op::AxisIndex{axis}, Element::Index, {}, {}, expr.loc, axis->name));
  }
  if (!is_contained(*scope.captured, tensor.node))
    scope.captured->push_back(tensor.node);
  return add(std::move(read), tensor.node->element, {}, operands, expr.loc, "read");
}

void Elaborator::checkFormula(const FormulaDecl &formula) {
  Scope scope;
  op::Attention roles{};
  std::vector<Node *> captured;
  scope.formula = &formula;
  bool isDef = formula.kind == FormulaDecl::Kind::Def;
  scope.attention = isDef ? nullptr : &roles;
  scope.captured = &captured;
  lenient = isDef;
  for (const Parameter &parameter : formula.parameters) {
    if (parameter.hasAxes) {
      if (formula.kind == FormulaDecl::Kind::Score)
        error(Diag::W040, parameter.loc,
              "a score over vectors such as '" + parameter.loc.text() + "' is not supported yet");
      else
        error(Diag::W015, parameter.loc, "parameters of a formula have no axes; tensors to read stand after ';'");
      return;
    }
    bool position = !isDef && bindsByName(parameter) && parameter.name.text != "s";
    if (!isDef && formula.kind == FormulaDecl::Kind::Mask && parameter.name.text == "s") {
      error(Diag::W036, parameter.loc, "a mask has no score 's': it is decided from positions alone");
      return;
    }
    // An argument may be any number; one that is known passes wherever a formula needs it to be.
    Node *node = position ? add(op::Formal{'k'}, Element::Index, {}, {}, parameter.loc, "k")
                 : isDef || parameter.name.text == "s" ? add(op::Input{}, Element::F32, {}, {}, parameter.loc, "x")
                                                       : constant(1, Element::Integer, parameter.loc);
    if (!scope.layers.back().try_emplace(parameter.name.text, node).second)
      error(Diag::W011, parameter.name.loc, "parameter '" + parameter.name.text + "' is declared twice");
  }
  for (const Parameter &parameter : formula.tensors) {
    AxisList axes;
    if (isDef) {
      error(Diag::W015, parameter.loc, "a def takes no tensors after ';': its parameters may be tensors already");
      return;
    }
    if (!parameter.hasAxes) {
      error(Diag::W015, parameter.loc,
            "tensor '" + parameter.name.text + "' states its axes, as in '" + parameter.name.text + "[seq]'");
      return;
    }
    if (!axesNamed(parameter.axes, scope, axes))
      return;
    std::optional<Element> element = elementOf(parameter);
    if (!element)
      return;
    scope.tensors[parameter.name.text] = {add(op::Input{}, *element, axes, {}, parameter.loc, "x"), axes};
  }
  Node *result = value(*formula.body, scope);
  if (!result || isDef || (result->element == Element::Bool) == (formula.kind == FormulaDecl::Kind::Mask))
    return;
  error(Diag::W035, formula.body->loc,
        formula.kind == FormulaDecl::Kind::Mask
            ? "a mask says yes or no, but '" + formula.name.text + "' is a number"
            : "a score is a number, but '" + formula.name.text + "' is a condition");
}

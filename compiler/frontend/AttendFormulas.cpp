//===- AttendFormulas.cpp - masks, scores and what weighs ---------------------------------------------------------===//
// Answers: which condition on positions does 'where' state, and what do 'score' and 'weigh' make of a number? The
// parameters b, h, q, k, the number s or p (and heads, the number of query heads) bind by name; the others are
// arguments, in their order.
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

static bool bindsByName(const Parameter &parameter, FormulaDecl::Kind kind) {
  StringRef name = parameter.name.text;
  return name == "b" || name == "h" || name == "q" || name == "k" || name == "s" || name == "heads" ||
         (name == "p" && kind == FormulaDecl::Kind::Weigh);
}

static StringRef nounOf(FormulaDecl::Kind kind) {
  return kind == FormulaDecl::Kind::Weigh ? "weigh formula" : spelling(kind);
}

/// What a parameter 's' is told where there is no score.
static StringRef withoutScore(FormulaDecl::Kind kind) {
  return kind == FormulaDecl::Kind::Mask ? "a mask has no score 's': it is decided from positions alone"
                                         : "after the softmax there is no score 's'; the probability is 'p'";
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
  using Kind = FormulaDecl::Kind;
  StringRef clause = clauseOf(wanted), kind = nounOf(wanted);
  if (name.text.empty()) {
    StringRef parameters = wanted == Kind::Mask ? "q, k" : wanted == Kind::Score ? "s, q, k" : "p, q, k";
    error(Diag::W032, expr.loc,
          "'" + clause + "' takes " +
              (wanted == Kind::Mask ? "masks under 'and', 'or' and 'not'" : kind + "s by name") +
              ", not a formula; declare one: '" + spelling(wanted) + " name(" + parameters + ") = " + expr.loc.text() +
              "'");
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
  std::string meant = found.kind == Kind::Def
                          ? std::string()
                          : ("; did you mean '" + clauseOf(found.kind) + " " + expr.loc.text() + "'?").str();
  error(wanted == Kind::Mask && found.kind == Kind::Score ? Diag::W034 : Diag::W032, name.loc,
        "'" + name.text + "' is a " + nounOf(found.kind) + ", but '" + clause + "' takes a " + kind + meant)
      .note(found.name.loc, "declared here");
}

const FormulaDecl *Elaborator::declared(const Expr &use, FormulaDecl::Kind kind) const {
  Ident name = calledName(use);
  auto it = program.formulas.find(name.text);
  bool found = !name.text.empty() && it != program.formulas.end() && it->getValue()->kind == kind &&
               !program.blocks.count(name.text);
  return found ? it->getValue() : nullptr;
}

Node *Elaborator::formula(const Expr &expr, FormulaDecl::Kind kind, Node *number, Scope &scope, op::Attention &roles,
                          std::vector<Node *> &captured) {
  const FormulaDecl *decl = declared(expr, kind);
  if (!decl) {
    wrongFormula(expr, calledName(expr), kind, scope);
    return nullptr;
  }
  Scope inner;
  inner.formula = decl;
  inner.attention = &roles;
  inner.captured = &captured;
  inner.lifted = scope.lifted;
  inner.bound = scope.bound;
  if (!bindFormula(*decl, expr, number, scope, inner))
    return nullptr;
  sites.push_back(expr.loc);
  Node *result = value(*decl->body, inner);
  if (result && !isFormulaResult(*decl, result))
    result = nullptr;
  // The scale is that of the whole score; only where this is one sum, it is that of the sum.
  if (result && !inner.vectorAxis.empty() && !result->as<op::WidthSum>() && roles.scale != 1) {
    result = arithmetic(MapOp::Mul, constant(roles.scale, Element::F32, expr.loc), result, expr.loc, "scale");
    roles.scale = 1;
  }
  sites.pop_back();
  return result;
}

bool Elaborator::isFormulaResult(const FormulaDecl &decl, const Node *result) {
  bool isMask = decl.kind == FormulaDecl::Kind::Mask;
  StringRef name = decl.name.text;
  if ((result->element == Element::Bool) != isMask)
    error(Diag::W035, decl.body->loc,
          isMask ? "a mask says yes or no, but '" + name + "' is a number"
                 : "a " + nounOf(decl.kind) + " is a number, but '" + name + "' is a condition");
  else if (!result->axes.empty())
    error(Diag::W035, decl.body->loc,
          "a score is a number, but '" + name + "' is " + describe(result) + "; 'sum[" + result->axes.front()->name +
              "]' makes one of it");
  else
    return true;
  return false;
}

Node *Elaborator::formal(char name, Loc loc, Scope &inner) {
  if (name == 'h' && inner.attention->queryHeads.empty()) {
    error(Diag::W036, loc, "'" + inner.formula->name.text + "' asks for the head 'h', but the query here has no heads");
    return nullptr;
  }
  return add(op::Formal{name}, Element::Index, {}, {}, loc, StringRef(&name, 1));
}

bool Elaborator::bindParameter(const FormulaDecl &decl, const Parameter &parameter, Loc use, Node *number,
                               Scope &inner) {
  StringRef name = parameter.name.text;
  Node *&slot = inner.layers.back()[name];
  if (parameter.hasAxes) {
    slot = add(op::Formal{name == "q" ? 'x' : 'y'}, Element::F32, {inner.attention->width}, {}, use, name);
    return true;
  }
  if (name == "heads") {
    std::optional<int64_t> heads = staticProduct(inner.attention->queryHeads, use);
    slot = heads ? constant(static_cast<double>(*heads), Element::Integer, use) : nullptr;
    return slot;
  }
  if (name != "s" && name != "p")
    return (slot = formal(name[0], use, inner));
  slot = number;
  if (name == "s" && decl.kind != FormulaDecl::Kind::Score) {
    error(Diag::W036, parameter.loc, withoutScore(decl.kind));
    return false;
  }
  return true;
}

bool Elaborator::bindFormula(const FormulaDecl &decl, const Expr &use, Node *number, Scope &outer, Scope &inner) {
  if (!vectorAxisOf(decl, inner.vectorAxis))
    return false;
  if (!inner.vectorAxis.empty() && !number->as<op::Formal>()) {
    error(Diag::W036, use.loc,
          "'" + decl.name.text + "' makes a score of the vectors themselves, so it stands first: 'score " +
              use.loc.text() + " then ...'")
        .note(decl.name.loc, "declared here");
    return false;
  }
  SmallVector<const Parameter *> wanted;
  for (const Parameter &parameter : decl.parameters) {
    if (!bindsByName(parameter, decl.kind))
      wanted.push_back(&parameter);
    else if (!bindParameter(decl, parameter, use.loc, number, inner))
      return false;
  }
  const auto *call = dyn_cast<CallExpr>(&use);
  ArrayRef<Argument> arguments = call ? ArrayRef<Argument>(call->arguments) : ArrayRef<Argument>();
  size_t count = wanted.size() + decl.tensors.size();
  if (arguments.size() != count) {
    wrongCount(decl.name.text, count, arguments.size(), use.loc)
        .note(decl.name.loc, Twine("declared here; b, h, q, k, ") +
                                 (decl.kind == FormulaDecl::Kind::Weigh ? "p" : "s") + " and heads are no arguments");
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
  if (parameter.axes.empty() && node->isConstant()) {
    inner.layers.back()[parameter.name.text] = node;
    return true;
  }
  AxisList axes, indexed;
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
    // Along the vectors, a tensor is read where they are.
    if (ident.text != inner.vectorAxis)
      indexed.push_back(axis);
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
  inner.tensors[parameter.name.text] = {node, indexed};
  return true;
}

/// Whether a formal is a position on that very axis, so that it is inside of any tensor over it.
static bool walks(const op::Formal &formal, const Axis *axis, const op::Attention &roles) {
  auto only = [&](ArrayRef<const Axis *> axes) { return axes.size() == 1 && axes.front() == axis; };
  switch (formal.name) {
  case 'q':
    return roles.queryPosition && roles.queryPosition->root() == axis->root();
  case 'k':
    return roles.keyPosition && roles.keyPosition->root() == axis->root();
  case 'b':
    return only(roles.batch);
  case 'h':
    return only(roles.queryHeads);
  default:
    return false;
  }
}

Node *Elaborator::read(ArrayRef<IndexExpr::Entry> entries, const Scope::Tensor &tensor, Loc loc, Scope &scope) {
  if (entries.size() != tensor.indexed.size()) {
    std::string needed = tensor.indexed.empty()
                             ? "this tensor is read without positions"
                             : "a position is needed for each of the axes " + toString(tensor.indexed);
    error(Diag::W014, loc,
          needed + ", but " + Twine(entries.size()) + (entries.size() == 1 ? " is" : " are") + " given");
    return nullptr;
  }
  op::Attention &roles = *scope.attention;
  DenseMap<const Axis *, std::pair<Node *, bool>> positions;
  for (auto [axis, entry] : zip(tensor.indexed, entries)) {
    if (entry.axis) {
      error(Diag::W015, entry.axis->loc, "positions in a formula stand in the order of the declaration, without names");
      return nullptr;
    }
    Node *position = value(*entry.value, scope);
    if (!position)
      return nullptr;
    if (position->element == Element::F32 || position->element == Element::Bool || !position->axes.empty()) {
      error(Diag::W017, entry.value->loc,
            "a position must be a whole number, but this is " + describe(position) +
                "; '//', '%' and 'whole' make whole numbers");
      return nullptr;
    }
    const auto *formal = position->as<op::Formal>();
    seesWhole(axis, loc, "this formula reads");
    positions[axis] = {convert(position, Element::Index), formal && walks(*formal, axis, roles)};
  }
  op::Read read;
  SmallVector<Node *, 4> operands = {tensor.node};
  AxisList axes;
  for (const Axis *axis : tensor.node->axes) {
    auto it = positions.find(axis);
    bool given = it != positions.end();
    read.exact.push_back(given ? it->second.second : true);
    operands.push_back(given ? it->second.first : add(op::AxisIndex{axis}, Element::Index, {}, {}, loc, axis->name));
    if (!given && axis == roles.width)
      axes.push_back(axis);
  }
  if (!is_contained(*scope.captured, tensor.node))
    scope.captured->push_back(tensor.node);
  return add(std::move(read), tensor.node->element, axes, operands, loc, "read");
}

void Elaborator::checkFormula(const FormulaDecl &formula) {
  using Kind = FormulaDecl::Kind;
  Scope scope;
  op::Attention roles{};
  std::vector<Node *> captured;
  scope.formula = &formula;
  bool isDef = formula.kind == Kind::Def;
  scope.attention = isDef ? nullptr : &roles;
  scope.captured = &captured;
  lenient = isDef;
  if (!vectorAxisOf(formula, scope.vectorAxis))
    return;
  if (!scope.vectorAxis.empty()) {
    // The width may have any name. As long as a declared axis of that name, where there is one, stands for it.
    auto it = program.axisNames.find(scope.vectorAxis);
    graph.derived.push_back({scope.vectorAxis.str(), it == program.axisNames.end() ? 1 : it->second->staticSize(),
                             formula.name.loc, false, nullptr, nullptr});
    roles.width = &graph.derived.back();
  }
  for (const Parameter &parameter : formula.parameters) {
    StringRef name = parameter.name.text;
    if (!isDef && name == "s" && formula.kind != Kind::Score) {
      error(Diag::W036, parameter.loc, withoutScore(formula.kind));
      return;
    }
    bool bound = !isDef && bindsByName(parameter, formula.kind);
    bool number = name == "s" || name == "p";
    // An argument may be any number; one that is known passes wherever a formula needs it to be.
    Node *node = parameter.hasAxes  ? add(op::Formal{'x'}, Element::F32, {roles.width}, {}, parameter.loc, name)
                 : bound && !number ? add(op::Formal{'k'}, Element::Index, {}, {}, parameter.loc, "k")
                 : isDef || bound   ? add(op::Input{}, Element::F32, {}, {}, parameter.loc, "x")
                                    : constant(1, Element::Integer, parameter.loc);
    if (!scope.layers.back().try_emplace(name, node).second)
      error(Diag::W011, parameter.name.loc, "parameter '" + name + "' is declared twice");
  }
  for (const Parameter &parameter : formula.tensors) {
    AxisList axes, indexed;
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
    copy_if(axes, std::back_inserter(indexed), [&](const Axis *axis) { return axis != roles.width; });
    scope.tensors[parameter.name.text] = {add(op::Input{}, *element, axes, {}, parameter.loc, "x"), indexed};
  }
  Node *result = value(*formula.body, scope);
  if (result && !isDef)
    isFormulaResult(formula, result);
}

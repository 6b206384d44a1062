//===- Expressions.cpp - values -----------------------------------------------------------------------------------===//
// Answers: which value is this expression?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/SaveAndRestore.h"
#include <cmath>

using namespace llvm;
using namespace weft::frontend;

// Trees are at most 256 deep, but formulas call formulas: what counts is how deep evaluation goes.
static constexpr unsigned evaluationLimit = 600;

Node *Elaborator::value(const Expr &expr, Scope &scope) {
  if (exhausted || diagnostics.full())
    return nullptr;
  bool deep = depth >= evaluationLimit;
  if (deep || ++steps > stepLimit) {
    exhausted = true;
    error(deep ? Diag::W006 : Diag::W041, expr.loc,
          deep ? "formulas call each other more than " + Twine(evaluationLimit) + " expressions deep"
               : "the model has more than " + Twine(stepLimit) + " operations");
    return nullptr;
  }
  SaveAndRestore deeper(depth, depth + 1);
  return valueImpl(expr, scope);
}

Node *Elaborator::valueImpl(const Expr &expr, Scope &scope) {
  switch (expr.kind) {
  case Expr::Kind::Number: {
    const auto &literal = cast<NumberExpr>(expr);
    return constant(literal.real, literal.isInteger ? Element::Integer : Element::F32, expr.loc);
  }
  case Expr::Kind::Name:
    return name(cast<NameExpr>(expr), scope);
  case Expr::Kind::Unary: {
    Node *operand = value(*cast<UnaryExpr>(expr).operand, scope);
    return operand ? unary(cast<UnaryExpr>(expr).op, operand, expr.loc) : nullptr;
  }
  case Expr::Kind::Binary: {
    const auto &pair = cast<BinaryExpr>(expr);
    Node *left = value(*pair.left, scope);
    Node *right = value(*pair.right, scope);
    return left && right ? binary(pair.op, left, right, expr.loc) : nullptr;
  }
  case Expr::Kind::If: {
    const auto &choice = cast<IfExpr>(expr);
    Node *condition = value(*choice.condition, scope);
    Node *then = value(*choice.then, scope);
    Node *otherwise = value(*choice.otherwise, scope);
    return condition && then && otherwise ? select(condition, then, otherwise, scope.attention, expr.loc) : nullptr;
  }
  case Expr::Kind::Call:
    return call(cast<CallExpr>(expr), scope);
  case Expr::Kind::Index:
    return index(cast<IndexExpr>(expr), scope);
  case Expr::Kind::Reduce:
    return reduce(cast<ReduceExpr>(expr), scope);
  case Expr::Kind::Attend:
    if (scope.formula) {
      error(Diag::W013, expr.loc, "'attend' cannot stand in a formula");
      return nullptr;
    }
    return single(cast<AttendExpr>(expr), scope);
  }
  llvm_unreachable("an expression of no kind");
}

void Elaborator::unknownName(const Ident &name, ArrayRef<StringRef> candidates, StringRef kind) {
  StringRef best = nearest(name.text, candidates);
  auto report =
      error(Diag::W010, name.loc,
            "unknown " + kind + " '" + name.text + "'" + (best.empty() ? Twine() : "; did you mean '" + best + "'?"));
  if (auto it = program.blocks.find(best); it != program.blocks.end())
    report.note(it->getValue()->name.loc, "'" + best + "' is declared here");
  else if (auto formula = program.formulas.find(best); formula != program.formulas.end())
    report.note(formula->getValue()->name.loc, "'" + best + "' is declared here");
}

StringRef weft::frontend::spelling(FormulaDecl::Kind kind) {
  static constexpr StringRef names[] = {"mask", "score", "weigh", "def"};
  return names[static_cast<size_t>(kind)];
}

StringRef weft::frontend::clauseOf(FormulaDecl::Kind kind) {
  static constexpr StringRef names[] = {"where", "score", "weigh", ""};
  return names[static_cast<size_t>(kind)];
}

Node *Elaborator::name(const NameExpr &expr, Scope &scope) {
  if (Node **node = scope.find(expr.name))
    return *node;
  if (auto it = scope.tensors.find(expr.name); it != scope.tensors.end()) {
    if (it->second.indexed.empty())
      return read({}, it->second, expr.loc, scope);
    error(Diag::W017, expr.loc,
          "'" + expr.name + "' is a tensor; a formula reads it at positions, as in '" + expr.name + "[k]'");
    return nullptr;
  }
  const Axis *axis = expr.name == scope.vectorAxis ? scope.attention->width : named(scope.bound, expr.name);
  if (auto it = program.axisNames.find(expr.name); !axis && it != program.axisNames.end())
    axis = it->second;
  if (axis) {
    if (std::optional<int64_t> size = axis->staticSize())
      return constant(static_cast<double>(*size), Element::Integer, expr.loc);
    if (!knownWhenRunning(axis, expr.loc))
      return nullptr;
    seesWhole(axis, expr.loc, "the size of '" + axis->name + "' counts");
    return add(op::AxisSize{axis->root()}, Element::Index, {}, {}, expr.loc, "size");
  }
  if (expr.name == "pi")
    return constant(M_PI, Element::F32, expr.loc);
  if (expr.name == "inf")
    return constant(INFINITY, Element::F32, expr.loc);
  if (program.blocks.count(expr.name) || isBuiltin(expr.name)) {
    error(Diag::W013, expr.loc, "'" + expr.name + "' is a block, not a value; it is called with arguments");
    return nullptr;
  }
  if (auto it = program.formulas.find(expr.name); it != program.formulas.end()) {
    error(Diag::W013, expr.loc, "'" + expr.name + "' is a " + spelling(it->getValue()->kind) + ", not a value");
    return nullptr;
  }
  std::vector<StringRef> names = {"pi", "inf"};
  for (const auto &layer : scope.layers)
    for (const auto &entry : layer)
      names.push_back(entry.getKey());
  for (const Axis &axis : program.axes)
    names.push_back(axis.name);
  unknownName({expr.name, expr.loc}, names, "name");
  return nullptr;
}

Diagnostics::Report Elaborator::wrongCount(StringRef callee, size_t wanted, size_t given, Loc loc) {
  return error(Diag::W014, loc,
               "'" + callee + "' takes " + counted(wanted, "argument") + ", but " + Twine(given) +
                   (given == 1 ? " is" : " are") + " given");
}

Node *Elaborator::call(const CallExpr &call, Scope &scope) {
  StringRef callee = call.callee.text;
  auto block = program.blocks.find(callee);
  if (call.in && block == program.blocks.end() && callee != "scan") {
    error(Diag::W015, call.in->loc,
          "'in' goes with a call of a block, whose weights it names; '" + callee + "' is none");
    return nullptr;
  }
  bool isDeclared = block != program.blocks.end() || program.formulas.count(callee);
#define BUILTIN(name, usage)                                                                                           \
  if (callee == #name && !isDeclared) {                                                                                \
    if (scope.attention) {                                                                                             \
      error(Diag::W013, call.callee.loc, "'" #name "' cannot stand in a mask or score");                               \
      return nullptr;                                                                                                  \
    }                                                                                                                  \
    return builtin_##name(call, usage, scope);                                                                         \
  }
#define LATER(name)                                                                                                    \
  if (callee == #name) {                                                                                               \
    error(Diag::W040, call.callee.loc, "'" #name "' is not supported yet");                                            \
    return nullptr;                                                                                                    \
  }
#define MATH(name, arity, formula, description)                                                                        \
  if (callee == #name) {                                                                                               \
    Values operands;                                                                                                   \
    for (const Argument &argument : call.arguments) {                                                                  \
      if (argument.kind != Argument::Kind::Value) {                                                                    \
        error(Diag::W015, argument.loc, "'" #name "' takes numbers only");                                             \
        return nullptr;                                                                                                \
      }                                                                                                                \
      operands.push_back(value(*argument.value, scope));                                                               \
      if (!operands.back())                                                                                            \
        return nullptr;                                                                                                \
    }                                                                                                                  \
    if (operands.size() != arity) {                                                                                    \
      wrongCount(#name, arity, operands.size(), call.loc);                                                             \
      return nullptr;                                                                                                  \
    }                                                                                                                  \
    return math(MapOp::Math_##name, #name, operands, call.loc);                                                        \
  }
#include "compiler/frontend/Builtins.def"
  if (block != program.blocks.end()) {
    if (scope.formula) {
      error(Diag::W013, call.callee.loc, "'" + callee + "' is a block and cannot stand in a formula");
      return nullptr;
    }
    Values results = callBlock(*block->getValue(), call, scope);
    if (results.size() == 1)
      return results.front();
    error(Diag::W016, call.loc,
          "'" + callee + "' gives " + Twine(results.size()) + " results, but one value is needed here")
        .note(block->getValue()->name.loc, "declared here");
    return nullptr;
  }
  if (auto it = program.formulas.find(callee); it != program.formulas.end()) {
    const FormulaDecl &formula = *it->getValue();
    if (formula.kind == FormulaDecl::Kind::Def)
      return def(formula, call, scope);
    error(Diag::W013, call.callee.loc,
          "'" + callee + "' is a " + spelling(formula.kind) + ", which stands in a clause of 'attend' only: '" +
              clauseOf(formula.kind) + " " + call.loc.text() + "'");
    return nullptr;
  }
  if (program.model && program.model->name.text == callee) {
    error(Diag::W013, call.callee.loc, "'" + callee + "' is the model and cannot be called");
    return nullptr;
  }
  unknownName(call.callee, callableNames(program), "block or function");
  return nullptr;
}

Node *Elaborator::def(const FormulaDecl &formula, const CallExpr &call, Scope &outer) {
  if (call.arguments.size() != formula.parameters.size()) {
    wrongCount(formula.name.text, formula.parameters.size(), call.arguments.size(), call.loc)
        .note(formula.name.loc, "declared here");
    return nullptr;
  }
  Scope inner;
  inner.formula = &formula;
  inner.attention = outer.attention;
  inner.captured = outer.captured;
  inner.lifted = outer.lifted;
  inner.bound = outer.bound;
  for (auto [parameter, argument] : zip(formula.parameters, call.arguments)) {
    if (argument.kind != Argument::Kind::Value) {
      error(Diag::W015, argument.loc, "'" + formula.name.text + "' takes values only");
      return nullptr;
    }
    Node *node = value(*argument.value, outer);
    if (!node)
      return nullptr;
    inner.layers.back()[parameter.name.text] = node;
  }
  sites.push_back(call.loc);
  Node *result = value(*formula.body, inner);
  sites.pop_back();
  // The name says more than the last operator of the formula does.
  if (result && sites.empty() && result->as<op::Map>())
    result->construct = formula.name.text.str();
  return result;
}

Node *Elaborator::index(const IndexExpr &expr, Scope &scope) {
  if (const auto *base = dyn_cast<NameExpr>(expr.base))
    if (auto it = scope.tensors.find(base->name); it != scope.tensors.end())
      return read(expr.entries, it->second, expr.loc, scope);
  Node *node = value(*expr.base, scope);
  for (const IndexExpr::Entry &entry : expr.entries) {
    if (!node)
      return nullptr;
    if (!entry.axis) {
      error(Diag::W015, entry.value->loc, "a position is picked by its axis, as in 'x[part = 0]'");
      return nullptr;
    }
    const Axis *axis = axisNamed(*entry.axis, scope, node);
    if (!axis)
      return nullptr;
    if (!contains(node->axes, axis)) {
      error(Diag::W022, entry.axis->loc,
            "there is no axis '" + axis->name + "' in this value, which is " + describe(node));
      return nullptr;
    }
    node = entry.end ? slice(node, axis, entry, expr.loc, scope) : pick(node, axis, entry, expr.loc, scope);
  }
  return node;
}

Node *Elaborator::pick(Node *node, const Axis *axis, const IndexExpr::Entry &entry, Loc loc, Scope &scope) {
  int64_t position = -1;
  const auto *word = dyn_cast<NameExpr>(entry.value);
  if (!word || word->name != "last") {
    std::optional<int64_t> given = integer(*entry.value, scope, "a position");
    if (!given)
      return nullptr;
    position = *given;
    std::optional<int64_t> size = axis->staticSize();
    // Of an axis known when running, no other position is there for sure.
    int64_t least = leastSize(axis);
    if (position < 0 || position >= least) {
      error(Diag::W042, entry.value->loc,
            size ? "position " + Twine(position) + " is not in axis '" + axis->name + "', whose positions are 0 to " +
                       Twine(*size - 1)
                 : "position " + Twine(position) + " may not be in axis '" + axis->name +
                       "', whose size is known only when running; 0" +
                       (least == 1 ? "" : " to " + std::to_string(least - 1)) + " and 'last' are");
      return nullptr;
    }
    if (!size)
      seesWhole(axis, entry.value->loc, "position " + Twine(position) + " is picked from");
  }
  AxisList axes = node->axes;
  axes.erase(find(axes, axis));
  // The state behind the last position needs no other.
  if (const auto *result = node->as<op::ScanResult>(); result && !result->isFinal) {
    const auto &scan = *node->operands[0]->as<op::Scan>();
    if (result->index < scan.states.size() && axis == scan.axis && position == (scan.backwards ? 0 : -1))
      return add(op::ScanResult{result->index, true}, node->element, scan.states[result->index]->axes,
                 {node->operands[0]}, loc, "scan");
  }
  return add(op::Pick{axis, position}, node->element, axes, {node}, loc, "pick");
}

Node *Elaborator::reduce(const ReduceExpr &expr, Scope &scope) {
  StringRef operation = expr.operation.text;
  if (scope.attention)
    return sumOverWidth(expr, scope);
  Node *operand = value(*expr.operand, scope);
  if (!operand || !(operand = wantF32(operand, expr.operand->loc, "'" + operation + "'")))
    return nullptr;
  AxisList axes;
  for (const Ident &ident : expr.axes) {
    const Axis *axis = axisNamed(ident, scope, operand);
    if (!axis)
      return nullptr;
    if (contains(axes, axis)) {
      error(Diag::W027, ident.loc, "axis '" + ident.text + "' is named twice");
      return nullptr;
    }
    if (!contains(operand->axes, axis)) {
      error(Diag::W022, ident.loc,
            "'" + operation + "' goes along axis '" + axis->name + "', but the value is " + describe(operand));
      return nullptr;
    }
    seesWhole(axis, ident.loc, "'" + operation + "' reads");
    axes.push_back(axis);
  }
  bool single = operation == "softmax" || operation == "argmax";
  if (axes.empty() || (single && axes.size() != 1)) {
    error(Diag::W015, expr.operation.loc,
          "'" + operation + "' goes along " + (single ? "one axis" : "at least one axis") + ", but " +
              Twine(axes.size()) + " are named");
    return nullptr;
  }
  if (operation == "softmax")
    return add(op::Softmax{axes.front()}, Element::F32, operand->axes, {operand}, expr.loc, "softmax");
  AxisList rest;
  for (const Axis *axis : operand->axes)
    if (!contains(axes, axis))
      rest.push_back(axis);
  if (operation == "argmax")
    return add(op::Argmax{axes.front()}, Element::I32, rest, {operand}, expr.loc, "argmax");
  using Kind = op::Reduce::Kind;
  Kind kind = operation == "max" ? Kind::Max : operation == "min" ? Kind::Min : Kind::Sum;
  Node *result = add(op::Reduce{kind, axes}, Element::F32, rest, {operand}, expr.loc, operation);
  return operation == "mean" ? arithmetic(MapOp::Div, result, count(axes, expr.loc), expr.loc, "mean") : result;
}

Node *Elaborator::count(ArrayRef<const Axis *> axes, Loc loc) {
  Node *count = constant(1, Element::Integer, loc);
  for (const Axis *axis : axes) {
    std::optional<int64_t> size = axis->staticSize();
    Node *factor = size ? constant(static_cast<double>(*size), Element::Integer, loc)
                        : add(op::AxisSize{axis->root()}, Element::Index, {}, {}, loc, "size");
    count = arithmetic(MapOp::Mul, count, factor, loc, "size");
  }
  return count;
}

std::optional<double> Elaborator::number(const Expr &expr, Scope &scope, StringRef what) {
  Node *node = value(expr, scope);
  if (!node)
    return std::nullopt;
  if (node->isConstant() && node->element != Element::Bool)
    return node->constant();
  error(Diag::W026, expr.loc, what + " must be a number that is known when compiling");
  return std::nullopt;
}

std::optional<int64_t> Elaborator::integer(const Expr &expr, Scope &scope, StringRef what) {
  std::optional<double> given = number(expr, scope, what);
  if (!given)
    return std::nullopt;
  // Numbers are doubles once evaluated; beyond this they are not exact.
  constexpr double largest = 9007199254740992.0;
  if (*given == std::floor(*given) && std::fabs(*given) <= largest)
    return static_cast<int64_t>(*given);
  error(Diag::W015, expr.loc, what + " must be a whole number below 2^53");
  return std::nullopt;
}

//===- Blocks.cpp - bodies, blocks and the model ------------------------------------------------------------------===//
// Answers: what happens to names and axes when statements run one after another and a block is applied to values?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace llvm;
using namespace weft::frontend;

//===-- statements ------------------------------------------------------------------------------------------------===//

bool Elaborator::body(ArrayRef<Statement> statements, Scope &scope, Values *returned, Loc end) {
  bool didReturn = false;
  for (const Statement &entry : statements) {
    if (diagnostics.full() || exhausted)
      return false;
    bool last = &entry == &statements.back();
    if (entry.kind == Statement::Kind::Return && (!returned || !last)) {
      error(Diag::W018, entry.loc,
            returned ? "'return' must be the last statement of its block" : "'return' cannot stand in a loop or 'in'");
      continue;
    }
    didReturn |= entry.kind == Statement::Kind::Return;
    statement(entry, scope, returned);
  }
  if (returned && !didReturn)
    error(Diag::W018, end, "the block ends without 'return'");
  return didReturn;
}

void Elaborator::statement(const Statement &entry, Scope &scope, Values *returned) {
  SaveAndRestore restore(expression, ++expressions);
  switch (entry.kind) {
  case Statement::Kind::Assign:
  case Statement::Kind::Accumulate:
    return assign(entry, scope);
  case Statement::Kind::Return:
    for (const Expr *value : entry.values)
      returned->push_back(this->value(*value, scope));
    return;
  case Statement::Kind::For:
    return loop(entry, scope);
  case Statement::Kind::In: {
    std::optional<std::string> prefix = nestedPrefix(*entry.prefix, scope);
    if (!prefix)
      return;
    SaveAndRestore nested(scope.prefix, *prefix);
    body(entry.body, scope, nullptr, entry.loc);
    return;
  }
  }
  llvm_unreachable("a statement of no kind");
}

/// The values of a statement's right side, one for each of its names: null after an error.
Elaborator::Values Elaborator::results(const Statement &entry, Scope &scope) {
  const Expr &right = *entry.values.front();
  size_t names = entry.targets.size();
  Values results;
  std::string what;
  Loc declared;
  const auto *call = dyn_cast<CallExpr>(&right);
  const auto *attention = dyn_cast<AttendExpr>(&right);
  auto block = call ? program.blocks.find(call->callee.text) : program.blocks.end();
  if (call && call->callee.text == "scan") {
    results = scan(*call, scope);
    what = "this scan";
    if (results.empty()) // it is not known how many, since its block is not
      results.assign(names, nullptr);
  } else if (block != program.blocks.end()) {
    results = callBlock(*block->getValue(), *call, scope);
    what = "'" + call->callee.text.str() + "'";
    declared = block->getValue()->name.loc;
  } else if (attention && !attention->extras.empty()) {
    results = attend(*attention, scope);
    what = "'attend'";
  } else {
    results.push_back(value(right, scope));
    if (names != 1) {
      if (results.front())
        error(Diag::W016, entry.loc, "one value cannot be given to " + Twine(names) + " names");
      results.assign(names, nullptr);
    }
  }
  if (results.size() != names) {
    auto report = error(Diag::W016, entry.loc,
                        what + " gives " + counted(results.size(), "result") + ", but there " +
                            (names == 1 ? "is " : "are ") + counted(names, "name") + " for them");
    if (declared.source)
      report.note(declared, "declared here");
    results.assign(names, nullptr);
  }
  return results;
}

void Elaborator::assign(const Statement &entry, Scope &scope) {
  Values results = this->results(entry, scope);
  for (auto [target, result] : zip(entry.targets, results)) {
    Node **known = scope.find(target.text);
    if (entry.kind == Statement::Kind::Accumulate) {
      if (!known) {
        std::vector<StringRef> names;
        for (const auto &layer : scope.layers)
          for (const auto &name : layer)
            names.push_back(name.getKey());
        unknownName(target, names, "value");
        scope.layers.back()[target.text] = nullptr;
        continue;
      }
      if (*known && result) {
        result = binary(Operator::Add, *known, result, entry.loc);
        if (result)
          result->construct = "residual";
      } else {
        result = nullptr;
      }
    }
    if (known)
      *known = result;
    else
      scope.layers.back()[target.text] = result;
  }
}

void Elaborator::loop(const Statement &entry, Scope &scope) {
  std::optional<int64_t> first = integer(*entry.values[0], scope, "a loop's first number");
  std::optional<int64_t> end = integer(*entry.values[1], scope, "a loop's end");
  if (!first || !end)
    return;
  Loc range = entry.values[0]->loc.to(entry.values[1]->loc);
  if (*first < 0 || *first >= *end) {
    error(Diag::W019, range,
          "the range " + Twine(*first) + ".." + Twine(*end) + " has no numbers; '0..3' counts 0, 1, 2");
    return;
  }
  for (int64_t i = *first; i < *end && !exhausted && !diagnostics.full(); ++i) {
    if (++steps > stepLimit) {
      exhausted = true;
      error(Diag::W041, range, "the model has more than " + Twine(stepLimit) + " operations");
      return;
    }
    scope.layers.emplace_back();
    scope_exit drop([&] { scope.layers.pop_back(); });
    scope.layers.back()[entry.targets.front().text] = constant(static_cast<double>(i), Element::Integer, entry.loc);
    std::string prefix = scope.prefix;
    if (entry.prefix) {
      std::optional<std::string> nested = nestedPrefix(*entry.prefix, scope);
      if (!nested)
        return;
      prefix = *nested;
    }
    SaveAndRestore restore(scope.prefix, prefix);
    body(entry.body, scope, nullptr, entry.loc);
    // Alone, a body is checked once: other rounds differ in names of weights only.
    if (standalone)
      return;
  }
}

//===-- names of weights ------------------------------------------------------------------------------------------===//

std::optional<std::string> Elaborator::expandName(const Ident &pattern, Scope &scope) {
  std::string text;
  StringRef rest = pattern.text;
  auto bad = [&](const Twine &why) {
    error(Diag::W043, pattern.loc, "\"" + pattern.text + "\" is no name: " + why);
    return std::nullopt;
  };
  while (!rest.empty()) {
    size_t open = rest.find_first_of("{}");
    text += rest.take_front(open).str();
    if (open == StringRef::npos)
      break;
    if (rest[open] == '}')
      return bad("'}' without '{'");
    size_t close = rest.find('}', open);
    if (close == StringRef::npos)
      return bad("'{' without '}'");
    StringRef variable = rest.slice(open + 1, close);
    Node **node = scope.find(variable);
    if (!node)
      return bad("there is no loop variable '" + variable + "'");
    if (!*node)
      return std::nullopt;
    if (!(*node)->isConstant() || (*node)->element != Element::Integer)
      return bad("'" + variable + "' is no whole number that is known when compiling");
    text += std::to_string(static_cast<int64_t>((*node)->constant()));
    rest = rest.substr(close + 1);
  }
  if (text.empty())
    return bad("it is empty");
  return text;
}

std::optional<std::string> Elaborator::nestedPrefix(const Ident &pattern, Scope &scope) {
  std::optional<std::string> name = expandName(pattern, scope);
  if (!name)
    return std::nullopt;
  return scope.prefix.empty() ? *name : scope.prefix + "." + *name;
}

//===-- blocks ----------------------------------------------------------------------------------------------------===//

std::optional<Element> Elaborator::elementOf(const Parameter &parameter) {
  if (!parameter.element || parameter.element->text == "f32")
    return Element::F32;
  if (parameter.element->text == "i32")
    return Element::I32;
  if (parameter.element->text == "bool")
    return Element::Bool;
  error(Diag::W017, parameter.element->loc,
        "unknown type '" + parameter.element->text +
            "'; values are f32, i32 or bool (storage is chosen when compiling)");
  return std::nullopt;
}

bool Elaborator::parameterAxes(const Parameter &parameter, AxisList &axes) {
  if (!parameter.hasAxes) {
    error(Diag::W015, parameter.loc,
          "parameter '" + parameter.name.text + "' of a block states its axes, as in '" + parameter.name.text +
              "[seq, embed]'");
    return false;
  }
  return axesNamed(parameter.axes, Scope(), axes);
}

bool Elaborator::passes(const Parameter &parameter, const AxisList &axes, Node *argument, Loc loc, Scope &inner) {
  for (const Axis *axis : axes) {
    const Axis *actual = named(argument->axes, axis->name);
    const Axis *before = named(inner.bound, axis->name);
    if (!actual) {
      error(Diag::W022, loc,
            "'" + parameter.name.text + "' needs axis '" + axis->name + "', but this value is " + describe(argument))
          .note(parameter.loc, "'" + parameter.name.text + "' is declared as " + toString(axes));
      return false;
    }
    if (before && before != actual) {
      error(Diag::W027, loc, "'" + axis->name + "' stands for other positions in this argument than in one before");
      return false;
    }
    if (!before)
      inner.bound.push_back(actual);
  }
  std::optional<Element> element = elementOf(parameter);
  if (!element || *element == argument->element)
    return element.has_value();
  if (argument->isConstant())
    return true;
  error(Diag::W017, loc,
        "'" + parameter.name.text + "' is " + spelling(*element) + ", but this value is " + describe(argument))
      .note(parameter.loc, "declared here");
  return false;
}

Node *Elaborator::asStated(ArrayRef<const Axis *> stated, Node *value, Loc loc) {
  AxisList inside, order;
  for (const Axis *axis : stated)
    if (const Axis *actual = named(value->axes, axis->name))
      inside.push_back(actual);
  copy_if(value->axes, std::back_inserter(order), [&](const Axis *axis) { return !contains(inside, axis); });
  order.append(inside);
  if (order == value->axes)
    return value;
  return add(op::Rename{{order.back()}, {order.back()}}, value->element, order, {value}, loc, "argument");
}

Elaborator::Values Elaborator::callBlock(const BlockDecl &block, const CallExpr &call, Scope &outer) {
  Values results(block.results.size(), nullptr);
  if (call.arguments.size() != block.parameters.size()) {
    wrongCount(block.name.text, block.parameters.size(), call.arguments.size(), call.loc)
        .note(block.name.loc, "declared here");
    return results;
  }
  std::optional<std::string> prefix = call.in ? nestedPrefix(*call.in, outer) : outer.prefix;
  if (!prefix)
    return results;
  Values arguments;
  SmallVector<Loc> places;
  for (const Argument &argument : call.arguments) {
    if (argument.kind != Argument::Kind::Value) {
      error(Diag::W015, argument.loc, "'" + block.name.text + "' is a block and takes values only");
      return results;
    }
    arguments.push_back(value(*argument.value, outer));
    places.push_back(argument.loc);
  }
  return applyBlock(block, arguments, places, *prefix, call.loc);
}

Elaborator::Values Elaborator::applyBlock(const BlockDecl &block, ArrayRef<Node *> given, ArrayRef<Loc> places,
                                          const std::string &prefix, Loc loc) {
  Values results(block.results.size(), nullptr), arguments(given);
  Scope inner;
  inner.prefix = prefix;
  bool sound = true;
  for (auto [parameter, node, place] : zip(block.parameters, arguments, places)) {
    AxisList axes;
    if (!node || !parameterAxes(parameter, axes) || !passes(parameter, axes, node, place, inner)) {
      sound = false;
      continue;
    }
    if (std::optional<Element> element = elementOf(parameter); node->isConstant())
      node = convert(node, *element);
    inner.layers.back()[parameter.name.text] = asStated(axes, node, place);
  }
  if (!sound)
    return results;
  for (Node *argument : arguments)
    for (const Axis *axis : argument->axes)
      if (!contains(inner.bound, axis) && !contains(inner.lifted, axis))
        inner.lifted.push_back(axis);

  if (standalone) {
    for (auto [result, slot] : zip(block.results, results)) {
      AxisList axes = inner.lifted;
      std::optional<Element> element = elementOf(result);
      AxisList declared;
      if (!element || !axesNamed(result.axes, inner, declared))
        continue;
      axes.append(declared.begin(), declared.end());
      slot = add(op::Input{}, *element, axes, {}, loc, block.name.text);
    }
    return results;
  }
  constexpr unsigned deepest = 256;
  if (depth >= deepest || ++steps > stepLimit) {
    bool deep = depth >= deepest;
    exhausted = true;
    error(deep ? Diag::W006 : Diag::W041, loc,
          deep ? "blocks call each other more than " + Twine(deepest) + " deep"
               : "the model has more than " + Twine(stepLimit) + " operations");
    return results;
  }
  SaveAndRestore deeper(depth, depth + 1);
  SaveAndRestore restore(expression);
  Values returned;
  if (!body(block.body, inner, &returned, block.end) || !returnValues(block, block.body.back(), inner, returned))
    return results;
  return returned;
}

bool Elaborator::returnValues(const BlockDecl &block, const Statement &statement, Scope &scope, Values &returned) {
  if (returned.size() != block.results.size()) {
    error(Diag::W016, statement.loc,
          "'" + block.name.text + "' declares " + counted(block.results.size(), "result") + ", but returns " +
              Twine(returned.size()))
        .note(block.name.loc, "declared here");
    return false;
  }
  bool sound = true;
  for (auto [index, result] : enumerate(block.results)) {
    Node *&node = returned[index];
    const Expr *expr = statement.values[index];
    AxisList declared;
    std::optional<Element> element = elementOf(result);
    if (!element || !node || !axesNamed(result.axes, scope, declared, node)) {
      sound = false;
      continue;
    }
    if (node->isConstant())
      node = convert(node, *element);
    bool matches =
        all_of(declared, [&](const Axis *axis) { return contains(node->axes, axis); }) &&
        all_of(node->axes, [&](const Axis *axis) { return contains(declared, axis) || contains(scope.lifted, axis); });
    if (!matches) {
      error(Diag::W029, expr->loc,
            "'" + block.name.text + "' returns " + toString(declared) + ", but this value is " + describe(node))
          .note(result.loc, "the result's axes are declared here");
      sound = false;
    } else if (node->element != *element) {
      error(Diag::W017, expr->loc,
            "'" + block.name.text + "' returns " + spelling(*element) + ", but this value is " + describe(node))
          .note(result.loc, "the result is declared here");
      sound = false;
    }
  }
  return sound;
}

void Elaborator::checkBlock(const BlockDecl &block) {
  Scope scope;
  for (const Parameter &parameter : block.parameters) {
    AxisList axes;
    std::optional<Element> element = elementOf(parameter);
    bool known = element && parameterAxes(parameter, axes);
    if (!scope.layers.back()
             .try_emplace(parameter.name.text,
                          known ? add(op::Input{}, *element, axes, {}, parameter.loc, parameter.name.text) : nullptr)
             .second)
      error(Diag::W011, parameter.name.loc, "parameter '" + parameter.name.text + "' is declared twice");
  }
  Values returned;
  if (body(block.body, scope, &returned, block.end))
    returnValues(block, block.body.back(), scope, returned);
}

void Elaborator::elaborateModel(const BlockDecl &model) {
  graph.name = model.name.text.str();
  graph.loc = model.name.loc;
  Scope scope;
  for (const Parameter &parameter : model.parameters) {
    AxisList axes;
    std::optional<Element> element = elementOf(parameter);
    Node *node = nullptr;
    if (element && parameterAxes(parameter, axes)) {
      node = add(op::Input{parameter.name.text.str()}, *element, axes, {}, parameter.loc, parameter.name.text);
      graph.inputs.push_back({parameter.name.text.str(), node, *element, axes, parameter.loc});
      for (const Axis *axis : axes)
        if (!contains(scope.bound, axis))
          scope.bound.push_back(axis);
    }
    if (!scope.layers.back().try_emplace(parameter.name.text, node).second)
      error(Diag::W011, parameter.name.loc, "input '" + parameter.name.text + "' is declared twice");
  }
  for (const Axis &axis : program.axes)
    if (!axis.size && any_of(graph.inputs, [&](const Port &port) { return contains(port.axes, &axis); }))
      graph.runtimeAxes.push_back(&axis);

  Values returned;
  if (!body(model.body, scope, &returned, model.end) || !returnValues(model, model.body.back(), scope, returned))
    return;
  StringMap<Loc> taken;
  for (auto [index, result] : enumerate(model.results)) {
    std::string name = !result.name.text.empty()   ? result.name.text.str()
                       : model.results.size() == 1 ? "output"
                                                   : "output" + std::to_string(index);
    AxisList axes;
    axesNamed(result.axes, scope, axes, returned[index]);
    for (const Axis *axis : axes)
      if (axis->root()->cacheOf)
        error(Diag::W037, result.loc,
              "an output cannot be over the positions of a cache, which its caller cannot know");
    for (const Axis *axis : axes)
      if (!axis->root()->parts.empty())
        error(Diag::W026, result.loc,
              "an output cannot be over '" + axis->name +
                  "', a length that no input has; fix the sizes that it is made of with '--axis'");
    if (!taken.try_emplace(name, result.loc).second)
      error(Diag::W011, result.loc, "output '" + name + "' is declared twice");
    graph.outputs.push_back({name, returned[index], *elementOf(result), axes, result.loc});
  }
  // Only the whole model knows whether a step would see a part of an axis.
  for (const WholeUse &use : wholeUses)
    if (graph.positionAxis && use.axis == graph.positionAxis)
      diagnostics.error(Diag::W038, use.loc,
                        use.what + " all of axis '" + use.axis->name +
                            "', but with a cache a step sees only its new positions");
  if (!diagnostics.hasErrors())
    reportUnusedWeights();
}

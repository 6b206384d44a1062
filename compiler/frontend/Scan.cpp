//===- Scan.cpp - recurrences -------------------------------------------------------------------------------------===//
// Answers: which states does a block carry from position to position, over which axes are they, and what of the block
// does not depend on them? The latter is computed for all positions at once, before the loop.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace llvm;
using namespace weft::frontend;

Node *Elaborator::builtin_scan(const CallExpr &call, StringRef, Scope &scope) {
  if (scope.formula) {
    error(Diag::W013, call.callee.loc, "'scan' cannot stand in a formula");
    return nullptr;
  }
  Values results = scan(call, scope);
  if (results.size() > 1)
    error(Diag::W016, call.loc, "this scan gives " + Twine(results.size()) + " results, but one value is needed here");
  return results.size() == 1 ? results.front() : nullptr;
}

std::optional<Elaborator::Recurrence> Elaborator::recurrence(const CallExpr &call, StringRef use) {
  const auto *name = call.arguments.empty() || call.arguments[0].kind != Argument::Kind::Value
                         ? nullptr
                         : dyn_cast<NameExpr>(call.arguments[0].value);
  if (!name) {
    error(Diag::W015, call.loc, "'scan' takes the name of a block first; usage: " + use);
    return std::nullopt;
  }
  auto block = program.blocks.find(name->name);
  if (block == program.blocks.end()) {
    std::vector<StringRef> names;
    for (const auto &entry : program.blocks)
      names.push_back(entry.getKey());
    unknownName({name->name, name->loc}, names, "block");
    return std::nullopt;
  }
  Recurrence recurrence{block->getValue(), {}, {}, {}};
  for (auto [index, parameter] : enumerate(recurrence.block->parameters)) {
    auto result = find_if(recurrence.block->results,
                          [name = parameter.name.text](const Parameter &result) { return result.name.text == name; });
    if (result == recurrence.block->results.end()) {
      recurrence.inputs.push_back(index);
      continue;
    }
    recurrence.states.push_back(index);
    recurrence.results.push_back(result - recurrence.block->results.begin());
  }
  if (!recurrence.states.empty())
    return recurrence;
  error(Diag::W015, name->loc,
        "'" + name->name +
            "' carries nothing from one position to the next; a result with the name of a parameter, as in '-> " +
            (recurrence.block->parameters.empty() ? "h" : recurrence.block->parameters.back().name.text) +
            ": [...]', is a state")
      .note(recurrence.block->name.loc, "declared here");
  return std::nullopt;
}

/// The axis that the scan goes along: the one of that name that its inputs have.
const Axis *Elaborator::scannedAxis(const Ident &over, ArrayRef<Node *> inputs, Scope &scope) {
  const Axis *axis = nullptr;
  for (const Node *input : inputs) {
    const Axis *own = named(input->axes, over.text);
    if (own && axis && own != axis) {
      error(Diag::W027, over.loc, "'" + over.text + "' stands for other positions in one value than in the other");
      return nullptr;
    }
    axis = own ? own : axis;
  }
  if (!axis && (!(axis = axisNamed(over, scope)) || !knownWhenRunning(axis, over.loc)))
    return nullptr;
  seesWhole(axis, over.loc, "'scan' goes along");
  return axis;
}

bool Elaborator::stateNodes(const Recurrence &recurrence, const CallArguments &arguments, const Axis *axis, Loc loc,
                            Scope &bound, Scope &scope, op::Scan &scan, Values &first, MutableArrayRef<Node *> inner) {
  const std::vector<Parameter> &parameters = recurrence.block->parameters;
  for (unsigned index : recurrence.states) {
    const Parameter &parameter = parameters[index];
    AxisList declared;
    std::optional<Element> element = elementOf(parameter);
    if (!element || !parameterAxes(parameter, declared))
      return false;
    auto given = arguments.options.find(parameter.name.text);
    Node *start = given == arguments.options.end() ? constant(0, *element, loc) : value(*given->second, scope);
    if (!start)
      return false;
    if (!start->isScalar() && !passes(parameter, declared, start, given->second->loc, bound))
      return false;
    if (start->isConstant())
      start = convert(start, *element);
    if (start->element != *element || contains(start->axes, axis)) {
      Loc place = given->second->loc;
      if (start->element != *element)
        error(Diag::W017, place,
              "'" + parameter.name.text + "' is " + spelling(*element) + ", but this value is " + describe(start))
            .note(parameter.loc, "declared here");
      else
        error(Diag::W027, place,
              "'" + parameter.name.text + "' is where the scan begins and cannot have '" + axis->name +
                  "', along which it goes");
      return false;
    }
    first.push_back(start);
  }
  for (const Node *node : concat<Node *const>(ArrayRef<Node *>(inner), ArrayRef<Node *>(first)))
    for (const Axis *other : node ? node->axes : AxisList()) {
      if (contains(bound.bound, other) || contains(scan.lifted, other))
        continue;
      if (named(scan.lifted, other->name)) {
        error(Diag::W027, loc, "'" + other->name + "' stands for other positions in one value than in the other");
        return false;
      }
      scan.lifted.push_back(other);
    }
  for (unsigned index : recurrence.states) {
    const Parameter &parameter = parameters[index];
    AxisList declared, axes = scan.lifted;
    parameterAxes(parameter, declared);
    for (const Axis *own : declared) {
      const Axis *known = named(bound.bound, own->name);
      if (!known && !knownWhenRunning(own, parameter.loc))
        return false;
      axes.push_back(known ? known : own);
    }
    Node *state = add(op::State{}, *elementOf(parameter), axes, {}, parameter.loc, parameter.name.text);
    state->loop = scan.loop;
    scan.states.push_back(state);
    inner[index] = state;
  }
  return true;
}

/// Whether a state may have this value at the next position: what it is lifted over, a value may lack.
static bool canFollow(const Node &result, const Node &state, const AxisList &lifted) {
  return state.element == result.element &&
         all_of(result.axes, [&](const Axis *axis) { return contains(state.axes, axis); }) &&
         all_of(state.axes, [&](const Axis *axis) { return contains(lifted, axis) || contains(result.axes, axis); });
}

Elaborator::Values Elaborator::scan(const CallExpr &call, Scope &scope) {
  StringRef use = "scan(block, x, state = first, backwards, over axis)";
  std::optional<Recurrence> recurrence = this->recurrence(call, use);
  if (!recurrence)
    return {};
  const BlockDecl &block = *recurrence->block;
  Values failed(block.results.size(), nullptr);
  Signature signature;
  signature.values = 1 + recurrence->inputs.size();
  signature.over = true;
  signature.flags = {"backwards"};
  for (unsigned state : recurrence->states)
    signature.options.push_back(block.parameters[state].name.text);
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return failed;
  if (!arguments.over) {
    error(Diag::W014, call.loc, "'scan' needs the axis that it goes along, as in 'over seq'; usage: " + use);
    return failed;
  }
  std::optional<std::string> prefix = call.in ? nestedPrefix(*call.in, scope) : scope.prefix;
  Values inputs;
  for (const Expr *argument : ArrayRef(arguments.values).drop_front()) {
    inputs.push_back(value(*argument, scope));
    if (!inputs.back())
      return failed;
  }
  const Axis *axis = scannedAxis(*arguments.over, inputs, scope);
  if (!axis || !prefix)
    return failed;

  graph.loops.push_back({around, around ? around->depth + 1 : 1});
  op::Scan scan{&graph.loops.back(), axis, arguments.flags.count("backwards") != 0, {}, {}, {}};
  size_t begin = graph.nodes.size();
  Values inner(block.parameters.size(), nullptr);
  SmallVector<Loc> places(block.parameters.size(), call.loc);
  Scope bound;
  for (auto [index, input, argument] : zip(recurrence->inputs, inputs, ArrayRef(arguments.values).drop_front())) {
    if (contains(input->axes, axis)) {
      AxisList axes = input->axes;
      axes.erase(find(axes, axis));
      input = add(op::At{axis}, input->element, axes, {input}, argument->loc, "at");
      input->loop = scan.loop;
    }
    inner[index] = input;
    places[index] = argument->loc;
    AxisList declared;
    if (!parameterAxes(block.parameters[index], declared) ||
        !passes(block.parameters[index], declared, input, argument->loc, bound))
      return failed;
  }
  Values first;
  if (!stateNodes(*recurrence, arguments, axis, call.loc, bound, scope, scan, first, inner))
    return failed;
  Values results;
  {
    SaveAndRestore inside(around, scan.loop);
    results = applyBlock(block, inner, places, *prefix, call.loc);
  }
  if (is_contained(results, nullptr))
    return failed;
  hoistInputs(scan, begin);

  // The states' next values first.
  SmallVector<unsigned> order(recurrence->results.begin(), recurrence->results.end());
  for (unsigned i = 0; i < results.size(); ++i)
    if (!is_contained(order, i))
      order.push_back(i);
  for (unsigned index : order)
    scan.results.push_back(results[index]);
  for (auto [state, result, index] : zip(scan.states, scan.results, recurrence->results)) {
    if (canFollow(*result, *state, scan.lifted))
      continue;
    error(Diag::W029, block.results[index].loc,
          "state '" + block.results[index].name.text + "' is " + describe(state) + " before a position, but " +
              describe(result) + " after it");
    return failed;
  }
  const Loop *outer = outerLoop(scan, first);
  SmallVector<std::pair<AxisList, Element>> shapes;
  for (unsigned i = 0; i < results.size(); ++i) {
    AxisList axes = scan.lifted;
    if (contains(axes, axis) || named(results[i]->axes, axis->name)) {
      error(Diag::W027, arguments.over->loc, "the result would have axis '" + axis->name + "' twice");
      return failed;
    }
    axes.push_back(axis);
    for (const Axis *own : results[i]->axes)
      if (!contains(axes, own))
        axes.push_back(own);
    shapes.push_back({axes, results[i]->element});
  }
  Node *node = add(std::make_shared<const op::Scan>(std::move(scan)), Element::F32, {}, first, call.loc, "scan");
  node->loop = outer;
  for (auto [position, index] : enumerate(order))
    results[index] = add(op::ScanResult{static_cast<unsigned>(position), false}, shapes[index].second,
                         shapes[index].first, {node}, call.loc, "scan");
  return results;
}

/// The innermost loop around: that of what the body reads from outside.
const Loop *Elaborator::outerLoop(const op::Scan &scan, ArrayRef<Node *> first) const {
  SmallVector<const Node *> work(scan.results.begin(), scan.results.end());
  work.append(first.begin(), first.end());
  DenseSet<const Node *> seen;
  const Loop *outer = nullptr;
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (!node || !seen.insert(node).second)
      continue;
    if (!node->loop || node->loop->depth < scan.loop->depth) {
      if (node->loop && (!outer || node->loop->depth > outer->depth))
        outer = node->loop;
      continue;
    }
    work.append(node->operands.begin(), node->operands.end());
    if (const auto *nested = node->as<op::Scan>())
      work.append(nested->results.begin(), nested->results.end());
  }
  return outer;
}

/// Whether the node computes the same with one more axis that all of its operands may have.
static bool liftsOver(const Node &node) {
  return node.element != Element::Bool && node.element != Element::Index &&
         (node.as<op::Map>() || node.as<op::Linear>() || node.as<op::Lookup>() || node.as<op::Norm>() ||
          node.as<op::Reduce>() || node.as<op::Softmax>() || node.as<op::Argmax>() || node.as<op::Rename>() ||
          node.as<op::Pick>() || node.as<op::Slice>());
}

void Elaborator::hoistInputs(const op::Scan &scan, size_t begin) {
  for (size_t i = begin, end = graph.nodes.size(); i < end; ++i) {
    Node &node = graph.nodes[i];
    if (node.loop != scan.loop || node.as<op::At>() || !liftsOver(node))
      continue;
    auto isAt = [&](const Node *operand) {
      const auto *at = operand->as<op::At>();
      return at && at->axis == scan.axis && operand->loop == scan.loop;
    };
    if (!all_of(node.operands,
                [&](const Node *operand) { return !operand || operand->loop != scan.loop || isAt(operand); }))
      continue;
    SmallVector<Node *, 3> whole(node.operands);
    for (Node *&operand : whole)
      if (operand && operand->loop == scan.loop)
        operand = operand->operands.front();
    AxisList axes = node.axes;
    if (named(axes, scan.axis->name))
      continue;
    axes.insert(find_if(axes, [&](const Axis *axis) { return !contains(scan.lifted, axis); }), scan.axis);
    SaveAndRestore same(expression, node.expression);
    Node *all = add(node.what, node.element, axes, whole, node.loc, node.construct);
    graph.nodes[i].what = op::At{scan.axis};
    graph.nodes[i].operands = {all};
  }
}

//===- Fusion.cpp - which nodes share a loop nest -----------------------------------------------------------------===//
// Answers: which values are needed at all, and which of them are computed inside their user's loop nest, so that a
// formula as written is one op?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weft::frontend;

static bool sameAxes(ArrayRef<const Axis *> a, ArrayRef<const Axis *> b) {
  return a.size() == b.size() && all_of(a, [&](const Axis *axis) { return contains(b, axis); });
}

/// Costs nothing to compute again, and has no tensor type that is worth having.
static bool isFree(const Node &node) {
  return node.as<op::Constant>() || node.as<op::AxisSize>() ||
         (node.as<op::Map>() && (node.element == Element::Bool || node.element == Element::Index));
}

Fusion::Fusion(const Graph &graph) {
  SmallVector<const Node *> work;
  DenseSet<const Node *> outputs;
  for (const Port &port : graph.outputs) {
    work.push_back(port.node);
    outputs.insert(port.node);
  }
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (!live.insert(node).second)
      continue;
    for (const Node *operand : node->operands)
      if (operand)
        work.push_back(operand);
    auto needResult = [&](const Node *result) {
      work.push_back(result);
      outputs.insert(result);
    };
    // A scan computes all of its states, and what else is asked for.
    if (const auto *scan = node->as<op::Scan>())
      for (const Node *result : ArrayRef(scan->results).take_front(scan->states.size()))
        needResult(result);
    if (const auto *result = node->as<op::ScanResult>())
      needResult(node->operands[0]->as<op::Scan>()->results[result->index]);
  }

  DenseMap<const Node *, SmallVector<const Node *, 2>> users;
  for (const Node &node : graph.nodes)
    if (live.count(&node))
      for (const Node *operand : node.operands)
        if (operand)
          users[operand].push_back(&node);
  for (const Node &node : graph.nodes) {
    if (!live.count(&node) || outputs.count(&node) || !(node.as<op::Map>() || isFree(node) || node.as<op::Position>()))
      continue;
    bool inlines = all_of(users[&node], [&](const Node *user) {
      if (!user->as<op::Map>() && !user->as<op::Reduce>())
        return false;
      if (isFree(node) || node.as<op::Position>())
        return true;
      ArrayRef<const Axis *> nest = user->as<op::Map>() ? ArrayRef(user->axes) : ArrayRef(user->operands[0]->axes);
      return user->expression == node.expression && user->loop == node.loop && sameAxes(nest, node.axes);
    });
    if (inlines)
      inlined.insert(&node);
  }
}

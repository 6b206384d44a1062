//===- AttentionOutputs.cpp - the weights of every attention as outputs -------------------------------------------===//
// Answers: how does a model give weights that its text does not ask for? Each attention gets the result that `with
// weights` would have given it, and the model an output for it: `weft run --plot` draws these.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Graph.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weft::frontend;

namespace weft::frontend {

/// The keys' positions under a name that the other axes of the weights do not have.
static const Axis *keyAxis(Graph &graph, const op::Attention &attention, ArrayRef<const Axis *> perQuery) {
  // There is no step, so that a cache holds the positions that it was given, and has their number for its size.
  const Axis *keys = attention.keyPosition;
  keys = keys->root()->cacheOf ? keys->root()->cacheOf->root() : keys;
  if (!named(perQuery, keys->name))
    return keys;
  std::string name = "key";
  while (named(perQuery, name))
    name += "s";
  graph.derived.push_back({name, std::nullopt, keys->loc, false, nullptr, keys->root()});
  return &graph.derived.back();
}

/// The node of the weights of `node`, made where the model does not ask for them.
static Node *weightsOf(Graph &graph, Node &node, const AxisList &perQuery) {
  const op::Attention &attention = *node.as<op::Attention>();
  if (attention.weights) {
    AxisList axes = attention.weights->axes;
    const Axis *keys = axes.back();
    if (!keys->root()->cacheOf)
      return attention.weights;
    axes.back() = keyAxis(graph, attention, perQuery);
    graph.nodes.push_back(
        {op::Rename{{keys}, {axes.back()}}, Element::F32, axes, {attention.weights}, node.loc, "weights"});
    return &graph.nodes.back();
  }
  auto changed = std::make_shared<op::Attention>(attention);
  AxisList axes = perQuery;
  axes.push_back(keyAxis(graph, attention, perQuery));
  graph.nodes.push_back({op::AttentionExtra{}, Element::F32, axes, {&node}, node.loc, "weights"});
  changed->weights = &graph.nodes.back();
  node.what = std::shared_ptr<const op::Attention>(changed);
  return &graph.nodes.back();
}

void exposeAttentionWeights(Graph &graph) {
  unsigned number = 0;
  for (size_t i = 0, count = graph.nodes.size(); i < count; ++i) {
    Node &node = graph.nodes[i];
    const auto *attention = node.as<op::Attention>();
    // Not those of one position of a scan, and not over joined keys, a length that no output can have.
    if (!attention || node.loop || !attention->keyPosition->root()->parts.empty())
      continue;
    AxisList perQuery = attention->batch, order = perQuery;
    if (attention->queryPosition)
      perQuery.push_back(attention->queryPosition);
    perQuery.append(attention->queryHeads);
    order.append(attention->queryHeads);
    if (attention->queryPosition)
      order.push_back(attention->queryPosition);
    bool one = !attention->queryPosition;
    Node *weights = weightsOf(graph, node, perQuery);
    order.push_back(weights->axes.back());
    LineColumn at = node.loc.source->position(node.loc.begin);
    std::string name = (attentionOutputPrefix + Twine(number++) + ", line " + Twine(at.line)).str();
    graph.outputs.push_back({name + (one ? oneQuerySuffix.str() : ""), weights, Element::F32, order, node.loc});
  }
  graph.caches.clear(); // the weights of a step have as many keys as the cache holds: no size of an output
}

} // namespace weft::frontend

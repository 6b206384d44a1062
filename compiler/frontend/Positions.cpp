//===- Positions.cpp - what knows where it stands -----------------------------------------------------------------===//
// Answers: which axis of a value are its positions, and what do rotary, sinusoid, position and cache make of them?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weft::frontend;

const Axis *Elaborator::positionAxis(const Node *value, const Axis *width, const Ident *over, StringRef what, Loc loc,
                                     const Scope &scope) {
  if (over) {
    const Axis *axis = axisNamed(*over, scope, value);
    if (!axis || (contains(value->axes, axis) && axis != width))
      return axis;
    error(Diag::W022, over->loc,
          "'" + axis->name + "' is no axis of positions in this value, which is " + describe(value));
    return nullptr;
  }
  // Positions are no part of any weight; where every axis is (an axis of a fixed length may be), the block's own count.
  AxisList candidates, own;
  for (const Axis *axis : value->axes)
    if (axis != width && !contains(scope.lifted, axis))
      own.push_back(axis);
  copy_if(own, std::back_inserter(candidates), [](const Axis *axis) { return !axis->inWeights; });
  if (candidates.empty())
    candidates = own;
  if (candidates.size() == 1)
    return candidates.front();
  if (candidates.empty()) {
    error(Diag::W030, loc, "'" + what + "' needs an axis of positions, but its value is " + describe(value));
    return nullptr;
  }
  error(Diag::W030, loc,
        "'" + what + "' finds several axes that may be positions in " + describe(value) + "; say which, as in 'over " +
            candidates.back()->name + "'");
  return nullptr;
}

void Elaborator::split(const Node *value, const Axis *position, const Axis *width, const Scope &scope, AxisList &batch,
                       AxisList &heads) const {
  // Outside of the positions is the batch, between positions and width are the heads.
  bool before = position != nullptr;
  for (const Axis *axis : value->axes) {
    if (axis == position) {
      before = false;
      continue;
    }
    if (axis == width)
      continue;
    bool isBatch = before || contains(scope.lifted, axis) || (!position && !axis->inWeights);
    AxisList &list = isBatch ? batch : heads;
    if (!contains(list, axis))
      list.push_back(axis);
  }
}

static bool isPositive(double number) { return number > 0 && number < 1e300; }

Node *Elaborator::builtin_rotary(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.over = true;
  signature.options = {"base", "width"};
  signature.flags = {"interleaved"};
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  Node *x = value(*arguments.values[0], scope);
  if (!x || !(x = wantF32(x, arguments.values[0]->loc, "'rotary'")))
    return nullptr;
  op::Rotary rotary{nullptr, x->axes.empty() ? nullptr : x->axes.back(), {}, {}, 0,
                    10000,   arguments.flags.count("interleaved") != 0};
  if (!(rotary.position = positionAxis(x, rotary.axis, arguments.over, "rotary", call.loc, scope)))
    return nullptr;
  std::optional<int64_t> size = staticSize(rotary.axis, call.loc);
  if (!size)
    return nullptr;
  rotary.width = *size;
  if (auto it = arguments.options.find("width"); it != arguments.options.end()) {
    std::optional<int64_t> width = integer(*it->second, scope, "'width'");
    if (!width)
      return nullptr;
    rotary.width = *width;
  }
  if (rotary.width <= 0 || rotary.width > *size || rotary.width % 2 != 0) {
    error(Diag::W015, call.loc,
          "'rotary' turns pairs: its width must be even and between 2 and the size of '" + rotary.axis->name +
              "', which is " + Twine(*size) + ", but it is " + Twine(rotary.width));
    return nullptr;
  }
  if (auto it = arguments.options.find("base"); it != arguments.options.end()) {
    std::optional<double> base = number(*it->second, scope, "'base'");
    if (!base)
      return nullptr;
    rotary.base = *base;
  }
  if (!isPositive(rotary.base)) {
    error(Diag::W015, call.loc, "'base' must be positive");
    return nullptr;
  }
  split(x, rotary.position, rotary.axis, scope, rotary.batch, rotary.heads);
  return add(std::move(rotary), Element::F32, x->axes, {x}, call.loc, "rotary");
}

/// The axis that an argument names.
static const NameExpr *axisArgument(const Expr *expr) { return dyn_cast<NameExpr>(expr); }

Node *Elaborator::builtin_sinusoid(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.values = 2;
  signature.options = {"base"};
  signature.flags = {"halves"};
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  const Axis *axes[2];
  for (unsigned i : {0u, 1u}) {
    const NameExpr *name = axisArgument(arguments.values[i]);
    if (!name) {
      error(Diag::W015, arguments.values[i]->loc, "'sinusoid' takes the names of two axes; usage: " + use);
      return nullptr;
    }
    if (!(axes[i] = axisNamed({name->name, name->loc}, scope)))
      return nullptr;
  }
  op::Sinusoid sinusoid{axes[0], axes[1], 10000, arguments.flags.count("halves") != 0};
  std::optional<int64_t> width = staticSize(sinusoid.axis, arguments.values[1]->loc);
  if (!width || !knownWhenRunning(sinusoid.position, arguments.values[0]->loc))
    return nullptr;
  if (axes[0] == axes[1]) {
    error(Diag::W027, arguments.values[1]->loc, "axis '" + axes[0]->name + "' is named twice");
    return nullptr;
  }
  if (*width % 2 != 0) {
    error(Diag::W015, arguments.values[1]->loc,
          "'sinusoid' makes pairs of sine and cosine, but '" + sinusoid.axis->name + "' has the odd size " +
              Twine(*width));
    return nullptr;
  }
  if (auto it = arguments.options.find("base"); it != arguments.options.end()) {
    std::optional<double> base = number(*it->second, scope, "'base'");
    if (!base)
      return nullptr;
    sinusoid.base = *base;
  }
  if (!isPositive(sinusoid.base)) {
    error(Diag::W015, call.loc, "'base' must be positive");
    return nullptr;
  }
  return add(sinusoid, Element::F32, {axes[0], axes[1]}, {}, call.loc, "sinusoid");
}

Node *Elaborator::builtin_position(const CallExpr &call, StringRef use, Scope &scope) {
  CallArguments arguments;
  if (!sortArguments(call, Signature(), use, arguments))
    return nullptr;
  const NameExpr *name = axisArgument(arguments.values[0]);
  if (!name) {
    error(Diag::W015, arguments.values[0]->loc, "'position' takes the name of an axis; usage: " + use);
    return nullptr;
  }
  const Axis *axis = axisNamed({name->name, name->loc}, scope);
  if (!axis || !knownWhenRunning(axis, name->loc))
    return nullptr;
  return add(op::Position{axis}, Element::I32, {axis}, {}, call.loc, "position");
}

Node *Elaborator::builtin_cache(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.values = 2;
  signature.over = true;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  const NameExpr *name = axisArgument(arguments.values[1]);
  if (!name) {
    error(Diag::W015, arguments.values[1]->loc, "'cache' takes the axis of the longest context; usage: " + use);
    return nullptr;
  }
  if (around) {
    error(Diag::W037, call.loc, "a 'cache' cannot stand in the block of a 'scan', whose states are its memory");
    return nullptr;
  }
  Node *x = value(*arguments.values[0], scope);
  const Axis *context = axisNamed({name->name, name->loc}, Scope());
  if (!x || !context || !(x = wantF32(x, arguments.values[0]->loc, "'cache'")) || !staticSize(context, name->loc))
    return nullptr;
  const Axis *width = x->axes.empty() ? nullptr : x->axes.back();
  const Axis *position = positionAxis(x, width, arguments.over, "cache", call.loc, scope);
  if (!position)
    return nullptr;
  const Axis *root = position->root();
  if (root->cacheOf || named(x->axes, context->name)) {
    error(Diag::W037, call.loc,
          root->cacheOf ? "this value is cached already"
                        : "this value, which is " + describe(x) + ", has axis '" + context->name + "' already");
    return nullptr;
  }
  if (graph.positionAxis && (graph.positionAxis != root || graph.context != context)) {
    error(Diag::W037, call.loc,
          "caches of one model grow together, but this one caches '" + position->name + "' up to '" + context->name +
              "' and another '" + graph.positionAxis->name + "' up to '" + graph.context->name + "'");
    return nullptr;
  }
  graph.positionAxis = root;
  graph.context = context;
  const Axis *&positions = cacheAxes[root];
  if (!positions) {
    graph.derived.push_back({context->name, std::nullopt, context->loc, false, root, nullptr});
    positions = &graph.derived.back();
  }
  op::Cache cache{positions, context, {}, {}};
  for (const Axis *axis : x->axes) {
    bool outside = std::find(x->axes.begin(), x->axes.end(), axis) < find(x->axes, position);
    if (axis == position)
      continue;
    (outside || contains(scope.lifted, axis) ? cache.batch : cache.rest).push_back(axis);
  }
  for (const Axis *axis : cache.rest)
    if (!staticSize(axis, call.loc))
      return nullptr;
  AxisList axes = x->axes;
  *find(axes, position) = positions;
  Node *node = add(std::move(cache), Element::F32, axes, {x}, call.loc, "cache");
  graph.caches.push_back(node);
  return node;
}

//===- Elaborator.cpp - errors and axes ---------------------------------------------------------------------------===//
// Answers: which axis is meant, what is its size, and over which axes is a value of several operands?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "compiler/frontend/Sizes.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weft::frontend;

Node **Scope::find(StringRef name) {
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer)
    if (auto it = layer->find(name); it != layer->end())
      return &it->second;
  return nullptr;
}

Elaborator::Elaborator(const Program &program, const Checkpoint *checkpoint, Diagnostics &diagnostics, Graph &graph,
                       bool standalone, bool strict)
    : program(program), checkpoint(standalone ? nullptr : checkpoint), diagnostics(diagnostics), graph(graph),
      standalone(standalone), strict(strict) {}

Diagnostics::Report Elaborator::error(Diag id, Loc loc, const Twine &text) {
  if (lenient && (id == Diag::W017 || id == Diag::W022))
    return Diagnostics::none();
  if (sites.empty())
    return diagnostics.error(id, loc, text);
  // A formula of the prelude is not the user's text: the place of its use comes first.
  bool foreign = loc.source != sites.front().source;
  auto report = diagnostics.error(id, foreign ? sites.front() : loc, text);
  report.note(foreign ? loc : sites.front(), foreign ? "in this formula" : "used here");
  return report;
}

const Axis *Elaborator::axisNamed(const Ident &name, const Scope &scope, const Node *value) {
  if (!scope.vectorAxis.empty() && name.text == scope.vectorAxis)
    return scope.attention->width;
  // A value's own axes first: a renamed one, or that of a cache, shares its name with a declared one.
  if (const Axis *axis = value ? named(value->axes, name.text) : nullptr)
    return axis;
  if (const Axis *axis = named(scope.bound, name.text))
    return axis;
  if (auto it = program.axisNames.find(name.text); it != program.axisNames.end())
    return it->second;
  std::vector<StringRef> names;
  for (const Axis &axis : program.axes)
    names.push_back(axis.name);
  error(Diag::W020, name.loc, "unknown axis '" + name.text + "'" + didYouMean(name.text, names));
  return nullptr;
}

bool Elaborator::axesNamed(ArrayRef<Ident> names, const Scope &scope, AxisList &axes, const Node *value) {
  for (const Ident &name : names) {
    const Axis *axis = axisNamed(name, scope, value);
    if (!axis)
      return false;
    if (contains(axes, axis)) {
      error(Diag::W027, name.loc, "axis '" + name.text + "' is named twice");
      return false;
    }
    axes.push_back(axis);
  }
  return true;
}

std::optional<int64_t> Elaborator::staticSize(const Axis *axis, Loc loc) {
  if (std::optional<int64_t> size = axis->staticSize())
    return size;
  error(Diag::W026, loc,
        "the size of '" + axis->name + "' must be known when compiling; give it where it is declared or with '--axis " +
            axis->name + "=n'")
      .note(axis->loc, "'" + axis->name + "' is declared without a size");
  return std::nullopt;
}

std::optional<int64_t> Elaborator::staticProduct(ArrayRef<const Axis *> axes, Loc loc) {
  SmallVector<int64_t> sizes;
  for (const Axis *axis : axes) {
    std::optional<int64_t> size = staticSize(axis, loc);
    if (!size)
      return std::nullopt;
    sizes.push_back(*size);
  }
  if (std::optional<int64_t> product = checkedProduct(sizes, sizeof(float)))
    return product;
  std::string factors;
  for (auto [axis, size] : zip(axes, sizes))
    factors += (Twine(factors.empty() ? "" : " * ") + axis->name + " = " + Twine(size)).str();
  error(Diag::W025, loc, "a tensor of " + factors + " elements of f32 does not fit in i64 bytes");
  return std::nullopt;
}

bool Elaborator::knownWhenRunning(const Axis *axis, Loc loc) {
  if (standalone || axis->staticSize() || contains(graph.runtimeAxes, axis->root()) || axis->root()->cacheOf ||
      !axis->root()->parts.empty())
    return true;
  error(Diag::W026, loc,
        "the size of '" + axis->name + "' is known neither when compiling nor from an input of the model")
      .note(axis->loc, "'" + axis->name + "' is declared without a size");
  return false;
}

void Elaborator::seesWhole(const Axis *axis, Loc loc, const Twine &what) {
  wholeUses.push_back({axis->root(), sites.empty() ? loc : sites.front(), what.str()});
}

std::string Elaborator::describe(const Node *value) const {
  if (value->isScalar())
    return value->element == Element::F32 ? "a number" : ("a number of type " + spelling(value->element)).str();
  return (value->element == Element::F32 ? "" : spelling(value->element).str()) + toString(value->axes);
}

std::optional<AxisList> Elaborator::unite(ArrayRef<Node *> nodes, Loc loc) {
  const Node *widest = nodes.front();
  for (const Node *node : nodes)
    if (node->axes.size() > widest->axes.size())
      widest = node;
  AxisList axes = widest->axes;
  for (const Node *node : nodes)
    for (const Axis *axis : node->axes) {
      if (contains(axes, axis))
        continue;
      if (named(axes, axis->name)) {
        error(Diag::W027, loc, "'" + axis->name + "' stands for other positions in one operand than in the other");
        return std::nullopt;
      }
      axes.push_back(axis);
    }
  return axes;
}

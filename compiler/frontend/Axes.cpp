//===- Axes.cpp - axes made of other axes -------------------------------------------------------------------------===//
// Answers: which axis do positions get that are renamed, joined, cut, split or gathered into patches? Where its name
// has a size, that one, which must be right; else a new axis for each length that the name ever stands for.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "compiler/frontend/Sizes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weft::frontend;

//===-- lengths ---------------------------------------------------------------------------------------------------===//

Elaborator::Length Elaborator::lengthOf(const Axis *axis) {
  const Axis *root = axis->root();
  if (root->size)
    return {{}, *root->size};
  // A part's length is no less than 0, whatever the sum says: it does not take part in other sums.
  if (!root->parts.empty() && root->plus >= 0)
    return {root->parts, root->plus};
  return {{root}, 0};
}

int64_t Elaborator::leastSize(const Axis *axis) { return std::max<int64_t>(lengthOf(axis).plus, 1); }

static std::string text(ArrayRef<const Axis *> parts, int64_t plus) {
  std::string sum;
  for (const Axis *part : parts)
    sum += (sum.empty() ? "" : " + ") + part->name;
  if (plus == 0)
    return sum;
  return sum + (plus < 0 ? " - " : " + ") + std::to_string(std::abs(plus));
}

const Axis *Elaborator::aliasOf(const Axis *name, const Axis *root) {
  if (root == name)
    return name;
  const Axis *&alias = aliases[{name, root}];
  if (!alias) {
    graph.derived.push_back({name->name, std::nullopt, name->loc, name->inWeights, nullptr, root});
    alias = &graph.derived.back();
  }
  return alias;
}

const Axis *Elaborator::otherName(const Axis *from, const Axis *to, Loc loc) {
  std::optional<int64_t> oldSize = from->staticSize(), newSize = to->size;
  if (newSize && oldSize != newSize) {
    error(Diag::W028, loc,
          "'" + from->name + "' has " + (oldSize ? Twine(*oldSize).str() : "a size known when running") + ", but '" +
              to->name + "' has " + Twine(*newSize));
    return nullptr;
  }
  // A name without a size of its own stands for the old axis: one new axis for each that it ever stands for.
  return newSize ? to : aliasOf(to, from->root());
}

/// From here on a name without a size means these positions, unless it has a meaning already.
static const Axis *bind(const Axis *axis, Scope &scope) {
  if (!named(scope.bound, axis->name))
    scope.bound.push_back(axis);
  return axis;
}

const Axis *Elaborator::axisOfLength(const Ident &name, const Length &length, Scope &scope) {
  const Axis *to = axisNamed(name, Scope());
  if (!to)
    return nullptr;
  if (to->size) {
    if (length.parts.empty() && length.plus == *to->size)
      return to;
    error(Diag::W028, name.loc,
          "there are " +
              (length.parts.empty() ? Twine(length.plus).str() : "'" + text(length.parts, length.plus) + "'") +
              " positions, " + (length.parts.empty() ? "" : "a number known when running, ") + "but '" + to->name +
              "' has " + Twine(*to->size));
    return nullptr;
  }
  if (length.parts.size() == 1 && length.plus == 0)
    return bind(aliasOf(to, length.parts.front()), scope);
  const Axis *&axis = lengths[{to, {length.parts.begin(), length.parts.end()}, length.plus}];
  if (!axis) {
    std::optional<int64_t> size;
    if (length.parts.empty())
      size = length.plus;
    graph.derived.push_back({to->name, size, to->loc, to->inWeights, nullptr, nullptr, length.parts, length.plus});
    axis = &graph.derived.back();
  }
  return bind(axis, scope);
}

Node *Elaborator::operandAndArrow(const CallExpr &call, StringRef use, Scope &scope, const Argument *&arrow) {
  Signature signature;
  signature.arrow = Signature::Use::Must;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  arrow = arguments.arrow;
  return value(*arguments.values[0], scope);
}

//===-- rename ----------------------------------------------------------------------------------------------------===//

Node *Elaborator::builtin_rename(const CallExpr &call, StringRef use, Scope &scope) {
  const Argument *sides = nullptr;
  Node *x = operandAndArrow(call, use, scope, sides);
  if (!x)
    return nullptr;
  const Argument &arrow = *sides;
  if (arrow.from.empty()) {
    error(Diag::W015, arrow.loc, "'rename' names the axes that get another name before '->'");
    return nullptr;
  }
  if (arrow.from.size() != 1 || arrow.to.size() != 1)
    return renameSeveral(x, arrow, call.loc, scope);
  const Axis *from = axisNamed(arrow.from.front(), scope, x);
  const Axis *to = axisNamed(arrow.to.front(), Scope());
  if (!from || !to)
    return nullptr;
  if (!contains(x->axes, from)) {
    error(Diag::W022, arrow.from.front().loc,
          "there is no axis '" + from->name + "' in this value, which is " + describe(x));
    return nullptr;
  }
  if (named(x->axes, to->name)) {
    error(Diag::W027, arrow.to.front().loc,
          "this value, which is " + describe(x) + ", has axis '" + to->name + "' already");
    return nullptr;
  }
  if (!(to = otherName(from, to, arrow.loc)))
    return nullptr;
  if (to->aliasOf)
    bind(to, scope);
  AxisList axes = x->axes;
  *find(axes, from) = to;
  return add(op::Rename{{from}, {to}}, x->element, axes, {x}, call.loc, "rename");
}

Node *Elaborator::renameSeveral(Node *x, const Argument &arrow, Loc loc, Scope &scope) {
  AxisList from, to;
  if (!axesNamed(arrow.from, scope, from, x) || !axesNamed(arrow.to, Scope(), to))
    return nullptr;
  for (auto [axis, ident] : zip(from, arrow.from))
    if (!contains(x->axes, axis)) {
      error(Diag::W022, ident.loc, "there is no axis '" + axis->name + "' in this value, which is " + describe(x));
      return nullptr;
    }
  AxisList axes;
  for (const Axis *axis : x->axes) {
    if (axis == from.front())
      axes.append(to);
    if (!contains(from, axis))
      axes.push_back(axis);
  }
  for (const Ident &ident : arrow.to)
    if (count_if(axes, [name = ident.text](const Axis *other) { return other->name == name; }) > 1) {
      error(Diag::W027, ident.loc, "this value, which is " + describe(x) + ", has axis '" + ident.text + "' already");
      return nullptr;
    }
  std::optional<int64_t> oldSize = staticProduct(from, arrow.loc), newSize = staticProduct(to, arrow.loc);
  if (!oldSize || !newSize)
    return nullptr;
  if (oldSize != newSize) {
    error(Diag::W028, arrow.loc,
          "there are " + Twine(*oldSize) + " elements before '->', but " + Twine(*newSize) + " after it");
    return nullptr;
  }
  for (const Axis *axis : from)
    seesWhole(axis, arrow.loc, "'rename' regroups");
  return add(op::Rename{from, to}, x->element, axes, {x}, loc, "rename");
}

//===-- concat ----------------------------------------------------------------------------------------------------===//

Node *Elaborator::builtin_concat(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.arrow = Signature::Use::Must;
  signature.more = true;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  Values values;
  for (const Expr *argument : arguments.values) {
    Node *node = value(*argument, scope);
    if (!node)
      return nullptr;
    values.push_back(node);
  }
  // Conditions are joined with conditions only.
  bool conditions = all_of(values, [](Node *node) { return node->element == Element::Bool; });
  for (auto [node, argument] : zip(values, arguments.values))
    if (!conditions && !wantNumber(node, argument->loc, "'concat'"))
      return nullptr;
  const Argument &arrow = *arguments.arrow;
  if (arrow.to.size() != 1) {
    error(Diag::W015, arrow.loc, "'concat' makes one axis, not " + Twine(arrow.to.size()) + "; usage: " + use);
    return nullptr;
  }
  // Whole numbers stay so where all are; positions and known ones become i32.
  bool isWhole = all_of(values, [](Node *node) { return node->element != Element::F32; }) &&
                 !all_of(values, [](Node *node) { return node->isConstant(); });
  Element element = conditions ? Element::Bool : isWhole ? Element::I32 : Element::F32;

  op::Concat concat{AxisList(values.size(), nullptr), nullptr};
  Length length;
  SmallVector<bool> found(arrow.from.size(), false);
  const Node *widest = values.front(), *joinedWidest = nullptr;
  AxisList axes;
  for (auto [index, node] : enumerate(values)) {
    Loc place = arguments.values[index]->loc;
    const Axis *&joined = concat.joined[index];
    for (auto [name, seen] : zip(arrow.from, found)) {
      const Axis *axis = named(node->axes, name.text);
      if (!axis && !axisNamed(name, scope))
        return nullptr;
      seen |= axis != nullptr;
      if (axis && joined) {
        error(Diag::W015, place,
              "'concat' joins one axis of each value, but this one, which is " + describe(node) + ", has '" +
                  joined->name + "' and '" + axis->name + "'");
        return nullptr;
      }
      if (axis)
        joined = axis;
    }
    if (joined) {
      Length part = lengthOf(joined);
      length.parts.append(part.parts);
      length.plus += part.plus;
      seesWhole(joined, place, "'concat' joins");
      if (!joinedWidest || node->axes.size() > joinedWidest->axes.size())
        joinedWidest = node;
    } else {
      ++length.plus;
    }
    if (node->axes.size() > widest->axes.size())
      widest = node;
    for (const Axis *axis : node->axes) {
      if (axis == joined || contains(axes, axis))
        continue;
      if (named(axes, axis->name)) {
        error(Diag::W027, place, "'" + axis->name + "' stands for other positions in this value than in one before");
        return nullptr;
      }
      axes.push_back(axis);
    }
  }
  for (auto [name, seen] : zip(arrow.from, found))
    if (!seen) {
      error(Diag::W022, name.loc, "no value has axis '" + name.text + "', which 'concat' joins");
      return nullptr;
    }
  if (!(concat.to = axisOfLength(arrow.to.front(), length, scope)))
    return nullptr;
  if (named(axes, concat.to->name)) {
    error(Diag::W027, arrow.to.front().loc, "a value has axis '" + concat.to->name + "' already");
    return nullptr;
  }
  // The new axis stands where the joined one did; where none did, before what a block calls its own.
  AxisList order;
  if (joinedWidest) {
    for (const Axis *axis : joinedWidest->axes)
      order.push_back(contains(concat.joined, axis) && !contains(axes, axis) ? concat.to : axis);
    size_t at = find(order, concat.to) - order.begin();
    for (const Axis *axis : axes)
      if (!contains(order, axis))
        order.insert(order.begin() + at++, axis);
  } else {
    order = axes;
    order.insert(find_if(order, [&](const Axis *axis) { return !contains(scope.lifted, axis); }), concat.to);
  }
  for (Node *&node : values)
    node = convert(node, element);
  return add(std::move(concat), element, order, values, call.loc, "concat");
}

//===-- patches ---------------------------------------------------------------------------------------------------===//

Node *Elaborator::builtin_patches(const CallExpr &call, StringRef use, Scope &scope) {
  const Argument *sides = nullptr;
  Node *x = operandAndArrow(call, use, scope, sides);
  if (!x)
    return nullptr;
  const Argument &arrow = *sides;
  size_t count = arrow.from.size();
  if (count == 0 || arrow.to.size() != count + 1) {
    error(Diag::W015, arrow.loc,
          "'patches' names, after '->', the axis of the patches and one axis inside of a patch for each before it; "
          "usage: " +
              use);
    return nullptr;
  }
  AxisList from, inside, grid;
  if (!axesNamed(arrow.from, scope, from, x) || !axesNamed(ArrayRef(arrow.to).drop_front(), Scope(), inside))
    return nullptr;
  int64_t number = 1;
  for (auto [axis, part, ident, partIdent] : zip(from, inside, arrow.from, ArrayRef(arrow.to).drop_front())) {
    if (!contains(x->axes, axis)) {
      error(Diag::W022, ident.loc, "there is no axis '" + axis->name + "' in this value, which is " + describe(x));
      return nullptr;
    }
    if (named(x->axes, part->name)) {
      error(Diag::W027, partIdent.loc,
            "this value, which is " + describe(x) + ", has axis '" + part->name + "' already");
      return nullptr;
    }
    std::optional<int64_t> size = staticSize(axis, ident.loc), step = staticSize(part, partIdent.loc);
    if (!size || !step)
      return nullptr;
    if (*size % *step != 0) {
      error(Diag::W023, ident.loc,
            "'" + axis->name + "' has no whole number of patches: " + notDivisible(*size, *step));
      return nullptr;
    }
    number *= *size / *step; // at most the value's elements, which fit
    graph.derived.push_back({axis->name + " of patches", *size / *step, axis->loc});
    grid.push_back(&graph.derived.back());
  }
  const Axis *patch = axisOfLength(arrow.to.front(), {{}, number}, scope);
  if (!patch)
    return nullptr;
  if (named(x->axes, patch->name) || contains(inside, patch)) {
    error(Diag::W027, arrow.to.front().loc, "axis '" + patch->name + "' is there already");
    return nullptr;
  }
  // Each axis is cut in two; then the patches are one axis, outside of what is in each of them.
  for (auto [axis, cells, part] : zip(from, grid, inside)) {
    AxisList axes;
    for (const Axis *other : x->axes)
      other == axis ? axes.append({cells, part}) : axes.push_back(other);
    x = add(op::Rename{{axis}, {cells, part}}, x->element, axes, {x}, call.loc, "patches");
  }
  AxisList axes;
  copy_if(x->axes, std::back_inserter(axes), [&](const Axis *axis) { return !contains(grid, axis); });
  auto first = find_if(axes, [&](const Axis *axis) { return axis->inWeights || contains(inside, axis); });
  axes.insert(first, patch);
  return add(op::Rename{grid, {patch}}, x->element, axes, {x}, call.loc, "patches");
}

//===-- ranges ----------------------------------------------------------------------------------------------------===//

bool Elaborator::boundOf(const Expr &expr, const Axis *axis, Scope &scope, Length &bound) {
  // Of an axis known when running, the end is its name, or so many before it.
  const auto *difference = dyn_cast<BinaryExpr>(&expr);
  bool subtracts = difference && difference->op == Operator::Sub;
  const auto *name = dyn_cast<NameExpr>(subtracts ? difference->left : &expr);
  if (!axis->staticSize() && name && name->name == axis->name && !scope.find(name->name)) {
    bound = lengthOf(axis);
    std::optional<int64_t> less = subtracts ? integer(*difference->right, scope, "a position") : 0;
    if (less)
      bound.plus -= *less;
    return less.has_value();
  }
  std::optional<int64_t> position = integer(expr, scope, "a position");
  bound = {{}, position.value_or(0)};
  return position.has_value();
}

Node *Elaborator::slice(Node *node, const Axis *axis, const IndexExpr::Entry &entry, Loc loc, Scope &scope) {
  std::optional<int64_t> first = integer(*entry.value, scope, "a position");
  Length end;
  if (!first || !boundOf(*entry.end, axis, scope, end))
    return nullptr;
  Loc place = entry.value->loc.to(entry.end->loc);
  if (*first < 0 || (end.parts.empty() && *first >= end.plus)) {
    error(Diag::W042, place, "'" + place.text() + "' has no positions; '0..3' are the positions 0, 1 and 2");
    return nullptr;
  }
  if (end.plus > lengthOf(axis).plus) {
    error(Diag::W042, place,
          "'" + place.text() + "' may end behind axis '" + axis->name + "', " +
              (axis->staticSize()
                   ? "which has " + std::to_string(*axis->staticSize()) + " positions"
                   : std::string("whose size is known only when running; its end is '") + axis->name + "' or less"));
    return nullptr;
  }
  seesWhole(axis, place, "'" + place.text() + "' cuts");
  Length length = end;
  length.plus -= *first;
  AxisList axes = node->axes;
  auto *at = find(axes, axis);
  axes.erase(at);
  const Axis *to = axisOfLength(*entry.to, length, scope);
  if (!to)
    return nullptr;
  if (named(axes, to->name)) {
    error(Diag::W027, entry.to->loc,
          "this value, which is " + describe(node) + ", has axis '" + to->name + "' already");
    return nullptr;
  }
  axes.insert(at, to);
  return add(op::Slice{axis, to, *first}, node->element, axes, {node}, loc, "slice");
}

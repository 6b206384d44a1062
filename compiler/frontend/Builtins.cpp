//===- Builtins.cpp - linear, lookup, norms and their like --------------------------------------------------------===//
// Answers: which arguments does a built-in block take, and what does it check before it becomes a node?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weft::frontend;

bool Elaborator::sortArguments(const CallExpr &call, const Signature &signature, StringRef usage,
                               CallArguments &sorted) {
  StringRef callee = call.callee.text;
  auto refuse = [&](Diag id, Loc loc, const Twine &text) {
    error(id, loc, text + "; usage: " + usage);
    return false;
  };
  auto twice = [&](Loc loc) {
    return refuse(Diag::W015, loc, "'" + loc.text() + "' is one too many for '" + callee + "'");
  };
  for (const Argument &argument : call.arguments) {
    switch (argument.kind) {
    case Argument::Kind::Value: {
      const auto *word = dyn_cast<NameExpr>(argument.value);
      if (word && is_contained(signature.flags, word->name))
        sorted.flags[word->name] = argument.loc;
      else
        sorted.values.push_back(argument.value);
      break;
    }
    case Argument::Kind::Name:
    case Argument::Kind::Tied:
      if (signature.name == Signature::Use::No || (argument.kind == Argument::Kind::Tied && !signature.tied))
        return refuse(Diag::W015, argument.loc, "'" + callee + "' takes no such name");
      if (sorted.name)
        return twice(argument.loc);
      sorted.name = &argument.word;
      sorted.tied = argument.kind == Argument::Kind::Tied;
      break;
    case Argument::Kind::Arrow:
      if (signature.arrow == Signature::Use::No)
        return refuse(Diag::W015, argument.loc, "'" + callee + "' takes no '->'");
      if (sorted.arrow)
        return twice(argument.loc);
      sorted.arrow = &argument;
      break;
    case Argument::Kind::Option:
      if (!is_contained(signature.options, argument.word.text))
        return refuse(Diag::W015, argument.word.loc,
                      "'" + callee + "' has no option '" + argument.word.text + "'" +
                          didYouMean(argument.word.text, signature.options));
      if (!sorted.options.try_emplace(argument.word.text, argument.value).second)
        return twice(argument.loc);
      break;
    case Argument::Kind::Word: {
      StringRef word = argument.word.text;
      bool no = word == "no";
      if (word == "weight") {
        if (signature.name == Signature::Use::No)
          return refuse(Diag::W015, argument.loc, "'" + callee + "' takes no such name");
        if (sorted.name)
          return twice(argument.loc);
        sorted.name = &argument.object;
        sorted.whole = true;
        break;
      }
      if (no && argument.object.text != "bias")
        return refuse(Diag::W015, argument.loc, "expected 'no bias'");
      const Ident **slot = word == "over" && signature.over       ? &sorted.over
                           : word == "stored" && signature.stored ? &sorted.stored
                           : word == "bias" && signature.bias     ? &sorted.bias
                           : no && (signature.noBias)             ? &sorted.noBias
                                                                  : nullptr;
      if (!slot)
        return refuse(Diag::W015, argument.loc, "'" + callee + "' takes no '" + argument.loc.text() + "'");
      if (*slot || (slot == &sorted.bias && sorted.noBias) || (slot == &sorted.noBias && sorted.bias))
        return twice(argument.loc);
      bool hasObject = !no && !argument.object.text.empty();
      *slot = hasObject ? &argument.object : &argument.word;
      sorted.namedBias |= slot == &sorted.bias && hasObject;
      if (argument.second.text.empty())
        break;
      if (!signature.overTwo)
        return refuse(Diag::W015, argument.second.loc, "'" + callee + "' goes over one axis");
      sorted.overKeys = &argument.second;
      break;
    }
    }
  }
  if (sorted.values.size() != signature.values && !(signature.more && sorted.values.size() > signature.values))
    return refuse(Diag::W014, call.loc,
                  "'" + callee + "' takes " + (signature.more ? "at least " : "") + counted(signature.values, "value") +
                      ", but " + Twine(sorted.values.size()) + (sorted.values.size() == 1 ? " is" : " are") + " given");
  if (signature.name == Signature::Use::Must && !sorted.name)
    return refuse(Diag::W014, call.loc, "'" + callee + "' needs the name of its weight");
  if (sorted.whole && sorted.bias && !sorted.namedBias)
    return refuse(Diag::W015, sorted.bias->loc,
                  "'" + callee + "' cannot tell the name of the bias from that of the weight; write 'bias \"name\"'");
  if (signature.arrow == Signature::Use::Must && !sorted.arrow)
    return refuse(Diag::W014, call.loc, "'" + callee + "' needs axes with '->'");
  return true;
}

//===-- linear, lookup, weight ------------------------------------------------------------------------------------===//

Node *Elaborator::builtin_linear(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.name = signature.arrow = Signature::Use::Must;
  signature.tied = signature.stored = signature.bias = signature.noBias = true;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  Node *x = value(*arguments.values[0], scope);
  return x ? linearOf(x, arguments, call, scope) : nullptr;
}

Node *Elaborator::linearOf(Node *x, const CallArguments &arguments, const CallExpr &call, Scope &scope) {
  if (x->element != Element::F32) {
    error(Diag::W017, arguments.values[0]->loc,
          "'linear' needs f32, but this value is " + describe(x) + "; 'lookup' makes vectors of indices");
    return nullptr;
  }
  AxisList from, to;
  if (arguments.arrow->from.empty()) {
    error(Diag::W015, arguments.arrow->loc, "'linear' names the axes it reads before '->'");
    return nullptr;
  }
  if (!axesNamed(arguments.arrow->from, scope, from, x) || !axesNamed(arguments.arrow->to, scope, to))
    return nullptr;
  AxisList axes;
  for (auto [axis, ident] : zip(from, arguments.arrow->from))
    if (!contains(x->axes, axis)) {
      error(Diag::W022, ident.loc, "'linear' reads axis '" + axis->name + "', but its value is " + describe(x));
      return nullptr;
    }
  for (const Axis *axis : x->axes)
    if (!contains(from, axis))
      axes.push_back(axis);
  for (auto [axis, ident] : zip(to, arguments.arrow->to)) {
    if (contains(axes, axis)) {
      error(Diag::W027, ident.loc,
            "'linear' writes axis '" + axis->name + "', which its value " + toString(x->axes) + " has already");
      return nullptr;
    }
    axes.push_back(axis);
  }
  bool inOut = arguments.stored && arguments.stored->text == "in_out";
  if (arguments.stored && !inOut && arguments.stored->text != "out_in") {
    error(Diag::W015, arguments.stored->loc,
          "weights are 'stored in_out' or 'stored out_in', not '" + arguments.stored->text + "'");
    return nullptr;
  }
  std::optional<int64_t> depth = staticProduct(from, arguments.arrow->loc);
  std::optional<int64_t> columns = staticProduct(to, arguments.arrow->loc);
  std::optional<std::string> name = weightName(arguments, scope), biasName = this->biasName(arguments, scope);
  if (!depth || !columns || !name || !biasName)
    return nullptr;
  SmallVector<int64_t, 2> shape{*columns, *depth};
  SmallVector<AxisList, 2> groups{to, from};
  if (inOut) {
    std::swap(shape[0], shape[1]);
    std::swap(groups[0], groups[1]);
  }
  Node *weight = weightNode(*name, shape, {}, *arguments.name, "linear", groups);
  bool biased = arguments.bias || (!arguments.noBias && !arguments.tied && !arguments.whole && hasWeight(*biasName));
  Node *bias = biased ? weightNode(*biasName, {*columns}, {}, arguments.namedBias ? *arguments.bias : *arguments.name,
                                   "bias", to)
                      : nullptr;
  if (!weight || (biased && !bias))
    return nullptr;
  return add(op::Linear{from, to, inOut}, Element::F32, axes, {x, weight, bias}, call.loc, "linear");
}

Node *Elaborator::builtin_lookup(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.name = signature.arrow = Signature::Use::Must;
  signature.tied = true;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  Node *indices = value(*arguments.values[0], scope);
  if (!indices)
    return nullptr;
  if (indices->element != Element::I32) {
    error(Diag::W017, arguments.values[0]->loc,
          "'lookup' needs indices of type i32, but this value is " + describe(indices));
    return nullptr;
  }
  AxisList from, to;
  if (!axesNamed(arguments.arrow->from, scope, from) || !axesNamed(arguments.arrow->to, scope, to))
    return nullptr;
  if (from.size() != 1) {
    error(Diag::W015, arguments.arrow->loc, "a table has one axis of entries before '->', not " + Twine(from.size()));
    return nullptr;
  }
  AxisList axes = indices->axes;
  for (auto [axis, ident] : zip(to, arguments.arrow->to)) {
    if (contains(axes, axis)) {
      error(Diag::W027, ident.loc,
            "'lookup' writes axis '" + axis->name + "', which its indices " + toString(indices->axes) +
                " have already");
      return nullptr;
    }
    axes.push_back(axis);
  }
  std::optional<int64_t> entries = staticSize(from.front(), arguments.arrow->loc);
  std::optional<int64_t> columns = staticProduct(to, arguments.arrow->loc);
  std::optional<std::string> name = weightName(arguments, scope);
  if (!entries || !columns || !name)
    return nullptr;
  Node *table = weightNode(*name, {*entries, *columns}, {}, *arguments.name, "lookup", {from, to});
  if (!table)
    return nullptr;
  // What an error when running calls the index.
  std::string label = arguments.values[0]->loc.text().str();
  return add(op::Lookup{to, label}, Element::F32, axes, {indices, table}, call.loc, "lookup");
}

Node *Elaborator::builtin_weight(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.values = 0;
  signature.name = signature.arrow = Signature::Use::Must;
  signature.tied = true;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  AxisList axes;
  if (!arguments.arrow->from.empty()) {
    error(Diag::W015, arguments.arrow->loc, "'weight' reads nothing: its axes stand after '->'");
    return nullptr;
  }
  std::optional<std::string> name = expandName(*arguments.name, scope);
  if (!name || !axesNamed(arguments.arrow->to, scope, axes))
    return nullptr;
  SmallVector<int64_t, 4> shape;
  SmallVector<AxisList> groups;
  for (const Axis *axis : axes) {
    std::optional<int64_t> size = staticSize(axis, arguments.arrow->loc);
    if (!size)
      return nullptr;
    shape.push_back(*size);
    groups.push_back({axis});
  }
  if (!arguments.tied && !scope.prefix.empty())
    name = scope.prefix + "." + *name;
  return weightNode(*name, shape, axes, *arguments.name, "weight", groups);
}

//===-- norms -----------------------------------------------------------------------------------------------------===//

/// The axis that a norm goes along: the one named, or the value's last.
const Axis *Elaborator::normAxis(Node *x, const CallArguments &arguments, const CallExpr &call, Scope &scope) {
  const Axis *axis = x->axes.empty() ? nullptr : x->axes.back();
  if (arguments.over && !(axis = axisNamed(*arguments.over, scope, x)))
    return nullptr;
  if (axis && contains(x->axes, axis))
    return axis;
  error(Diag::W022, arguments.over ? arguments.over->loc : call.loc,
        "'" + call.callee.text + "' needs an axis " + (axis ? "'" + axis->name + "'" : std::string("to go along")) +
            ", but its value is " + describe(x));
  return nullptr;
}

Node *Elaborator::builtin_layer_norm(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.name = Signature::Use::May;
  signature.over = true;
  signature.bias = signature.noBias = call.callee.text == "layer_norm";
  signature.options = {"eps"};
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  bool rms = call.callee.text == "rms_norm";
  Node *x = value(*arguments.values[0], scope);
  if (!x || !(x = wantF32(x, arguments.values[0]->loc, "'" + call.callee.text + "'")))
    return nullptr;
  const Axis *axis = normAxis(x, arguments, call, scope);
  if (!axis)
    return nullptr;
  double eps = 1e-5;
  if (auto it = arguments.options.find("eps"); it != arguments.options.end()) {
    std::optional<double> given = number(*it->second, scope, "'eps'");
    if (!given)
      return nullptr;
    if (!(*given >= 0)) {
      error(Diag::W015, it->second->loc, "'eps' must not be negative");
      return nullptr;
    }
    eps = *given;
  }
  seesWhole(axis, call.loc, "'" + call.callee.text + "' reads");
  Node *scale = nullptr, *shift = nullptr;
  if (arguments.name) {
    std::optional<int64_t> size = staticSize(axis, call.loc);
    bool shifts = !rms && !arguments.noBias;
    if (shifts && arguments.whole && !arguments.bias) {
      error(
          Diag::W015, arguments.name->loc,
          "'layer_norm' cannot tell the name of the bias from that of the weight; write 'bias \"name\"' or 'no bias'");
      return nullptr;
    }
    std::optional<std::string> name = weightName(arguments, scope), shiftName = biasName(arguments, scope);
    if (!size || !name || !shiftName)
      return nullptr;
    scale = weightNode(*name, {*size}, {}, *arguments.name, "norm", AxisList{axis});
    shift = shifts ? weightNode(*shiftName, {*size}, {}, *arguments.name, "norm", AxisList{axis}) : nullptr;
    if (!scale || (shifts && !shift))
      return nullptr;
  }
  return add(op::Norm{rms, axis, eps}, Element::F32, x->axes, {x, scale, shift}, call.loc, call.callee.text);
}

Node *Elaborator::builtin_rms_norm(const CallExpr &call, StringRef use, Scope &scope) {
  return builtin_layer_norm(call, use, scope);
}

Node *Elaborator::builtin_unit(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.over = true;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  Node *x = value(*arguments.values[0], scope);
  if (!x || !(x = wantF32(x, arguments.values[0]->loc, "'unit'")))
    return nullptr;
  const Axis *axis = normAxis(x, arguments, call, scope);
  if (!axis)
    return nullptr;
  seesWhole(axis, call.loc, "'unit' reads");
  AxisList rest;
  copy_if(x->axes, std::back_inserter(rest), [&](const Axis *other) { return other != axis; });
  Node *squares = arithmetic(MapOp::Mul, x, x, call.loc, "unit");
  Node *sum = add(op::Reduce{op::Reduce::Kind::Sum, {axis}}, Element::F32, rest, {squares}, call.loc, "unit");
  Node *length = math(MapOp::Math_sqrt, "unit", {sum}, call.loc);
  // A vector of zeros stays one.
  Node *least = math(MapOp::Math_max, "unit", {length, constant(1e-12, Element::F32, call.loc)}, call.loc);
  return arithmetic(MapOp::Div, x, least, call.loc, "unit");
}

//===-- dropout ---------------------------------------------------------------------------------------------------===//

Node *Elaborator::builtin_dropout(const CallExpr &call, StringRef use, Scope &scope) {
  Signature signature;
  signature.values = 2;
  CallArguments arguments;
  if (!sortArguments(call, signature, use, arguments))
    return nullptr;
  std::optional<double> rate = number(*arguments.values[1], scope, "a dropout rate");
  if (rate && !(*rate >= 0 && *rate < 1)) {
    error(Diag::W015, arguments.values[1]->loc, "a dropout rate is at least 0 and below 1");
    return nullptr;
  }
  // Compiled models infer: nothing is dropped.
  return value(*arguments.values[0], scope);
}

//===- Attend.cpp - the roles of axes in attention, and its results -----------------------------------------------===//
// Answers: which axes of q, k and v are batch, positions, heads and width? Names decide, never order alone: the width
// is what q and k share last, positions are no part of a weight, and heads stand between the two (docs/language.md).
// And over which axes are the results?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;
using namespace weft::frontend;

static void appendNew(AxisList &list, ArrayRef<const Axis *> more) {
  for (const Axis *axis : more)
    if (!contains(list, axis))
      list.push_back(axis);
}

static AxisList without(ArrayRef<const Axis *> axes, ArrayRef<const Axis *> others) {
  AxisList rest;
  copy_if(axes, std::back_inserter(rest), [&](const Axis *axis) { return !contains(others, axis); });
  return rest;
}

Node *Elaborator::single(const AttendExpr &expr, Scope &scope) {
  if (expr.extras.empty())
    return attend(expr, scope).front();
  error(Diag::W016, expr.extras.front().loc,
        "'attend' gives " + counted(1 + expr.extras.size(), "result") +
            " here, but one value is needed; several are taken by names: 'a, p = attend(...) with weights'");
  return nullptr;
}

/// The attended values, then the further results in the order of the text.
Elaborator::Values Elaborator::attend(const AttendExpr &expr, Scope &scope) {
  Values results(1 + expr.extras.size(), nullptr);
  Signature signature;
  signature.values = 3;
  signature.over = signature.overTwo = true;
  CallArguments arguments;
  Loc place = expr.call->callee.loc;
  if (expr.call->in) {
    error(Diag::W015, expr.call->in->loc, "'attend' has no weights that 'in' could name");
    return results;
  }
  if (!sortArguments(*expr.call, signature, "attend(q, k, v, over axis)", arguments))
    return results;
  Values operands;
  bool sound = true;
  for (const Expr *argument : arguments.values) {
    Node *node = value(*argument, scope);
    operands.push_back(node ? wantF32(node, argument->loc, "'attend'") : nullptr);
    sound &= operands.back() != nullptr;
  }
  op::Attention roles{};
  if (!sound || !attendRoles(expr, operands[0], operands[1], operands[2], arguments, scope, roles) ||
      !attendScale(expr, scope, roles))
    return results;
  std::vector<Node *> captured;
  sound = !expr.sink || attendSink(*expr.sink, scope, roles);
  sound &= attendFormulas(expr, scope, roles, captured);
  if (!sound)
    return results;

  AxisList axes = roles.batch, ofWeights;
  if (roles.queryPosition)
    axes.push_back(roles.queryPosition);
  axes.append(roles.queryHeads);
  AxisList perQuery = axes;
  if (named(axes, roles.valueWidth->name)) {
    error(Diag::W027, place,
          "the result would have axis '" + roles.valueWidth->name + "' twice: q has it as well as v");
    return results;
  }
  if (!weightsAxes(expr, roles, perQuery, ofWeights))
    return results;
  axes.push_back(roles.valueWidth);
  if (roles.sink)
    operands.push_back(roles.sink);
  operands.append(captured.begin(), captured.end());
  auto shared = std::make_shared<op::Attention>(std::move(roles));
  results[0] = add(std::shared_ptr<const op::Attention>(shared), Element::F32, axes, operands, place, "attend");
  for (auto [extra, result] : zip(expr.extras, drop_begin(results))) {
    result = add(op::AttentionExtra{}, Element::F32, extra.weights ? ofWeights : perQuery, {results[0]}, place,
                 extra.weights ? "weights" : "lse");
    (extra.weights ? shared->weights : shared->lse) = result;
  }
  return results;
}

bool Elaborator::weightsAxes(const AttendExpr &expr, const op::Attention &roles, ArrayRef<const Axis *> perQuery,
                             AxisList &axes) {
  for (const AttendExpr::Extra &extra : expr.extras) {
    if (!extra.weights)
      continue;
    const Axis *keys = roles.keyPosition;
    if (extra.over) {
      const Axis *name = axisNamed(*extra.over, Scope());
      if (!name || !(keys = otherName(keys, name, extra.over->loc)))
        return false;
    }
    if (named(perQuery, keys->name)) {
      error(Diag::W027, extra.over ? extra.over->loc : extra.loc,
            "the weights would have axis '" + keys->name + "' twice: they are over " + toString(perQuery) +
                " and the keys' positions; give these another name, as in 'with weights over key'");
      return false;
    }
    axes.assign(perQuery.begin(), perQuery.end());
    axes.push_back(keys);
  }
  return true;
}

bool Elaborator::attendScale(const AttendExpr &expr, Scope &scope, op::Attention &roles) {
  if (expr.scale) {
    std::optional<double> scale = number(*expr.scale, scope, "'scale'");
    roles.scale = scale.value_or(0);
    return scale.has_value();
  }
  // A score of the vectors themselves is no product that grows with the width.
  const FormulaDecl *first = expr.scores.empty() ? nullptr : declared(*expr.scores.front(), FormulaDecl::Kind::Score);
  if (first && any_of(first->parameters, [](const Parameter &parameter) { return parameter.hasAxes; })) {
    roles.scale = 1;
    return true;
  }
  std::optional<int64_t> width = staticSize(roles.width, expr.call->callee.loc);
  roles.scale = 1 / std::sqrt(static_cast<double>(width.value_or(1)));
  return width.has_value();
}

bool Elaborator::attendSink(const Expr &expr, Scope &scope, op::Attention &roles) {
  Node *sink = value(expr, scope);
  if (!sink || !(sink = wantF32(sink, expr.loc, "'sink'")))
    return false;
  for (const Axis *axis : sink->axes)
    if (!contains(roles.queryHeads, axis)) {
      error(Diag::W022, expr.loc,
            "'sink' is one number, or one for each of the query's heads " + toString(roles.queryHeads) +
                ", but this value is " + describe(sink));
      return false;
    }
  roles.sink = sink;
  return true;
}

bool Elaborator::attendFormulas(const AttendExpr &expr, Scope &scope, op::Attention &roles,
                                std::vector<Node *> &captured) {
  bool sound = !expr.where || (roles.mask = mask(*expr.where, scope, roles, captured));
  auto chain = [&](ArrayRef<Expr *> uses, FormulaDecl::Kind kind, char number, Node *&root) {
    for (const Expr *use : uses) {
      // The first formula's number is that of attention itself; after one that failed, any will do.
      Node *before = root ? root : add(op::Formal{number}, Element::F32, {}, {}, use->loc, StringRef(&number, 1));
      Node *result = formula(*use, kind, before, scope, roles, captured);
      sound &= result != nullptr;
      if (result)
        root = convert(result, Element::F32);
    }
  };
  chain(expr.scores, FormulaDecl::Kind::Score, 's', roles.score);
  chain(expr.weighs, FormulaDecl::Kind::Weigh, 'p', roles.weigh);
  return sound;
}

bool Elaborator::attendRoles(const AttendExpr &expr, Node *q, Node *k, Node *v, const CallArguments &arguments,
                             Scope &scope, op::Attention &roles) {
  Loc loc = expr.call->callee.loc;
  if (k->axes.empty() || !contains(q->axes, k->axes.back())) {
    // Name the axis that the reader expects: q's innermost.
    const Axis *wanted = q->axes.empty() ? nullptr : q->axes.back();
    if (wanted && !contains(k->axes, wanted))
      error(Diag::W021, loc, "'attend' needs the same axis '" + wanted->name + "' in q and k, but k is " + describe(k));
    else
      error(Diag::W021, loc,
            "'attend' needs the last axis of k in q too, but q is " + describe(q) + " and k is " + describe(k));
    return false;
  }
  roles.width = k->axes.back();
  const Ident *overKeys = arguments.overKeys ? arguments.overKeys : arguments.over;
  if (!(roles.keyPosition = positionAxis(k, roles.width, overKeys, "attend", loc, scope)))
    return false;
  if (!contains(v->axes, roles.keyPosition)) {
    error(Diag::W021, loc,
          "'attend' needs the positions '" + roles.keyPosition->name + "' of k in v too, but v is " + describe(v));
    return false;
  }
  roles.valueWidth = v->axes.back();
  if (roles.valueWidth == roles.keyPosition) {
    error(Diag::W021, loc, "'attend' needs an axis of v after its positions, but v is " + describe(v));
    return false;
  }

  // The query's positions: those named, the keys' own, those that the cache continues, or the only axis that may be
  // any.
  const Axis *cached = roles.keyPosition->root()->cacheOf;
  if (arguments.overKeys) {
    if (!(roles.queryPosition = positionAxis(q, roles.width, arguments.over, "attend", loc, scope)))
      return false;
  } else if (contains(q->axes, roles.keyPosition)) {
    roles.queryPosition = roles.keyPosition;
  } else {
    AxisList candidates;
    for (const Axis *axis : q->axes)
      if (axis != roles.width && !contains(scope.lifted, axis) && !axis->inWeights && !contains(k->axes, axis))
        candidates.push_back(axis);
    if (cached)
      if (auto same = find_if(q->axes, [&](const Axis *axis) { return axis->root() == cached; }); same != q->axes.end())
        candidates = {*same};
    if (candidates.size() > 1) {
      error(Diag::W030, loc,
            "'attend' finds several axes that may be positions of q, which is " + describe(q) +
                "; name those of q and of k, as in 'over tgt " + roles.keyPosition->name + "'");
      return false;
    }
    roles.queryPosition = candidates.empty() ? nullptr : candidates.front();
  }
  if (!cached)
    seesWhole(roles.keyPosition, loc, "'attend' without 'cache' reads");

  AxisList qHeads, kHeads, vHeads;
  split(q, roles.queryPosition, roles.width, scope, roles.batch, qHeads);
  split(k, roles.keyPosition, roles.width, scope, roles.batch, kHeads);
  split(v, roles.keyPosition, roles.valueWidth, scope, roles.batch, vHeads);
  appendNew(kHeads, vHeads);
  if (contains(roles.batch, roles.valueWidth) || contains(kHeads, roles.valueWidth)) {
    error(Diag::W027, loc, "'" + roles.valueWidth->name + "' is the width of v, but another kind of axis in q or k");
    return false;
  }
  return matchHeads(expr, without(qHeads, roles.batch), without(kHeads, roles.batch), roles);
}

bool Elaborator::matchHeads(const AttendExpr &expr, AxisList qHeads, AxisList kHeads, op::Attention &roles) {
  // Shared heads go first on both sides, so that query head h reads key head h / (H / G).
  AxisList shared;
  copy_if(kHeads, std::back_inserter(shared), [&](const Axis *axis) { return contains(qHeads, axis); });
  AxisList qOnly = without(qHeads, shared), kOnly = without(kHeads, shared);
  roles.queryHeads = shared;
  roles.queryHeads.append(qOnly);
  roles.keyHeads = shared;
  roles.keyHeads.append(kOnly);
  if (kOnly.empty())
    return true;
  Loc loc = expr.call->callee.loc;
  std::optional<int64_t> queries = staticProduct(qOnly, loc), keys = staticProduct(kOnly, loc);
  if (!queries || !keys)
    return false;
  if (*queries % *keys == 0)
    return true;
  auto list = [](ArrayRef<const Axis *> axes) {
    std::string text;
    for (const Axis *axis : axes)
      text += (text.empty() ? "'" : " * '") + axis->name + "'";
    return text.empty() ? std::string("none") : text;
  };
  error(Diag::W031, loc,
        "'attend' shares each key head among as many query heads, but " + Twine(*queries) + " query heads (" +
            list(qOnly) + ") are no multiple of " + Twine(*keys) + " key heads (" + list(kOnly) + ")");
  return false;
}

//===- Attend.cpp - the roles of axes in attention ----------------------------------------------------------------===//
// Answers: which axes of q, k and v are batch, positions, heads and width? Names decide, never order alone: the width
// is what q and k share last, positions are no part of a weight, and heads stand between the two (docs/language.md).
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

Node *Elaborator::attend(const AttendExpr &expr, Scope &scope) {
  Signature signature;
  signature.values = 3;
  signature.over = signature.overTwo = true;
  CallArguments arguments;
  Loc place = expr.call->callee.loc;
  for (Loc clause : expr.unsupported)
    error(Diag::W040, clause, "'" + clause.text() + "' is not supported yet");
  if (expr.call->in) {
    error(Diag::W015, expr.call->in->loc, "'attend' has no weights that 'in' could name");
    return nullptr;
  }
  if (!sortArguments(*expr.call, signature, "attend(q, k, v, over axis)", arguments))
    return nullptr;
  Values operands;
  bool sound = expr.unsupported.empty();
  for (const Expr *argument : arguments.values) {
    Node *node = value(*argument, scope);
    operands.push_back(node ? wantF32(node, argument->loc, "'attend'") : nullptr);
    sound &= operands.back() != nullptr;
  }
  op::Attention roles{};
  if (!sound || !attendRoles(expr, operands[0], operands[1], operands[2], arguments, scope, roles))
    return nullptr;

  if (expr.scale) {
    std::optional<double> scale = number(*expr.scale, scope, "'scale'");
    if (!scale)
      return nullptr;
    roles.scale = *scale;
  } else {
    std::optional<int64_t> width = staticSize(roles.width, place);
    if (!width)
      return nullptr;
    roles.scale = 1 / std::sqrt(static_cast<double>(*width));
  }

  std::vector<Node *> captured;
  if (expr.where)
    sound = (roles.mask = mask(*expr.where, scope, roles, captured));
  for (const Expr *use : expr.scores) {
    Node *before = roles.score ? roles.score : add(op::Formal{'s'}, Element::F32, {}, {}, use->loc, "s");
    Node *score = formula(*use, FormulaDecl::Kind::Score, before, scope, roles, captured);
    sound &= score != nullptr;
    if (score)
      roles.score = convert(score, Element::F32);
  }
  if (!sound)
    return nullptr;

  AxisList axes = roles.batch;
  if (roles.queryPosition)
    axes.push_back(roles.queryPosition);
  axes.append(roles.queryHeads);
  if (named(axes, roles.valueWidth->name)) {
    error(Diag::W027, place,
          "the result would have axis '" + roles.valueWidth->name + "' twice: q has it as well as v");
    return nullptr;
  }
  axes.push_back(roles.valueWidth);
  operands.append(captured.begin(), captured.end());
  return add(std::make_shared<const op::Attention>(std::move(roles)), Element::F32, axes, operands, place, "attend");
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

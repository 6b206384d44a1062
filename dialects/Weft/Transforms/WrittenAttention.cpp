//===- WrittenAttention.cpp - attention by its equations ----------------------------------------------------------===//
// From the end to the beginning: the sum over the values has a softmax as a factor, that one's scores are a formula of
// positions and of a sum of products, and each factor of this sum belongs to queries or keys by the axes it has.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/WrittenAttention.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "dialects/Weft/Transforms/Probabilities.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace weft {

WrittenAttention::WrittenAttention(SumOfProducts sum) : formulas(sum.op->getContext()), values(std::move(sum)) {
  MLIRContext *context = values.op->getContext();
  product = formulas.addVariable(Float32Type::get(context));
  for (unsigned loop = 0; loop < values.op.getNumLoops(); ++loop)
    positions.push_back(formulas.addVariable(IndexType::get(context)));
}

std::unique_ptr<WrittenAttention> WrittenAttention::match(linalg::LinalgOp op, Refusal &refusal) {
  auto sum = SumOfProducts::of(op);
  if (!sum || !isa<RankedTensorType>(op->getResult(0).getType()))
    return nullptr;
  std::unique_ptr<WrittenAttention> found(new WrittenAttention(std::move(*sum)));
  if (!found->matchValues(refusal))
    return nullptr;
  found->matchScores();
  found->formula = splitMask(found->formulas, found->score, found->product);
  if (!found->assignAxes(refusal) || found->hasOtherUses(refusal))
    return nullptr;
  found->mayBeNaN = found->mayAdmitNothing();
  return found;
}

//===-- values and probabilities ----------------------------------------------------------------------------------===//

/// (sum of e * v) / (sum of e): the divisor as a formula, if the sum has one user and that divides it.
Value WrittenAttention::divisorOfSum() {
  if (!values.op->hasOneUse())
    return {};
  OpOperand &use = *values.op->getUses().begin();
  auto user = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!user || !user.isDpsInput(&use) || !hasPureBody(user) || user.getNumParallelLoops() != user.getNumLoops())
    return {};
  BlockArgument sum = user.getMatchingBlockArgument(&use);
  auto divides = sum.hasOneUse() ? dyn_cast<arith::DivFOp>(*sum.user_begin()) : arith::DivFOp();
  AffineMap written = values.op.getMatchingIndexingMap(values.op.getDpsInitOperand(0));
  AffineMap read = user.getMatchingIndexingMap(&use);
  if (!divides || divides.getLhs() != sum || !read.isPermutation())
    return {};
  SmallVector<Value> at(user.getNumLoops());
  for (auto [to, from] : llvm::zip_equal(read.getResults(), written.getResults()))
    at[cast<AffineDimExpr>(to).getPosition()] = positions[cast<AffineDimExpr>(from).getPosition()];
  division = divides;
  return formulas.inside(user, divides.getRhs(), at);
}

bool WrittenAttention::matchValues(Refusal &refusal) {
  SmallVector<FormulaFactor> factors;
  SmallVector<double> numbers;
  for (auto [owner, factor] : llvm::enumerate(values.factors)) {
    Value formula = formulas.inside(values.op, factor.scalar, positions);
    takeApart(formula, factor.divides, owner, factors, numbers.emplace_back(1));
  }
  unsigned outside = values.factors.size();
  if (Value divisor = divisorOfSum())
    factors.push_back({divisor, true, outside});
  std::optional<Probabilities> found;
  SmallVector<unsigned> reduced = reductionLoops(values.op);
  for (unsigned loop : reduced) {
    key = loop;
    if ((found = findProbabilities(formulas, factors, positions[key])))
      break;
  }
  llvm::SmallBitVector isProbability(outside + 1);
  if (!found) {
    for (const FormulaFactor &factor : factors)
      for (unsigned loop : reduced)
        if (Operation *softmax = softmaxInside(formulas, factor.value, positions[loop]))
          refusal = {"the probabilities are changed before they weigh the values", softmax};
    return false;
  }
  for (unsigned part : found->factors)
    isProbability.set(factors[part].owner);
  if (!isProbability.test(outside))
    division = nullptr;
  for (auto [number, factor] : llvm::enumerate(factors))
    if (isProbability.test(factor.owner) && !llvm::is_contained(found->factors, number)) {
      refusal = {"the probabilities are changed before they weigh the values", found->normalizer};
      return false;
    }
  valueNumber = values.number * found->number;
  for (auto [owner, factor] : llvm::enumerate(values.factors)) {
    if (isProbability.test(owner))
      valueNumber *= numbers[owner];
    else
      valueFactors.push_back(factor);
  }
  if (valueFactors.empty())
    return false; // a sum of probabilities
  if (reduced.size() > 1) {
    refusal = {"the sum is over more axes than that of the softmax", found->normalizer};
    return false;
  }
  score = found->score;
  normalizer = found->normalizer;
  return true;
}

//===-- queries and keys ------------------------------------------------------------------------------------------===//

struct WrittenAttention::Sides {
  SumOfProducts sum;
  SmallVector<unsigned> axisOfLoop;
  SmallVector<Factor> query, key, outside;
  bool hasQueries; ///< there are axes that keys do not have
};

AxisSet WrittenAttention::axesOf(ArrayRef<Factor> factors, ArrayRef<unsigned> axisOfLoop) const {
  AxisSet axes(positions.size());
  for (const Factor &factor : factors)
    for (unsigned loop : factor.loops.set_bits())
      if (axisOfLoop[loop] < positions.size())
        axes.set(axisOfLoop[loop]);
  return axes;
}

std::optional<WrittenAttention::Sides> WrittenAttention::sidesOf(tensor::ExtractOp read) {
  auto op = read.getTensor().getDefiningOp<linalg::LinalgOp>();
  auto sum = op ? SumOfProducts::of(op) : std::nullopt;
  if (!sum || read.getIndices().size() != op.getNumParallelLoops())
    return std::nullopt;
  Sides sides;
  sides.sum = std::move(*sum);
  sides.axisOfLoop.assign(op.getNumLoops(), positions.size());
  for (auto [dim, index] :
       llvm::zip_equal(op.getMatchingIndexingMap(op.getDpsInitOperand(0)).getResults(), read.getIndices())) {
    auto axis = llvm::find(positions, index);
    // Read at another place than where it stands, or at one of its diagonal.
    if (axis == positions.end() || llvm::is_contained(sides.axisOfLoop, axis - positions.begin()))
      return std::nullopt;
    sides.axisOfLoop[cast<AffineDimExpr>(dim).getPosition()] = axis - positions.begin();
  }
  unsigned axes = positions.size();
  SmallVector<unsigned> reduced = reductionLoops(op);
  for (unsigned loop : reduced)
    sides.axisOfLoop[loop] = axes++;
  llvm::SmallBitVector reducedSet(op.getNumLoops()), queryLoops = reducedSet, keyLoops = reducedSet;
  for (unsigned loop : reduced)
    reducedSet.set(loop);
  for (const Factor &factor : sides.sum.factors) {
    bool ofKeys = llvm::any_of(factor.loops.set_bits(), [&](unsigned loop) { return sides.axisOfLoop[loop] == key; });
    if (!factor.loops.anyCommon(reducedSet)) {
      sides.outside.push_back(factor);
      continue;
    }
    (ofKeys ? sides.key : sides.query).push_back(factor);
    (ofKeys ? keyLoops : queryLoops) |= factor.loops;
  }
  // Each has all of the width; what one lacks would be one number for many products.
  if (reducedSet.test(queryLoops) || reducedSet.test(keyLoops))
    return std::nullopt;
  sides.hasQueries = queryLoops.test(keyLoops);
  return sides;
}

void WrittenAttention::matchScores() {
  std::optional<Sides> best;
  Value similarity;
  for (Operation *op : formulas.opsOf(score)) {
    auto read = dyn_cast<tensor::ExtractOp>(op);
    auto sides = read ? sidesOf(read) : std::nullopt;
    // Other sums, such as that of queries and relative positions, are read as they are.
    if (sides && (!best || (sides->hasQueries && !best->hasQueries))) {
      best = std::move(sides);
      similarity = read.getResult();
    }
  }
  if (!best)
    return;
  Value replacement = product;
  SmallVector<Value> at(best->sum.op.getNumLoops());
  for (auto [loop, axis] : llvm::enumerate(best->axisOfLoop))
    if (axis < positions.size())
      at[loop] = positions[axis];
  for (const Factor &factor : best->outside) {
    Value scalar = formulas.inside(best->sum.op, factor.scalar, at);
    Location loc = best->sum.op.getLoc();
    replacement = factor.divides ? formulas.create<arith::DivFOp>(loc, replacement, scalar)
                                 : formulas.create<arith::MulFOp>(loc, replacement, scalar);
  }
  score = formulas.substitute(score, similarity, replacement);
  for (unsigned axis : best->axisOfLoop)
    if (axis >= positions.size())
      width.push_back(axis);
  queryFactors = std::move(best->query);
  keyFactors = std::move(best->key);
  scoreAxes = std::move(best->axisOfLoop);
  scores = std::move(best->sum);
}

//===-- axes ------------------------------------------------------------------------------------------------------===//

OpFoldResult WrittenAttention::sizeOf(OpBuilder &b, unsigned axis) const {
  auto loop = llvm::find(scoreAxes, axis);
  return loop != scoreAxes.end() ? loopSize(b, scores->op, loop - scoreAxes.begin()) : loopSize(b, values.op, axis);
}

int64_t WrittenAttention::staticSizeOf(unsigned axis) const {
  auto loop = llvm::find(scoreAxes, axis);
  linalg::LinalgOp op = loop != scoreAxes.end() ? scores->op : values.op;
  return op.getStaticLoopRanges()[loop != scoreAxes.end() ? loop - scoreAxes.begin() : axis];
}

AxisSet WrittenAttention::axesOf(Value formula) {
  AxisSet axes(positions.size());
  for (auto [axis, position] : llvm::enumerate(positions))
    if (formula && formulas.dependsOn(formula, position))
      axes.set(axis);
  return axes;
}

bool WrittenAttention::assignAxes(Refusal &refusal) {
  SmallVector<unsigned> same = llvm::to_vector(llvm::seq<unsigned>(positions.size()));
  AxisSet ofValues = axesOf(valueFactors, same), ofQueries = axesOf(score) | axesOf(queryFactors, scoreAxes);
  AxisSet ofKeys = scores ? axesOf(keyFactors, scoreAxes) : ofValues;
  // Values that probabilities of positions alone weigh: what lies outside of the keys is many of them.
  SmallVector<unsigned> order = values.orderOf(valueFactors);
  AxisSet outside(positions.size());
  if (!scores)
    for (unsigned axis : ArrayRef(order.begin(), llvm::find(order, key)))
      outside.set(axis);
  SmallVector<unsigned> ofQueriesAlone;
  for (unsigned axis = 0; axis < positions.size(); ++axis) {
    if (axis == key)
      continue;
    bool inValues = ofValues.test(axis), weighed = ofQueries.test(axis) || (scores && ofKeys.test(axis));
    if (!weighed && !outside.test(axis)) {
      valueWidth.push_back(axis);
    } else if (!inValues && !ofKeys.test(axis)) {
      ofQueriesAlone.push_back(axis);
    } else if (inValues && ofKeys.test(axis)) {
      shared.push_back(axis);
    } else {
      refusal = {"keys and values vary along different axes", scores->op};
      return false;
    }
  }
  // The positions of the queries are what the mask compares, or else the longest axis; they have to be whatever has no
  // size that is known.
  AxisSet masked = axesOf(formula.mask);
  auto rank = [&](unsigned axis) {
    int64_t size = staticSizeOf(axis);
    return std::tuple(masked.test(axis), ShapedType::isDynamic(size), size);
  };
  std::optional<unsigned> best;
  for (unsigned axis : ofQueriesAlone)
    if (!best || rank(*best) < rank(axis))
      best = axis;
  for (unsigned axis : ofQueriesAlone)
    (axis == best || ShapedType::isDynamic(staticSizeOf(axis)) ? queries : heads).push_back(axis);
  if (!best && !scores) // no matrix of scores that attention would not hold
    return false;
  for (ArrayRef<unsigned> known : {ArrayRef(width), ArrayRef(valueWidth)})
    for (unsigned axis : known)
      if (ShapedType::isDynamic(staticSizeOf(axis))) {
        refusal.reason = "vectors of queries, keys and values need a size that is known when compiling";
        return false;
      }
  return true;
}

LoopedTensor WrittenAttention::sideOf(OpBuilder &b, ArrayRef<Factor> factors) const {
  if (!scores)
    return {};
  LoopedTensor side = scores->tensorOf(b, factors, 1);
  for (unsigned &loop : side.loops)
    loop = scoreAxes[loop];
  return side;
}

//===-- other uses ------------------------------------------------------------------------------------------------===//

bool WrittenAttention::hasOtherUses(Refusal &refusal) {
  // Probabilities that are not made of queries and keys may well be computed twice, as may scores.
  if (!scores)
    return false;
  SmallVector<Operation *> work = {normalizer};
  DenseSet<Operation *> seen = {values.op};
  if (division)
    seen.insert(division->getParentOp());
  while (!work.empty())
    for (Operation *user : work.pop_back_val()->getUsers()) {
      if (formulas.isPart(user) || isa<tensor::DimOp>(user) || !seen.insert(user).second)
        continue;
      if (!formulas.isInlined(user)) {
        refusal = {"the probabilities have another use", user};
        return true;
      }
      work.push_back(user);
    }
  return false;
}

/// Whether a tensor may hold infinite numbers though all that the model is given is finite but for masks.
static bool mayHoldInfinities(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  while (isa_and_present<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp>(op))
    op = op->getOperand(0).getDefiningOp();
  auto nest = dyn_cast_or_null<linalg::LinalgOp>(op);
  return !isa_and_present<LinearOp, RmsNormOp, LayerNormOp, AttentionOp>(op) && !(nest && addedUp(nest));
}

bool WrittenAttention::mayBeInfinite(Value formula) {
  return llvm::any_of(formulas.opsOf(formula), [](Operation *op) {
    FloatAttr number;
    if (matchPattern(op, m_Constant(&number)))
      return number.getValue().isInfinity();
    auto read = dyn_cast<tensor::ExtractOp>(op);
    return isa<math::LogOp>(op) || (read && isa<FloatType>(read.getType()) && mayHoldInfinities(read.getTensor()));
  });
}

bool WrittenAttention::mayAdmitNothing() {
  if (mayBeInfinite(formula.score))
    return true;
  if (!formula.mask)
    return false;
  // The key at the query's own place, if there is one, or the first.
  OpBuilder b(values.op);
  SmallVector<Value> candidates = {formulas.index(values.op.getLoc(), 0)};
  OpFoldResult keys = sizeOf(b, key);
  for (unsigned axis : queries) {
    OpFoldResult size = sizeOf(b, axis);
    if (size == keys)
      candidates.push_back(positions[axis]);
    // In a step there are as many keys more as there are positions in the cache.
    auto total = dyn_cast<Value>(keys) ? cast<Value>(keys).getDefiningOp<arith::AddIOp>() : arith::AddIOp();
    if (total)
      for (auto [past, added] : {std::pair(total.getLhs(), total.getRhs()), {total.getRhs(), total.getLhs()}})
        if (OpFoldResult(added) == size)
          candidates.push_back(formulas.create<arith::AddIOp>(total.getLoc(), positions[axis], past));
  }
  return !admitsOneOf(formulas, formula.mask, positions[key], candidates);
}

} // namespace weft

//===- AttentionBuilder.cpp - equations as one op -----------------------------------------------------------------===//
#include "dialects/Weft/Transforms/AttentionBuilder.h"
#include "dialects/Weft/IR/Dimensions.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace weft {
namespace {

using Axes = SmallVector<unsigned>;

class AttentionBuilder {
public:
  AttentionBuilder(OpBuilder &b, WrittenAttention &attention)
      : b(b), attention(attention), loc(attention.values.op->getLoc()) {}

  Value build() {
    chooseLayout();
    const Axes &width = attention.width;
    // Without scores of queries and keys their product is 0, of vectors of length 1.
    auto arrangeOrZero = [&](const LoopedTensor &tensor, ArrayRef<Axes> groups) {
      return attention.scores ? arrange(tensor, groups) : zeros(groups);
    };
    Value q = arrangeOrZero(query, {batch, queries, heads, width});
    Value k = arrangeOrZero(key, {batch, {attention.key}, keyHeads, width});
    Value v = arrange(value, {batch, {attention.key}, keyHeads, attention.valueWidth});
    auto type = cast<RankedTensorType>(q.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = cast<RankedTensorType>(v.getType()).getShape().back();
    double scale = attention.scores ? attention.scores->number : 1;
    SmallVector<Type> results = {type.clone(shape)};
    if (attention.mayBeNaN)
      results.push_back(type.clone(ArrayRef(shape).drop_back()));
    auto op = AttentionOp::create(b, loc, results, q, k, v, /*past=*/Value(), /*sink=*/Value(), /*workspace=*/Value(),
                                  /*outs=*/ValueRange(), APFloat(scale), /*weights=*/false, /*lse=*/attention.mayBeNaN);
    if (attention.formula.mask)
      addRegion(op.getMask(), attention.formula.mask, /*ofScore=*/false);
    // All scores alike are as good as none.
    bool alike = matchPattern(attention.formula.score, m_Constant()) && !attention.scores;
    if (attention.formula.score != attention.product && !alike)
      addRegion(op.getScore(), attention.formula.score, /*ofScore=*/true);
    foldScale(op);
    Value result = attention.mayBeNaN ? withNaN(op) : op.getResult();
    return restore(result, {batch, queries, heads, attention.valueWidth});
  }

private:
  //===-- layout --------------------------------------------------------------------------------------------------===//

  /// Of the axes that queries, keys and values share, those that lie outside of the positions in most of the three are
  /// the batch, and those between positions and width are heads: then fewest tensors need to be transposed.
  void chooseLayout() {
    query = attention.queryTensor(b);
    key = attention.keyTensor(b);
    value = attention.valueTensor(b);
    // 1 for an axis inside of the positions, -1 for one outside, 0 where there is no telling.
    auto place = [](const LoopedTensor &tensor, unsigned axis, ArrayRef<unsigned> positions) {
      const unsigned *at = llvm::find(tensor.loops, axis), *end = tensor.loops.end();
      for (unsigned position : positions)
        if (const unsigned *other = llvm::find(tensor.loops, position); at != end && other != end)
          return at > other ? 1 : -1;
      return 0;
    };
    // In the order in which the keys have them, or the values without keys.
    const LoopedTensor &ordered = attention.scores ? key : value;
    for (unsigned axis : ordered.loops) {
      if (!llvm::is_contained(attention.shared, axis))
        continue;
      int votes =
          place(query, axis, attention.queries) + place(key, axis, attention.key) + place(value, axis, attention.key);
      bool isHead = votes > 0 && !ShapedType::isDynamic(attention.staticSizeOf(axis));
      (isHead ? keyHeads : batch).push_back(axis);
    }
    queries = inOrderOf(query, attention.queries);
    heads = keyHeads;
    heads.append(inOrderOf(query, attention.heads));
  }

  /// Axes as a tensor has them, then those that it lacks.
  static Axes inOrderOf(const LoopedTensor &tensor, ArrayRef<unsigned> axes) {
    Axes order;
    llvm::copy_if(tensor.loops, std::back_inserter(order),
                  [&](unsigned axis) { return llvm::is_contained(axes, axis); });
    llvm::copy_if(axes, std::back_inserter(order),
                  [&](unsigned axis) { return !llvm::is_contained(tensor.loops, axis); });
    return order;
  }

  SmallVector<OpFoldResult> sizesOf(ArrayRef<unsigned> axes) {
    return llvm::map_to_vector(axes, [&](unsigned axis) { return attention.sizeOf(b, axis); });
  }

  static Axes flatten(ArrayRef<Axes> groups, SmallVectorImpl<unsigned> &counts) {
    Axes flat;
    for (const Axes &group : groups) {
      flat.append(group);
      counts.push_back(group.size());
    }
    return flat;
  }

  /// The tensor with its axes in another order, repeated along those that it lacks.
  Value ordered(const LoopedTensor &from, ArrayRef<unsigned> order) {
    if (ArrayRef(from.loops) == order)
      return from.tensor;
    Value init = tensor::EmptyOp::create(b, loc, sizesOf(order), b.getF32Type());
    auto placesIn = [](ArrayRef<unsigned> axes, ArrayRef<unsigned> wanted) {
      return llvm::map_to_vector(wanted, [&](unsigned axis) { return int64_t(llvm::find(axes, axis) - axes.begin()); });
    };
    if (from.loops.size() == order.size())
      return linalg::TransposeOp::create(b, loc, from.tensor, init, placesIn(from.loops, order))->getResult(0);
    SmallVector<AffineExpr> read =
        llvm::map_to_vector(placesIn(order, from.loops), [&](int64_t place) { return b.getAffineDimExpr(place); });
    SmallVector<AffineMap> maps = {AffineMap::get(order.size(), 0, read, b.getContext()),
                                   b.getMultiDimIdentityMap(order.size())};
    SmallVector<utils::IteratorType> iterators(order.size(), utils::IteratorType::parallel);
    return linalg::GenericOp::create(b, loc, init.getType(), from.tensor, init, maps, iterators,
                                     [](OpBuilder &body, Location at, ValueRange arguments) {
                                       linalg::YieldOp::create(body, at, arguments.front());
                                     })
        ->getResult(0);
  }

  Value arrange(const LoopedTensor &from, ArrayRef<Axes> groups) {
    SmallVector<unsigned> counts;
    Axes order = flatten(groups, counts);
    return joinDimensions(b, loc, ordered(from, order), counts, sizesOf(order));
  }

  Value zeros(ArrayRef<Axes> groups) {
    SmallVector<unsigned> counts;
    SmallVector<OpFoldResult> sizes = sizesOf(flatten(groups, counts));
    Value init = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
    Value filled = linalg::FillOp::create(b, loc, number(b, loc, 0), init)->getResult(0);
    return joinDimensions(b, loc, filled, counts, sizes);
  }

  Value restore(Value result, ArrayRef<Axes> groups) {
    SmallVector<unsigned> counts;
    Axes order = flatten(groups, counts);
    Value split = splitDimensions(b, loc, result, counts, sizesOf(order));
    linalg::LinalgOp sum = attention.values.op;
    Axes wanted;
    for (AffineExpr dim : sum.getMatchingIndexingMap(sum.getDpsInitOperand(0)).getResults())
      wanted.push_back(cast<AffineDimExpr>(dim).getPosition());
    return ordered({split, order}, wanted);
  }

  /// NaN in the rows that attention makes zero because all their scores are -inf: then so is the log of their sum.
  Value withNaN(AttentionOp op) {
    Value values = op.getResult(), lse = op.getResults()[op.getLseNumber()];
    Value init = tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, values), b.getF32Type());
    AffineMap whole = b.getMultiDimIdentityMap(4), row = whole.getMajorSubMap(3);
    SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
    auto choose = [](OpBuilder &body, Location at, ValueRange arguments) {
      Value lowest = number(body, at, -std::numeric_limits<float>::infinity());
      Value nothing = arith::CmpFOp::create(body, at, arith::CmpFPredicate::OEQ, arguments[1], lowest);
      Value none = number(body, at, std::numeric_limits<float>::quiet_NaN());
      linalg::YieldOp::create(body, at, arith::SelectOp::create(body, at, nothing, none, arguments[0]).getResult());
    };
    return linalg::GenericOp::create(b, loc, init.getType(), ValueRange{values, lse}, init,
                                     ArrayRef<AffineMap>{whole, row, whole}, iterators, choose)
        ->getResult(0);
  }

  static Value number(OpBuilder &b, Location loc, float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }

  //===-- formulas ------------------------------------------------------------------------------------------------===//

  void addRegion(Region &region, Value formula, bool ofScore) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(region.getParentOp()); // for sizes
    Block &block = region.emplaceBlock();
    IRMapping mapping;
    if (ofScore)
      mapping.map(attention.product, block.addArgument(b.getF32Type(), loc));
    SmallVector<Value> arguments;
    for (unsigned i = 0; i < 4; ++i)
      arguments.push_back(block.addArgument(b.getIndexType(), loc));
    OpBuilder inside = OpBuilder::atBlockEnd(&block);
    unflatten(inside, arguments[0], batch, mapping);
    unflatten(inside, arguments[1], heads, mapping);
    unflatten(inside, arguments[2], queries, mapping);
    mapping.map(attention.positions[attention.key], arguments[3]);
    for (Operation *op : attention.formulas.opsOf(formula))
      inside.clone(*op, mapping);
    YieldOp::create(inside, loc, mapping.lookupOrDefault(formula));
    IRRewriter rewriter(b.getContext());
    (void)runRegionDCE(rewriter, region);
  }

  /// The position along each of several axes that are one dimension.
  void unflatten(OpBuilder &inside, Value flat, ArrayRef<unsigned> axes, IRMapping &mapping) {
    for (unsigned axis : llvm::reverse(axes)) {
      Value position = flat;
      if (axis != axes.front()) {
        Value size = getValueOrCreateConstantIndexOp(b, loc, attention.sizeOf(b, axis));
        position = arith::RemUIOp::create(inside, loc, flat, size);
        flat = arith::DivUIOp::create(inside, loc, flat, size);
      }
      mapping.map(attention.positions[axis], position);
    }
  }

  /// A number that multiplies the product alone is a part of the scale.
  void foldScale(AttentionOp op) {
    Region &region = op.getScore();
    if (region.empty())
      return;
    Block &block = region.front();
    Value product = block.getArgument(0);
    double scale = op.getScale().convertToDouble();
    while (product.hasOneUse()) {
      Operation *user = *product.user_begin();
      FloatAttr number;
      bool first = user->getOperand(0) == product;
      if (!isa<arith::MulFOp, arith::DivFOp>(user) || (!first && isa<arith::DivFOp>(user)) ||
          !matchPattern(user->getOperand(first ? 1 : 0), m_Constant(&number)))
        break;
      double value = number.getValueAsDouble();
      double changed = isa<arith::MulFOp>(user) ? scale * value : scale / value;
      if (!std::isfinite(changed))
        break;
      scale = changed;
      user->getResult(0).replaceAllUsesWith(product);
      user->erase();
    }
    op.setScaleAttr(b.getF64FloatAttr(scale));
    if (block.getTerminator()->getOperand(0) == product)
      block.erase();
  }

  OpBuilder &b;
  WrittenAttention &attention;
  Location loc;
  LoopedTensor query, key, value;
  Axes batch, queries, keyHeads, heads;
};

} // namespace

Value buildAttention(OpBuilder &b, WrittenAttention &attention) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(attention.values.op);
  return AttentionBuilder(b, attention).build();
}

} // namespace weft

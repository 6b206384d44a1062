//===- PackedLinearBuilder.cpp - how fusions make a packed_linear -------------------------------------------------===//
// Answers: which elementwise ops can an epilogue hold, and how is a packed_linear put together from formulas?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Transforms/PackedLinearBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace weft {

Value packWeights(OpBuilder &builder, Location loc, ValueRange weights, Value scale, int64_t panel, int64_t parts,
                  bool inOut) {
  int64_t columns = 0, depth = 0;
  for (Value weight : weights) {
    auto type = cast<RankedTensorType>(weight.getType());
    columns += type.getDimSize(inOut ? 1 : 0);
    depth = type.getDimSize(inOut ? 0 : 1);
  }
  // Interleaved or not, a panel holds `panel` columns of all that there are; only the last ones may stay empty.
  int64_t panels = llvm::divideCeil(columns / parts, panel / parts);
  auto type = RankedTensorType::get({panels, depth, panel}, getElementTypeOrSelf(weights.front().getType()));
  return PackOp::create(builder, loc, type, /*scales=*/Type(), weights, scale, panel, parts, inOut).getResult();
}

//===-- what an epilogue can hold -------------------------------------------------------------------------------===//

/// Registers hold rows of the result, so an operand is read along them: its dimensions keep the result's order.
static bool isProjection(AffineMap map) {
  return map.isProjectedPermutation() && llvm::is_sorted(map.getResults(), [](AffineExpr a, AffineExpr b) {
           return cast<AffineDimExpr>(a).getPosition() < cast<AffineDimExpr>(b).getPosition();
         });
}

static bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

static LogicalResult bodyFits(RewriterBase &rewriter, linalg::GenericOp formula) {
  Block &body = *formula.getBlock();
  if (!body.getArguments().back().use_empty())
    return rewriter.notifyMatchFailure(formula, "its body reads the destination");
  for (Operation &op : body.without_terminator())
    if (!isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
      return rewriter.notifyMatchFailure(op.getLoc(), "only arith and math ops work on registers");
  for (Operation &op : body)
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != &body && !isConstant(operand))
        return rewriter.notifyMatchFailure(op.getLoc(), "its body uses a value from above that is no constant");
  return success();
}

LogicalResult fitsEpilogue(RewriterBase &rewriter, linalg::GenericOp formula, ArrayRef<Value> accumulators) {
  if (!formula.hasPureTensorSemantics() || formula.getNumResults() != 1 ||
      formula.getNumParallelLoops() != formula.getNumLoops())
    return rewriter.notifyMatchFailure(formula, "it is not elementwise with one result");
  Type result = formula.getResultTypes().front();
  if (!getElementTypeOrSelf(result).isF32())
    return rewriter.notifyMatchFailure(formula, "its result is not f32");
  if (!formula.getMatchingIndexingMap(formula.getDpsInitOperand(0)).isIdentity())
    return rewriter.notifyMatchFailure(formula, "it permutes its result");

  for (OpOperand *operand : formula.getDpsInputOperands()) {
    Value value = operand->get();
    AffineMap map = formula.getMatchingIndexingMap(operand);
    if (llvm::is_contained(accumulators, value)) {
      if (!map.isIdentity() || value.getType() != result)
        return rewriter.notifyMatchFailure(formula, "it does not read the product element by element");
    } else if (!isa<RankedTensorType>(value.getType())) {
      if (!isConstant(value))
        return rewriter.notifyMatchFailure(formula, "an operand is a scalar that is no constant");
    } else if (!getElementTypeOrSelf(value).isF32()) {
      return rewriter.notifyMatchFailure(formula, "an operand is not f32");
    } else if (!isProjection(map)) {
      return rewriter.notifyMatchFailure(formula, "an operand's map is no projection of the result");
    }
  }
  return bodyFits(rewriter, formula);
}

//===-- putting the op together ---------------------------------------------------------------------------------===//

PackedLinearBuilder::PackedLinearBuilder(RankedTensorType result, int64_t parts)
    : result(result), parts(parts), epilogue(region.emplaceBlock()) {
  for (int64_t part = 0; part < parts; ++part)
    epilogue.addArgument(result.getElementType(), UnknownLoc::get(result.getContext()));
}

// The region belongs to no op yet, so its context has to come from elsewhere.
OpBuilder PackedLinearBuilder::atEnd() {
  OpBuilder builder(result.getContext());
  builder.setInsertionPointToEnd(&epilogue);
  return builder;
}

/// The scalar argument for an operand. Equal tensors read through equal maps share one, as they would a register.
Value PackedLinearBuilder::extra(Value tensor, AffineMap map) {
  for (auto [i, known] : llvm::enumerate(extras))
    if (known == tensor && maps[i] == map)
      return epilogue.getArgument(parts + i);
  extras.push_back(tensor);
  maps.push_back(map);
  return epilogue.addArgument(getElementTypeOrSelf(tensor), tensor.getLoc());
}

Value PackedLinearBuilder::inlineBody(Block &body, IRMapping mapping) {
  OpBuilder builder = atEnd();
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  return mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
}

Value PackedLinearBuilder::addBias(Location loc, Value sum, Value bias) {
  if (!bias)
    return sum;
  OpBuilder builder = atEnd();
  AffineExpr column = builder.getAffineDimExpr(result.getRank() - 1);
  return arith::AddFOp::create(builder, loc, sum, extra(bias, AffineMap::get(result.getRank(), 0, column)));
}

Value PackedLinearBuilder::append(PackedLinearOp other) {
  Block &body = other.getEpilogue().front();
  IRMapping mapping;
  for (int64_t part = 0; part < parts; ++part)
    mapping.map(body.getArgument(part), accumulator(part));
  for (auto [argument, tensor, map] : llvm::zip_equal(body.getArguments().drop_front(parts), other.getExtras(),
                                                      other.getExtraMaps().getAsValueRange<AffineMapAttr>()))
    mapping.map(argument, extra(tensor, map));
  return inlineBody(body, mapping);
}

Value PackedLinearBuilder::append(linalg::GenericOp formula, const DenseMap<Value, Value> &known) {
  IRMapping mapping;
  for (OpOperand *operand : formula.getDpsInputOperands()) {
    Value value = operand->get(), scalar = known.lookup(value);
    if (!scalar)
      scalar = isa<RankedTensorType>(value.getType()) ? extra(value, formula.getMatchingIndexingMap(operand)) : value;
    mapping.map(formula.getMatchingBlockArgument(operand), scalar);
  }
  return inlineBody(*formula.getBlock(), mapping);
}

PackedLinearOp PackedLinearBuilder::finish(OpBuilder &builder, Location loc, Value input, Value packed, Value value) {
  OpBuilder inside = atEnd();
  YieldOp::create(inside, loc, value);
  auto op = PackedLinearOp::create(builder, loc, result, input, packed, /*scales=*/Value(), /*norm_scale=*/Value(),
                                   extras, /*workspace=*/Value(), /*outs=*/Value(), result.getShape().back(), parts,
                                   builder.getAffineMapArrayAttr(maps), /*activations=*/TypeAttr(),
                                   /*norm_eps=*/FloatAttr());
  op.getEpilogue().takeBody(region);
  return op;
}

} // namespace weft

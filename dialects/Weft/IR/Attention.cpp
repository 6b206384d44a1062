//===- Attention.cpp - attention: syntax of its clauses, verify, sizes, cost ------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;
using namespace weft;

WEFT_KERNEL_OP(AttentionOp)

// similarity { ... } mask { ... } score { ... } weigh { ... }, each only where it is not empty.
ParseResult weft::parseClauses(OpAsmParser &parser, Region &similarity, Region &mask, Region &score, Region &weigh) {
  for (auto [keyword, region] :
       {std::pair("similarity", &similarity), {"mask", &mask}, {"score", &score}, {"weigh", &weigh}})
    if (succeeded(parser.parseOptionalKeyword(keyword)) && failed(parser.parseRegion(*region)))
      return failure();
  return success();
}

void weft::printClauses(OpAsmPrinter &printer, AttentionOp, Region &similarity, Region &mask, Region &score,
                        Region &weigh) {
  for (auto [keyword, region] :
       {std::pair("similarity ", &similarity), {"mask ", &mask}, {"score ", &score}, {"weigh ", &weigh}}) {
    if (region->empty())
      continue;
    printer << keyword;
    printer.printRegion(*region);
    printer << ' ';
  }
}

static LogicalResult verifyArguments(AttentionOp op, Region &region, StringRef name, ArrayRef<Type> arguments,
                                     StringRef rule) {
  if (region.front().getArgumentTypes() != TypeRange(arguments))
    return op.emitOpError("'") << name << "' must take (" << arguments << ") (" << rule << ")";
  if (!isa<YieldOp>(region.front().back()))
    return op.emitOpError("'") << name << "' must end with weft.yield (" << rule << ")";
  return success();
}

static LogicalResult verifyClause(AttentionOp op, Region &region, StringRef name, ArrayRef<Type> arguments, Type result,
                                  StringRef rule) {
  if (region.empty())
    return success();
  if (failed(verifyArguments(op, region, name, arguments, rule)))
    return failure();
  if (region.front().getTerminator()->getOperandTypes() != TypeRange(result))
    return op.emitOpError("'") << name << "' must yield " << result << " (" << rule << ")";
  return success();
}

static LogicalResult verifySimilarity(AttentionOp op) {
  Region &region = op.getSimilarity();
  if (region.empty())
    return success();
  Builder b(op.getContext());
  Type index = b.getIndexType(), f32 = b.getF32Type();
  if (failed(verifyArguments(op, region, "similarity", {f32, f32, index, index, index}, "C7")))
    return failure();
  TypeRange terms = region.front().getTerminator()->getOperandTypes();
  if (terms.empty() || !llvm::all_equal(terms) || terms.front() != f32)
    return op.emitOpError("'similarity' must yield one f32 or more (C7)");
  if (terms.size() > 1 && op.getScore().empty())
    return op.emitOpError("'similarity' yields ")
           << terms.size() << " numbers, so a 'score' must make one of their sums (C7)";
  return success();
}

static LogicalResult verifyWorkspace(AttentionOp op) {
  if (!op.getWorkspace())
    return success();
  if (op.getWeights() || !op.getWeigh().empty())
    return op.emitOpError("has a workspace, but single probabilities are asked for (C10)");
  auto type = cast<MemRefType>(op.getWorkspace().getType());
  int64_t heads = kernel::shaped(op.getQuery()).getDimSize(2), width = kernel::shaped(op.getValue()).getDimSize(3);
  if (type.getRank() != 5 || !type.getElementType().isF32() || type.isDynamicDim(0) || type.isDynamicDim(4) ||
      !kernel::compatible(type.getDimSize(3), heads) || !kernel::compatible(type.getDimSize(4) - 2, width))
    return op.emitOpError("workspace is ")
           << type << " but must be f32, [parts, batch, queries, " << heads << ", " << width + 2 << "] (C10)";
  return success();
}

unsigned AttentionOp::getSums() {
  return getSimilarity().empty() ? 1 : getSimilarity().front().getTerminator()->getNumOperands();
}

LogicalResult AttentionOp::verify() {
  if (failed(kernel::verifyForm(*this)))
    return failure();
  unsigned wanted = 1 + getWeights() + getLse();
  size_t found = getOuts().empty() ? getResults().size() : getOuts().size();
  if (found != wanted)
    return emitOpError("has ") << found << " results, but " << wanted << " are asked for (C6)";
  ShapedType query = kernel::shaped(getQuery()), key = kernel::shaped(getKey()), value = kernel::shaped(getValue());
  for (auto [name, type] : {std::pair("query", query), {"key", key}, {"value", value}})
    if (type.getRank() != 4)
      return emitOpError(name) << " must be [batch, position, head, width], but is " << type << " (C1)";
  auto same = [&](ShapedType a, ShapedType b, unsigned dim) {
    return kernel::compatible(a.getDimSize(dim), b.getDimSize(dim));
  };
  if (!same(query, key, 3))
    return emitOpError("query has width ") << query.getDimSize(3) << " but key has " << key.getDimSize(3) << " (C2)";
  for (unsigned dim : {1u, 2u})
    if (!same(key, value, dim))
      return emitOpError("key is ") << key << " but value is " << value << ": positions and heads must agree (C2)";
  if (!same(query, key, 0) || !same(query, value, 0))
    return emitOpError("query, key and value must have the same batch (C2)");
  int64_t heads = query.getDimSize(2), keyHeads = key.getDimSize(2);
  if (!ShapedType::isDynamic(heads) && !ShapedType::isDynamic(keyHeads) && (keyHeads == 0 || heads % keyHeads))
    return emitOpError("has ") << heads << " query heads, which is not a multiple of " << keyHeads << " key heads (C3)";
  if (getSink()) {
    ShapedType sink = kernel::shaped(getSink());
    if (sink.getRank() != 1 || !kernel::compatible(sink.getDimSize(0), heads) || !sink.getElementType().isF32())
      return emitOpError("sink is ") << sink << " but must be f32, one for each of " << heads << " heads (C9)";
  }
  if (failed(verifySimilarity(*this)) || failed(verifyWorkspace(*this)))
    return failure();
  Builder b(getContext());
  Type index = b.getIndexType(), f32 = b.getF32Type(), i1 = b.getI1Type();
  SmallVector<Type> positions(4, index), afterOne = {f32}, afterSums(getSums(), f32);
  afterOne.append(positions);
  afterSums.append(positions);
  if (failed(verifyClause(*this, getMask(), "mask", positions, i1, "C4")) ||
      failed(verifyClause(*this, getScore(), "score", afterSums, f32, "C5")) ||
      failed(verifyClause(*this, getWeigh(), "weigh", afterOne, f32, "C8")))
    return failure();
  SmallVector<int64_t> perValue(query.getShape()), perKey(query.getShape());
  perValue[3] = value.getDimSize(3);
  perKey = {query.getDimSize(0), query.getDimSize(1), heads, key.getDimSize(1)};
  if (failed(kernel::verifyResultShape(*this, perValue, "C6")))
    return failure();
  if (getWeights() && failed(kernel::verifyResultShape(*this, perKey, "C6", getWeightsNumber(), "weights")))
    return failure();
  if (getLse())
    return kernel::verifyResultShape(*this, query.getShape().drop_back(), "C6", getLseNumber(), "lse");
  return success();
}

SmallVector<OpFoldResult> AttentionOp::resultSizes(OpBuilder &b, ValueRange operands) {
  return sizesOfResults(b, operands).front();
}

ReifiedRankedShapedTypeDims AttentionOp::sizesOfResults(OpBuilder &b, ValueRange operands) {
  SmallVector<OpFoldResult> query = kernel::sizesOf(b, getLoc(), operands[0]);
  ReifiedRankedShapedTypeDims sizes = {query};
  sizes[0][3] = kernel::sizesOf(b, getLoc(), operands[2])[3];
  if (getWeights()) {
    sizes.push_back(query);
    sizes.back()[3] = kernel::sizesOf(b, getLoc(), operands[1])[1];
  }
  if (getLse()) {
    query.pop_back();
    sizes.push_back(query);
  }
  return sizes;
}

SmallVector<Value, 3> AttentionOp::getDestinations() { return SmallVector<Value, 3>(getOuts()); }

int64_t AttentionOp::flops(ArrayRef<SmallVector<int64_t>> sizes) {
  // Two products and about five operations for a score's exponential; masks are not taken into account. Weights are
  // known only after a pass over all keys, so the scores are computed twice.
  int64_t scores = sizes[0][0] * sizes[0][1] * sizes[0][2] * sizes[1][1];
  int64_t passes = getWeights() || !getWeigh().empty() ? 2 : 1;
  return scores * (passes * (2 * sizes[0][3] + 5) + 2 * sizes[2][3]);
}

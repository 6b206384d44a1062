//===- Attention.cpp - attention: syntax of its clauses, verify, sizes, cost ------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;
using namespace weft;

WEFT_KERNEL_OP(AttentionOp)

// mask { ... } score { ... }, each only where it is not empty.
ParseResult weft::parseClauses(OpAsmParser &parser, Region &mask, Region &score) {
  if (succeeded(parser.parseOptionalKeyword("mask")) && failed(parser.parseRegion(mask)))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("score")) && failed(parser.parseRegion(score)))
    return failure();
  return success();
}

void weft::printClauses(OpAsmPrinter &printer, AttentionOp, Region &mask, Region &score) {
  if (!mask.empty()) {
    printer << "mask ";
    printer.printRegion(mask);
    printer << ' ';
  }
  if (!score.empty()) {
    printer << "score ";
    printer.printRegion(score);
    printer << ' ';
  }
}

static LogicalResult verifyClause(AttentionOp op, Region &region, StringRef name, ArrayRef<Type> arguments, Type result,
                                  StringRef rule) {
  if (region.empty())
    return success();
  Block &body = region.front();
  if (body.getArgumentTypes() != TypeRange(arguments))
    return op.emitOpError("'") << name << "' must take (" << arguments << ") (" << rule << ")";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getValues().getTypes() != TypeRange(result))
    return op.emitOpError("'") << name << "' must yield " << result << " (" << rule << ")";
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(kernel::verifyForm(*this)))
    return failure();
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
  Builder b(getContext());
  Type index = b.getIndexType(), f32 = b.getF32Type(), i1 = b.getI1Type();
  if (failed(verifyClause(*this, getMask(), "mask", {index, index, index, index}, i1, "C4")) ||
      failed(verifyClause(*this, getScore(), "score", {f32, index, index, index, index}, f32, "C5")))
    return failure();
  SmallVector<int64_t> expected(query.getShape());
  expected[3] = value.getDimSize(3);
  return kernel::verifyResultShape(*this, expected, "C6");
}

SmallVector<OpFoldResult> AttentionOp::resultSizes(OpBuilder &b, ValueRange operands) {
  SmallVector<OpFoldResult> sizes = kernel::sizesOf(b, getLoc(), operands[0]);
  sizes[3] = kernel::sizesOf(b, getLoc(), operands[2])[3];
  return sizes;
}

int64_t AttentionOp::flops(ArrayRef<SmallVector<int64_t>> sizes) {
  // Two products and about five operations for a score's exponential; masks are not taken into account.
  int64_t scores = sizes[0][0] * sizes[0][1] * sizes[0][2] * sizes[1][1];
  return scores * (2 * sizes[0][3] + 2 * sizes[2][3] + 5);
}

//===- Attention.cpp - which loop nest computes an attention -----------------------------------------------------===//
// Answers: is this attention one that the loop nests can compute, and which of the two does, for how many queries?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"

using namespace mlir;

namespace weft::cpu {

// Below it, most lanes of a block of queries would be idle.
static constexpr int64_t fewQueries = 8;
// Scratch on the stack of a thread is about 256 bytes per element of a key and a value.
static constexpr int64_t mostElements = 2048;

static LogicalResult check(AttentionOp op) {
  for (auto [name, data] : {std::pair("query", op.getQuery()), {"key", op.getKey()}, {"value", op.getValue()},
                            {"outs", op.getOuts()}}) {
    auto type = dyn_cast<MemRefType>(data ? data.getType() : Type());
    if (!type)
      return op.emitOpError("is on tensors; loop nests are made of the form on buffers, with 'outs'");
    if (!type.getElementType().isF32())
      return op.emitOpError(name) << " has elements of type " << type.getElementType() << ", but must have f32";
    if (type.isDynamicDim(2) || type.isDynamicDim(3))
      return op.emitOpError(name) << " is " << type << ", but heads and width must be known when compiling";
    if (type.getDimSize(3) > mostElements)
      return op.emitOpError(name) << " has width " << type.getDimSize(3) << ", but at most " << mostElements
                                  << " fit in the working memory of a thread";
    if (!type.isLastDimUnitStride())
      return op.emitOpError(name) << " is " << type << ", but the elements of a row must be adjacent (innermost stride 1)";
  }
  return success();
}

void emitAttention(OpBuilder &builder, AttentionOp op, const CpuLimits &limits) {
  if (failed(check(op)))
    return;
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  PrefillShape shape(limits);
  auto atLeast = [&](Value data, int64_t least) -> Value {
    Value size = b.createOrFold<memref::DimOp>(data, 1);
    Value bound = constantIndex(b, b.getLoc(), least);
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, size, bound);
  };
  Value many = b.createOrFold<arith::AndIOp>(atLeast(op.getQuery(), fewQueries), atLeast(op.getKey(), shape.rows));
  auto emitInto = [&](void (*emit)(ImplicitLocOpBuilder &, AttentionOp, const CpuLimits &)) {
    return [&, emit](OpBuilder &, Location) {
      emit(b, op, limits);
      scf::YieldOp::create(b);
    };
  };
  scf::IfOp::create(b, many, emitInto(emitPrefill), emitInto(emitDecode));
}

} // namespace weft::cpu

//===- Attention.cpp - which loop nest computes an attention -----------------------------------------------------===//
// Answers: is this attention one that the loop nests can compute, and which of the two does, for how many queries?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Common/Buffers.h"
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"

using namespace mlir;

namespace weft::cpu {

// Scratch on the stack of a thread is about 256 bytes per element of a key and a value.
static constexpr int64_t mostElements = 2048;

LogicalResult checkAttention(AttentionOp op) { return checkWidths(op, mostElements, "the working memory of a thread"); }

void emitAttention(OpBuilder &builder, AttentionOp op, const CpuLimits &limits) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  PrefillShape shape(limits, op);
  auto atLeast = [&](Value data, int64_t least) -> Value {
    Value size = b.createOrFold<memref::DimOp>(data, 1);
    Value bound = constantIndex(b, b.getLoc(), least);
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, size, bound);
  };
  // With fewer queries, more than half of the lanes of a block of queries would be idle; with fewer keys, there would
  // be no whole register tile.
  Value many =
      b.createOrFold<arith::AndIOp>(atLeast(op.getQuery(), shape.queries / 2), atLeast(op.getKey(), shape.rows));
  auto emitInto = [&](void (*emit)(ImplicitLocOpBuilder &, AttentionOp, const CpuLimits &)) {
    return [&, emit](OpBuilder &, Location) {
      emit(b, op, limits);
      scf::YieldOp::create(b);
    };
  };
  scf::IfOp::create(b, many, emitInto(emitPrefill), emitInto(emitDecode));
}

} // namespace weft::cpu

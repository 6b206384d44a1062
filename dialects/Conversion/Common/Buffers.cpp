//===- Buffers.cpp - what kernels of every target ask of their buffers --------------------------------------------===//
#include "dialects/Conversion/Common/Buffers.h"

using namespace mlir;

namespace weft {

Value collapseLeading(OpBuilder &b, Location loc, Value memref, int64_t leading) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<ReassociationIndices> groups(1);
  for (int64_t d = 0; d < type.getRank(); ++d) {
    if (d < leading)
      groups[0].push_back(d);
    else
      groups.push_back({d});
  }
  if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
    return nullptr;
  return memref::CollapseShapeOp::create(b, loc, memref, groups);
}

LogicalResult checkWidths(AttentionOp op, int64_t most, StringRef memory) {
  for (auto [name, data] : {std::pair("query", op.getQuery()), {"key", op.getKey()}, {"value", op.getValue()}}) {
    auto type = cast<MemRefType>(data.getType());
    if (type.isDynamicDim(2) || type.isDynamicDim(3))
      return op.emitError(name) << " is " << type << ", but its heads and its width must be known when compiling";
    if (type.getDimSize(3) > most)
      return op.emitError(name) << " has width " << type.getDimSize(3) << ", but only " << most << " elements fit in "
                                << memory << "; split the heads";
  }
  return success();
}

} // namespace weft

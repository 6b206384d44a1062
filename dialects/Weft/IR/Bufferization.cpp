//===- Bufferization.cpp - how weft ops meet one-shot bufferization ---------------------------------------------===//
// Every kernel op writes into a buffer of its own, which the memory plan places later; none works in place, so nothing
// has to be analysed for conflicts. A cache is the exception: its result is a view of its state.
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/Bufferization.h"
#include "dialects/Weft/IR/KernelOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace weft {
namespace {

/// The size of each group of operands, with the last group (`outs`) filled.
void fillDestinationSegment(NamedAttrList &attributes, Builder &b, unsigned destinations) {
  StringRef name = OpTrait::AttrSizedOperandSegments<void>::getOperandSegmentSizeAttr();
  auto segments = dyn_cast_or_null<DenseI32ArrayAttr>(attributes.get(name));
  if (!segments)
    return; // an op with one optional operand needs no sizes
  SmallVector<int32_t> sizes(segments.asArrayRef());
  sizes.back() = destinations;
  attributes.set(name, b.getDenseI32ArrayAttr(sizes));
}

template <typename Op> struct KernelModel : BufferizableOpInterface::ExternalModel<KernelModel<Op>, Op> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  bool bufferizesToAllocation(Operation *, Value) const { return true; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }

  FailureOr<BufferLikeType> getBufferType(Operation *, Value value, const BufferizationOptions &,
                                          const BufferizationState &, SmallVector<Value> &) const {
    auto type = cast<RankedTensorType>(value.getType());
    return cast<BufferLikeType>(MemRefType::get(type.getShape(), type.getElementType()));
  }

  LogicalResult bufferize(Operation *operation, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto op = cast<Op>(operation);
    if (op->getNumResults() == 0)
      return success();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    Location loc = op.getLoc();
    SmallVector<Value> destinations;
    for (auto [result, sizes] : llvm::zip_equal(op->getResults(), op.sizesOfResults(rewriter, operands))) {
      auto tensor = cast<RankedTensorType>(result.getType());
      auto type = MemRefType::get(tensor.getShape(), tensor.getElementType());
      SmallVector<Value> dynamicSizes;
      for (auto [size, fixed] : llvm::zip_equal(sizes, tensor.getShape()))
        if (ShapedType::isDynamic(fixed))
          dynamicSizes.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, size));
      destinations.push_back(
          memref::AllocOp::create(rewriter, loc, type, dynamicSizes, rewriter.getI64IntegerAttr(64)));
    }
    operands.append(destinations);

    NamedAttrList attributes(op->getAttrDictionary());
    fillDestinationSegment(attributes, rewriter, destinations.size());
    OperationState onBuffers(loc, op->getName(), operands, TypeRange(), attributes);
    for (Region &region : op->getRegions())
      onBuffers.addRegion()->takeBody(region);
    rewriter.create(onBuffers);
    replaceOpWithBufferizedValues(rewriter, op, destinations);
    return success();
  }
};

/// The state's memory with the dimensions of what it holds in their order.
MemRefType inOrder(CacheOp op, MemRefType state) {
  if (op.getPosition() == 1)
    return state;
  auto [stateStrides, offset] = state.getStridesAndOffset();
  SmallVector<int64_t> sizes, strides;
  for (int64_t dim = 0; dim < state.getRank(); ++dim) {
    sizes.push_back(state.getDimSize(op.getStateDim(dim)));
    strides.push_back(stateStrides[op.getStateDim(dim)]);
  }
  return MemRefType::get(sizes, state.getElementType(), StridedLayoutAttr::get(op.getContext(), offset, strides),
                         state.getMemorySpace());
}

Value inOrder(OpBuilder &b, CacheOp op, Value state) {
  if (op.getPosition() == 1)
    return state;
  Location loc = op.getLoc();
  MemRefType type = inOrder(op, cast<MemRefType>(state.getType()));
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, state);
  SmallVector<OpFoldResult> given = kernel::sizesOf(b, loc, state), sizes, strides,
                            givenStrides = metadata.getConstifiedMixedStrides();
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    sizes.push_back(given[op.getStateDim(dim)]);
    strides.push_back(givenStrides[op.getStateDim(dim)]);
  }
  return memref::ReinterpretCastOp::create(b, loc, type, state, metadata.getConstifiedMixedOffset(), sizes, strides);
}

/// The input is copied to its place in the state; the result is the part of the state that is filled then.
struct CacheModel : BufferizableOpInterface::ExternalModel<CacheModel, CacheOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return operand.get() == cast<CacheOp>(op).getState();
  }
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand, const AnalysisState &) const {
    if (operand.get() == cast<CacheOp>(op).getState())
      return {{op->getResult(0), BufferRelation::Unknown}};
    return {};
  }

  LogicalResult bufferize(Operation *operation, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &bufferizationState) const {
    auto op = cast<CacheOp>(operation);
    FailureOr<Value> state = getBuffer(rewriter, op.getState(), options, bufferizationState);
    FailureOr<Value> input = getBuffer(rewriter, op.getInput(), options, bufferizationState);
    if (failed(state) || failed(input))
      return failure();
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = kernel::sizesOf(rewriter, loc, *input);
    SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0)),
        ones(sizes.size(), rewriter.getIndexAttr(1));
    offsets[1] = op.getPast();
    Value ordered = inOrder(rewriter, op, *state);
    Value place = memref::SubViewOp::create(rewriter, loc, ordered, offsets, sizes, ones);
    if (failed(options.createMemCpy(rewriter, loc, *input, place)))
      return failure();
    Value added = getValueOrCreateConstantIndexOp(rewriter, loc, sizes[1]);
    sizes[1] = arith::AddIOp::create(rewriter, loc, op.getPast(), added).getResult();
    offsets[1] = rewriter.getIndexAttr(0);
    Value filled = memref::SubViewOp::create(rewriter, loc, ordered, offsets, sizes, ones);
    replaceOpWithBufferizedValues(rewriter, op, filled);
    return success();
  }

  FailureOr<BufferLikeType> getBufferType(Operation *operation, Value, const BufferizationOptions &options,
                                          const BufferizationState &state, SmallVector<Value> &stack) const {
    auto op = cast<CacheOp>(operation);
    FailureOr<BufferLikeType> whole = bufferization::getBufferType(op.getState(), options, state, stack);
    if (failed(whole))
      return failure();
    auto type = cast<RankedTensorType>(op.getResult().getType());
    SmallVector<int64_t> zeros(type.getRank(), 0), ones(type.getRank(), 1);
    return cast<BufferLikeType>(
        memref::SubViewOp::inferResultType(inOrder(op, cast<MemRefType>(*whole)), zeros, type.getShape(), ones));
  }
};

/// Yields of weft's regions are scalars: nothing to do.
struct YieldModel : BufferizableOpInterface::ExternalModel<YieldModel, YieldOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }
  LogicalResult bufferize(Operation *, RewriterBase &, const BufferizationOptions &, BufferizationState &) const {
    return success();
  }
};

/// Sizes of collapsed buffers, which upstream can tell for tensors only: the memory plan needs every size in terms of
/// the inputs' sizes.
struct CollapseSizes : ReifyRankedShapedTypeOpInterface::ExternalModel<CollapseSizes, memref::CollapseShapeOp> {
  LogicalResult reifyResultShapes(Operation *operation, OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) const {
    auto op = cast<memref::CollapseShapeOp>(operation);
    SmallVector<OpFoldResult> whole = kernel::sizesOf(b, op.getLoc(), op.getSrc()), sizes;
    for (const ReassociationIndices &group : op.getReassociationIndices()) {
      OpFoldResult size = whole[group.front()];
      for (int64_t dim : ArrayRef(group).drop_front())
        size = arith::MulIOp::create(b, op.getLoc(), getValueOrCreateConstantIndexOp(b, op.getLoc(), size),
                                     getValueOrCreateConstantIndexOp(b, op.getLoc(), whole[dim]))
                   .getResult();
      sizes.push_back(size);
    }
    shapes.push_back(sizes);
    return success();
  }
};

} // namespace

void registerBufferizableOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, WeftDialect *) {
    LinearOp::attachInterface<KernelModel<LinearOp>>(*context);
    PackedLinearOp::attachInterface<KernelModel<PackedLinearOp>>(*context);
    AttentionOp::attachInterface<KernelModel<AttentionOp>>(*context);
    RmsNormOp::attachInterface<KernelModel<RmsNormOp>>(*context);
    LayerNormOp::attachInterface<KernelModel<LayerNormOp>>(*context);
    SoftmaxOp::attachInterface<KernelModel<SoftmaxOp>>(*context);
    RotaryOp::attachInterface<KernelModel<RotaryOp>>(*context);
    LookupOp::attachInterface<KernelModel<LookupOp>>(*context);
    ArgmaxOp::attachInterface<KernelModel<ArgmaxOp>>(*context);
    CacheOp::attachInterface<CacheModel>(*context);
    YieldOp::attachInterface<YieldModel>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, memref::MemRefDialect *) {
    memref::CollapseShapeOp::attachInterface<CollapseSizes>(*context);
  });
}

} // namespace weft

//===- TensorOps.cpp - tensors made, cut, joined and reshaped -----------------------------------------------------===//
// Answers: what does each op of the tensor dialect do with the elements?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Frame.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace weft::reference {
namespace {

int64_t offsetOf(ArrayRef<int64_t> index, ArrayRef<int64_t> distances) {
  int64_t offset = 0;
  for (auto [i, distance] : llvm::zip_equal(index, distances))
    offset += i * distance;
  return offset;
}

llvm::Error evaluateEmpty(tensor::EmptyOp op, Frame &frame) {
  auto result = allocate(op, frame.integers(op.getMixedSizes()));
  if (!result)
    return result.takeError();
  // What has not been written must not be read: NaN shows where it is.
  if (isa<FloatType>(op.getType().getElementType()))
    llvm::fill(result->values, NAN);
  frame.set(op, std::move(*result));
  return llvm::Error::success();
}

llvm::Error evaluateDim(tensor::DimOp op, Frame &frame) {
  const Tensor &source = frame[op.getSource()];
  int64_t dim = frame.integer(op.getIndex());
  if (dim < 0 || dim >= static_cast<int64_t>(source.shape.size()))
    return failure(op, "asks for dimension " + Twine(dim) + " of shape " + text(source.shape));
  frame.set(op, Tensor{{}, {static_cast<double>(source.shape[dim])}});
  return llvm::Error::success();
}

llvm::Error evaluateExtract(tensor::ExtractOp op, Frame &frame) {
  const Tensor &source = frame[op.getTensor()];
  auto index = llvm::map_to_vector(op.getIndices(), [&](Value v) { return frame.integer(v); });
  for (auto [i, size] : llvm::zip_equal(index, source.shape))
    if (i < 0 || i >= size)
      return failure(op, "reads " + text(index) + " of shape " + text(source.shape));
  frame.set(op, Tensor{{}, {source.values[offsetOf(index, strides(source.shape))]}});
  return llvm::Error::success();
}

/// Where the elements of a slice lie in the tensor that it is cut from or put into.
struct Slice {
  SmallVector<int64_t> offsets, sizes, steps;

  static llvm::Expected<Slice> make(OffsetSizeAndStrideOpInterface op, const Tensor &whole, const Frame &frame) {
    Slice slice{frame.integers(op.getMixedOffsets()), frame.integers(op.getMixedSizes()),
                frame.integers(op.getMixedStrides())};
    for (size_t i = 0; i < whole.shape.size(); ++i) {
      int64_t first = slice.offsets[i], size = slice.sizes[i], last = first + (size - 1) * slice.steps[i];
      if (size < 0 || (size > 0 && (std::min(first, last) < 0 || std::max(first, last) >= whole.shape[i])))
        return failure(op, "has offsets " + text(slice.offsets) + ", sizes " + text(slice.sizes) + " and strides " +
                               text(slice.steps) + ", which leave shape " + text(whole.shape));
    }
    return slice;
  }

  /// Calls `body` with the offset in the whole for the slice's elements in their order.
  void forEach(const Tensor &whole, function_ref<void(int64_t)> body) const {
    auto distances = strides(whole.shape);
    forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
      int64_t offset = 0;
      for (size_t i = 0; i < index.size(); ++i)
        offset += (offsets[i] + index[i] * steps[i]) * distances[i];
      body(offset);
    });
  }
};

llvm::Error evaluateExtractSlice(tensor::ExtractSliceOp op, Frame &frame) {
  const Tensor &source = frame[op.getSource()];
  auto slice = Slice::make(op, source, frame);
  if (!slice)
    return slice.takeError();
  // Which sizes of 1 are left out is the op's to say: a size known only when running may be 1, too.
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(slice->sizes))
    if (!dropped.test(i))
      shape.push_back(size);
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();
  size_t next = 0;
  slice->forEach(source, [&](int64_t offset) { result->values[next++] = source.values[offset]; });
  frame.set(op, std::move(*result));
  return llvm::Error::success();
}

llvm::Error evaluateInsertSlice(tensor::InsertSliceOp op, Frame &frame) {
  const Tensor &source = frame[op.getSource()];
  Tensor result = frame[op.getDest()];
  auto slice = Slice::make(op, result, frame);
  if (!slice)
    return slice.takeError();
  int64_t count = 1;
  for (int64_t size : slice->sizes)
    count *= size;
  if (count != source.elements())
    return failure(op, "puts shape " + text(source.shape) + " into a slice of sizes " + text(slice->sizes));
  size_t next = 0;
  slice->forEach(result, [&](int64_t offset) { result.values[offset] = source.values[next++]; });
  frame.set(op, std::move(result));
  return llvm::Error::success();
}

llvm::Error reshape(Operation *op, const Tensor &source, ArrayRef<int64_t> shape, Frame &frame) {
  Tensor result{std::vector<int64_t>(shape.begin(), shape.end()), source.values};
  if (result.elements() != source.elements())
    return failure(op, "makes shape " + text(shape) + " of shape " + text(source.shape));
  frame.set(op->getResult(0), std::move(result));
  return llvm::Error::success();
}

llvm::Error evaluateCollapse(tensor::CollapseShapeOp op, Frame &frame) {
  const Tensor &source = frame[op.getSrc()];
  SmallVector<int64_t> shape;
  for (auto &group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t dim : group)
      shape.back() *= source.shape[dim];
  }
  return reshape(op, source, shape, frame);
}

llvm::Error evaluateConcat(tensor::ConcatOp op, Frame &frame) {
  uint64_t dim = op.getDim();
  SmallVector<const Tensor *> inputs;
  std::vector<int64_t> shape = frame[op.getInputs().front()].shape;
  shape[dim] = 0;
  for (Value input : op.getInputs()) {
    const Tensor &tensor = frame[input];
    for (size_t i = 0; i < shape.size(); ++i)
      if (i != dim && tensor.shape[i] != shape[i])
        return failure(op, "joins shape " + text(tensor.shape) + " to shape " + text(inputs.front()->shape) +
                               " in dimension " + Twine(dim));
    shape[dim] += tensor.shape[dim];
    inputs.push_back(&tensor);
  }
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();
  // Every input is a run of elements for each index of the dimensions before `dim`.
  int64_t runs = 1, next = 0;
  for (int64_t size : ArrayRef(shape).take_front(dim))
    runs *= size;
  for (int64_t run = 0; run < runs; ++run)
    for (const Tensor *input : inputs) {
      int64_t length = input->elements() / runs;
      std::copy_n(input->values.begin() + run * length, length, result->values.begin() + next);
      next += length;
    }
  frame.set(op, std::move(*result));
  return llvm::Error::success();
}

llvm::Error evaluateFromElements(tensor::FromElementsOp op, Frame &frame) {
  auto result = allocate(op, op.getType().getShape());
  if (!result)
    return result.takeError();
  for (auto [to, element] : llvm::zip_equal(result->values, op.getElements()))
    to = frame[element].values[0];
  frame.set(op, std::move(*result));
  return llvm::Error::success();
}

llvm::Error evaluateSplat(tensor::SplatOp op, Frame &frame) {
  SmallVector<int64_t> shape(op.getType().getShape());
  auto sizes = op.getDynamicSizes().begin();
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size))
      size = frame.integer(*sizes++);
  auto result = allocate(op, shape);
  if (!result)
    return result.takeError();
  llvm::fill(result->values, frame[op.getInput()].values[0]);
  frame.set(op, std::move(*result));
  return llvm::Error::success();
}

} // namespace

llvm::Error evaluateTensor(Operation *op, Frame &frame) {
  return llvm::TypeSwitch<Operation *, llvm::Error>(op)
      .Case([&](tensor::EmptyOp empty) { return evaluateEmpty(empty, frame); })
      .Case([&](tensor::DimOp dim) { return evaluateDim(dim, frame); })
      .Case([&](tensor::ExtractOp extract) { return evaluateExtract(extract, frame); })
      .Case([&](tensor::ExtractSliceOp slice) { return evaluateExtractSlice(slice, frame); })
      .Case([&](tensor::InsertSliceOp slice) { return evaluateInsertSlice(slice, frame); })
      .Case([&](tensor::ExpandShapeOp expand) {
        return reshape(op, frame[expand.getSrc()], frame.integers(expand.getMixedOutputShape()), frame);
      })
      .Case([&](tensor::CollapseShapeOp collapse) { return evaluateCollapse(collapse, frame); })
      .Case([&](tensor::ConcatOp concat) { return evaluateConcat(concat, frame); })
      .Case([&](tensor::CastOp cast) {
        // The same tensor, not a copy: a state stays the state under another static type.
        frame.share(cast, frame.shared(cast.getSource()));
        return llvm::Error::success();
      })
      .Case([&](tensor::FromElementsOp from) { return evaluateFromElements(from, frame); })
      .Case([&](tensor::SplatOp splat) { return evaluateSplat(splat, frame); })
      .Default([](Operation *other) { return unsupported(other); });
}

} // namespace weft::reference

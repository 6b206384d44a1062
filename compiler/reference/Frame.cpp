//===- Frame.cpp - the values of one function's execution ---------------------------------------------------------===//
// Answers: how are values looked up, tensors made and errors worded, in every op family alike?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Frame.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace weft::reference {

/// The most elements of one tensor: 128 GiB as doubles. More is a wrong size, not a model.
static constexpr int64_t mostElements = int64_t(1) << 34;

llvm::Error failure(Operation *op, const Twine &reason) {
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
    stream << place.getFilename().getValue() << ':' << place.getLine() << ':' << place.getColumn() << ": ";
  stream << '\'' << op->getName() << "' " << reason;
  return llvm::createStringError(message);
}

llvm::Error unsupported(Operation *op) { return failure(op, "is not an op that the reference interpreter knows"); }

std::string text(ArrayRef<int64_t> shape) {
  std::string result = "[";
  llvm::raw_string_ostream stream(result);
  llvm::interleaveComma(shape, stream);
  stream << ']';
  return result;
}

int64_t Tensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

llvm::Expected<Tensor> allocate(Operation *op, ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape) {
    if (size < 0)
      return failure(op, "has a result of shape " + text(shape) + ", but sizes are at least 0");
    if (llvm::MulOverflow(count, size, count) || count > mostElements)
      return failure(op, "has a result of shape " + text(shape) + ", more than the interpreter holds");
  }
  return Tensor{std::vector<int64_t>(shape.begin(), shape.end()), std::vector<double>(count)};
}

SmallVector<int64_t> strides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> result(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    result[i - 1] = result[i] * shape[i];
  return result;
}

void forEachIndex(ArrayRef<int64_t> shape, function_ref<void(ArrayRef<int64_t>)> body) {
  if (llvm::is_contained(shape, 0))
    return;
  SmallVector<int64_t> index(shape.size(), 0);
  for (;;) {
    body(index);
    size_t dim = shape.size();
    while (dim > 0 && ++index[dim - 1] == shape[dim - 1])
      index[--dim] = 0;
    if (dim == 0)
      return;
  }
}

int64_t Frame::integer(OpFoldResult size) const {
  if (auto constant = getConstantIntValue(size))
    return *constant;
  return integer(cast<Value>(size));
}

SmallVector<int64_t> Frame::integers(ArrayRef<OpFoldResult> sizes) const {
  return llvm::map_to_vector(sizes, [&](OpFoldResult size) { return integer(size); });
}

const Tensor *Frame::find(Value value) const {
  auto found = values.find(value);
  return found == values.end() ? nullptr : found->second.get();
}

const TensorRef &Frame::shared(Value value) const {
  auto found = values.find(value);
  assert(found != values.end() && "every op before this one has set its results");
  return found->second;
}

} // namespace weft::reference

//===- Frame.h - the values of one function's execution -------------------------------------------------*- C++ -*-===//
// Answers: what do the interpreters of all op families share? Each family has one `evaluate` function and one file or
// more; a frame gives them their operands and takes their results.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/reference/Interpreter.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace weft::reference {

using TensorRef = std::shared_ptr<Tensor>;

/// "file:line:col: 'op' reason".
llvm::Error failure(mlir::Operation *op, const llvm::Twine &reason);
llvm::Error unsupported(mlir::Operation *op);

/// A shape as messages show it: [2, 3].
std::string text(llvm::ArrayRef<int64_t> shape);

/// A tensor of zeros. Sizes that are negative or more than memory can hold are an error of `op`.
llvm::Expected<Tensor> allocate(mlir::Operation *op, llvm::ArrayRef<int64_t> shape);

/// Distances between neighbours in each dimension of a row-major tensor.
llvm::SmallVector<int64_t> strides(llvm::ArrayRef<int64_t> shape);

/// Calls `body` with every index of the shape, the last dimension fastest.
void forEachIndex(llvm::ArrayRef<int64_t> shape, llvm::function_ref<void(llvm::ArrayRef<int64_t>)> body);

/// The elements in the number type that a kernel computes in. Exact: f32 values in F32 are float numbers already.
template <typename T> std::vector<T> numbers(const Tensor &tensor) {
  return std::vector<T>(tensor.values.begin(), tensor.values.end());
}

class Frame {
public:
  explicit Frame(const Options &options, unsigned depth = 0) : options(options), depth(depth) {}

  const Options &options;
  const unsigned depth; ///< of calls

  /// Whether results of this type (or element type) are rounded to float.
  bool isSingle(mlir::Type type) const {
    return options.precision == Precision::F32 && mlir::getElementTypeOrSelf(type).isF32();
  }

  const Tensor &operator[](mlir::Value value) const { return *shared(value); }
  /// Scalars are tensors of rank 0.
  int64_t integer(mlir::Value value) const { return static_cast<int64_t>((*this)[value].values[0]); }
  int64_t integer(mlir::OpFoldResult size) const;
  llvm::SmallVector<int64_t> integers(llvm::ArrayRef<mlir::OpFoldResult> sizes) const;
  /// Null for a value that no op of this frame has made: one inside a region.
  const Tensor *find(mlir::Value value) const;
  /// The tensor itself, for what is updated in place.
  const TensorRef &shared(mlir::Value value) const;

  void set(mlir::Value value, Tensor tensor) { values[value] = std::make_shared<Tensor>(std::move(tensor)); }
  void share(mlir::Value value, TensorRef tensor) { values[value] = std::move(tensor); }
  /// Frees a value that no op will read again.
  void release(mlir::Value value) { values.erase(value); }

private:
  llvm::DenseMap<mlir::Value, TensorRef> values;
};

/// One function per dialect. Each sets the op's results in the frame or says why it cannot.
llvm::Error evaluateWeft(mlir::Operation *op, Frame &frame);
llvm::Error evaluateLinalg(mlir::Operation *op, Frame &frame);
llvm::Error evaluateTensor(mlir::Operation *op, Frame &frame);
llvm::Error evaluateScalar(mlir::Operation *op, Frame &frame); ///< arith and math, on scalars and on tensors
llvm::Error evaluateCheck(mlir::Operation *op, Frame &frame);

} // namespace weft::reference

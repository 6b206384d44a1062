//===- KnownValues.h - what a model computes before it runs ----------------------------------------------*- C++
//-*-===//
// Answers: which values of an entry point follow from some of its inputs and from sizes, and what are they?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/reference/Frame.h"
#include <optional>
#include <string>

namespace weft {

class KnownValues {
public:
  /// As for drawMasks().
  KnownValues(mlir::func::FuncOp entry, llvm::ArrayRef<std::optional<reference::Tensor>> inputs,
              const Checkpoint *checkpoint);

  /// Computes a value of the entry's body by the reference interpreter and puts it into `frame`. What it needs and
  /// nobody gave is added to `missing` instead; then it is false. Kernels are not run for it.
  llvm::Expected<bool> find(mlir::Value value, std::vector<std::string> &missing);

  reference::Frame frame;

private:
  mlir::func::FuncOp entry;
  llvm::SmallVector<std::optional<reference::Tensor>> inputs;
  reference::Options options;
};

} // namespace weft

//===- Roofline.h - operations, bytes and intensity of each kernel --------------------------------------*- C++ -*-===//
// Answers: what does a model ask of the machine, kernel by kernel, and which of its two limits binds?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace weft {

struct KernelCost {
  std::string kernel; ///< the op
  std::string place;  ///< file:line in the model
  std::string shape;  ///< of the result
  int64_t flops = 0;
  int64_t bytes = 0; ///< each operand read once, the result written once
  double intensity() const { return bytes ? static_cast<double>(flops) / bytes : 0; }
};

/// The kernels of an entry point in phase `fused`. Sizes that are still unknown are those of a cache: they count as
/// `keys`.
std::vector<KernelCost> costsOf(mlir::func::FuncOp entry, int64_t keys);

/// A table, one line per distinct kernel with the number of its uses, and a last line with the sums.
void printRoofline(llvm::StringRef title, llvm::ArrayRef<KernelCost> costs, llvm::raw_ostream &os);

} // namespace weft

//===- Roofline.h - operations, bytes and intensity of each kernel --------------------------------------*- C++ -*-===//
// Answers: what does a model ask of the machine, kernel by kernel, which of its two limits binds, and how long does it
// take at that limit?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/inspect/MachineLimits.h"
#include "compiler/pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace weft {

struct KernelCost {
  std::string kernel; ///< the op
  std::string place;  ///< file:line in the model
  std::string shape;  ///< of the result
  std::string tile;   ///< of results in registers, where there is one: "8x32"
  int64_t flops = 0;
  double atOnce = 1; ///< operations in the time of one of f32, where narrow numbers are multiplied
  int64_t bytes = 0; ///< each operand read once, the result written once
  int64_t far = 0;   ///< of them, those that no kernel of the same call has just written: weights, inputs and caches
  double intensity() const { return bytes ? static_cast<double>(flops) / bytes : 0; }
};

/// The kernels of an entry point in phase `fused`. Sizes that are still unknown are those of a cache: they count as
/// `keys`.
std::vector<KernelCost> costsOf(mlir::func::FuncOp entry, int64_t keys, const TargetLimits &target);

/// How fast a machine can do a kernel at best: its operations at the peak, or its bytes at the rate of where they lie.
/// What all kernels of a call read from afar lies in the last cache where there is room for it.
class Roofline {
public:
  Roofline(const MachineLimits &machine, llvm::ArrayRef<KernelCost> costs);
  double seconds(const KernelCost &cost) const;
  bool isBoundByBytes(const KernelCost &cost) const { return bytesSeconds(cost) > flopsSeconds(cost); }

private:
  double flopsSeconds(const KernelCost &cost) const { return cost.flops / (machine.flops * cost.atOnce); }
  double bytesSeconds(const KernelCost &cost) const;
  MachineLimits machine;
  double farRate;
};

/// One line: what the rooflines rest on; `device` names a GPU, or is empty.
void printMachine(const MachineLimits &machine, llvm::StringRef device, llvm::raw_ostream &os);

/// A table, one line per distinct kernel with the number of its uses, and a last line with the sums.
void printRoofline(llvm::StringRef title, llvm::ArrayRef<KernelCost> costs, const Roofline &roofline,
                   llvm::raw_ostream &os);

/// Seconds that were spent in all kernels of one kind in one place.
struct MeasuredKernel {
  std::string kernel, place;
  double seconds = 0;
};
/// A table, one line for each kind and place, in the order of first use: predicted and measured times, and how much of
/// the measured time the limit explains.
void printProfile(llvm::ArrayRef<KernelCost> costs, llvm::ArrayRef<MeasuredKernel> measured, const Roofline &roofline,
                  llvm::raw_ostream &os);

} // namespace weft

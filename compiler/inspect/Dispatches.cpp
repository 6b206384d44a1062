//===- Dispatches.cpp - how many kernels does a call launch? ------------------------------------------------------===//
#include "compiler/inspect/Dispatches.h"
#include "dialects/Conversion/WeftToGpu/KernelNames.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace weft {
namespace {

class Counter {
public:
  Counter(std::vector<int64_t> &rounds) : rounds(rounds) {}

  std::vector<std::string> visit(Region &region) {
    std::vector<std::string> found;
    for (Block &block : region)
      for (Operation &op : block)
        llvm::append_range(found, visit(&op));
    return found;
  }

private:
  std::vector<std::string> visit(Operation *op) {
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      return {kernelName(launch.getKernelModuleName().getValue()).str()};
    std::vector<std::string> longest;
    for (Region &region : op->getRegions()) {
      std::vector<std::string> found = visit(region);
      if (found.size() >= longest.size()) // of equally long ways the last: that of many rows
        longest = std::move(found);
    }
    if (!isa<LoopLikeOpInterface>(op))
      return longest;
    if (!longest.empty())
      rounds.push_back(longest.size());
    return {};
  }

  std::vector<int64_t> &rounds;
};

/// Of all stretches that are followed by themselves the one that covers most; the shortest of those.
void findRepeats(Dispatches &dispatches) {
  ArrayRef<std::string> kernels = dispatches.kernels;
  size_t best = 0;
  for (size_t length = 1; 2 * length <= kernels.size(); ++length) {
    size_t equal = 0; // kernels up to here that are the same as `length` ones before
    for (size_t i = length; i <= kernels.size(); ++i) {
      if (i < kernels.size() && kernels[i] == kernels[i - length]) {
        ++equal;
        continue;
      }
      size_t repeats = equal / length + 1;
      if (repeats > 1 && repeats * length > best) {
        best = repeats * length;
        dispatches.begin = i - equal - length;
        dispatches.length = length;
        dispatches.repeats = repeats;
      }
      equal = 0;
    }
  }
}

} // namespace

Dispatches Dispatches::of(func::FuncOp entry) {
  Dispatches dispatches;
  dispatches.kernels = Counter(dispatches.rounds).visit(entry.getBody());
  findRepeats(dispatches);
  return dispatches;
}

std::string Dispatches::text() const {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << kernels.size() << (kernels.size() == 1 ? " dispatch" : " dispatches");
  for (int64_t round : rounds)
    stream << ", " << round << " in each round of a loop";
  if (repeats)
    stream << ", " << length << " in each of " << repeats
           << " equal blocks: " << llvm::join(ArrayRef(kernels).slice(begin, length), ", ");
  return text;
}

} // namespace weft

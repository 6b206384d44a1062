//===- VerifyData.h - inputs for verification, and results put together ---------------------------------*- C++ -*-===//
// Answers: on which numbers are phases compared, and how does a run in steps become comparable with a whole one?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/driver/Session.h"
#include "compiler/reference/Interpreter.h"
#include "weft/runtime.h"
#include <optional>

namespace weft::driver {

using reference::Tensor;

/// What a contract says of an entry's inputs or outputs.
struct Port {
  std::string name;
  mlir::RankedTensorType type;
  std::vector<std::string> dims; ///< an axis' name where its size is known when running, else the number
  int dimensionOf(llvm::StringRef axis) const;
};
struct Entry {
  mlir::func::FuncOp function;
  std::vector<Port> inputs, states, outputs;
  std::string positionAxis; ///< of a step
  int64_t context = 0;      ///< of a step: how many positions its caches hold
};
/// The entry of this kind ("sequence", "step"); its function is null when there is none.
Entry entryOf(mlir::ModuleOp module, llvm::StringRef kind);

/// The sizes that are known when running, by axis.
class Sizes {
public:
  /// What it is as long as nobody demands another.
  void suggest(llvm::StringRef axis, int64_t size) { known[axis].size = size; }
  /// Reports two who demand different sizes of one axis.
  int demand(llvm::StringRef axis, int64_t size, const llvm::Twine &who);
  bool has(llvm::StringRef axis) const { return known.contains(axis); }
  int64_t of(llvm::StringRef axis) const { return known.lookup(axis).size; }
  int64_t largest() const {
    int64_t size = 0;
    for (const auto &entry : known)
      size = std::max(size, entry.getValue().size);
    return size;
  }

private:
  struct Size {
    int64_t size = 0;
    std::string demandedBy;
  };
  llvm::StringMap<Size> known;
};

/// Inputs from files ("name=file.npy"), which demand sizes; one per input of the entry, nothing where there is no file.
int readInputs(const Entry &entry, llvm::ArrayRef<std::string> files, Sizes &sizes,
               std::vector<std::optional<Tensor>> &inputs);

/// Inputs from files, which demand sizes, and for the rest random ones: indices within the tables that they look up,
/// numbers of positions for what formulas of attention read, real numbers normally distributed. Returns Done or an exit
/// code, after reporting.
int makeInputs(const Entry &entry, llvm::ArrayRef<std::string> files, Sizes &sizes, uint64_t seed,
               std::vector<Tensor> &inputs);

/// The part [first, first + count) of a tensor along a dimension, and the other way round.
Tensor slice(const Tensor &whole, int dimension, int64_t first, int64_t count);
void append(Tensor &whole, const Tensor &part, int dimension);

/// Runs the step entry of IR over all positions, `size` at a time.
llvm::Expected<std::vector<Tensor>> interpretSteps(const Entry &step, llvm::ArrayRef<Tensor> inputs, int64_t size,
                                                   const reference::Options &options);

/// Runs compiled code: a whole sequence, or steps of `size`.
int runCode(weft_module *module, const Entry &entry, llvm::ArrayRef<Tensor> inputs, int64_t size, int threads,
            std::vector<Tensor> &outputs);

} // namespace weft::driver

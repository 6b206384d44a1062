//===- ModelInterface.h - a model's outside, as plain data ----------------------------------------------*- C++ -*-===//
// Answers: which entry points, tensors and axes do a module's contract attributes declare?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace weft {

enum class ElementType { F32, I32, I1 };

/// A size: an index into ModelInterface::axes where it is known when running, else a number.
struct SizeInterface {
  std::optional<unsigned> axis;
  int64_t size = 0;
};

struct TensorInterface {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<SizeInterface> sizes;
  std::vector<std::string> axisNames; ///< of each size; "" where it has none
};

struct EntryInterface {
  std::string name; ///< of its function
  bool isStep = false;
  std::vector<TensorInterface> inputs, caches, outputs;
  std::optional<unsigned> positionAxis; ///< of a step
  int64_t context = 0;                  ///< of a step
};

struct ModelInterface {
  std::string name;
  std::vector<std::string> axes;
  std::vector<EntryInterface> entries;
  uint64_t weightBytes = 0;

  /// The symbol of its descriptor.
  std::string symbol() const;
};

/// Reads the attributes of ModelContract.h from a module whose entry points have tensors as arguments and results.
llvm::Expected<ModelInterface> readModelInterface(mlir::ModuleOp module);

/// The name with what C identifiers do not allow replaced by '_'.
std::string cIdentifier(llvm::StringRef name);

} // namespace weft

//===- Jit.h - runs functions of a module in the test's process -----------------------------------------*- C++ -*-===//
// Answers: how does a test call generated code with numbers of its own?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/ArrayRef.h"
#include <memory>
#include <string>
#include <vector>

namespace weft::test {

/// An argument for the C interface of generated code: a memref of any rank, or a number.
class Descriptor {
public:
  Descriptor(void *data, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> strides = {});
  static Descriptor number(int64_t value);
  /// What the function gets: a pointer to the memref's descriptor, or the number.
  int64_t word() { return isNumber ? words[0] : reinterpret_cast<int64_t>(words.data()); }

private:
  Descriptor() = default;
  std::vector<int64_t> words;
  bool isNumber = false;
};

/// `text` with each $NAME replaced; a name must not begin with another.
std::string substitute(std::string text, const std::vector<std::pair<std::string, std::string>> &values);

/// One report of weft_bad_index.
struct BadIndex {
  int64_t label, position, index, bound;
};

/// One block of keys that attention computed for the queries from `firstQuery` on: a report of weft_key_block.
struct KeyBlock {
  int64_t firstQuery, firstKey, keys;
};

class Jit {
public:
  /// Compiles `source` from kernel ops (or from linalg and math) to machine code of this machine. Fails the test and
  /// returns null if that does not work. With `reportKeyBlocks` the source declares weft_key_block.
  static std::unique_ptr<Jit> compile(const std::string &source, unsigned lanes = 16, bool reportKeyBlocks = false);

  /// Calls a function that has the attribute llvm.emit_c_interface.
  void call(const std::string &function, std::vector<Descriptor> arguments);

  /// Chunks of the last parallel loop, which runs them last to first: their order must not matter.
  static int64_t chunks;
  static std::vector<BadIndex> badIndices;
  static std::vector<KeyBlock> keyBlocks;

private:
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<mlir::ExecutionEngine> engine;
};

} // namespace weft::test

//===- Code.h - machine code of entry points ------------------------------------------------------------*- C++ -*-===//
// Answers: how do modules in phase `llvm`, one for each CPU level, become objects, on all cores at once?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/targets/Targets.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <memory>

namespace weft {

/// A compute shader, as abi.h describes it.
struct Kernel {
  std::string name, spirv; ///< the bytes of the module
  std::array<uint32_t, 3> localSize;
  uint32_t subgroupSize, sharedBytes, features, matrix;
};

/// What the runtime calls for an entry point: the names of hidden functions.
struct EntrySymbols {
  unsigned cpuLevel; ///< as abi.h numbers them; 0 for code of a GPU's host
  unsigned device;   ///< as abi.h numbers them
  std::string run, arena;
  llvm::ArrayRef<Kernel> kernels; ///< one array for all entry points of a device's profile
  uint64_t ticks = 0;             ///< the elements of contract::ticks, where the runtime counts time; else 0
};

/// The code of all CPU levels and of GPUs' hosts, one for each profile, in units that are compiled apart. Every
/// function is called <model>.<function>.<level>, so that two models fit into one program; those that other units call
/// are hidden, the rest internal.
class Code {
public:
  static llvm::Expected<Code> create(llvm::ArrayRef<LoweredCode> levels, llvm::StringRef modelName);

  size_t units() const { return all.size(); }
  /// Optimises a unit and writes its object file. Once for each; several units may be compiled at the same time.
  llvm::Error compile(size_t unit, unsigned optimizationLevel, llvm::raw_pwrite_stream &out);

  /// One for each level, in rising order, then for GPUs; an error where one has no code for the entry point.
  llvm::Expected<llvm::SmallVector<EntrySymbols>> entry(llvm::StringRef name) const;

private:
  struct Unit {
    std::unique_ptr<llvm::LLVMContext> context;
    std::unique_ptr<llvm::Module> module;
  };
  std::string prefix; ///< of all symbols
  std::vector<Unit> all;
  /// One of those that there is code for.
  struct Piece {
    size_t rank;               ///< pieces of lower ranks come first, those of one rank as they were given
    unsigned cpuLevel, device; ///< as abi.h numbers them
    std::string what;          ///< in people's words
    std::string suffix;        ///< of symbols
    std::vector<Kernel> kernels;
    uint64_t ticks = 0;
  };
  std::vector<Piece> pieces;
};

} // namespace weft

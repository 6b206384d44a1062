//===- Machine.h - LLVM as a back end -------------------------------------------------------------------*- C++ -*-===//
// Answers: how does an llvm module become an object file for x86-64?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>

namespace weft {

/// For code that every x86-64 runs; functions ask for more by their attributes.
class Machine {
public:
  static llvm::Expected<Machine> create(unsigned optimizationLevel);

  /// Tells a module what it is compiled for.
  void prepare(llvm::Module &module) const;
  void optimize(llvm::Module &module) const;
  /// Uses the module up.
  llvm::Error emit(llvm::Module &module, llvm::raw_pwrite_stream &out) const;

private:
  std::unique_ptr<llvm::TargetMachine> target;
  unsigned optimizationLevel = 3;
};

} // namespace weft

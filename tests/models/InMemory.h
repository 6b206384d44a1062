//===- InMemory.h - a text, compiled into this process -----------------------------------------------------*- C++
//-*-===//
// Answers: how does a test run the code of thousands of small models, without a file, a linker and a process for each?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/driver/VerifyData.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "tests/models/Compiled.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

namespace weft::test {

/// A model without weights and its code for levels as Compiled.h numbers them, as far as this machine runs them.
class InMemory {
public:
  struct Code {
    int level;
    Module module;
  };

  /// The error holds what the compiler said. The context should be one without threads where several processes work.
  static llvm::Expected<InMemory> compile(mlir::MLIRContext &context, llvm::StringRef text,
                                          llvm::ArrayRef<int> levels = {3, 4});

  mlir::OwningOpRef<mlir::ModuleOp> model; ///< in phase `model`, for the reference
  driver::Entry sequence, step;

private:
  std::unique_ptr<llvm::orc::LLJIT> jit; // outlives the modules, which point into it

public:
  std::vector<Code> codes;
};

} // namespace weft::test

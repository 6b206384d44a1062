//===- Compile.h - a text, compiled for a test ----------------------------------------------------------*- C++ -*-===//
// Answers: what does the front end make of this text, and what does it say about it?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Frontend.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>
#include <string>

namespace weft::test {

struct Compiled {
  std::unique_ptr<mlir::MLIRContext> context = std::make_unique<mlir::MLIRContext>();
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string messages;

  std::string ir() {
    std::string text;
    llvm::raw_string_ostream out(text);
    if (module)
      module->print(out);
    return text;
  }
  template <typename Op> std::vector<Op> ops(llvm::StringRef function) {
    std::vector<Op> found;
    if (auto entry = module->lookupSymbol<mlir::func::FuncOp>(function))
      entry.walk([&](Op op) { found.push_back(op); });
    return found;
  }
};

inline Compiled compile(llvm::StringRef text, const FrontendOptions &options = {}, llvm::StringRef path = "test.weft") {
  Compiled result;
  llvm::raw_string_ostream errors(result.messages);
  result.module = compileModel(*result.context, path, text, options, errors);
  return result;
}

/// A file of the source tree; the test fails when it is not there.
inline std::string readSource(llvm::StringRef relative) {
  auto buffer = llvm::MemoryBuffer::getFile((llvm::StringRef(WEFT_SOURCE_DIR) + "/" + relative).str());
  EXPECT_TRUE(buffer) << relative.str();
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// The heads of messages: "14:9: error: text [W021]", in order; notes and source lines are left out.
inline std::vector<std::string> heads(llvm::StringRef messages, llvm::StringRef path = "test.weft") {
  std::vector<std::string> found;
  llvm::SmallVector<llvm::StringRef> lines;
  messages.split(lines, '\n');
  for (llvm::StringRef line : lines) {
    bool placed = line.consume_front((path + ":").str());
    if ((placed && !line.contains(": note: ")) || line.starts_with("error: "))
      found.push_back(line.str());
  }
  return found;
}

} // namespace weft::test

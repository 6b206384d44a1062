//===- Frontend.h - from the text of a model to IR ------------------------------------------------------*- C++ -*-===//
// Answers: what does this .weft file say, and is it well formed? The rest of the compiler sees only the module.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/checkpoint/Checkpoint.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

namespace weft {

struct FrontendOptions {
  /// Sizes given on the command line (`--axis seq=128`): fix an axis, or override the size the file gives it.
  llvm::StringMap<int64_t> axes;
  /// When given, every weight is looked for in it: missing or misshaped ones are errors, and a `linear` has a bias
  /// where the file has one. Without it a `linear` has a bias only where the model says so.
  const Checkpoint *checkpoint = nullptr;
  bool strict = false; ///< weights of the checkpoint that the model does not use are an error, not a warning
  /// Makes the weights of every attention of whole sequences further outputs, each named by attentionOutputPrefix, its
  /// number and its place: [batch axes, heads, query positions, key positions]. The step is left out.
  bool attentionWeights = false;
  unsigned errorLimit = 20;
};

/// No name of the language holds a space.
inline constexpr llvm::StringLiteral attentionOutputPrefix = "attention ";
/// Ends the name of one whose query has no positions, so that its output has no axis for them.
inline constexpr llvm::StringLiteral oneQuerySuffix = " (one query)";

/// Parses, checks and emits. Diagnostics go to `errors` as text (`file:line:col: error: ...`, the line, a caret, notes
/// and hints); null when there was an error. The module holds, for a model `m`:
///   func.func @m(inputs...) -> (outputs...)                          whole sequences, no state
///   func.func @m_step(inputs..., %past: index, states...) -> (outputs...)   only where the model has a `cache`
/// with the attributes that `ModelContract.h` names. Every op carries a NameLoc over a FileLineColLoc in the file.
mlir::OwningOpRef<mlir::ModuleOp> compileModel(mlir::MLIRContext &context, llvm::StringRef path, llvm::StringRef text,
                                               const FrontendOptions &options, llvm::raw_ostream &errors);

} // namespace weft

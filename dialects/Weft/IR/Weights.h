//===- Weights.h - how the bytes of a parameter come from the checkpoint --------------------------------*- C++ -*-===//
// Answers: what does an entry of the module's `weft.parameters` say, and which numbers does `weft.pack` put where?
// Fusion builds recipes, targets execute them when the weights are written, the reference interpreter checks them.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <string>

namespace weft {

/// One entry of `weft.parameters`. As an attribute it is a dictionary:
///   offset : i64, kind : "plain" | "pack" | "concat", weights : [names], shapes : [[sizes]],
/// and for "pack" also panel : i64, parts : i64, columns : i64, in_out : unit (optional), scale : string (optional).
struct ParameterRecipe {
  enum class Kind {
    Plain, ///< one weight as it lies in the checkpoint
    Pack,  ///< matrices in panels, as `weft.pack` describes
    Concat ///< weights of rank 1, one after another
  };

  Kind kind = Kind::Plain;
  int64_t offset = 0;                                   ///< in bytes, a multiple of 64
  llvm::SmallVector<std::string> weights;               ///< names in the checkpoint
  llvm::SmallVector<llvm::SmallVector<int64_t>> shapes; ///< of each weight, as the checkpoint must have it
  // For Kind::Pack:
  int64_t panel = 0;
  int64_t parts = 1;
  int64_t columns = 0; ///< of the product: N, all weights together when parts = 1
  bool inOut = false;  ///< weights are [K, N]
  std::string scale;   ///< name of the tensor [K] that multiplies the input columns; empty for none

  /// The error says which key is missing or wrong and what is allowed.
  static llvm::Expected<ParameterRecipe> parse(mlir::DictionaryAttr entry);
  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;

  int64_t depth() const;                          ///< K; Kind::Pack only
  llvm::SmallVector<int64_t> resultShape() const; ///< of the `weft.parameter`
  int64_t elements() const;
  int64_t bytes() const { return elements() * 4; }
};

/// Computes what `weft.pack` describes: `weights[i]` holds shapes[i] row-major, `scale` K numbers or none, `out`
/// recipe.elements() numbers, all written. `recipe.kind` is Pack. Rounds once, at the product with the scale.
void packPanels(const ParameterRecipe &recipe, llvm::ArrayRef<llvm::ArrayRef<float>> weights,
                llvm::ArrayRef<float> scale, llvm::MutableArrayRef<float> out);

/// The same for panels [firstPanel, firstPanel + out.size() / (K * panel)): lets a writer work in bounded memory or in
/// parallel.
void packPanels(const ParameterRecipe &recipe, llvm::ArrayRef<llvm::ArrayRef<float>> weights,
                llvm::ArrayRef<float> scale, int64_t firstPanel, llvm::MutableArrayRef<float> out);

} // namespace weft

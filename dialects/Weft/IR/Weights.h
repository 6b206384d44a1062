//===- Weights.h - how the bytes of a parameter come from the checkpoint --------------------------------*- C++ -*-===//
// Answers: what does an entry of the module's `weft.parameters` say, and which numbers does `weft.pack` put where?
// Fusion builds recipes, targets execute them when the weights are written, the reference interpreter checks them.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeightType.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <string>

namespace weft {

/// One entry of `weft.parameters`. As an attribute it is a dictionary:
///   offset : i64, kind : "plain" | "pack" | "scales" | "concat", weights : [names], shapes : [[sizes]],
///   type : "f16" | "bf16" | "int8" | "int4" (optional, else f32),
/// and for "pack" and "scales" also panel : i64, parts : i64, columns : i64, in_out : unit (optional),
/// scale : string (optional).
struct ParameterRecipe {
  enum class Kind {
    Plain,  ///< one weight as it lies in the checkpoint
    Pack,   ///< matrices in panels, as `weft.pack` describes
    Scales, ///< those of matrices in panels: its second result
    Concat  ///< weights of rank 1, one after another
  };

  Kind kind = Kind::Plain;
  WeightType type = WeightType::F32;                    ///< that numbers are rounded to
  int64_t offset = 0;                                   ///< in bytes, a multiple of 64
  llvm::SmallVector<std::string> weights;               ///< names in the checkpoint
  llvm::SmallVector<llvm::SmallVector<int64_t>> shapes; ///< of each weight, as the checkpoint must have it
  // For Kind::Pack and Kind::Scales:
  int64_t panel = 0;
  int64_t parts = 1;
  int64_t columns = 0; ///< of the product: N, all weights together when parts = 1
  bool inOut = false;  ///< weights are [K, N]
  std::string scale;   ///< name of the tensor [K] that multiplies the input columns; empty for none

  /// The error says which key is missing or wrong and what is allowed.
  static llvm::Expected<ParameterRecipe> parse(mlir::DictionaryAttr entry);
  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;

  bool isPacked() const { return kind == Kind::Pack || kind == Kind::Scales; }
  int64_t depth() const;                          ///< K; of what is packed only
  int64_t panels() const;                         ///< P; of what is packed only
  llvm::SmallVector<int64_t> resultShape() const; ///< of the `weft.parameter`
  int64_t elements() const;
  unsigned elementBits() const;
  int64_t bytes() const { return elements() * elementBits() / 8; }
};

/// Computes what `weft.pack` describes before it rounds: `weights[i]` holds shapes[i] row-major, `scale` K numbers or
/// none, `out` panels() * K * panel numbers, all written. The recipe is packed. Rounds once, at the product with the
/// scale.
void packPanels(const ParameterRecipe &recipe, llvm::ArrayRef<llvm::ArrayRef<float>> weights,
                llvm::ArrayRef<float> scale, llvm::MutableArrayRef<float> out);

/// The same for panels [firstPanel, firstPanel + out.size() / (K * panel)): lets a writer work in bounded memory or in
/// parallel.
void packPanels(const ParameterRecipe &recipe, llvm::ArrayRef<llvm::ArrayRef<float>> weights,
                llvm::ArrayRef<float> scale, int64_t firstPanel, llvm::MutableArrayRef<float> out);

/// The bytes of a parameter that is packed: of its words, or of its scales, from its panels in f32, of which
/// `firstPanel` is the number of the first. f16, bf16 and int4 lie as they are, the lower half of a byte before the
/// upper; an integer q of int8 lies as q + 128, because the dot products of x86 multiply unsigned bytes by signed ones.
/// The error says which number is not finite where integers stand for numbers, or too large for f16.
llvm::Error roundPanels(const ParameterRecipe &recipe, int64_t firstPanel, llvm::ArrayRef<float> panels,
                        llvm::SmallVectorImpl<char> &out);

} // namespace weft

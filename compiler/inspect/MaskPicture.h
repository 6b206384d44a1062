//===- MaskPicture.h - what the compiler makes of a model's masks ---------------------------------------*- C++ -*-===//
// Answers: which blocks of queries and keys does each attention skip, which does it compute without a mask, and how
// much less could it compute?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/reference/Interpreter.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>
#include <string>
#include <vector>

namespace weft {

/// A mask of one attention, for some batch entries and heads.
struct MaskPicture {
  enum Class : char { Empty, Partial, Whole };

  std::string place;                ///< file:line in the model
  std::string part;                 ///< "heads 0 to 3", where that makes a difference
  unsigned uses = 1;                ///< attentions with this place and picture
  int64_t queries = 0, keys = 0;    ///< positions
  int64_t cell = 0;                 ///< positions of a cell, both ways
  int64_t rows = 0, columns = 0;    ///< of cells
  std::vector<Class> cells;         ///< [rows, columns]
  double skipped = 0;               ///< share of the blocks of 32 queries and 32 keys that are not computed
  std::optional<double> refused;    ///< share of the pairs that the mask does not admit, where it can be counted
  std::vector<std::string> missing; ///< what the mask reads and nobody gave: inputs, weights, things computed
};

/// The masks of an entry point in phase `model` whose sizes are all known. `inputs` has a tensor for each argument of
/// the function, or nothing where it is decided when running. Attentions without a mask are left out.
llvm::Expected<std::vector<MaskPicture>> drawMasks(mlir::func::FuncOp entry,
                                                   llvm::ArrayRef<std::optional<reference::Tensor>> inputs,
                                                   const Checkpoint *checkpoint);

/// Characters, one or two for a cell, and a line with the shares. MaskDrawing.cpp
void printMasks(llvm::ArrayRef<MaskPicture> pictures, llvm::raw_ostream &os);
/// The same as one SVG that needs nothing else.
void writeMasksAsSvg(llvm::StringRef title, llvm::ArrayRef<MaskPicture> pictures, llvm::raw_ostream &os);

} // namespace weft

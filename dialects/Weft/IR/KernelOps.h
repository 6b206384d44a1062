//===- KernelOps.h - what the implementations of all kernel ops share -----------------------------------*- C++ -*-===//
// Answers: which parts of a kernel op follow from its two forms alone?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"

namespace weft::kernel {

/// The sizes of a tensor or memref, static ones as attributes.
llvm::SmallVector<mlir::OpFoldResult> sizesOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// Inputs are read and the destination written in the form on buffers; the form on tensors has no effects.
void kernelEffects(KernelOpInterface op,
                   llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>> &effects);

/// One form or the other: results and only tensors, or destinations and only memrefs.
mlir::LogicalResult verifyForm(KernelOpInterface op);

/// The type of a result or of its destination.
mlir::ShapedType resultType(KernelOpInterface op, unsigned number = 0);

/// Checks that a result's shape is `expected` where both are static; `rule` is the constraint's label.
mlir::LogicalResult verifyResultShape(KernelOpInterface op, llvm::ArrayRef<int64_t> expected, llvm::StringRef rule,
                                      unsigned number = 0, llvm::StringRef name = "result");

/// Whether two sizes can be equal: the same, or one known only when running.
inline bool compatible(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b);
}

inline mlir::ShapedType shaped(mlir::Value value) { return mlir::cast<mlir::ShapedType>(value.getType()); }

/// Prints a shape the way types do: 2x?x64.
std::string text(llvm::ArrayRef<int64_t> shape);

int64_t product(llvm::ArrayRef<int64_t> sizes);

} // namespace weft::kernel

namespace weft {
/// The syntax of attention's clauses, which the generated parser and printer call.
mlir::ParseResult parseClauses(mlir::OpAsmParser &parser, mlir::Region &similarity, mlir::Region &mask,
                               mlir::Region &score, mlir::Region &weigh);
void printClauses(mlir::OpAsmPrinter &printer, AttentionOp op, mlir::Region &similarity, mlir::Region &mask,
                  mlir::Region &score, mlir::Region &weigh);
} // namespace weft

/// Defines the interface methods that are the same for every kernel op.
#define WEFT_KERNEL_OP(Op)                                                                                             \
  mlir::LogicalResult Op::reifyResultShapes(mlir::OpBuilder &b, mlir::ReifiedRankedShapedTypeDims &shapes) {           \
    if ((*this)->getNumResults() == 0)                                                                                 \
      return mlir::failure();                                                                                          \
    shapes = sizesOfResults(b, getOperands());                                                                         \
    return mlir::success();                                                                                            \
  }                                                                                                                    \
  void Op::getEffects(                                                                                                 \
      llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>> &effects) {                \
    kernel::kernelEffects(*this, effects);                                                                             \
  }

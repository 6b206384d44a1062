//===- Emitters.h - one loop nest per kernel op ---------------------------------------------------------*- C++ -*-===//
// Answers: which function expands which op, and what do the emitters share?
//
// An emitter is called with a builder placed at the op (buffer form) and leaves the op to its caller, which erases it.
// Everything it creates carries the op's location. Work is distributed by `parallelChunks`: the emitter says how many
// independent items there are and roughly what one costs, and gets a loop over the items of a chunk; the result must
// not depend on the number of chunks.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace weft::cpu {

struct CpuLimits {
  unsigned lanes = 16;          ///< f32 lanes of a native vector: 16 or 8
  bool reportKeyBlocks = false; ///< for tests: attention calls `keyBlockFunction` for every block that it computes
  unsigned registers() const { return lanes == 16 ? 32 : 16; }
};

void emitPackedLinear(mlir::OpBuilder &b, PackedLinearOp op, const CpuLimits &limits); // Linear.cpp
void emitAttention(mlir::OpBuilder &b, AttentionOp op, const CpuLimits &limits);       // Attention.cpp
/// Whether the sizes are such that emitAttention can expand the op; reports what is wrong if not.
mlir::LogicalResult checkAttention(AttentionOp op);
void emitRmsNorm(mlir::OpBuilder &b, RmsNormOp op, const CpuLimits &limits); // Norms.cpp
void emitLayerNorm(mlir::OpBuilder &b, LayerNormOp op, const CpuLimits &limits);
void emitSoftmax(mlir::OpBuilder &b, SoftmaxOp op, const CpuLimits &limits); // Softmax.cpp
void emitRotary(mlir::OpBuilder &b, RotaryOp op, const CpuLimits &limits);   // Positions.cpp
void emitLookup(mlir::OpBuilder &b, LookupOp op, const CpuLimits &limits);
void emitArgmax(mlir::OpBuilder &b, ArgmaxOp op, const CpuLimits &limits);

/// The function of abi.h that reports an index outside a table: (label, position, index, bound), all i64.
inline constexpr llvm::StringLiteral badIndexFunction = "weft_bad_index";

/// The function that a test declares and defines: (first query, first key, number of keys), all index.
inline constexpr llvm::StringLiteral keyBlockFunction = "weft_key_block";

//===-- shared: Chunks.cpp --------------------------------------------------------------------------------------===//

/// Distributes `items` (an index value) over a `scf.forall` of at most `maxChunks` chunks of consecutive items, fewer
/// when items * costPerItem (an index value, in f32 operations) is too little to be worth waking threads: about 20,000
/// per chunk. `body` emits the code of one item; `prologue` (may be null) what a chunk does once before its items.
void parallelChunks(mlir::OpBuilder &b, mlir::Location loc, mlir::Value items, mlir::Value costPerItem,
                    llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::Value item)> body,
                    llvm::function_ref<void(mlir::OpBuilder &, mlir::Location)> prologue = nullptr,
                    int64_t maxChunks = 64);

/// The same for kernels that order the items of a chunk themselves: `body` gets the first item and the one past the
/// last.
void parallelRanges(
    mlir::OpBuilder &b, mlir::Location loc, mlir::Value items, mlir::Value costPerItem,
    llvm::function_ref<void(mlir::OpBuilder &, mlir::Location, mlir::Value begin, mlir::Value end)> body,
    int64_t maxChunks = 64);

//===-- shared: Lanes.cpp ---------------------------------------------------------------------------------------===//

mlir::VectorType lanesType(mlir::OpBuilder &b, const CpuLimits &limits, mlir::Type element = {}); ///< vector<Lxf32>
mlir::Value splat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value scalar, mlir::VectorType type);
mlir::Value constantIndex(mlir::OpBuilder &b, mlir::Location loc, int64_t value);

/// Emits the scalar block `body` on vectors: each block argument is replaced by the value given for it, a scalar (the
/// same in all lanes) or a vector of L lanes of the matching element type (`index` becomes i32 in lanes). Operations
/// whose operands are all scalar stay scalar; the others are rebuilt on vectors (elementwise arith and math; casts
/// between index and i32 vanish; loads with varying indices become gathers). Returns the values that the terminator
/// yields. Values from outside the block are used as they are. What `known` has a scalar or a vector for is not
/// computed.
llvm::SmallVector<mlir::Value> emitOnLanes(mlir::OpBuilder &b, mlir::Block &body, mlir::ValueRange arguments,
                                           unsigned lanes, const mlir::IRMapping &known = {});
/// The same for some values of the block instead of those that it yields.
llvm::SmallVector<mlir::Value> emitOnLanes(mlir::OpBuilder &b, mlir::Block &body, mlir::ValueRange arguments,
                                           unsigned lanes, mlir::ValueRange wanted, const mlir::IRMapping &known);

/// `memref[indices]` in each lane, where an index is a scalar or a vector of i32 lanes: a gather when the memref allows
/// it. Lanes whose index is outside read some element inside.
mlir::Value loadOnLanes(mlir::OpBuilder &b, mlir::Location loc, mlir::Value memref, mlir::ValueRange indices,
                        unsigned lanes);

} // namespace weft::cpu

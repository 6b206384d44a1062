//===- Kernel.h - the body of a compute kernel ----------------------------------------------------------*- C++ -*-===//
// Answers: what does an emitter of a kernel for a GPU start from, and how do its invocations work together?
//
// An emitter is called with a builder placed at an op in buffer form. What it emits there runs on the host: sizes, the
// number of workgroups, and `gpu.launch` ops whose bodies are the kernels. Workgroups have one dimension, of a number
// of invocations that the profile names. Nothing depends on how many a subgroup has, but in kernels with matrices, and
// in those that launchSubgroups() makes for profiles that ask for it.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/Common/GpuProfile.h"
#include "dialects/Conversion/Common/LoopBuilder.h"
#include "dialects/Weft/IR/WeftOps.h"

namespace weft::grid {

/// What the tiles of a kernel derive from: a profile.
struct GpuLimits {
  GpuLimits(const GpuProfile &profile = genericProfile())
      : invocations(profile.invocations), sharedBytes(profile.sharedBytes), subgroup(profile.subgroup),
        subgroupsAlone(profile.subgroupsAlone),
        itemsOfGroup(profile.itemsOfGroup ? profile.itemsOfGroup : profile.invocations), matrix(profile.matrix),
        tile(profile.tile), reducesMatrices(profile.reducesMatrices) {}

  int64_t invocations; ///< of a workgroup; a power of two
  int64_t sharedBytes; ///< of workgroup memory
  int64_t subgroup;    ///< invocations of one; 0: any number
  bool subgroupsAlone; ///< few rows are a matter of one subgroup
  int64_t itemsOfGroup;
  MatrixShape matrix;
  MatrixTile tile;
  bool reducesMatrices; ///< the ops of the matrix dialect, beside products
};

/// Most workgroups along one dimension that every device launches.
inline constexpr int64_t mostGroups = 65535;

/// A kernel being emitted: `group` and `thread` are this invocation's workgroup and its place in it.
class Kernel : public LoopBuilder {
public:
  Kernel(mlir::ImplicitLocOpBuilder &b, mlir::Value group, mlir::Value thread, int64_t threads)
      : LoopBuilder(b), group(group), thread(thread), threads(threads) {}

  /// Memory of the workgroup.
  mlir::Value shared(llvm::ArrayRef<int64_t> shape, mlir::Type element = {});
  /// All invocations of the workgroup arrive before one goes on, and see what the others wrote to its memory.
  void barrier();

  mlir::Value group, thread;
  int64_t threads;
};

/// The sizes x and y of a grid of at least `groups` workgroups, at most mostGroups^2: rows of as many as possible, of
/// which the last may have some too many. Where there is no group, x is 0 and nothing runs.
std::pair<mlir::Value, mlir::Value> foldGroups(LoopBuilder &host, mlir::Value groups);

/// Launches `groups` workgroups (an index value, at most mostGroups^2) of `threads` invocations.
void launch(mlir::ImplicitLocOpBuilder &b, mlir::Value groups, int64_t threads,
            llvm::function_ref<void(Kernel &)> body);

/// Launches `groups` workgroups of one subgroup: `thread` is an invocation's place in it.
void launchSubgroups(mlir::ImplicitLocOpBuilder &b, mlir::Value groups, const GpuLimits &limits,
                     llvm::function_ref<void(Kernel &)> body);

/// One invocation for each of `items`.
void launchItems(mlir::ImplicitLocOpBuilder &b, mlir::Value items, const GpuLimits &limits,
                 llvm::function_ref<void(Kernel &, mlir::Value item)> body);

/// The place of item number `item` of a box, its last size innermost.
llvm::SmallVector<mlir::Value> unflatten(LoopBuilder &k, mlir::Value item, llvm::ArrayRef<mlir::Value> sizes);

/// The leading dimensions of a memref, as rows.
class Rows {
public:
  Rows(LoopBuilder &k, mlir::Value memref, int64_t leading);
  mlir::Value count() const { return total; }
  llvm::SmallVector<mlir::Value> at(LoopBuilder &k, mlir::Value row) const { return unflatten(k, row, sizes); }

private:
  llvm::SmallVector<mlir::Value> sizes;
  mlir::Value total;
};

/// A memref of which the leading dimensions are rows; one dimension where they lie densely, so that a row is found by
/// its number. To be made inside of a kernel.
class RowView {
public:
  RowView(LoopBuilder &k, mlir::Value memref, int64_t leading);
  /// Where element `inner` of a row lies; `coordinates` are those of the row.
  llvm::SmallVector<mlir::Value> at(mlir::Value row, mlir::ValueRange coordinates, mlir::ValueRange inner) const;

  mlir::Value memref;

private:
  bool flat;
};

/// `count` neighbours of a row from `at` on, whose last index is a multiple of `count`. They come at once where the
/// type says that they lie so that memory gives them at once: weights, buffers, inputs and caches begin at multiples of
/// 64 bytes.
llvm::SmallVector<mlir::Value> loadNeighbours(LoopBuilder &k, mlir::Value memref, mlir::ValueRange at, int64_t count);

/// Workgroup memory that addShares takes, in bytes for each invocation.
inline constexpr int64_t bytesToAddShares = 32;

/// Invocations have found `values` for one share each of something; afterwards those of share 0 have the sums of all
/// shares, added up in halves. `lane` tells those of one share apart. All invocations of the workgroup have to come
/// here.
llvm::SmallVector<mlir::Value> addShares(Kernel &k, mlir::Value share, int64_t shares, mlir::Value lane, int64_t lanes,
                                         llvm::ArrayRef<mlir::Value> values);

//===-- where a workgroup is a subgroup ---------------------------------------------------------------------------===//
/// Numbers that invocations have, for the others. All of the subgroup have to come here.
mlir::Value sumOfAll(Kernel &k, mlir::Value x);
/// Of two results of `combine`, which does not mind their order, and so on; all get the same.
mlir::Value combineAll(Kernel &k, mlir::Value x, llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);

/// `count` numbers that all of a subgroup need, at most two for each invocation: these two come from memory by it.
class Spread {
public:
  /// `at(i)` says where number i lies; they are neighbours.
  Spread(Kernel &k, mlir::Value memref, int64_t count,
         llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value)> at);
  /// Whether own[i] is one of them, and not another's once more; null where all are.
  mlir::Value isOwn(Kernel &k, int64_t i) const;
  /// All of them, for everyone.
  llvm::SmallVector<mlir::Value> all(Kernel &k) const;

  llvm::SmallVector<mlir::Value, 2> own;

private:
  int64_t count;
};

/// The ops of a block but its terminator, copied to where the kernel is; what the terminator yields.
llvm::SmallVector<mlir::Value> inlineBlock(LoopBuilder &k, mlir::Block &block, mlir::ValueRange arguments);

/// exp(x), e to the power of it; the larger of two numbers, `y` where x is NaN.
mlir::Value exponential(LoopBuilder &k, mlir::Value x);
mlir::Value larger(LoopBuilder &k, mlir::Value x, mlir::Value y);
mlir::Value fma(LoopBuilder &k, mlir::Value x, mlir::Value y, mlir::Value z);
mlir::Value plus(LoopBuilder &k, mlir::Value x, mlir::Value y);
mlir::Value minus(LoopBuilder &k, mlir::Value x, mlir::Value y);
mlir::Value times(LoopBuilder &k, mlir::Value x, mlir::Value y);
mlir::Value over(LoopBuilder &k, mlir::Value x, mlir::Value y);
/// 1 / sqrt(square + eps), a norm's factor.
mlir::Value inverseRoot(LoopBuilder &k, mlir::Value square, const llvm::APFloat &eps);

//===-- emitters --------------------------------------------------------------------------------------------------===//
void emitLinalg(mlir::ImplicitLocOpBuilder &b, mlir::linalg::LinalgOp op, const GpuLimits &limits); // Elements.cpp
void emitRotary(mlir::ImplicitLocOpBuilder &b, RotaryOp op, const GpuLimits &limits);               // Positions.cpp
/// `errors` is where an index out of range is reported: see abi.h.
void emitLookup(mlir::ImplicitLocOpBuilder &b, LookupOp op, mlir::Value errors, const GpuLimits &limits);
void emitSoftmax(mlir::ImplicitLocOpBuilder &b, SoftmaxOp op, const GpuLimits &limits); // Rows.cpp
void emitRmsNorm(mlir::ImplicitLocOpBuilder &b, RmsNormOp op, const GpuLimits &limits);
void emitLayerNorm(mlir::ImplicitLocOpBuilder &b, LayerNormOp op, const GpuLimits &limits);
/// The input of a product, normed and rounded to f16, goes to its workspace: two numbers to a word, the last of an odd
/// number beside 0.
void emitNormedWords(mlir::ImplicitLocOpBuilder &b, PackedLinearOp op, const GpuLimits &limits);
void emitArgmax(mlir::ImplicitLocOpBuilder &b, ArgmaxOp op, const GpuLimits &limits);
void emitPackedLinear(mlir::ImplicitLocOpBuilder &b, PackedLinearOp op, const GpuLimits &limits); // Linear.cpp
void emitAttention(mlir::ImplicitLocOpBuilder &b, AttentionOp op, const GpuLimits &limits);       // Attention.cpp
/// Whether the sizes are such that emitAttention can expand the op; reports what is wrong if not.
mlir::LogicalResult checkAttention(AttentionOp op, const GpuLimits &limits);

} // namespace weft::grid

//===- Passes.td - passes on the weft dialect, in the order in which Pipelines.cpp runs them --------------------===//
#ifndef WEFT_TRANSFORMS_PASSES_TD
#define WEFT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===-- phase `fused`: fewer, larger ops ------------------------------------------------------------------------===//

def FuseAttentionPass : Pass<"weft-fuse-attention", "::mlir::func::FuncOp"> {
  let summary = "form attention from its equations";
  let description = [{
    A sum over keys of softmax(f(sum over the width of query * key)) * value becomes one `weft.attention`, which never
    holds the matrix of scores. Matched by what is summed over which axes, not by names of ops or orders of dimensions:
    any number of axes of batch and heads, heads of queries that share keys, one query, another axis of keys, and a score
    that is a formula of positions alone. The softmax may be the op or exp(s) / sum exp(s), whatever is subtracted from s.

    The elementwise formula f becomes the op's score, a number that multiplies the product alone its scale; where the
    formula says -inf, on a condition of positions and tensors, the condition becomes the mask.

    Leaves alone, with a remark that says why: probabilities with another use, probabilities that are changed
    before they weigh the values, a sum over more axes than that of the softmax, keys and values that vary along
    different axes, vectors whose size is known only when running.

    A row of nothing but -inf is NaN by its softmax, and zero in attention. Where a query is not known to see its own
    key or the first, such rows are made NaN after the op, which then also gives the log of each row's sum.
  }];
  let dependentDialects = ["::weft::WeftDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "attentions formed">,
                    Statistic<"numRefused", "num-refused", "sums left apart from their softmax">];
}

def FuseGatePass : Pass<"weft-fuse-gate", "::mlir::func::FuncOp"> {
  let summary = "interleave gate and up projections, with their product as epilogue";
  let description = [{
    `f(linear(x, gate), linear(x, up))`, an elementwise formula of two linears of one input and equal size, becomes one
    `weft.packed_linear` of two parts whose epilogue is f, so that neither projection is written to memory.
    Leaves alone: linears with another use, formulas that an epilogue cannot hold (see `weft-fuse-epilogue`).
    A formula in several ops is one only after `linalg-fuse-elementwise-ops`.
  }];
  let dependentDialects = ["::weft::WeftDialect"];
  let options = [Option<"panel", "panel", "int64_t", "32", "columns of a packed panel">];
  let statistics = [Statistic<"numFused", "num-fused", "gates formed">];
}

def FuseProjectionsPass : Pass<"weft-fuse-projections", "::mlir::func::FuncOp"> {
  let summary = "merge projections of one input into one matmul";
  let description = [{
    Two or more `weft.linear` with the same input and weights of their own (query, key and value; not gate and up, which
    `weft-fuse-gate` has taken before) become one `weft.packed_linear` over the weights side by side, and each use reads
    a slice of its result. Those with a bias and those without, and those that differ in `in_out`, are merged apart.
    Leaves alone: linears with an attention between them. Every layer of a decoder projects the encoder's output; in one
    matmul, the keys and values of all layers would lie in memory from the first layer to the last.
  }];
  let dependentDialects = ["::weft::WeftDialect", "::mlir::tensor::TensorDialect"];
  let options = [Option<"panel", "panel", "int64_t", "32", "columns of a packed panel">];
  let statistics = [Statistic<"numFused", "num-fused", "linears merged with others">];
}

def PackWeightsPass : Pass<"weft-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "give every linear its weights in panels";
  let description = [{
    `weft.linear` of a `weft.weight` becomes `weft.packed_linear` of a `weft.pack`; its bias becomes the first formula
    of the epilogue. A linear whose weight is computed is an error: there is no kernel for it.
  }];
  let dependentDialects = ["::weft::WeftDialect"];
  let options = [Option<"panel", "panel", "int64_t", "32", "columns of a packed panel">];
  let statistics = [Statistic<"numPacked", "num-packed", "linears packed">];
}

def FuseEpiloguePass : Pass<"weft-fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "let elementwise consumers ride in a matmul's registers";
  let description = [{
    An elementwise `linalg.generic` that is the only user of a `weft.packed_linear` (through reshapes as well) moves
    into its epilogue: activations, residual sums, products. Its other operands become extras.
    Leaves alone: reductions, bodies with `linalg.index` or anything that is not arithmetic, results that are not f32,
    operands that are not f32 tensors and such whose maps are no projection of the result.
  }];
  let dependentDialects = ["::weft::WeftDialect", "::mlir::affine::AffineDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "elementwise ops that became epilogues">];
}

def FuseNormPass : Pass<"weft-fuse-norm", "::mlir::func::FuncOp"> {
  let summary = "fold a norm's scale into the weights that follow";
  let description = [{
    A `weft.rms_norm` with scale whose users are all `weft.packed_linear` loses the scale, which `weft.pack` multiplies
    into the weights when compiling. Leaves alone: norms with another user, scales that are computed.
  }];
  let dependentDialects = ["::weft::WeftDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "scales folded into weights">];
}

def RoundWeightsPass : Pass<"weft-round-weights", "::mlir::func::FuncOp"> {
  let summary = "store weights in a narrower type";
  let description = [{
    Every `weft.pack` gets the element type, and scales where there are any, which its users read beside it; the tables of
    `weft.lookup` become bf16, whichever narrower type is asked for but f16. With `activations`, matmuls round their input to
    int8, too, row by row. With f16, attention may round to f16 what it multiplies. Leaves alone: biases, scales of norms, and tables that formulas read.
  }];
  let dependentDialects = ["::weft::WeftDialect", "::mlir::tensor::TensorDialect"];
  let options = [Option<"type", "type", "::weft::WeightType", "::weft::WeightType::F32", "f32, f16, bf16, int8 or int4", [{
                   ::llvm::cl::values(clEnumValN(::weft::WeightType::F32, "f32", "as they are"),
                                      clEnumValN(::weft::WeightType::F16, "f16", "rounded to nearest"),
                                      clEnumValN(::weft::WeightType::BF16, "bf16", "rounded to nearest"),
                                      clEnumValN(::weft::WeightType::Int8, "int8", "a scale for each column"),
                                      clEnumValN(::weft::WeightType::Int4, "int4", "a scale for 32 inputs of each column"))
                 }]>,
                 Option<"activations", "activations", "bool", "false", "round the input of matmuls to int8">];
  let statistics = [Statistic<"numRounded", "num-rounded", "parameters in another type">];
}

def PlaceWeightsPass : Pass<"weft-place-weights", "::mlir::ModuleOp"> {
  let summary = "give every weight its place in the artefact";
  let description = [{
    Each distinct `weft.weight`, result of `weft.pack` and `tensor.concat` of vectors of weights that is used becomes a
    `weft.parameter`; the module's `weft.parameters` says how its bytes are made and `weft.parameter_bytes` how many
    there are in all. Entry points share parameters that are made alike. No `weft.weight` and no `weft.pack` is left;
    one that packs anything but weights is an error.
  }];
  let dependentDialects = ["::weft::WeftDialect"];
  let statistics = [Statistic<"numPlaced", "num-placed", "parameters">];
}

//===-- phase `gpu`, before what it shares with `tiled`: fewer kernels ----------------------------------------------===//

def AbsorbNormsPass : Pass<"weft-absorb-norms", "::mlir::func::FuncOp"> {
  let summary = "let matmuls norm their input themselves";
  let description = [{
    A `weft.rms_norm` whose users are all `weft.packed_linear` of its block disappears, and each of them norms its input:
    kernels for a GPU add up the squares of a row while they read it, and multiply its sums of products at the end.
    Leaves alone: norms with another user; and those of several matmuls where these multiply by cooperative matrices, for
    which many rows are normed first, by a kernel of each matmul.
  }];
  let dependentDialects = ["::weft::WeftDialect"];
  let options = [Option<"matrices", "matrices", "bool", "false", "there are cooperative matrices of f16">];
  let statistics = [Statistic<"numAbsorbed", "num-absorbed", "norms without a kernel of their own">];
}

//===-- phase `tiled`: from tensors to buffers and kernels ------------------------------------------------------===//

def LayOutCachesPass : Pass<"weft-lay-out-caches", "::mlir::func::FuncOp"> {
  let summary = "the positions of one head lie together";
  let description = [{
    A cache of `[batch, context, heads, width]` becomes `[batch, heads, context, width]`, in the entry point's contract as
    well: attention reads one head after the other, and then what it reads is one stream. Where heads would lie whole pages
    apart there is room for a 16th more positions, so that they do not evict each other from the machine's caches. Caches
    that something else than `weft.cache` uses, and those of fewer dimensions, stay as they are.
  }];
}

def BindEntryPass : Pass<"weft-bind-entry", "::mlir::ModuleOp"> {
  let summary = "turn entry points into functions on the caller's memory";
  let description = [{
    Inputs, states and outputs become dense memrefs, results become destinations, and two operands are added: the weights
    and the arena, both bytes. After it an entry point returns nothing.
  }];
  let dependentDialects = ["::weft::WeftDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

def UpdateStatesPass : Pass<"weft-update-states", "::mlir::func::FuncOp"> {
  let summary = "let loops update what they carry in place";
  let description = [{
    What an `scf.for` on tensors yields is written to where the state of this round lies, so that bufferization gives
    each state one buffer for all rounds. Leaves alone: slices inserted into the state, which are written in place anyway.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::scf::SCFDialect"];
}

def AddWorkspacesPass : Pass<"weft-add-workspaces", "::mlir::func::FuncOp"> {
  let summary = "give matmuls memory for rounded activations";
  let description = [{
    A `weft.packed_linear` on buffers whose activations are int8 gets a buffer of words: a row of it holds a row of the
    input, four int8 to a word, and its scale and sum at the end. With `dots` so does one whose weights are bf16 and that
    may have rows enough to round them, two bf16 to a word; and one whose weights are int8 or int4, for rows in fixed point,
    as digits of 8 bits (`Workspace.h`), unless a column has so many weights that sums might not fit in 32 bits.
    With `matrices` so does one whose weights are f16, that norms its input and may have rows enough for matrices, two f16
    to a word.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let options = [Option<"dots", "dots", "bool", "false", "the CPU multiplies words of bf16 and of int8 numbers">,
                 Option<"matrices", "matrices", "bool", "false", "there are cooperative matrices of f16">];
}

def DivideKeysPass : Pass<"weft-divide-keys", "::mlir::func::FuncOp"> {
  let summary = "let parts of the keys be attended to beside each other, where there are few queries";
  let description = [{
    A `weft.attention` on buffers that asks for no single probabilities gets a workspace for as many parts of its keys as
    give `groups` workgroups work, one for each part of a key head, but no more than have `keys` keys each where all the
    keys fill their capacity. It is for the few queries of a step: as many as 8 query heads of a key head allow, and 4 at
    most. Leaves alone: what would have one part.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
  let options = [Option<"groups", "groups", "int64_t", "256", "workgroups that a GPU runs at a time">,
                 Option<"keys", "keys", "int64_t", "256", "of a part, at least">];
}

def ForwardStoresPass : Pass<"weft-forward-stores", "::mlir::func::FuncOp"> {
  let summary = "let kernels write where their result is copied to";
  let description = [{
    A buffer that one kernel fills and whose only other use is a copy to a destination (an output, a place in a cache) is replaced by
    that destination. Destinations must be available before the kernel and not be read in between.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::linalg::LinalgDialect"];
}

def OutlineKernelsPass : Pass<"weft-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "one function for each distinct kernel";
  let description = [{
    Every kernel op on buffers, in loops as well, moves into a private function; equal ones share it, so that the code of a model does not grow
    with its layers. What is left of the entry point is sizes, views and calls.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def PlanMemoryPass : Pass<"weft-plan-memory", "::mlir::ModuleOp"> {
  let summary = "place intermediate buffers in one arena";
  let description = [{
    Every `memref.alloc` of an entry point, in loops as well, becomes a view of the arena. Buffers whose lives do not overlap share a place when
    their sizes are the same expression of the run-time sizes. Makes `<entry>_arena`, which tells the arena's size.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

#endif

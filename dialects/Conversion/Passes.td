//===- Passes.td - passes that cross dialects -------------------------------------------------------------------===//
#ifndef WEFT_CONVERSION_PASSES_TD
#define WEFT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertWeftToCpuPass : Pass<"convert-weft-to-cpu", "::mlir::func::FuncOp"> {
  let summary = "expand kernel ops into loop nests for a CPU";
  let description = [{
    Each kernel op on buffers becomes one `scf.forall` over chunks of independent work, loops and vectors of `lanes`
    elements. One emitter per op family; the loop nests are those of docs/architecture.md. Ops on tensors are left alone.
  }];
  let options = [Option<"lanes", "lanes", "unsigned", "16", "f32 lanes of a native vector">,
                 Option<"reportKeyBlocks", "report-key-blocks", "bool", "false",
                        "for tests: call weft_key_block(first query, first key, keys) for each block of attention">];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::mlir::math::MathDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::x86vector::X86VectorDialect"];
}

def LowerLinalgPass : Pass<"weft-lower-linalg", "::mlir::func::FuncOp"> {
  let summary = "expand linalg on buffers into loops in parallel chunks";
  let description = [{
    What stays `linalg.generic` until here is elementwise, a reduction or a copy. Its parallel dimensions but the innermost are
    distributed over chunks of a `scf.forall`; the rest are plain loops with the innermost contiguous, which LLVM vectorises.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def ExpandMathPass : Pass<"weft-expand-math"> {
  let summary = "replace f32 transcendental functions by polynomials";
  let description = [{
    exp and exp2 by two-constant range reduction and a polynomial (at most 1 ULP; infinities, NaN and subnormal results
    kept; of exp2 with fastmath<afn>, 1.1 ULP, arguments are at most 126, and subnormal results may be 0); tanh (5 ULP) by one of two
    formulas, as its lanes need; erf (4 ULP) by one, up to where it is 1; erfc (5 ULP), log, log2, log1p and expm1 (3 ULP; subnormal arguments of a logarithm count as the
    smallest normal number) by upstream's approximations; on scalars and vectors alike. What is left of transcendental
    functions becomes scalar, for libm: sin, cos and other f32 functions that upstream approximates worse, and all f64.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
  let options = [Option<"avx512", "avx512", "bool", "false",
                        "exp2 with fastmath<afn>, and erf, of 16 lanes by tables, in instructions of AVX-512">];
}

def OutlineParallelPass : Pass<"weft-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "turn scf.forall into calls of the runtime";
  let description = [{
    The body of each `scf.forall` becomes a function of a closure and an index; the values that it uses from outside travel in a
    structure on the caller's stack. `weft_parallel` of runtime/include/weft/abi.h runs it.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"];
}

def WrapEntryPass : Pass<"weft-wrap-entry", "::mlir::ModuleOp"> {
  let summary = "give entry points the calling convention of abi.h";
  let description = [{
    For each entry point, `weft_run_<entry>` and `weft_arena_<entry>` take the vector of pointers to memref
    descriptors and numbers that the runtime passes. All other functions become internal to the object.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerReshapesPass : Pass<"weft-lower-reshapes", "::mlir::func::FuncOp"> {
  let summary = "lower what upstream's expansion of strided metadata does not";
  let description = [{
    `memref.expand_shape` of a dimension into several of which more than one has a size known only when running becomes a
    `memref.reinterpret_cast`. All others are left to `expand-strided-metadata`.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def ConvertToLLVMPass : Pass<"weft-convert-to-llvm", "::mlir::ModuleOp"> {
  let summary = "convert all but vectors to the LLVM dialect, at once";
  let description = [{
    Upstream's patterns for func, memref, arith, cf, index, math and ub in one conversion. Precondition: loops are branches and
    vectors are converted; what is left of their casts is cleaned up by `reconcile-unrealized-casts`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ConvertWeftToGpuPass : Pass<"convert-weft-to-gpu", "::mlir::ModuleOp"> {
  let summary = "expand kernel ops into launches of compute kernels";
  let description = [{
    Each kernel op and structured op on buffers becomes `gpu.launch` ops in its place; what stands around them is computed
    on the host: sizes and numbers of workgroups. Workgroups have one dimension; a grid of more than 65,535 of them is
    folded into y. Entry points get one argument more, where kernels report an index out of range. Constant tables move
    into the kernels. Precondition: `weft-outline-kernels` has run. Ops on tensors are left alone.
  }];
  let options = [Option<"profile", "profile", "std::string", "\"generic\"", "of the devices; see GpuProfile.cpp">];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::weft::matrix::MatrixDialect"];
}

def MergeLaunchesPass : Pass<"weft-merge-launches", "::mlir::ModuleOp"> {
  let summary = "run small kernels beside each other in one dispatch";
  let description = [{
    A launch joins an earlier one of its block where it writes nothing that is used from there on, and reads nothing that
    is written: rotary positions of queries and of keys, what is appended to caches. Both become one launch, of a kernel
    whose first workgroups are those of the first part, and so on. Equal layers share the merged kernel. Leaves alone:
    kernels whose invocations work together, by memory of a workgroup or by barriers.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect"];
}

def ExpandGpuMathPass : Pass<"weft-expand-gpu-math"> {
  let summary = "replace functions that shaders lack or have too coarsely";
  let description = [{
    By integers and f32: sin and cos of f32, to two units in the last place, and so those of a position times a frequency in
    f64 that are rounded to f32, where frequencies are a constant table; pow of f32, to one unit, with the special cases of
    C. Other sin and cos of f64 by f64, to the digits of an f32 and for angles below 3e9. What `weft-expand-math` replaces
    is replaced before.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect"];
}

def LowerLaunchesPass : Pass<"weft-lower-launches", "::mlir::ModuleOp"> {
  let summary = "turn launches into calls of the runtime, and memrefs of kernels into addresses";
  let description = [{
    Each `gpu.launch_func` becomes a call of `weft_dispatch` of runtime/include/weft/abi.h with the number of its kernel
    and a record of its arguments. A kernel has one argument left, the address of its record, reads what it needs from
    there, and its loads and stores are those of `spirv`, of physical addresses. Memory of a workgroup stays memrefs.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect", "::mlir::spirv::SPIRVDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def OutlineMatrixOpsPass : Pass<"weft-outline-matrix-ops", "::mlir::gpu::GPUModuleOp"> {
  let summary = "turn ops of the matrix dialect into calls of functions that the binary knows as instructions";
  let description = [{
    The spirv dialect has no ops for elements and rows of cooperative matrices. The region of a `matrix.map` or a
    `matrix.reduce_rows` becomes a function of the kernel's module, what it reads from above arguments of it; constants, and
    what makes pointers, move into it. The op becomes a call of an external function whose name says which instruction it
    stands for (see MatrixCalls.h), which `weft-serialize-spirv` puts in the call's place. Precondition:
    `weft-lower-launches`.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::spirv::SPIRVDialect"];
}

def ConvertToSpirvPass : Pass<"weft-convert-to-spirv", "::mlir::ModuleOp"> {
  let summary = "convert kernels to the spirv dialect";
  let description = [{
    Upstream's patterns for gpu, scf, arith, math, memref and vector in one conversion. Each `gpu.module` becomes a
    `spirv.module` of SPIR-V 1.5 for Vulkan 1.2, its kernel an entry point with one push constant, the address of its
    record. Floating-point operations are decorated with NoContraction. A kernel with cooperative matrices keeps to the
    Vulkan memory model; one with calls of `weft-outline-matrix-ops` becomes SPIR-V 1.6 for Vulkan 1.3, which their
    instructions ask for. Precondition: `weft-lower-launches`.
  }];
  let options = [Option<"profile", "profile", "std::string", "\"generic\"", "of the devices; see GpuProfile.cpp">];
  let dependentDialects = ["::mlir::spirv::SPIRVDialect"];
}

def SerializeSpirvPass : Pass<"weft-serialize-spirv", "::mlir::ModuleOp"> {
  let summary = "validate kernels, and keep them as binaries";
  let description = [{
    Every `spirv.module` is serialised, calls that stand for instructions become these, and the binary is put to the
    validator of SPIRV-Tools for the module's version of Vulkan, if it has cooperative matrices only where the validator
    knows them. Then it moves into the module's attribute `weft.kernels`, in the order of the numbers that `weft_dispatch` is called with.
  }];
  let options = [Option<"checkOnly", "check-only", "bool", "false", "validate alone, and leave the modules">];
  let dependentDialects = ["::mlir::spirv::SPIRVDialect"];
}

#endif

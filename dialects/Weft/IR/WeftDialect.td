//===- WeftDialect.td - the dialect, its base classes and its interface -----------------------------------------===//
#ifndef WEFT_DIALECT_TD
#define WEFT_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Weft_Dialect : Dialect {
  let name = "weft";
  let cppNamespace = "::weft";
  let summary = "what a transformer is made of and upstream dialects lack";
  let description = [{
    Semantic operations on tensors. Everything that linalg, tensor, arith and math can say already is said there:
    elementwise formulas and reductions are `linalg.generic`, views are `tensor.extract_slice` and reshapes.

    **Layouts.** Dimensions are listed outermost first. Positions come before heads, heads before width:
    `[batch, position, head, width]`. So the result of a projection is read by attention as it lies.

    **Two forms.** Every kernel op (`KernelOpInterface`) exists on tensors, with a result, and on memrefs, with the
    destination as its last operand (`outs`) and no result. The first is what the front end and the fusions see, the
    second is what is left of it after bufferization. Regions and attributes are the same.
  }];
  let useDefaultAttributePrinterParser = 0;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"];
}

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::weft";
  let description = "An op that becomes one loop nest: a result on tensors, a destination operand on memrefs.";
  let methods = [
    InterfaceMethod<[{
      The sizes of the result, given the operands in their order (tensors or memrefs: bufferization asks with the
      latter). May create `tensor.dim`, `memref.dim` and arithmetic.
    }], "::llvm::SmallVector<::mlir::OpFoldResult>", "resultSizes",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands)>,
    InterfaceMethod<"The destination, null on tensors.", "::mlir::Value", "getDestination", (ins), [{}],
      [{ return $_op.getOuts(); }]>,
    InterfaceMethod<[{
      Floating-point operations for a known number of rows: what `weft inspect --roofline` prints. A size of -1 in
      `sizes` (the sizes of operand `i` at `sizes[i]`) never occurs.
    }], "int64_t", "flops", (ins "::llvm::ArrayRef<::llvm::SmallVector<int64_t>>":$sizes)>,
  ];
}

// A kernel op: pure on tensors; on memrefs it reads its inputs and writes `outs`.
class Weft_KernelOp<string mnemonic, list<Trait> traits = []>
    : Op<Weft_Dialect, mnemonic, traits # [
        DeclareOpInterfaceMethods<KernelOpInterface, ["resultSizes", "flops"]>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let hasVerifier = 1;
}

#endif

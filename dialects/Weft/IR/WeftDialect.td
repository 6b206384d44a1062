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
  let description = "An op that becomes one loop nest: results on tensors, a destination operand for each on memrefs.";
  let methods = [
    InterfaceMethod<[{
      The sizes of the first result, given the operands in their order (tensors or memrefs: bufferization asks with the
      latter). May create `tensor.dim`, `memref.dim` and arithmetic.
    }], "::llvm::SmallVector<::mlir::OpFoldResult>", "resultSizes",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands)>,
    InterfaceMethod<"The sizes of all results; of one, for most ops.",
      "::mlir::ReifiedRankedShapedTypeDims", "sizesOfResults",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands), [{}],
      [{ return {$_op.resultSizes(builder, operands)}; }]>,
    InterfaceMethod<"The destinations, one for each result; none on tensors. They are the last operands.",
      "::llvm::SmallVector<::mlir::Value, 3>", "getDestinations", (ins), [{}], [{
        ::mlir::Value destination = $_op.getOuts();
        return destination ? ::llvm::SmallVector<::mlir::Value, 3>{destination} : ::llvm::SmallVector<::mlir::Value, 3>();
      }]>,
    InterfaceMethod<[{
      Floating-point operations for a known number of rows: what `weft inspect --roofline` prints. A size of -1 in
      `sizes` (the sizes of operand `i` at `sizes[i]`) never occurs.
    }], "int64_t", "flops", (ins "::llvm::ArrayRef<::llvm::SmallVector<int64_t>>":$sizes)>,
  ];
}

// A kernel op: pure on tensors; on memrefs it reads its inputs and writes `outs`.
class Weft_KernelOp<string mnemonic, list<Trait> traits = [], list<string> methods = []>
    : Op<Weft_Dialect, mnemonic, traits # [
        DeclareOpInterfaceMethods<KernelOpInterface, ["resultSizes", "flops"] # methods>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let hasVerifier = 1;
}

#endif

//===- MatrixOps.td - elements, rows and uses of cooperative matrices -------------------------------------------===//
//
// Inputs are labelled I1, I2, constraints C1, C2, as in WeftOps.td. The ops stand in kernels for GPUs, beside
// `gpu.subgroup_mma_*`, until weft-outline-matrix-ops makes calls of them.
//
//===------------------------------------------------------------------------------------------------------------===//
#ifndef MATRIX_OPS_TD
#define MATRIX_OPS_TD

include "mlir/Dialect/GPU/IR/GPUBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Matrix_Dialect : Dialect {
  let name = "matrix";
  let cppNamespace = "::weft::matrix";
  let summary = "what a subgroup does to the elements of its cooperative matrices";
  let description = [{
    A subgroup holds a matrix (`!gpu.mma_matrix`) in its registers, and no invocation knows which elements it has. The gpu
    dialect loads, multiplies and stores matrices; these ops are for what lies between two products: a function of each
    element and of its place, the sum or the maximum of each row, a result that becomes an operand. Devices have them by
    VK_NV_cooperative_matrix2. As with `gpu.subgroup_mma_*`, all invocations of the subgroup have to come to each op.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

class Matrix_Op<string mnemonic, list<Trait> traits = []> : Op<Matrix_Dialect, mnemonic, traits>;

def Matrix_MapOp : Matrix_Op<"map", [RecursiveMemoryEffects, SingleBlock]> {
  let summary = "a function of each element of matrices, and of its place";
  let description = [{
    I1. inputs, one or more matrices; result: the matrix of what the region yields for each place. The region sees the row
    and the column (`index`), and the element that each input has there. It may read values from above, which have to be the
    same for all invocations of the subgroup, and write to memory: each place is one invocation's, in no order.

    C1. result is an accumulator ("COp"), and all inputs have its type. C2. the region has two `index` arguments and one of
    the element's type for each input, and yields one number of that type.

    ```mlir
    %masked = matrix.map %scores {
    ^bb0(%row: index, %column: index, %score: f32):
      %seen = arith.cmpi ule, %column, %row : index
      %0 = arith.select %seen, %score, %least : f32
      matrix.yield %0 : f32
    } : (!gpu.mma_matrix<16x16xf32, "COp">) -> !gpu.mma_matrix<16x16xf32, "COp">
    ```
  }];
  let arguments = (ins Variadic<GPU_MMAMatrix>:$inputs);
  let results = (outs GPU_MMAMatrix:$result);
  let regions = (region SizedRegion<1>:$function);
  let assemblyFormat = "$inputs $function attr-dict `:` functional-type($inputs, $result)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$inputs,
      "::llvm::function_ref<::mlir::Value(::mlir::Value, ::mlir::Value, ::mlir::ValueRange)>":$element)>];
  let skipDefaultBuilders = 1;
}

def Matrix_ReduceRowsOp : Matrix_Op<"reduce_rows", [RecursiveMemoryEffects, SameOperandsAndResultType, SingleBlock]> {
  let summary = "what each row's elements come to, in all of its columns";
  let description = [{
    I1. matrix; result: every element is what the elements of its row come to by the region, which makes one number of two,
    in any order and grouping.

    C1. matrix is an accumulator ("COp"). C2. the region has two arguments of the element's type, yields one number of it,
    and reads nothing from above but constants.

    ```mlir
    %sums = matrix.reduce_rows %p {
    ^bb0(%x: f32, %y: f32):
      %0 = arith.addf %x, %y : f32
      matrix.yield %0 : f32
    } : !gpu.mma_matrix<16x16xf32, "COp">
    ```
  }];
  let arguments = (ins GPU_MMAMatrix:$matrix);
  let results = (outs GPU_MMAMatrix:$result);
  let regions = (region SizedRegion<1>:$function);
  let assemblyFormat = "$matrix $function attr-dict `:` type($result)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$matrix,
      "::llvm::function_ref<::mlir::Value(::mlir::Value, ::mlir::Value)>":$combine)>];
  let skipDefaultBuilders = 1;
}

def Matrix_ConvertOp : Matrix_Op<"convert", [Pure]> {
  let summary = "an accumulator as the left operand of a product";
  let description = [{
    I1. matrix; result: the same numbers, rounded to the result's element type, as a left operand.

    C1. matrix is an accumulator ("COp") of f32, the result a left operand ("AOp") of f16. C2. both have the same size.

    ```mlir
    %left = matrix.convert %p : !gpu.mma_matrix<16x16xf32, "COp"> to !gpu.mma_matrix<16x16xf16, "AOp">
    ```
  }];
  let arguments = (ins GPU_MMAMatrix:$matrix);
  let results = (outs GPU_MMAMatrix:$result);
  let assemblyFormat = "$matrix attr-dict `:` type($matrix) `to` type($result)";
  let hasVerifier = 1;
}

def Matrix_YieldOp : Matrix_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["MapOp", "ReduceRowsOp"]>]> {
  let summary = "the element that a region makes";
  let arguments = (ins AnyFloat:$element);
  let assemblyFormat = "$element attr-dict `:` type($element)";
}

#endif

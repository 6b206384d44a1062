//===- CheckOps.td - expectations inside IR, for tests ----------------------------------------------------------===//
//
// Inputs are labelled I1, I2, constraints C1, C2, as in WeftOps.td. Only the reference interpreter executes these ops;
// no pipeline lowers them.
//
//===------------------------------------------------------------------------------------------------------------===//
#ifndef CHECK_OPS_TD
#define CHECK_OPS_TD

include "mlir/IR/OpBase.td"

def Check_Dialect : Dialect {
  let name = "check";
  let cppNamespace = "::weft::check";
  let summary = "what a test expects of a value";
  let description = [{
    With these ops a numeric test is one self-contained file: inputs and expected values are constants, the op under
    test lies between them, and `weft-interpret` runs every function without arguments.
  }];
}

class Check_Op<string mnemonic> : Op<Check_Dialect, mnemonic, [SameTypeOperands]> {
  string common = [{
    I1. actual; I2. expected. An error names the worst element, both values and how many differ.
    C1. actual and expected have one type.
  }];
}

def Check_ExpectCloseOp : Check_Op<"expect_close"> {
  let summary = "fails unless |actual - expected| <= atol + rtol * |expected| for every element";
  let description = common # [{
    C2. atol >= 0 and rtol >= 0. NaN is close to NaN alone, an infinity to itself alone.

    ```mlir
    check.expect_close %y, %expected {atol = 1.0e-6 : f64} : tensor<2x3xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$actual, AnyRankedTensor:$expected, DefaultValuedAttr<F64Attr, "0.0">:$atol,
                       DefaultValuedAttr<F64Attr, "0.0">:$rtol);
  let assemblyFormat = "$actual `,` $expected attr-dict `:` type($actual)";
  let hasVerifier = 1;
}

def Check_ExpectEqOp : Check_Op<"expect_eq"> {
  let summary = "fails unless every element of actual equals that of expected";
  let description = common # [{
    NaN equals NaN; zeros of either sign are equal.

    ```mlir
    check.expect_eq %tokens, %expected : tensor<4xi32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$actual, AnyRankedTensor:$expected);
  let assemblyFormat = "$actual `,` $expected attr-dict `:` type($actual)";
}

#endif

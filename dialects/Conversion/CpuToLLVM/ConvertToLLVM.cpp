//===- ConvertToLLVM.cpp - the last step inside MLIR ------------------------------------------------------------===//
// Answers: how does everything but vectors reach the LLVM dialect? By upstream's patterns, all in one conversion: one
// pass for each dialect would walk a large module seven times, which is most of what compiling a small model costs.
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Passes.h"
#include "mlir/Analysis/DataLayoutAnalysis.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_CONVERTTOLLVMPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

struct ConvertToLLVM : impl::ConvertToLLVMPassBase<ConvertToLLVM> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    LowerToLLVMOptions options(context);
    LLVMTypeConverter types(context, options, &getAnalysis<DataLayoutAnalysis>());
    RewritePatternSet patterns(context);
    SymbolTableCollection symbols;
    populateFuncToLLVMConversionPatterns(types, patterns, &symbols);
    populateFinalizeMemRefToLLVMConversionPatterns(types, patterns, &symbols);
    arith::populateArithToLLVMConversionPatterns(types, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
    index::populateIndexToLLVMConversionPatterns(types, patterns);
    ub::populateUBToLLVMConversionPatterns(types, patterns);
    // Intrinsics first; libm has what LLVM knows no intrinsic for: f64 functions of position tables.
    populateMathToLLVMConversionPatterns(types, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
    populateMathToLibmConversionPatterns(patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace weft

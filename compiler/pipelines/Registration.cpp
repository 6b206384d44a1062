//===- Registration.cpp - every dialect, interface and pass that Weft's IR needs --------------------------------===//
// Answers: what must a tool register before it parses or compiles Weft's IR? Shared by weft, weft-opt and the tests.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "dialects/Conversion/Passes.h"
#include "dialects/Matrix/IR/MatrixOps.h"
#include "dialects/Weft/IR/Bufferization.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

using namespace mlir;

void weft::registerWeft(DialectRegistry &registry) {
  registry
      .insert<WeftDialect, func::FuncDialect, linalg::LinalgDialect, tensor::TensorDialect, arith::ArithDialect,
              math::MathDialect, scf::SCFDialect, vector::VectorDialect, affine::AffineDialect, memref::MemRefDialect,
              gpu::GPUDialect, spirv::SPIRVDialect, bufferization::BufferizationDialect, cf::ControlFlowDialect,
              ub::UBDialect, LLVM::LLVMDialect, x86vector::X86VectorDialect, matrix::MatrixDialect>();
  func::registerInlinerExtension(registry);
  registerBufferizableOpInterfaceModels(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void weft::registerWeftPasses() {
  registerWeftTransformsPasses();
  registerWeftConversionPasses();
}

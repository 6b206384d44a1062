//===- weft-opt.cpp - mlir-opt with Weft's dialects and passes --------------------------------------------------===//
// For developers: runs single passes on IR, which is what the tests of passes do.
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "dialects/Check/IR/CheckOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  weft::registerWeft(registry);
  registry.insert<weft::check::CheckDialect>();
  weft::registerWeftPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Weft's optimizer driver\n", registry));
}

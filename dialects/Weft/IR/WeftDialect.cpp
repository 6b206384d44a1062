//===- WeftDialect.cpp - registration of the weft dialect -------------------------------------------------------===//
#include "dialects/Weft/IR/KernelOps.h"

using namespace mlir;

#include "dialects/Weft/IR/WeftDialect.cpp.inc"
#include "dialects/Weft/IR/WeftInterfaces.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Weft/IR/WeftOps.cpp.inc"

void weft::WeftDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Weft/IR/WeftOps.cpp.inc"
      >();
}

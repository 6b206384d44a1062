//===- CheckOps.cpp - the check dialect ---------------------------------------------------------------------------===//
// Answers: when is an expectation well formed?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Check/IR/CheckOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

#include "dialects/Check/IR/CheckDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Check/IR/CheckOps.cpp.inc"

void weft::check::CheckDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Check/IR/CheckOps.cpp.inc"
      >();
}

LogicalResult weft::check::ExpectCloseOp::verify() {
  double atol = getAtol().convertToDouble(), rtol = getRtol().convertToDouble();
  if (!(atol >= 0) || !(rtol >= 0)) // C2; NaN is refused, too
    return emitOpError("needs tolerances of at least 0, but atol is ") << atol << " and rtol is " << rtol;
  return success();
}

//===- CheckOps.cpp - expectations --------------------------------------------------------------------------------===//
// Answers: which elements are not what a test expects, and which of them is the worst?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Check/IR/CheckOps.h"
#include "compiler/reference/Frame.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;

namespace weft::reference {

/// How far two numbers are apart; infinitely when only one is NaN or infinite.
static double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b)))
    return 0;
  double d = std::fabs(a - b);
  return std::isnan(d) ? INFINITY : d;
}

static llvm::Error expect(Operation *op, Frame &frame, double atol, double rtol) {
  const Tensor &actual = frame[op->getOperand(0)], &expected = frame[op->getOperand(1)];
  if (actual.shape != expected.shape)
    return failure(op, "got shape " + text(actual.shape) + " where " + text(expected.shape) + " was expected");
  int64_t next = 0, wrong = 0;
  double worst = -1;
  std::string message;
  forEachIndex(actual.shape, [&](ArrayRef<int64_t> index) {
    double a = actual.values[next], e = expected.values[next++], d = distance(a, e);
    if (d == 0 || (std::isfinite(e) && d <= atol + rtol * std::fabs(e)))
      return;
    ++wrong;
    if (d <= worst)
      return;
    worst = d;
    message.clear();
    llvm::raw_string_ostream(message) << "element " << text(index)
                                      << llvm::format(" is %.9g where %.9g was expected, %.3g apart", a, e, d);
  });
  if (wrong == 0)
    return llvm::Error::success();
  return failure(op, "worst of " + Twine(wrong) + " wrong elements: " + message);
}

llvm::Error evaluateCheck(Operation *op, Frame &frame) {
  if (auto close = dyn_cast<check::ExpectCloseOp>(op))
    return expect(op, frame, close.getAtol().convertToDouble(), close.getRtol().convertToDouble());
  if (isa<check::ExpectEqOp>(op))
    return expect(op, frame, 0, 0);
  return unsupported(op);
}

} // namespace weft::reference

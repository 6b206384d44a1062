//===- Interpreter.cpp - functions: arguments, order of evaluation, calls, results --------------------------------===//
// Answers: what does this IR compute? Ops are evaluated one after another; what each one means is in its family's file.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Interpreter.h"
#include "compiler/reference/Frame.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace weft::reference {
namespace {

/// More calls inside calls than any model has: recursion.
constexpr unsigned mostCalls = 64;

using Refs = SmallVector<TensorRef>;

/// Whether a tensor is one that the type allows.
llvm::Error checkShape(Operation *op, const Twine &what, Type type, const Tensor &tensor) {
  ArrayRef<int64_t> shape;
  if (auto shaped = dyn_cast<RankedTensorType>(type))
    shape = shaped.getShape();
  else if (!type.isIntOrIndexOrFloat())
    return failure(op, what + " has a type that is neither a ranked tensor nor a number");
  bool agrees = shape.size() == tensor.shape.size();
  for (size_t i = 0; agrees && i < shape.size(); ++i)
    agrees = tensor.shape[i] >= 0 && (ShapedType::isDynamic(shape[i]) || shape[i] == tensor.shape[i]);
  if (agrees && tensor.elements() == static_cast<int64_t>(tensor.values.size()))
    return llvm::Error::success();
  std::string wanted;
  llvm::raw_string_ostream(wanted) << type;
  return failure(op, what + " has shape " + text(tensor.shape) + " and " + Twine(tensor.values.size()) +
                         " elements, which is no " + wanted);
}

/// For each op the values that it is the last one to read, so that a model's memory is that of the values alive.
DenseMap<Operation *, SmallVector<Value>> lastReaders(Block &body) {
  DenseMap<Operation *, SmallVector<Value>> result;
  DenseSet<Value> seen;
  for (Operation &op : llvm::reverse(body))
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() == &body && seen.insert(operand).second)
          result[&op].push_back(operand);
    });
  return result;
}

llvm::Expected<Refs> call(func::FuncOp function, ArrayRef<TensorRef> arguments, const Options &options, unsigned depth);

llvm::Error evaluateCall(func::CallOp op, Frame &frame) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
  if (!callee)
    return failure(op, "calls '" + op.getCallee() + "', which is not a function");
  if (frame.depth == mostCalls)
    return failure(op, "is nested " + Twine(mostCalls) + " calls deep: models do not call themselves");
  Refs arguments = llvm::map_to_vector(op.getOperands(), [&](Value v) { return frame.shared(v); });
  auto results = call(callee, arguments, frame.options, frame.depth + 1);
  if (!results)
    return results.takeError();
  for (auto [value, result] : llvm::zip_equal(op.getResults(), *results))
    frame.share(value, std::move(result));
  return llvm::Error::success();
}

llvm::Error evaluate(Operation *op, Frame &frame);

void observe(Operation *op, const Frame &frame) {
  SmallVector<Tensor> results;
  for (Value result : op->getResults())
    if (isa<RankedTensorType>(result.getType()))
      results.push_back(frame[result]);
  if (!results.empty())
    frame.options.observe(op, results);
}

/// A loop with states: what a round yields is what the next one begins with.
llvm::Error evaluateFor(scf::ForOp op, Frame &frame) {
  int64_t lower = frame.integer(op.getLowerBound()), upper = frame.integer(op.getUpperBound()),
          step = frame.integer(op.getStep());
  if (step <= 0)
    return failure(op, "goes in steps of " + Twine(step) + ", but at least 1 is needed");
  Refs states = llvm::map_to_vector(op.getInitArgs(), [&](Value v) { return frame.shared(v); });
  for (int64_t i = lower; i < upper; i += step) {
    frame.set(op.getInductionVar(), Tensor{{}, {static_cast<double>(i)}});
    for (auto [argument, state] : llvm::zip_equal(op.getRegionIterArgs(), states))
      frame.share(argument, state);
    for (Operation &inner : op.getBody()->without_terminator()) {
      if (auto error = evaluate(&inner, frame))
        return error;
      if (frame.options.observe)
        observe(&inner, frame);
    }
    states =
        llvm::map_to_vector(op.getBody()->getTerminator()->getOperands(), [&](Value v) { return frame.shared(v); });
  }
  for (auto [result, state] : llvm::zip_equal(op.getResults(), states))
    frame.share(result, state);
  return llvm::Error::success();
}

llvm::Error evaluate(Operation *op, Frame &frame) {
  if (auto callOp = dyn_cast<func::CallOp>(op))
    return evaluateCall(callOp, frame);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return evaluateFor(loop, frame);
  auto family = llvm::StringSwitch<llvm::Error (*)(Operation *, Frame &)>(op->getName().getDialectNamespace())
                    .Case("weft", evaluateWeft)
                    .Case("linalg", evaluateLinalg)
                    .Case("tensor", evaluateTensor)
                    .Cases({"arith", "math"}, evaluateScalar)
                    .Case("check", evaluateCheck)
                    .Default([](Operation *other, Frame &) { return unsupported(other); });
  if (auto error = family(op, frame))
    return error;
  for (OpResult result : op->getResults())
    if (auto error = checkShape(op, "result " + Twine(result.getResultNumber()), result.getType(), frame[result]))
      return error;
  return llvm::Error::success();
}

llvm::Expected<Refs> call(func::FuncOp function, ArrayRef<TensorRef> arguments, const Options &options,
                          unsigned depth) {
  if (!function.getBody().hasOneBlock())
    return failure(function, "'" + function.getName() + "' needs a body of one block to be interpreted");
  Block &body = function.getBody().front();
  if (arguments.size() != body.getNumArguments())
    return failure(function, "'" + function.getName() + "' takes " + Twine(body.getNumArguments()) +
                                 " arguments, but was given " + Twine(arguments.size()));
  Frame frame(options, depth);
  for (auto [argument, tensor] : llvm::zip_equal(body.getArguments(), arguments)) {
    if (auto error = checkShape(function, "argument " + Twine(argument.getArgNumber()), argument.getType(), *tensor))
      return error;
    frame.share(argument, tensor);
  }

  auto last = lastReaders(body);
  for (Operation &op : body.without_terminator()) {
    if (auto error = evaluate(&op, frame))
      return error;
    if (options.observe)
      observe(&op, frame);
    for (Value value : last[&op])
      frame.release(value);
  }
  return llvm::map_to_vector(body.getTerminator()->getOperands(), [&](Value v) { return frame.shared(v); });
}

} // namespace

llvm::Expected<std::vector<Tensor>> run(func::FuncOp function, MutableArrayRef<Tensor> arguments,
                                        const Options &options) {
  Refs refs;
  for (Tensor &argument : arguments)
    refs.push_back(std::make_shared<Tensor>(std::move(argument)));
  auto results = call(function, refs, options, 0);
  std::vector<Tensor> copies; // a result may be an argument, so it cannot be moved from
  if (results)
    for (TensorRef &result : *results)
      copies.push_back(*result);
  for (auto [argument, ref] : llvm::zip_equal(arguments, refs))
    argument = std::move(*ref);
  if (!results)
    return results.takeError();
  return copies;
}

} // namespace weft::reference

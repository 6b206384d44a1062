//===- KnownValues.cpp - what a model computes before it runs -----------------------------------------------------===//
// A value and the ops that it follows from are copied into a function of their own, which the interpreter runs.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/KnownValues.h"
#include "compiler/inspect/Places.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace weft {

using reference::Tensor;

// The frame keeps a reference to the options of this object.
KnownValues::KnownValues(func::FuncOp entry, ArrayRef<std::optional<Tensor>> inputs, const Checkpoint *checkpoint)
    : frame(options), entry(entry), inputs(inputs) {
  options.checkpoint = checkpoint;
}

/// What an op reads, its regions included.
static SetVector<Value> inputsOf(Operation *op) {
  SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

/// Why an op's results are not known, whatever its operands; empty where they are.
static std::string obstacle(Operation *op, const Checkpoint *checkpoint) {
  if (auto weight = dyn_cast<WeightOp>(op); weight && !checkpoint)
    return ("weight '" + weight.getName() + "'").str();
  if (isa<KernelOpInterface, CacheOp, PackOp, ParameterOp>(op) || !isMemoryEffectFree(op))
    return "what " + placeOf(op->getLoc()) + " computes";
  return "";
}

llvm::Expected<bool> KnownValues::find(Value value, std::vector<std::string> &missing) {
  if (frame.find(value))
    return true;
  SetVector<Value> values, arguments;
  SetVector<Operation *> ops;
  std::vector<std::string> lacking;
  values.insert(value);
  for (size_t i = 0; i < values.size(); ++i) {
    Operation *op = values[i].getDefiningOp();
    if (!op) {
      auto argument = cast<BlockArgument>(values[i]);
      arguments.insert(argument);
      if (inputs[argument.getArgNumber()])
        continue;
      auto name = entry.getArgAttrOfType<StringAttr>(argument.getArgNumber(), contract::name);
      lacking.push_back(name ? "input '" + name.str() + "'" : "argument " + std::to_string(argument.getArgNumber()));
    } else if (ops.insert(op)) {
      if (std::string why = obstacle(op, options.checkpoint); !why.empty())
        lacking.push_back(why);
      else
        values.insert_range(inputsOf(op));
    }
  }
  for (const std::string &what : lacking)
    if (!llvm::is_contained(missing, what))
      missing.push_back(what);
  if (!lacking.empty())
    return false;

  SmallVector<Operation *> sorted = ops.takeVector();
  llvm::sort(sorted, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  OpBuilder b(entry.getContext());
  auto type = b.getFunctionType(ValueRange(arguments.getArrayRef()).getTypes(), value.getType());
  OwningOpRef<func::FuncOp> function = func::FuncOp::create(entry.getLoc(), "part", type);
  Block *body = function->addEntryBlock();
  IRMapping copies;
  copies.map(arguments.getArrayRef(), body->getArguments());
  b.setInsertionPointToEnd(body);
  for (Operation *op : sorted)
    b.clone(*op, copies);
  func::ReturnOp::create(b, value.getLoc(), copies.lookup(value));
  std::vector<Tensor> given;
  for (Value argument : arguments)
    given.push_back(*inputs[cast<BlockArgument>(argument).getArgNumber()]);
  auto results = reference::run(*function, given, options);
  if (!results)
    return results.takeError();
  frame.set(value, std::move(results->front()));
  return true;
}

} // namespace weft

//===- ScalarBody.cpp - straight-line code on numbers -------------------------------------------------------------===//
// Answers: how does a region become a list of steps, and what of the values around it can it read?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/ScalarBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace weft::reference {

Number toNumber(double value, Type type) {
  Number number;
  if (isa<FloatType>(getElementTypeOrSelf(type)))
    number.real = value;
  else if (value >= 0x1p63) // the largest i64 is not a double; the nearest one does not fit
    number.integer = INT64_MAX;
  else
    number.integer = static_cast<int64_t>(value);
  return number;
}

double toDouble(Number number, Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type)) ? number.real : static_cast<double>(number.integer);
}

/// The slot of a value; for one that is not known yet a new slot, with its number where the frame has one.
unsigned ScalarBody::slotOf(Value value, const Frame &frame) {
  auto [place, isNew] = places.try_emplace(value, initial.size());
  if (isNew) {
    Number number = {};
    if (const Tensor *known = frame.find(value); known && known->values.size() == 1)
      number = toNumber(known->values[0], value.getType());
    initial.push_back(number);
  }
  return place->second;
}

/// tensor.extract of a tensor from above. Out of bounds is undefined for compiled code, a problem here.
static llvm::Expected<Step> translateExtract(tensor::ExtractOp op, const Frame &frame,
                                             function_ref<unsigned(Value)> slot) {
  const Tensor *tensor = frame.find(op.getTensor());
  if (!tensor)
    return failure(op, "reads a tensor that is made inside the region");
  SmallVector<unsigned> places = llvm::map_to_vector(op.getIndices(), slot);
  unsigned to = slot(op.getResult());
  Type type = op.getType();
  return Step([=, distances = strides(tensor->shape)](Slots &s) {
    int64_t offset = 0;
    for (auto [dim, place] : llvm::enumerate(places)) {
      int64_t index = s.numbers[place].integer;
      if (index < 0 || index >= tensor->shape[dim]) {
        s.problem = ("reads index " + Twine(index) + " of dimension " + Twine(dim) + ", which has size " +
                     Twine(tensor->shape[dim]))
                        .str();
        return;
      }
      offset += index * distances[dim];
    }
    s.numbers[to] = toNumber(tensor->values[offset], type);
  });
}

/// Numbers are doubles and 64-bit integers here; other formats would be computed with a precision they do not have.
static llvm::Error checkTypes(Operation *op, TypeRange types, bool allowTensors) {
  for (Type type : types) {
    Type element = getElementTypeOrSelf(type);
    bool known = element.isF32() || element.isF64() || element.isIndex() ||
                 (element.isSignlessInteger() && element.getIntOrFloatBitWidth() <= 64);
    if (known && (allowTensors || element == type))
      continue;
    std::string name;
    llvm::raw_string_ostream(name) << type;
    return failure(op, "computes on " + name + "; the interpreter knows f32, f64, index and integers up to 64 bits" +
                           (allowTensors ? "" : ", one number at a time inside a region"));
  }
  return llvm::Error::success();
}

llvm::Error ScalarBody::append(Operation *op, const Frame &frame) {
  auto slot = [&](Value value) { return slotOf(value, frame); };
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    unsigned to = slot(constant.getResult());
    if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
      initial[to].real = real.getValueAsDouble();
    else if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
      initial[to].integer =
          integer.getType().isInteger(1) ? integer.getValue().getZExtValue() : integer.getValue().getSExtValue();
    else
      return failure(op, "must be a number inside a region");
    return llvm::Error::success();
  }
  llvm::Expected<Step> step = [&]() -> llvm::Expected<Step> {
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      return [dim = index.getDim(), to = slot(index.getResult())](Slots &s) { s.numbers[to].integer = s.indices[dim]; };
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      return translateExtract(extract, frame, slot);
    return translateScalar(op, frame, slot);
  }();
  if (!step)
    return step.takeError();
  steps.emplace_back(op, std::move(*step));
  return llvm::Error::success();
}

llvm::Expected<ScalarBody> ScalarBody::translate(Block &block, const Frame &frame) {
  ScalarBody body;
  for (Value argument : block.getArguments())
    body.arguments.push_back(body.slotOf(argument, frame));
  for (Operation &op : block.without_terminator()) {
    auto operands = isa<tensor::ExtractOp>(op) ? op.getOperands().drop_front() : op.getOperands();
    if (auto error = checkTypes(&op, operands.getTypes(), false))
      return error;
    if (auto error = checkTypes(&op, op.getResultTypes(), false))
      return error;
    if (auto error = body.append(&op, frame))
      return error;
  }
  for (Value value : block.getTerminator()->getOperands())
    body.results.push_back(body.slotOf(value, frame));
  return body;
}

llvm::Expected<ScalarBody> ScalarBody::translate(Operation *op, const Frame &frame) {
  if (auto error = checkTypes(op, op->getOperandTypes(), true))
    return error;
  if (auto error = checkTypes(op, op->getResultTypes(), true))
    return error;
  ScalarBody body;
  for (Value operand : op->getOperands())
    body.arguments.push_back(body.slotOf(operand, frame));
  if (auto error = body.append(op, frame))
    return error;
  for (Value result : op->getResults())
    body.results.push_back(body.slotOf(result, frame));
  return body;
}

Slots ScalarBody::slots() const {
  Slots slots;
  slots.numbers = initial;
  return slots;
}

bool ScalarBody::execute(Slots &slots) const {
  for (auto &[op, step] : steps) {
    step(slots);
    if (!slots.problem.empty()) {
      slots.failed = op;
      return false;
    }
  }
  return true;
}

} // namespace weft::reference

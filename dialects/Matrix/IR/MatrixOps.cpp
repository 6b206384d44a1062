//===- MatrixOps.cpp - the matrix dialect -------------------------------------------------------------------------===//
// Answers: when is an op on the elements or the rows of a matrix well formed, and how is one built?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Matrix/IR/MatrixOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

#include "dialects/Matrix/IR/MatrixDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Matrix/IR/MatrixOps.cpp.inc"

namespace weft::matrix {

void MatrixDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Matrix/IR/MatrixOps.cpp.inc"
      >();
}

static gpu::MMAMatrixType typeOf(Value matrix) { return cast<gpu::MMAMatrixType>(matrix.getType()); }

static LogicalResult verifyAccumulator(Operation *op, gpu::MMAMatrixType type) { // C1
  if (type.getOperand() != "COp")
    return op->emitOpError("needs an accumulator, but this is ") << type;
  return success();
}

/// C2.
static LogicalResult verifyBody(Operation *op, Block &body, TypeRange arguments, Type element) {
  if (body.getArgumentTypes() != arguments)
    return op->emitOpError("needs a region with arguments of types ")
           << arguments << ", but they are of types " << body.getArgumentTypes();
  Operation *end = body.getTerminator();
  if (end->getNumOperands() != 1 || end->getOperand(0).getType() != element)
    return op->emitOpError("needs a region that yields one number of type ") << element;
  return success();
}

//===-- matrix.map ------------------------------------------------------------------------------------------------===//

void MapOp::build(OpBuilder &b, OperationState &state, ValueRange inputs,
                  llvm::function_ref<Value(Value, Value, ValueRange)> element) {
  state.addOperands(inputs);
  state.addTypes(inputs.front().getType());
  SmallVector<Type> arguments(2, b.getIndexType());
  arguments.append(inputs.size(), typeOf(inputs.front()).getElementType());
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Location> locations(arguments.size(), state.location);
  Block *body = b.createBlock(state.addRegion(), {}, arguments, locations);
  ValueRange elements = body->getArguments();
  YieldOp::create(b, state.location, element(elements[0], elements[1], elements.drop_front(2)));
}

LogicalResult MapOp::verify() {
  if (getInputs().empty())
    return emitOpError("needs a matrix");
  if (failed(verifyAccumulator(*this, typeOf(getResult()))))
    return failure();
  Type element = typeOf(getResult()).getElementType(), index = IndexType::get(getContext());
  SmallVector<Type> arguments(2, index);
  for (Value input : getInputs()) {
    if (input.getType() != getResult().getType())
      return emitOpError("has a result of type ")
             << getResult().getType() << ", but an input of type " << input.getType();
    arguments.push_back(element);
  }
  return verifyBody(*this, *getBody(), arguments, element);
}

//===-- matrix.reduce_rows ----------------------------------------------------------------------------------------===//

void ReduceRowsOp::build(OpBuilder &b, OperationState &state, Value matrix,
                         llvm::function_ref<Value(Value, Value)> combine) {
  state.addOperands(matrix);
  state.addTypes(matrix.getType());
  OpBuilder::InsertionGuard guard(b);
  Type element = typeOf(matrix).getElementType();
  Block *body = b.createBlock(state.addRegion(), {}, {element, element}, {state.location, state.location});
  YieldOp::create(b, state.location, combine(body->getArgument(0), body->getArgument(1)));
}

LogicalResult ReduceRowsOp::verify() {
  if (failed(verifyAccumulator(*this, typeOf(getResult()))))
    return failure();
  Type element = typeOf(getResult()).getElementType();
  if (failed(verifyBody(*this, *getBody(), {element, element}, element)))
    return failure();
  Operation *reader = nullptr;
  visitUsedValuesDefinedAbove(getFunction(), getFunction(), [&](OpOperand *use) {
    if (!matchPattern(use->get(), m_Constant()))
      reader = use->getOwner();
  });
  if (reader)
    return emitOpError("has a region that reads a value from above: ") << reader->getName();
  return success();
}

//===-- matrix.convert --------------------------------------------------------------------------------------------===//

LogicalResult ConvertOp::verify() {
  gpu::MMAMatrixType from = typeOf(getMatrix()), to = typeOf(getResult());
  if (failed(verifyAccumulator(*this, from)))
    return failure();
  if (!from.getElementType().isF32() || !to.getElementType().isF16() || to.getOperand() != "AOp")
    return emitOpError("makes a left operand of f16 of an accumulator of f32, but not ") << to << " of " << from;
  if (from.getShape() != to.getShape())
    return emitOpError("keeps the size of a matrix, but ") << from << " would become " << to;
  return success();
}

} // namespace weft::matrix

//===- ElementFormula.cpp - one element of a tensor as a formula --------------------------------------------------===//
#include "dialects/Weft/Transforms/ElementFormula.h"
#include "dialects/Weft/Transforms/LoopNests.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace weft {

ElementFormula::ElementFormula(MLIRContext *context) : b(context) {
  region.emplaceBlock();
  b.setInsertionPointToEnd(&region.front());
}

Value ElementFormula::addVariable(Type type) { return region.front().addArgument(type, b.getUnknownLoc()); }

//===-- ops -------------------------------------------------------------------------------------------------------===//

unsigned ElementFormula::SameOp::getHashValue(Operation *op) {
  return OperationEquivalence::computeHash(op, OperationEquivalence::directHashValue,
                                           OperationEquivalence::ignoreHashValue,
                                           OperationEquivalence::IgnoreLocations);
}

bool ElementFormula::SameOp::isEqual(Operation *a, Operation *b) {
  if (a == b || a == getEmptyKey() || a == getTombstoneKey() || b == getEmptyKey() || b == getTombstoneKey())
    return a == b;
  return OperationEquivalence::isEquivalentTo(a, b, OperationEquivalence::IgnoreLocations);
}

/// The op that was just made, or the value that it is: a simpler one, or that of an equal op.
Value ElementFormula::insert(Operation *op) {
  Value simpler = op->hasTrait<OpTrait::ConstantLike>() ? Value() : folded(op);
  if (!simpler) {
    auto [same, isNew] = known.insert(op);
    if (isNew) {
      ++created;
      return op->getResult(0);
    }
    simpler = (*same)->getResult(0);
  }
  op->erase();
  return simpler;
}

Value ElementFormula::folded(Operation *op) {
  SmallVector<OpFoldResult> results;
  if (failed(op->fold(results)) || results.empty())
    return chosen(op);
  if (auto value = dyn_cast<Value>(results.front()))
    return value;
  auto constant =
      arith::ConstantOp::materialize(b, cast<Attribute>(results.front()), op->getResult(0).getType(), op->getLoc());
  return constant ? insert(constant) : Value();
}

/// An op on one of two constants is one of two constants: (if c then 1 else 0) == 0 is not c.
Value ElementFormula::chosen(Operation *op) {
  arith::SelectOp select;
  SmallVector<Attribute> yes, no;
  for (Value operand : op->getOperands()) {
    Attribute constant, other;
    if (!matchPattern(operand, m_Constant(&constant))) {
      auto choice = operand.getDefiningOp<arith::SelectOp>();
      if (!choice || (select && select != choice) || !matchPattern(choice.getTrueValue(), m_Constant(&constant)) ||
          !matchPattern(choice.getFalseValue(), m_Constant(&other)))
        return {};
      select = choice;
    }
    yes.push_back(constant);
    no.push_back(other ? other : constant);
  }
  if (!select)
    return {};
  Location loc = op->getLoc();
  auto fold = [&](ArrayRef<Attribute> operands) -> TypedAttr {
    SmallVector<OpFoldResult> results;
    if (failed(op->fold(operands, results)) || results.empty())
      return {};
    return dyn_cast_or_null<TypedAttr>(dyn_cast<Attribute>(results.front()));
  };
  TypedAttr ifTrue = fold(yes), ifFalse = ifTrue ? fold(no) : TypedAttr();
  if (!ifFalse)
    return {};
  if (auto flag = dyn_cast<IntegerAttr>(ifTrue);
      flag && flag.getType().isInteger(1) && ifTrue != ifFalse && flag.getValue().isZero())
    return negation(loc, select.getCondition());
  Value first = create<arith::ConstantOp>(loc, ifTrue), second = create<arith::ConstantOp>(loc, ifFalse);
  return create<arith::SelectOp>(loc, select.getCondition(), first, second);
}

Value ElementFormula::number(Location loc, double value) {
  return create<arith::ConstantOp>(loc, b.getF32FloatAttr(static_cast<float>(value)));
}

Value ElementFormula::index(Location loc, int64_t value) { return create<arith::ConstantIndexOp>(loc, value); }

Value ElementFormula::truth(Location loc, bool value) { return create<arith::ConstantOp>(loc, b.getBoolAttr(value)); }

Value ElementFormula::negation(Location loc, Value condition) {
  // The negation of a comparison is exact: that of an ordered one of floats is unordered.
  if (auto compare = condition.getDefiningOp<arith::CmpIOp>())
    return create<arith::CmpIOp>(loc, arith::invertPredicate(compare.getPredicate()), compare.getLhs(),
                                 compare.getRhs());
  return create<arith::XOrIOp>(loc, condition, truth(loc, true));
}

//===-- elements --------------------------------------------------------------------------------------------------===//

/// Whether every element of the results depends on one element of each operand alone.
static bool isElementwise(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumParallelLoops() != op.getNumLoops() || !hasPureBody(op))
    return false;
  for (OpOperand &init : op.getDpsInitsMutable())
    if (!op.getMatchingIndexingMap(&init).isPermutation() || op.payloadUsesValueFromOperand(&init))
      return false;
  return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    return llvm::all_of(op.getMatchingIndexingMap(input).getResults(),
                        [](AffineExpr position) { return isa<AffineDimExpr, AffineConstantExpr>(position); });
  });
}

Value ElementFormula::element(Value tensor, ArrayRef<Value> position) {
  std::vector<const void *> key = {tensor.getAsOpaquePointer()};
  for (Value index : position)
    key.push_back(index.getAsOpaquePointer());
  if (auto it = elements.find(key); it != elements.end())
    return it->second;

  // Past these a formula is none that anyone wrote as one, and the tensor is computed as it stands.
  constexpr unsigned deepest = 64, longest = 4096;
  Value value;
  DenseElementsAttr constant;
  if (auto op = tensor.getDefiningOp<linalg::LinalgOp>();
      op && depth < deepest && created < longest && isElementwise(op)) {
    llvm::SaveAndRestore deeper(depth, depth + 1);
    unsigned number = cast<OpResult>(tensor).getResultNumber();
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(number));
    SmallVector<Value> loops(op.getNumLoops());
    for (auto [dim, index] : llvm::enumerate(position))
      loops[map.getDimPosition(dim)] = index;
    value = inside(op, op.getBlock()->getTerminator()->getOperand(number), loops);
    inlined.insert(op);
  } else if (matchPattern(tensor, m_Constant(&constant)) && constant.isSplat()) {
    value = create<arith::ConstantOp>(tensor.getLoc(), constant.getSplatValue<TypedAttr>());
  } else {
    value = create<tensor::ExtractOp>(tensor.getLoc(), tensor, position);
  }
  return elements[key] = value;
}

Value ElementFormula::inside(linalg::LinalgOp op, Value value, ArrayRef<Value> position) {
  IRMapping mapping;
  auto get = [&](Value original) -> Value {
    if (Value copy = mapping.lookupOrNull(original))
      return copy;
    auto argument = dyn_cast<BlockArgument>(original);
    if (!argument || argument.getOwner() != op.getBlock())
      return original;
    OpOperand *operand = op.getMatchingOpOperand(argument);
    Value element = operand->get();
    if (isa<RankedTensorType>(element.getType())) {
      SmallVector<Value> index;
      for (AffineExpr dim : op.getMatchingIndexingMap(operand).getResults())
        index.push_back(isa<AffineDimExpr>(dim) ? position[cast<AffineDimExpr>(dim).getPosition()]
                                                : this->index(op.getLoc(), cast<AffineConstantExpr>(dim).getValue()));
      element = this->element(element, index);
    }
    mapping.map(original, element);
    return element;
  };
  for (Operation *inner : opsFor(*op.getBlock(), value)) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), position[index.getDim()]);
      continue;
    }
    for (Value operand : inner->getOperands())
      mapping.map(operand, get(operand));
    Operation *copy = b.clone(*inner, mapping);
    mapping.map(inner->getResult(0), insert(copy));
  }
  return get(value);
}

Value ElementFormula::substitute(Value formula, Value from, Value to) {
  IRMapping mapping;
  mapping.map(from, to);
  for (Operation *op : opsOf(formula)) {
    if (mapping.contains(op->getResult(0)))
      continue;
    if (llvm::any_of(op->getOperands(), [&](Value operand) { return mapping.lookupOrDefault(operand) != operand; }))
      mapping.map(op->getResult(0), insert(b.clone(*op, mapping)));
  }
  return mapping.lookupOrDefault(formula);
}

//===-- what a formula needs --------------------------------------------------------------------------------------===//

bool ElementFormula::dependsOn(Value formula, Value variable) {
  if (formula == variable)
    return true;
  for (Operation *op : opsOf(formula))
    if (op->getResult(0) == variable || llvm::is_contained(op->getOperands(), variable))
      return true;
  return false;
}

} // namespace weft

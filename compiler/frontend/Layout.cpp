//===- Layout.cpp - orders of axes and sizes ----------------------------------------------------------------------===//
// Answers: how is a value brought into the order of dimensions that an op wants, several axes as one dimension or none
// as a dimension of size 1, and back?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weft::frontend;

//===-- sizes -----------------------------------------------------------------------------------------------------===//

OpFoldResult FunctionEmitter::extent(const Axis *axis) {
  axis = axis->root();
  if (axis->size)
    return b.getIndexAttr(*axis->size);
  if (auto it = sizes.find(axis); it != sizes.end())
    return it->second;
  OpFoldResult size;
  if (axis->cacheOf) {
    OpFoldResult fresh = extent(axis->cacheOf);
    size = fresh;
    if (step) {
      Value added = extentValue(axis->cacheOf);
      OpBuilder::InsertionGuard guard(b);
      prologue ? b.setInsertionPointAfter(prologue) : b.setInsertionPointToStart(entry);
      auto total = arith::AddIOp::create(b, location(axis->loc, axis->name), past, added);
      prologue = total;
      size = total.getResult();
    }
  } else {
    // Sizes are read at the function's start: they are then there wherever they are needed, regions included.
    OpBuilder::InsertionGuard guard(b);
    prologue ? b.setInsertionPointAfter(prologue) : b.setInsertionPointToStart(entry);
    for (auto [index, port] : llvm::enumerate(graph.inputs))
      if (auto at = llvm::find(port.axes, axis); at != port.axes.end() && !size) {
        Location loc = location(port.loc, axis->name);
        auto number = arith::ConstantIndexOp::create(b, loc, at - port.axes.begin());
        auto dim = tensor::DimOp::create(b, loc, entry->getArgument(index), number);
        prologue = dim;
        size = dim.getResult();
      }
  }
  assert(size && "the elaborator lets no axis through whose size nobody knows");
  sizes[axis] = size;
  return size;
}

Value FunctionEmitter::extentValue(const Axis *axis) {
  OpFoldResult size = extent(axis);
  if (auto value = dyn_cast<Value>(size))
    return value;
  OpBuilder::InsertionGuard guard(b);
  prologue ? b.setInsertionPointAfter(prologue) : b.setInsertionPointToStart(entry);
  auto number = arith::ConstantIndexOp::create(b, location(axis->root()->loc, axis->name), *getConstantIntValue(size));
  prologue = number;
  return number;
}

int64_t FunctionEmitter::dimension(const Axis *axis) {
  return getConstantIntValue(extent(axis)).value_or(ShapedType::kDynamic);
}

Value FunctionEmitter::firstPosition(const Axis *axis) {
  return step && axis->root() == graph.positionAxis ? past : Value();
}

//===-- types -----------------------------------------------------------------------------------------------------===//

Type FunctionEmitter::elementType(Element element) {
  switch (element) {
  case Element::F32:
  case Element::Integer:
    return b.getF32Type();
  case Element::I32:
    return b.getI32Type();
  case Element::Bool:
    return b.getI1Type();
  case Element::Index:
    return b.getIndexType();
  }
  llvm_unreachable("an element without a type");
}

RankedTensorType FunctionEmitter::typeOf(ArrayRef<const Axis *> axes, Type element) {
  SmallVector<int64_t> shape;
  for (const Axis *axis : axes)
    shape.push_back(dimension(axis));
  return RankedTensorType::get(shape, element);
}

RankedTensorType FunctionEmitter::typeOf(const Groups &groups, Type element) {
  SmallVector<int64_t> shape;
  for (const AxisList &group : groups) {
    int64_t product = 1;
    for (const Axis *axis : group) {
      int64_t size = dimension(axis);
      product = ShapedType::isDynamic(size) || ShapedType::isDynamic(product) ? ShapedType::kDynamic : product * size;
    }
    shape.push_back(product);
  }
  return RankedTensorType::get(shape, element);
}

SmallVector<OpFoldResult> FunctionEmitter::extents(ArrayRef<const Axis *> axes) {
  return llvm::map_to_vector(axes, [&](const Axis *axis) { return extent(axis); });
}

Value FunctionEmitter::empty(ArrayRef<const Axis *> axes, Type element, Location loc) {
  return tensor::EmptyOp::create(b, loc, extents(axes), element);
}

//===-- orders ----------------------------------------------------------------------------------------------------===//

Value FunctionEmitter::ordered(const Emitted &from, ArrayRef<const Axis *> order, Location loc) {
  if (ArrayRef<const Axis *>(from.axes) == order)
    return from.value;
  Type element = cast<RankedTensorType>(from.value.getType()).getElementType();
  Value init = empty(order, element, loc);
  if (from.axes.size() == order.size()) {
    SmallVector<int64_t> permutation;
    for (const Axis *axis : order)
      permutation.push_back(llvm::find(from.axes, axis) - from.axes.begin());
    return linalg::TransposeOp::create(b, loc, from.value, init, permutation)->getResult(0);
  }
  // Axes that the value does not have: it is the same all along them.
  SmallVector<AffineExpr> read;
  for (const Axis *axis : from.axes)
    read.push_back(b.getAffineDimExpr(llvm::find(order, axis) - order.begin()));
  SmallVector<AffineMap> maps = {AffineMap::get(order.size(), 0, read, b.getContext()),
                                 b.getMultiDimIdentityMap(order.size())};
  SmallVector<utils::IteratorType> iterators(order.size(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, init.getType(), from.value, init, maps, iterators,
                                   [](OpBuilder &body, Location at, ValueRange arguments) {
                                     linalg::YieldOp::create(body, at, arguments.front());
                                   })
      ->getResult(0);
}

static AxisList flatten(const Groups &groups) {
  AxisList flat;
  for (const AxisList &group : groups)
    flat.append(group);
  return flat;
}

/// For each dimension of the shorter shape (the groups that are not empty), the dimensions of the longer one: itself
/// and the unit dimensions before it; those at the end go with the last.
static SmallVector<ReassociationIndices> unitDimensions(const Groups &groups) {
  SmallVector<ReassociationIndices> reassociation;
  ReassociationIndices pending;
  for (auto [index, group] : llvm::enumerate(groups)) {
    pending.push_back(index);
    if (group.empty())
      continue;
    reassociation.push_back(pending);
    pending.clear();
  }
  if (!reassociation.empty())
    reassociation.back().append(pending);
  return reassociation;
}

/// For each group that is not empty, its axes among all axes.
static SmallVector<ReassociationIndices> joinedAxes(const Groups &groups) {
  SmallVector<ReassociationIndices> reassociation;
  int64_t next = 0;
  for (const AxisList &group : groups) {
    if (group.empty())
      continue;
    reassociation.emplace_back();
    for (size_t i = 0; i < group.size(); ++i)
      reassociation.back().push_back(next++);
  }
  return reassociation;
}

static bool joins(const Groups &groups) {
  return llvm::any_of(groups, [](const AxisList &group) { return group.size() > 1; });
}
static bool hasUnits(const Groups &groups) {
  return llvm::any_of(groups, [](const AxisList &group) { return group.empty(); });
}
static Groups withoutUnits(const Groups &groups) {
  Groups full;
  for (const AxisList &group : groups)
    if (!group.empty())
      full.push_back(group);
  return full;
}

Value FunctionEmitter::arrange(const Emitted &from, const Groups &groups, Location loc) {
  Value value = ordered(from, flatten(groups), loc);
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  Groups full = withoutUnits(groups);
  if (joins(groups))
    value = tensor::CollapseShapeOp::create(b, loc, typeOf(full, element), value, joinedAxes(groups));
  if (hasUnits(groups)) {
    SmallVector<OpFoldResult> shape;
    int64_t next = 0;
    for (const AxisList &group : groups) {
      if (group.empty())
        shape.push_back(b.getIndexAttr(1));
      else if (group.size() == 1)
        shape.push_back(extent(group.front()));
      else
        shape.push_back(tensor::getMixedSize(b, loc, value, next));
      next += !group.empty();
    }
    value = tensor::ExpandShapeOp::create(b, loc, typeOf(groups, element), value, unitDimensions(groups), shape);
  }
  return value;
}

Emitted FunctionEmitter::restore(Value value, const Groups &groups, Location loc) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  AxisList flat = flatten(groups);
  Groups full = withoutUnits(groups);
  if (hasUnits(groups))
    value = tensor::CollapseShapeOp::create(b, loc, typeOf(full, element), value, unitDimensions(groups));
  if (joins(groups))
    value = tensor::ExpandShapeOp::create(b, loc, typeOf(flat, element), value, joinedAxes(groups), extents(flat));
  return {value, flat};
}

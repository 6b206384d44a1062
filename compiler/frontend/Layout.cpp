//===- Layout.cpp - orders of axes and sizes ----------------------------------------------------------------------===//
// Answers: how is a value brought into the order of dimensions that an op wants, several axes as one dimension or none
// as a dimension of size 1, and back?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "dialects/Weft/IR/Dimensions.h"
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
  } else if (!axis->parts.empty()) {
    SmallVector<Value> parts = llvm::map_to_vector(axis->parts, [&](const Axis *part) { return extentValue(part); });
    OpBuilder::InsertionGuard guard(b);
    prologue ? b.setInsertionPointAfter(prologue) : b.setInsertionPointToStart(entry);
    Location loc = location(axis->loc, axis->name);
    Value total = arith::ConstantIndexOp::create(b, loc, axis->plus);
    for (Value part : parts)
      total = arith::AddIOp::create(b, loc, total, part);
    if (axis->plus < 0)
      total = arith::MaxSIOp::create(b, loc, total, arith::ConstantIndexOp::create(b, loc, 0));
    prologue = total.getDefiningOp();
    size = total;
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

Groups weft::frontend::singles(ArrayRef<const Axis *> axes) {
  Groups groups;
  for (const Axis *axis : axes)
    groups.push_back({axis});
  return groups;
}

static AxisList flatten(const Groups &groups) {
  AxisList flat;
  for (const AxisList &group : groups)
    flat.append(group);
  return flat;
}

static SmallVector<unsigned> counts(const Groups &groups) {
  return llvm::map_to_vector(groups, [](const AxisList &group) { return unsigned(group.size()); });
}

Value FunctionEmitter::arrange(const Emitted &from, const Groups &groups, Location loc) {
  AxisList flat = flatten(groups);
  return joinDimensions(b, loc, ordered(from, flat, loc), counts(groups), extents(flat));
}

Emitted FunctionEmitter::restore(Value value, const Groups &groups, Location loc) {
  AxisList flat = flatten(groups);
  return {splitDimensions(b, loc, value, counts(groups), extents(flat)), flat};
}

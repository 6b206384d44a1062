//===- EmitAxes.cpp - axes joined, cut, split and renamed ---------------------------------------------------------===//
// Answers: which views and copies say that elements stay what they are, over other axes?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weft::frontend;

/// The axes as dimensions, with `group` as one in the place of `list`, whose first axis says where.
static Groups withGroup(ArrayRef<const Axis *> axes, ArrayRef<const Axis *> list, const AxisList &group) {
  Groups groups;
  for (const Axis *axis : axes) {
    if (axis == list.front())
      groups.push_back(group);
    else if (!contains(list, axis))
      groups.push_back({axis});
  }
  return groups;
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Rename &rename) {
  const Emitted &from = get(node.operands[0]);
  if (rename.from.size() == 1 && rename.to.size() == 1) {
    Emitted renamed = from;
    *llvm::find(renamed.axes, rename.from.front()) = rename.to.front();
    return renamed;
  }
  Location loc = location(node.loc, node.construct);
  // One axis is taken apart where it lies; several are brought together first.
  bool splits = rename.from.size() == 1;
  ArrayRef<const Axis *> order = splits ? from.axes : node.axes;
  ArrayRef<const Axis *> place = splits ? rename.from : rename.to;
  Value value = arrange(from, withGroup(order, place, rename.from), loc);
  return restore(value, withGroup(order, place, rename.to), loc);
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Pick &pick) {
  Location loc = location(node.loc, node.construct);
  const Emitted &from = get(node.operands[0]);
  SmallVector<OpFoldResult> offsets(from.axes.size(), b.getIndexAttr(0)), strides(from.axes.size(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> lengths = extents(from.axes);
  AxisList rest;
  for (auto [index, axis] : llvm::enumerate(from.axes)) {
    if (axis != pick.axis) {
      rest.push_back(axis);
      continue;
    }
    lengths[index] = b.getIndexAttr(1);
    if (pick.index >= 0) {
      offsets[index] = b.getIndexAttr(pick.index);
    } else if (std::optional<int64_t> size = axis->staticSize()) {
      offsets[index] = b.getIndexAttr(*size - 1);
    } else {
      Value one = arith::ConstantIndexOp::create(b, loc, 1);
      offsets[index] = arith::SubIOp::create(b, loc, extentValue(axis), one).getResult();
    }
  }
  return {tensor::ExtractSliceOp::create(b, loc, typeOf(rest, elementType(node.element)), from.value, offsets, lengths,
                                         strides),
          rest};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Slice &slice) {
  Location loc = location(node.loc, node.construct);
  const Emitted &from = get(node.operands[0]);
  AxisList axes = from.axes;
  auto at = llvm::find(axes, slice.axis);
  *at = slice.to;
  SmallVector<OpFoldResult> offsets(axes.size(), b.getIndexAttr(0)), strides(axes.size(), b.getIndexAttr(1));
  offsets[at - axes.begin()] = b.getIndexAttr(slice.first);
  return {tensor::ExtractSliceOp::create(b, loc, typeOf(axes, elementType(node.element)), from.value, offsets,
                                         extents(axes), strides),
          axes};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::Concat &concat) {
  Location loc = location(node.loc, node.construct);
  SmallVector<Value> parts;
  for (auto [operand, joined] : llvm::zip_equal(node.operands, concat.joined)) {
    AxisList part = joined ? AxisList{joined} : AxisList();
    parts.push_back(arrange(get(operand), withGroup(node.axes, {concat.to}, part), loc));
  }
  int64_t dim = llvm::find(node.axes, concat.to) - node.axes.begin();
  return {tensor::ConcatOp::create(b, loc, typeOf(node.axes, elementType(node.element)), dim, parts), node.axes};
}

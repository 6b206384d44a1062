//===- EmitScan.cpp - recurrences as loops ------------------------------------------------------------------------===//
// Answers: what goes from one round of the loop to the next, and where do the values of all positions come together?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace weft::frontend;

namespace {
/// One position of an axis, as a slice of a tensor whose dimensions are `axes`.
struct Place {
  SmallVector<OpFoldResult> offsets, sizes, strides;
};
} // namespace

static Place placeOf(OpBuilder &b, ArrayRef<const Axis *> axes, const Axis *axis, Value index,
                     SmallVector<OpFoldResult> extents) {
  Place place{SmallVector<OpFoldResult>(axes.size(), b.getIndexAttr(0)), std::move(extents),
              SmallVector<OpFoldResult>(axes.size(), b.getIndexAttr(1))};
  size_t at = llvm::find(axes, axis) - axes.begin();
  place.offsets[at] = index;
  place.sizes[at] = b.getIndexAttr(1);
  return place;
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::At &at) {
  Location loc = location(node.loc, node.construct);
  const Emitted &from = get(node.operands[0]);
  AxisList rest;
  llvm::copy_if(from.axes, std::back_inserter(rest), [&](const Axis *axis) { return axis != at.axis; });
  Place place = placeOf(b, from.axes, at.axis, scanIndices[node.loop], extents(from.axes));
  return {tensor::ExtractSliceOp::create(b, loc, typeOf(rest, elementType(node.element)), from.value, place.offsets,
                                         place.sizes, place.strides),
          rest};
}

Emitted FunctionEmitter::emitOp(const Node &node, const op::ScanResult &result) {
  const ScanValues &all = scans[node.operands[0]];
  return result.isFinal ? all.states[result.index] : all.results.find(result.index)->second;
}

Emitted FunctionEmitter::emitOp(const Node &node, const std::shared_ptr<const op::Scan> &shared) {
  const op::Scan &scan = *shared;
  Location loc = location(node.loc, node.construct);
  // What lies between the positions of a result and what the body gives of it.
  struct Output {
    unsigned index;
    AxisList axes, inner;
  };
  SmallVector<Output> outputs;
  for (const Node *user : scanResults[&node]) {
    const auto &result = *user->as<op::ScanResult>();
    if (result.isFinal || llvm::any_of(outputs, [&](const Output &output) { return output.index == result.index; }))
      continue;
    Output output{result.index, user->axes, {}};
    llvm::copy_if(user->axes, std::back_inserter(output.inner), [&](const Axis *axis) { return axis != scan.axis; });
    outputs.push_back(output);
  }
  SmallVector<Value> start;
  for (auto [state, first] : llvm::zip_equal(scan.states, node.operands))
    start.push_back(ordered(get(first), state->axes, loc));
  for (const Output &output : outputs)
    start.push_back(empty(output.axes, elementType(scan.results[output.index]->element), loc));

  Value count = extentValue(scan.axis);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
  auto loop = scf::ForOp::create(b, loc, zero, count, one, start);
  llvm::SaveAndRestore inside(outermost, outermost ? outermost : loop.getOperation());
  b.setInsertionPointToStart(loop.getBody());
  Value index = loop.getInductionVar();
  if (scan.backwards)
    index = arith::SubIOp::create(b, loc, arith::SubIOp::create(b, loc, count, one), index);
  scanIndices[scan.loop] = index;
  for (auto [state, argument] : llvm::zip(scan.states, loop.getRegionIterArgs()))
    values[state] = {argument, state->axes};
  emitNodes(scan.loop);

  SmallVector<Value> next;
  for (auto [state, result] : llvm::zip(scan.states, scan.results))
    next.push_back(ordered(get(result), state->axes, loc));
  for (auto [output, all] : llvm::zip_equal(outputs, loop.getRegionIterArgs().drop_front(scan.states.size()))) {
    Value value = ordered(get(scan.results[output.index]), output.inner, loc);
    Place place = placeOf(b, output.axes, scan.axis, index, extents(output.axes));
    next.push_back(tensor::InsertSliceOp::create(b, loc, value, all, place.offsets, place.sizes, place.strides));
  }
  scf::YieldOp::create(b, loc, next);
  b.setInsertionPointAfter(loop);

  ScanValues &all = scans[&node];
  for (auto [state, value] : llvm::zip(scan.states, loop.getResults()))
    all.states.push_back({value, state->axes});
  for (auto [output, value] : llvm::zip_equal(outputs, loop.getResults().drop_front(scan.states.size())))
    all.results[output.index] = {value, output.axes};
  return {};
}

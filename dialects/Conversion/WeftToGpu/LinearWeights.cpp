//===- LinearWeights.cpp - the packed weights of a product on a GPU -----------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/LinearWeights.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {

PackedWeights::PackedWeights(PackedLinearOp op) : packed(op.getPacked()), depth(op.getDepth()), panel(op.getPanel()) {
  auto type = cast<MemRefType>(packed.getType());
  element = type.getElementType();
  panels = type.getDimSize(0);
  words = type.getDimSize(1);
  perWord = type.getRank() == 3 ? 1 : type.getDimSize(3);
}

Value PackedWeights::load(Kernel &k, Value panelAt, Value input, Value inPanel) const {
  if (perWord == 1)
    return k.load(packed, {panelAt, input, inPanel});
  Value half = k.load(packed, {panelAt, k.divide(input, perWord), inPanel, k.remainder(input, perWord)});
  return arith::ExtFOp::create(k.b, k.b.getF32Type(), half);
}

Value PackedWeights::loadHalves(Kernel &k, Value panelAt, Value word, Value inPanel) const {
  auto four = VectorType::get({4}, element);
  // Of the words of neighbouring columns, which lie side by side.
  return vector::LoadOp::create(k.b, four, packed, ValueRange{panelAt, word, inPanel, k.index(0)});
}

Value PackedWeights::loadStep(Kernel &k, Value panelAt, Value step, Value inPanel) const {
  auto four = VectorType::get({4}, k.b.getF32Type());
  if (perWord == 1)
    return vector::LoadOp::create(k.b, four, packed, ValueRange{panelAt, step, inPanel});
  return arith::ExtFOp::create(k.b, four, loadHalves(k, panelAt, step, inPanel));
}

} // namespace weft::grid

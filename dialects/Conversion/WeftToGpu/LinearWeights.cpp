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

SmallVector<Value> PackedWeights::loadPairs(Kernel &k, Value panelAt, Value first, Value inPanel, int64_t count,
                                            bool areAllThere) const {
  auto place = [&](Value at, int64_t end) { return areAllThere ? at : k.min(at, k.index(end - 1)); };
  SmallVector<Value> pairs;
  if (perWord == 1) {
    auto pair = VectorType::get({pairColumns}, k.b.getF32Type());
    for (int64_t i = 0; i < count; ++i)
      pairs.push_back(
          vector::LoadOp::create(k.b, pair, packed, ValueRange{panelAt, place(k.add(first, i), depth), inPanel}));
    return pairs;
  }
  Value firstWord = k.divide(first, perWord);
  auto four = VectorType::get({pairColumns * perWord}, k.b.getF32Type());
  for (int64_t word = 0; word < count / perWord; ++word) {
    Value halves = loadHalves(k, panelAt, place(k.add(firstWord, word), words), inPanel);
    Value wide = arith::ExtFOp::create(k.b, four, halves);
    for (int64_t i = 0; i < perWord; ++i)
      pairs.push_back(vector::ShuffleOp::create(k.b, wide, wide, ArrayRef<int64_t>{i, perWord + i}));
  }
  return pairs;
}

} // namespace weft::grid

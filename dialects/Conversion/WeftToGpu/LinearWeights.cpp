//===- LinearWeights.cpp - the packed weights of a product on a GPU -----------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/LinearWeights.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::grid {

PackedWeights::PackedWeights(PackedLinearOp op)
    : packed(op.getPacked()), scales(op.getScales()), depth(op.getDepth()), panel(op.getPanel()) {
  auto type = cast<MemRefType>(packed.getType());
  element = type.getElementType();
  panels = type.getDimSize(0);
  words = type.getDimSize(1);
  perWord = type.getRank() == 3 ? 1 : type.getDimSize(3);
  WeightType weights = op.getWeightType();
  wordsOfGroup = weights == WeightType::Int4 ? groupDepth(weights, depth) / perWord : 0;
}

//===-- words of integers -----------------------------------------------------------------------------------------===//

/// One of each of some neighbouring columns, which lie side by side.
Value PackedWeights::loadWords(Kernel &k, Value panelAt, Value word, Value inPanel, int64_t columns) const {
  auto all = VectorType::get({columns * perWord}, element), type = VectorType::get({columns}, k.b.getI32Type());
  Value loaded = vector::LoadOp::create(k.b, all, packed, ValueRange{panelAt, word, inPanel, k.index(0)});
  Value bits = vector::BitCastOp::create(k.b, type, loaded);
  if (element.isInteger(8)) { // q + 128 as q
    auto signs = DenseElementsAttr::get(type, APInt(32, 0x80808080u));
    bits = arith::XOrIOp::create(k.b, bits, arith::ConstantOp::create(k.b, signs));
  }
  return bits;
}

/// Number `at` of each word: what is above is shifted away, and then what is below.
Value PackedWeights::integers(Kernel &k, Value words, Value at) const {
  int64_t bits = element.getIntOrFloatBitWidth();
  Type type = words.getType();
  auto spread = [&](Value number) {
    number = k.b.createOrFold<arith::IndexCastOp>(k.b.getI32Type(), number);
    return isa<VectorType>(type) ? k.b.createOrFold<vector::BroadcastOp>(type, number) : number;
  };
  Value above = spread(k.sub(k.index(32 - bits), k.mul(at, bits)));
  Value shifted =
      k.b.createOrFold<arith::ShRSIOp>(k.b.createOrFold<arith::ShLIOp>(words, above), spread(k.index(32 - bits)));
  auto vectorType = dyn_cast<VectorType>(type);
  Type floats = vectorType ? Type(vectorType.clone(k.b.getF32Type())) : k.b.getF32Type();
  return arith::SIToFPOp::create(k.b, floats, shifted);
}

Value PackedWeights::columnScale(Kernel &k, Value panelAt, Value inPanel) const {
  return k.load(scales, {panelAt, k.index(0), inPanel});
}

//===-- one column ------------------------------------------------------------------------------------------------===//

SmallVector<Value> PackedWeights::load(Kernel &k, Value panelAt, Value first, Value inPanel, int64_t count) const {
  if (perWord == 1)
    return {k.load(packed, {panelAt, first, inPanel})};
  Value word = k.divide(first, perWord), inWord = count == perWord ? k.index(0) : k.remainder(first, perWord);
  SmallVector<Value> weights;
  if (!isInteger()) {
    auto type = VectorType::get({count}, element);
    Value stored = vector::LoadOp::create(k.b, type, packed, ValueRange{panelAt, word, inPanel, inWord});
    Value wide = arith::ExtFOp::create(k.b, type.clone(k.b.getF32Type()), stored);
    for (int64_t i = 0; i < count; ++i)
      weights.push_back(vector::ExtractOp::create(k.b, wide, i));
    return weights;
  }
  Value bits = vector::ExtractOp::create(k.b, loadWords(k, panelAt, word, inPanel, /*columns=*/1), 0), scale;
  if (hasGroups())
    scale =
        arith::ExtFOp::create(k.b, k.b.getF32Type(), k.load(scales, {panelAt, k.divide(word, wordsOfGroup), inPanel}));
  for (int64_t i = 0; i < count; ++i) {
    Value number = integers(k, bits, k.add(inWord, i));
    weights.push_back(scale ? times(k, number, scale) : number);
  }
  return weights;
}

//===-- two columns -----------------------------------------------------------------------------------------------===//

Value PackedWeights::loadHalves(Kernel &k, Value panelAt, Value word, Value inPanel) const {
  auto four = VectorType::get({4}, element);
  // Of the words of neighbouring columns, which lie side by side.
  return vector::LoadOp::create(k.b, four, packed, ValueRange{panelAt, word, inPanel, k.index(0)});
}

SmallVector<Value> PackedWeights::loadPairs(Kernel &k, Value panelAt, Value first, Value inPanel, int64_t count,
                                            bool areAllThere) const {
  auto place = [&](Value at, int64_t end) { return areAllThere ? at : k.min(at, k.index(end - 1)); };
  auto pair = VectorType::get({pairColumns}, k.b.getF32Type());
  SmallVector<Value> pairs;
  if (perWord == 1) {
    for (int64_t i = 0; i < count; ++i)
      pairs.push_back(
          vector::LoadOp::create(k.b, pair, packed, ValueRange{panelAt, place(k.add(first, i), depth), inPanel}));
    return pairs;
  }
  Value firstWord = k.divide(first, perWord);
  auto four = VectorType::get({pairColumns * perWord}, k.b.getF32Type());
  for (int64_t n = 0; n < count / perWord; ++n) {
    Value word = place(k.add(firstWord, n), words);
    if (!isInteger()) {
      Value wide = arith::ExtFOp::create(k.b, four, loadHalves(k, panelAt, word, inPanel));
      for (int64_t i = 0; i < perWord; ++i)
        pairs.push_back(vector::ShuffleOp::create(k.b, wide, wide, ArrayRef<int64_t>{i, perWord + i}));
      continue;
    }
    Value bits = loadWords(k, panelAt, word, inPanel, pairColumns), scale;
    if (hasGroups()) {
      auto stored = pair.clone(cast<MemRefType>(scales.getType()).getElementType());
      Value two =
          vector::LoadOp::create(k.b, stored, scales, ValueRange{panelAt, k.divide(word, wordsOfGroup), inPanel});
      scale = arith::ExtFOp::create(k.b, pair, two);
    }
    for (int64_t i = 0; i < perWord; ++i) {
      Value numbers = integers(k, bits, k.index(i));
      pairs.push_back(scale ? times(k, numbers, scale) : numbers);
    }
  }
  return pairs;
}

} // namespace weft::grid

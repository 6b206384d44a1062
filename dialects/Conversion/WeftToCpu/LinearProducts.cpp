//===- LinearProducts.cpp - the sums of products in a tile of a matmul --------------------------------------------===//
// Answers: how are weights of each type multiplied by activations?
//
//   f32             one broadcast activation times a vector of weights
//   f16             a word holds two inputs of a column, which an instruction widens
//   bf16, kept      a word holds two inputs of a column: one is widened by a shift, the other by a mask
//   i8, i4, kept    a shift to the left and one to the right cut an integer out of its word, or, of 4 bits for 16
//                   lanes, a permutation finds its number; sums of a group of inputs are multiplied by its scale
//   bf16, i8, rounded   one instruction multiplies the words of 16 columns by a broadcast word of activations
//   i8, i4, fixed point   4 or 3 such instructions, one for each rank of digits, multiply weights as they lie in
//   memory,
//                   or cut out by a mask; their sums are exact, and become f32 when a column or group has ended
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/LinearProducts.h"
#include "dialects/Weft/IR/Workspace.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;

namespace weft::cpu {

Slices::Slices(PackedLinearOp op, const CpuLimits &limits) {
  auto packed = cast<ShapedType>(op.getPacked().getType());
  depth = op.getDepth();
  words = packed.getDimSize(1);
  columns = op.getColumns();
  parts = op.getParts();
  int64_t partWidth = packed.getDimSize(2) / parts;
  width = std::gcd<int64_t>(partWidth, limits.lanes);
  int64_t inPart = partWidth / width;
  vectors = std::gcd(inPart, std::max<int64_t>(1, 2 / parts));
  perPanel = inPart / vectors;
  count = llvm::divideCeil(columns, vectors * width);
}

int64_t Slices::group() const {
  constexpr int64_t cacheBytes = 1024 * 1024; // of L2, for the weights of a group
  int64_t bytes = 4 * words * parts * sliceColumns();
  return 4 * bytes <= cacheBytes ? 4 : 2;
}

//===-- loads -----------------------------------------------------------------------------------------------------===//

SmallVector<LinearProducts::Place> LinearProducts::placesOf(OpBuilder &b, ArrayRef<Value> tileSlices) {
  int64_t partWidth = slices.perPanel * slices.sliceColumns();
  Value perPanel = constantIndex(b, loc, slices.perPanel);
  SmallVector<Place> places;
  for (Value slice : tileSlices) {
    Value panel = b.createOrFold<arith::DivUIOp>(loc, slice, perPanel);
    Value within = b.createOrFold<arith::RemUIOp>(loc, slice, perPanel);
    within = b.createOrFold<arith::MulIOp>(loc, within, constantIndex(b, loc, slices.sliceColumns()));
    for (int64_t part = 0; part < slices.parts; ++part)
      for (int64_t v = 0; v < slices.vectors; ++v) {
        Value offset = constantIndex(b, loc, part * partWidth + v * slices.width);
        places.push_back({panel, b.createOrFold<arith::AddIOp>(loc, within, offset)});
      }
  }
  return places;
}

/// A vector of f32 weights, or of words. Words are loaded from the address that they have, since no view of memory
/// changes the type of its elements.
Value LinearProducts::loadWords(OpBuilder &b, const Place &place, Value word) {
  if (weightType == WeightType::F32)
    return vector::LoadOp::create(b, loc, floats(b), op.getPacked(), ValueRange{place.panel, word, place.column});
  return LLVM::LoadOp::create(b, loc, integers(b), addressOf(b, place, word), /*alignment=*/sizeof(int32_t));
}

Value LinearProducts::addressOf(OpBuilder &b, const Place &place, Value word) {
  auto plus = [&](Value x, Value y) { return b.createOrFold<arith::AddIOp>(loc, x, y); };
  auto times = [&](Value x, int64_t y) { return b.createOrFold<arith::MulIOp>(loc, x, constantIndex(b, loc, y)); };
  Value index = plus(times(plus(times(place.panel, slices.words), word), slices.panelColumns()), place.column);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, op.getPacked());
  address = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
  index = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value base = LLVM::IntToPtrOp::create(b, loc, pointer, address);
  return LLVM::GEPOp::create(b, loc, pointer, b.getI32Type(), base, index);
}

Value LinearProducts::loadScales(OpBuilder &b, const Place &place, Value group) {
  auto type = floats(b).clone(cast<MemRefType>(op.getScales().getType()).getElementType());
  Value scales = vector::LoadOp::create(b, loc, type, op.getScales(), ValueRange{place.panel, group, place.column});
  if (type.getElementType().isF32())
    return scales;
  // Not by arith.extf: vectors of bf16 that LLVM joins and splits become calls for each lane where CPUs have no bf16.
  scales = arith::BitcastOp::create(b, loc, floats(b).clone(b.getI16Type()), scales);
  scales = arith::ShLIOp::create(b, loc, arith::ExtUIOp::create(b, loc, integers(b), scales), vectorOf(b, 16));
  return arith::BitcastOp::create(b, loc, floats(b), scales);
}

Value LinearProducts::vectorOf(OpBuilder &b, int32_t number) {
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers(b), number));
}

//===-- activations as they are -----------------------------------------------------------------------------------===//

/// Element `element` of each word, in f32.
Value LinearProducts::widen(OpBuilder &b, Value words, int64_t element) {
  if (weightType == WeightType::F32)
    return words;
  if (weightType == WeightType::F16) {
    Value lower = element == 0 ? words : arith::ShRUIOp::create(b, loc, words, vectorOf(b, 16)).getResult();
    auto halves = floats(b).clone(b.getI16Type());
    Value numbers = arith::TruncIOp::create(b, loc, halves, lower);
    numbers = arith::BitcastOp::create(b, loc, floats(b).clone(b.getF16Type()), numbers);
    return arith::ExtFOp::create(b, loc, floats(b), numbers);
  }
  if (weightType == WeightType::BF16) {
    Value upper = element == 0 ? arith::ShLIOp::create(b, loc, words, vectorOf(b, 16)).getResult()
                               : arith::AndIOp::create(b, loc, words, vectorOf(b, 0xffff0000)).getResult();
    return arith::BitcastOp::create(b, loc, floats(b), upper);
  }
  // 16 integers are as many as a vector has lanes: they are looked up by the lowest 4 bits of each lane.
  if (weightType == WeightType::Int4 && slices.width == 16) {
    SmallVector<float> numbers;
    for (int i = 0; i < 16; ++i)
      numbers.push_back(static_cast<float>(i < 8 ? i : i - 16));
    Value table = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(floats(b), ArrayRef(numbers)));
    if (element)
      words = arith::ShRUIOp::create(b, loc, words, vectorOf(b, 4 * element));
    return LLVM::CallIntrinsicOp::create(b, loc, floats(b), b.getStringAttr("llvm.x86.avx512.permvar.sf.512"),
                                         ValueRange{table, words})
        .getResult(0);
  }
  int32_t bits = bitsOf(weightType), above = 32 - bits * (element + 1);
  if (above)
    words = arith::ShLIOp::create(b, loc, words, vectorOf(b, above));
  return arith::SIToFPOp::create(b, loc, floats(b), arith::ShRSIOp::create(b, loc, words, vectorOf(b, 32 - bits)));
}

/// Adds the products of the first `elements` elements of a word.
void LinearProducts::addWord(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places, Value word, int64_t elements,
                             Values &sums) {
  Values words;
  for (const Place &place : places)
    words.push_back(loadWords(b, place, word));
  if (weightType == WeightType::Int8) // q + 128 as q
    for (Value &each : words)
      each = arith::XOrIOp::create(b, loc, each, vectorOf(b, 0x80808080));
  Value first = b.createOrFold<arith::MulIOp>(loc, word, constantIndex(b, loc, perWord(weightType)));
  for (int64_t element = 0; element < elements; ++element) {
    Value k = b.createOrFold<arith::AddIOp>(loc, first, constantIndex(b, loc, element));
    Values weights = llvm::map_to_vector(words, [&](Value each) { return widen(b, each, element); });
    for (auto [r, row] : llvm::enumerate(tile)) {
      Value activation = memref::LoadOp::create(b, loc, input.memref(), input.indices(row, k));
      Value broadcast = splat(b, loc, activation, floats(b));
      for (auto [w, weight] : llvm::enumerate(weights)) {
        Value &sum = sums[r * weights.size() + w];
        sum = vector::FMAOp::create(b, loc, broadcast, weight, sum);
      }
    }
  }
}

/// The sums over whole words.
LinearProducts::Values LinearProducts::sumWords(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places, Value first,
                                                Value last) {
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(floats(b)));
  Values start(tile.size() * places.size(), zero);
  auto loop = scf::ForOp::create(b, loc, first, last, constantIndex(b, loc, 1), start,
                                 [&](OpBuilder &b, Location loc, Value word, ValueRange sums) {
                                   Values next(sums);
                                   addWord(b, tile, places, word, perWord(weightType), next);
                                   scf::YieldOp::create(b, loc, next);
                                 });
  return Values(loop.getResults());
}

LinearProducts::Values LinearProducts::sumWidened(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places) {
  int64_t inWord = perWord(weightType), wholeWords = slices.depth / inWord, left = slices.depth % inWord;
  auto addLeft = [&](Values &sums) {
    if (left)
      addWord(b, tile, places, constantIndex(b, loc, wholeWords), left, sums);
  };
  auto addScaled = [&](OpBuilder &b, ArrayRef<Value> ofGroup, Value group, Values &sums) {
    Values scales = llvm::map_to_vector(places, [&](const Place &place) { return loadScales(b, place, group); });
    for (auto [i, sum] : llvm::enumerate(sums))
      sum = vector::FMAOp::create(b, loc, ofGroup[i], scales[i % scales.size()], sum);
  };
  Value zero = constantIndex(b, loc, 0);
  if (!op.getScales()) {
    Values sums = sumWords(b, tile, places, zero, constantIndex(b, loc, wholeWords));
    addLeft(sums);
    return sums;
  }
  Values sums(tile.size() * places.size(), arith::ConstantOp::create(b, loc, b.getZeroAttr(floats(b))));
  int64_t each = groupDepth(weightType, slices.depth), words = each / inWord;
  int64_t begun = groupsOf(weightType, slices.depth) > 1 ? slices.depth / each : 0; // groups in a loop: whole ones
  if (begun) {
    auto groups =
        scf::ForOp::create(b, loc, zero, constantIndex(b, loc, begun), constantIndex(b, loc, 1), sums,
                           [&](OpBuilder &b, Location loc, Value group, ValueRange before) {
                             Value first = b.createOrFold<arith::MulIOp>(loc, group, constantIndex(b, loc, words));
                             Value last = b.createOrFold<arith::AddIOp>(loc, first, constantIndex(b, loc, words));
                             Values ofGroup = sumWords(b, tile, places, first, last), next(before);
                             addScaled(b, ofGroup, group, next);
                             scf::YieldOp::create(b, loc, next);
                           });
    sums = Values(groups.getResults());
  }
  // The last group, or the only one: all that is left.
  if (begun * each == slices.depth)
    return sums;
  Values ofGroup = sumWords(b, tile, places, constantIndex(b, loc, begun * words), constantIndex(b, loc, wholeWords));
  addLeft(ofGroup);
  addScaled(b, ofGroup, constantIndex(b, loc, begun), sums);
  return sums;
}

//===-- rounded activations ---------------------------------------------------------------------------------------===//

Value dotBytes(OpBuilder &b, Location loc, Value sum, Value unsignedBytes, Value signedBytes) {
  return LLVM::CallIntrinsicOp::create(b, loc, sum.getType(), b.getStringAttr("llvm.x86.avx512.vpdpbusd.512"),
                                       ValueRange{sum, unsignedBytes, signedBytes})
      .getResult(0);
}

/// sum + the products of the elements of each word.
Value LinearProducts::dot(OpBuilder &b, Value sum, Value weights, Value activations) {
  auto as = [&](Value words, Type element) -> Value {
    int64_t inWord = perWord(weightType);
    return vector::BitCastOp::create(b, loc, VectorType::get({slices.width * inWord}, element), words);
  };
  if (weightType == WeightType::BF16)
    return x86vector::DotBF16Op::create(b, loc, sum.getType(), sum, as(activations, b.getBF16Type()),
                                        as(weights, b.getBF16Type()));
  return dotBytes(b, loc, sum, as(weights, b.getI8Type()), as(activations, b.getI8Type()));
}

LinearProducts::Values LinearProducts::sumDots(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places) {
  bool isInteger = weightType == WeightType::Int8;
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(isInteger ? integers(b) : floats(b)));
  auto loop = scf::ForOp::create(
      b, loc, constantIndex(b, loc, 0), constantIndex(b, loc, slices.words), constantIndex(b, loc, 1),
      Values(tile.size() * places.size(), zero), [&](OpBuilder &b, Location loc, Value word, ValueRange sums) {
        Values next(sums);
        Values weights = llvm::map_to_vector(places, [&](const Place &place) { return loadWords(b, place, word); });
        for (auto [r, row] : llvm::enumerate(tile)) {
          Value broadcast = splat(b, loc, loadRounded(b, row, word), integers(b));
          for (auto [w, weight] : llvm::enumerate(weights)) {
            Value &sum = next[r * weights.size() + w];
            sum = dot(b, sum, weight, broadcast);
          }
        }
        scf::YieldOp::create(b, loc, next);
      });
  Values sums(loop.getResults());
  if (isInteger)
    scaleIntegers(b, tile, places, sums);
  return sums;
}

/// Weights were q + 128: 128 times the sum of the row's integers is too much. What is left stands for its product with
/// two scales.
void LinearProducts::scaleIntegers(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places, Values &sums) {
  int64_t words = cast<MemRefType>(op.getWorkspace().getType()).getShape().back();
  Value group = constantIndex(b, loc, 0);
  Values columns = llvm::map_to_vector(places, [&](const Place &place) { return loadScales(b, place, group); });
  for (size_t r = 0; r < tile.size(); ++r) {
    const Row &row = tile[r];
    auto load = [&](int64_t word) { return loadRounded(b, row, constantIndex(b, loc, word)); };
    Value excess = arith::MulIOp::create(b, loc, load(workspaceSum(words)),
                                         arith::ConstantIntOp::create(b, loc, b.getI32Type(), 128));
    Value scale = arith::BitcastOp::create(b, loc, b.getF32Type(), load(workspaceScale(words)));
    excess = splat(b, loc, excess, integers(b));
    scale = splat(b, loc, scale, floats(b));
    for (auto [c, column] : llvm::enumerate(columns)) {
      Value &sum = sums[r * columns.size() + c];
      Value product = arith::SIToFPOp::create(b, loc, floats(b), arith::SubIOp::create(b, loc, sum, excess));
      sum = arith::MulFOp::create(b, loc, product, arith::MulFOp::create(b, loc, scale, column));
    }
  }
}

Value LinearProducts::loadRounded(OpBuilder &b, const Row &row, Value word) {
  return memref::LoadOp::create(b, loc, workspace->memref(), workspace->indices(row, word));
}

SmallVector<Value> LinearProducts::emit(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Value> tileSlices) {
  SmallVector<Place> places = placesOf(b, tileSlices);
  switch (activations) {
  case Activations::Kept:
    return sumWidened(b, tile, places);
  case Activations::Rounded:
    return sumDots(b, tile, places);
  case Activations::FixedPoint:
    return sumFixedPoint(b, tile, places);
  }
  llvm_unreachable("no such activations");
}

} // namespace weft::cpu

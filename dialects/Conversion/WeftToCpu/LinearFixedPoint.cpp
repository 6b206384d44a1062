//===- LinearFixedPoint.cpp - integer weights times activations in fixed point -----------------------------------===//
// Answers: how do sums of digits times weights become sums of f32? A number of the input is d3 d2 d1 d0 to the base
// 256, so a column has four sums of integers, each exact; together they are its sum when it has ended. That is 4
// instructions for 4 weights of a column, as f32 has, but none to widen them. With weights of 4 bits it is 3: a group
// that shares a scale is so short that its sum of numbers of 24 bits is an integer of 32, and inputs have a scale for
// each group, too. CPUs that multiply one vector in a cycle would take longer for 4 than to read the weights.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/LinearProducts.h"
#include "dialects/Weft/IR/Workspace.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace weft::cpu {

// Work on a line of 4-bit weights takes as long as reading it, and a machine asks for too few of them ahead by itself.
static constexpr int64_t wordsAhead = 64;

/// For each row, for each place, the sum of each rank of digits over some words of weights.
LinearProducts::Values LinearProducts::sumDigits(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places, Value group,
                                                 Value first, int64_t count) {
  auto plus = [&](OpBuilder &b, Value x, int64_t y) {
    return b.createOrFold<arith::AddIOp>(loc, x, constantIndex(b, loc, y));
  };
  auto times = [&](OpBuilder &b, Value x, int64_t y) {
    return b.createOrFold<arith::MulIOp>(loc, x, constantIndex(b, loc, y));
  };
  auto broadcast = [&](OpBuilder &b, const Row &row, Value word) {
    return splat(b, loc, loadRounded(b, row, word), integers(b));
  };
  auto asBytes = [&](OpBuilder &b, Value words) -> Value {
    return vector::BitCastOp::create(b, loc, VectorType::get({4 * slices.width}, b.getI8Type()), words);
  };
  int64_t ranks = digitsOfNumber(weightType), begun = weightType == WeightType::Int4 ? 1 : ranks;
  Values starts, none(ranks - begun, arith::ConstantOp::create(b, loc, b.getZeroAttr(integers(b))));
  for (const Row &row : tile) {
    Values ofRow;
    for (int64_t digit = 0; digit < begun; ++digit)
      ofRow.push_back(broadcast(b, row, wordOfGroup(b, group, digit)));
    llvm::append_range(ofRow, none);
    for (size_t place = 0; place < places.size(); ++place)
      llvm::append_range(starts, ofRow);
  }
  int64_t perLoad = weightType == WeightType::Int4 ? 2 : 1; // words of bytes in a word of weights
  auto addWord = [&](OpBuilder &b, Value word, ValueRange sums) {
    Values next(sums), loaded = llvm::map_to_vector(places, [&](const Place &at) { return loadWords(b, at, word); });
    if (weightType == WeightType::Int4)
      for (const Place &place : places)
        LLVM::Prefetch::create(b, loc, addressOf(b, place, plus(b, word, wordsAhead)), /*rw=*/0, /*hint=*/3,
                               /*cache=*/1);
    for (int64_t part = 0; part < perLoad; ++part) {
      Values weights = llvm::map_to_vector(
          loaded, [&](Value words) { return asBytes(b, perLoad == 1 ? words : lowerHalves(b, words, part)); });
      Value digits = times(b, plus(b, times(b, word, perLoad), part), ranks);
      for (auto [r, row] : llvm::enumerate(tile))
        for (int64_t digit = 0; digit < ranks; ++digit) {
          Value activations = asBytes(b, broadcast(b, row, plus(b, digits, digit)));
          for (auto [w, weight] : llvm::enumerate(weights)) {
            Value &sum = next[(r * weights.size() + w) * ranks + digit];
            sum = dotBytes(b, loc, sum, weight, activations);
          }
        }
    }
    return next;
  };
  if (count <= 4) { // a group of 4-bit weights
    for (int64_t word = 0; word < count; ++word)
      starts = addWord(b, plus(b, first, word), starts);
    return starts;
  }
  auto loop = scf::ForOp::create(b, loc, first, plus(b, first, count), constantIndex(b, loc, 1), starts,
                                 [&](OpBuilder &b, Location loc, Value word, ValueRange sums) {
                                   scf::YieldOp::create(b, loc, addWord(b, word, sums));
                                 });
  return Values(loop.getResults());
}

/// The even 4-bit integers of each word, or with `part` the odd ones, as bytes: q + 8 of q.
Value LinearProducts::lowerHalves(OpBuilder &b, Value words, int64_t part) {
  if (part)
    words = arith::ShRUIOp::create(b, loc, words, vectorOf(b, 4));
  words = arith::XOrIOp::create(b, loc, words, vectorOf(b, 0x08080808));
  return arith::AndIOp::create(b, loc, words, vectorOf(b, 0x0f0f0f0f));
}

/// Where the workspace has what is known of a group.
Value LinearProducts::wordOfGroup(OpBuilder &b, Value group, int64_t place) {
  Value word = b.createOrFold<arith::MulIOp>(loc, group, constantIndex(b, loc, fixedPointPerGroup(weightType)));
  Value first = constantIndex(b, loc, fixedPointGroup(weightType, slices.depth, 0) + place);
  return b.createOrFold<arith::AddIOp>(loc, word, first);
}

/// The number whose digits were summed, in units of the lowest one.
Value LinearProducts::numberOf(OpBuilder &b, ArrayRef<Value> ranks) {
  auto toFloat = [&](Value rank) -> Value { return arith::SIToFPOp::create(b, loc, floats(b), rank); };
  if (weightType == WeightType::Int4) {
    Value number = ranks.back();
    for (Value rank : llvm::reverse(ranks.drop_back()))
      number = arith::AddIOp::create(b, loc, arith::ShLIOp::create(b, loc, number, vectorOf(b, 8)), rank);
    return toFloat(number);
  }
  Value radix = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(floats(b), 256.0f));
  Value number = toFloat(ranks.back());
  for (Value rank : llvm::reverse(ranks.drop_back()))
    number = vector::FMAOp::create(b, loc, number, radix, toFloat(rank));
  return number;
}

LinearProducts::Values LinearProducts::sumFixedPoint(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places) {
  bool inGroups = weightType == WeightType::Int4; // inputs have scales of their own in each
  int64_t groups = groupsOf(weightType, slices.depth), each = groupDepth(weightType, slices.depth);
  int64_t wordsOfGroup = llvm::divideCeil(each, perWord(weightType)), ranks = digitsOfNumber(weightType);
  auto scaleOf = [&](OpBuilder &b, const Row &row, Value word) {
    Value scale = arith::BitcastOp::create(b, loc, b.getF32Type(), loadRounded(b, row, word));
    return splat(b, loc, scale, floats(b));
  };
  auto addGroup = [&](OpBuilder &b, Value group, int64_t count, ValueRange before) {
    Value first = b.createOrFold<arith::MulIOp>(loc, group, constantIndex(b, loc, wordsOfGroup));
    Values digits = sumDigits(b, tile, places, group, first, count), sums;
    Values scales = llvm::map_to_vector(places, [&](const Place &place) { return loadScales(b, place, group); });
    for (auto [i, sum] : llvm::enumerate(before)) {
      Value number = numberOf(b, ArrayRef(digits).slice(i * ranks, ranks));
      if (inGroups)
        number = arith::MulFOp::create(b, loc, number, scaleOf(b, tile[i / places.size()], wordOfGroup(b, group, 1)));
      sums.push_back(vector::FMAOp::create(b, loc, number, scales[i % scales.size()], sum));
    }
    return sums;
  };
  Values sums(tile.size() * places.size(), arith::ConstantOp::create(b, loc, b.getZeroAttr(floats(b))));
  int64_t whole = groups > 1 ? slices.depth / each : 0; // in a loop
  if (whole)
    sums = Values(scf::ForOp::create(b, loc, constantIndex(b, loc, 0), constantIndex(b, loc, whole),
                                     constantIndex(b, loc, 1), sums,
                                     [&](OpBuilder &b, Location loc, Value group, ValueRange before) {
                                       scf::YieldOp::create(b, loc, addGroup(b, group, wordsOfGroup, before));
                                     })
                      .getResults());
  if (whole < groups)
    sums = addGroup(b, constantIndex(b, loc, whole), slices.words - whole * wordsOfGroup, sums);
  if (inGroups)
    return sums;
  int64_t words = cast<MemRefType>(op.getWorkspace().getType()).getShape().back();
  for (auto [r, row] : llvm::enumerate(tile)) {
    Value scale = scaleOf(b, row, constantIndex(b, loc, workspaceScale(words)));
    for (Value &sum : MutableArrayRef(sums).slice(r * places.size(), places.size()))
      sum = arith::MulFOp::create(b, loc, sum, scale);
  }
  return sums;
}

} // namespace weft::cpu

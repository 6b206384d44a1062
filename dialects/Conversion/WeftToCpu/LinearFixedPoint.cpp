//===- LinearFixedPoint.cpp - integer weights times activations in fixed point -----------------------------------===//
// Answers: how do sums of digits times weights become sums of f32? A number of the input is d3 d2 d1 d0 to the base
// 256, so a column has four sums of integers, each exact; together they are its sum when it, or a group of weights that
// share a scale, has ended. That is 4 instructions for 4 weights of a column, as f32 has, but none to widen them.
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
                                                 Value first, Value last) {
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
  Values starts;
  Value start = plus(b, times(b, group, digitsOfNumber), fixedPointStarts(slices.depth, 0));
  for (const Row &row : tile) {
    Values ofRow;
    for (int64_t digit = 0; digit < digitsOfNumber; ++digit)
      ofRow.push_back(broadcast(b, row, plus(b, start, digit)));
    for (size_t place = 0; place < places.size(); ++place)
      llvm::append_range(starts, ofRow);
  }
  int64_t perLoad = weightType == WeightType::Int4 ? 2 : 1; // words of bytes in a word of weights
  auto loop = scf::ForOp::create(
      b, loc, first, last, constantIndex(b, loc, 1), starts, [&](OpBuilder &b, Location loc, Value word, ValueRange s) {
        Values next(s), loaded = llvm::map_to_vector(places, [&](const Place &at) { return loadWords(b, at, word); });
        if (weightType == WeightType::Int4)
          for (const Place &place : places)
            LLVM::Prefetch::create(b, loc, addressOf(b, place, plus(b, word, wordsAhead)), /*rw=*/0, /*hint=*/3,
                                   /*cache=*/1);
        for (int64_t part = 0; part < perLoad; ++part) {
          Values weights = llvm::map_to_vector(
              loaded, [&](Value words) { return asBytes(b, perLoad == 1 ? words : lowerHalves(b, words, part)); });
          Value digits = times(b, plus(b, times(b, word, perLoad), part), digitsOfNumber);
          for (auto [r, row] : llvm::enumerate(tile))
            for (int64_t digit = 0; digit < digitsOfNumber; ++digit) {
              Value activations = asBytes(b, broadcast(b, row, plus(b, digits, digit)));
              for (auto [w, weight] : llvm::enumerate(weights)) {
                Value &sum = next[(r * weights.size() + w) * digitsOfNumber + digit];
                sum = dotBytes(b, loc, sum, weight, activations);
              }
            }
        }
        scf::YieldOp::create(b, loc, next);
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

LinearProducts::Values LinearProducts::sumFixedPoint(OpBuilder &b, ArrayRef<Row> tile, ArrayRef<Place> places) {
  Value zero = constantIndex(b, loc, 0);
  int64_t groups = groupsOf(weightType, slices.depth), each = groupDepth(weightType, slices.depth);
  int64_t wordsOfGroup = llvm::divideCeil(each, perWord(weightType));
  auto addGroup = [&](OpBuilder &b, Value group, Value first, Value last, ArrayRef<Value> before) {
    Values ranks = sumDigits(b, tile, places, group, first, last), sums;
    Values scales = llvm::map_to_vector(places, [&](const Place &place) { return loadScales(b, place, group); });
    Value radix = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(floats(b), 256.0f));
    for (auto [i, sum] : llvm::enumerate(before)) {
      Value number;
      for (int64_t digit = digitsOfNumber - 1; digit >= 0; --digit) {
        Value rank = arith::SIToFPOp::create(b, loc, floats(b), ranks[i * digitsOfNumber + digit]);
        number = number ? vector::FMAOp::create(b, loc, number, radix, rank).getResult() : rank;
      }
      sums.push_back(vector::FMAOp::create(b, loc, number, scales[i % scales.size()], sum));
    }
    return sums;
  };
  Values sums(tile.size() * places.size(), arith::ConstantOp::create(b, loc, b.getZeroAttr(floats(b))));
  if (groups > 1)
    sums = Values(scf::ForOp::create(b, loc, zero, constantIndex(b, loc, groups - 1), constantIndex(b, loc, 1), sums,
                                     [&](OpBuilder &b, Location loc, Value group, ValueRange before) {
                                       Value count = constantIndex(b, loc, wordsOfGroup);
                                       Value first = b.createOrFold<arith::MulIOp>(loc, group, count);
                                       Value last = b.createOrFold<arith::AddIOp>(loc, first, count);
                                       scf::YieldOp::create(b, loc, addGroup(b, group, first, last, Values(before)));
                                     })
                      .getResults());
  sums = addGroup(b, constantIndex(b, loc, groups - 1), constantIndex(b, loc, (groups - 1) * wordsOfGroup),
                  constantIndex(b, loc, slices.words), sums);
  int64_t words = cast<MemRefType>(op.getWorkspace().getType()).getShape().back();
  for (auto [r, row] : llvm::enumerate(tile)) {
    Value scale = loadRounded(b, row, constantIndex(b, loc, workspaceScale(words)));
    scale = splat(b, loc, arith::BitcastOp::create(b, loc, b.getF32Type(), scale), floats(b));
    for (Value &sum : MutableArrayRef(sums).slice(r * places.size(), places.size()))
      sum = arith::MulFOp::create(b, loc, sum, scale);
  }
  return sums;
}

} // namespace weft::cpu

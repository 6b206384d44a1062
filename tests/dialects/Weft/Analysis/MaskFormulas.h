//===- MaskFormulas.h - masks for tests, evaluated pair by pair ------------------------------------------*- C++
//-*-===//
// Answers: how do the tests of MaskBounds and MaskIntervals make a mask region, by hand or at random, and what does it
// admit?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MathExtras.h"
#include <random>

namespace weft::test {

using namespace mlir;
using Numbers = DenseMap<Value, int64_t>;
using Predicate = arith::CmpIPredicate;

/// A table that a formula reads; indices outside read the entry at that end, as lanes do.
struct Table {
  SmallVector<int64_t> sizes;
  std::vector<int64_t> entries;

  int64_t at(ArrayRef<int64_t> indices) const {
    int64_t place = 0;
    for (auto [size, index] : llvm::zip_equal(sizes, indices))
      place = place * size + std::max<int64_t>(0, std::min(index, size - 1));
    return entries[place];
  }
};

/// A mask region with its four arguments, and values from outside it: two numbers, and tables.
class Formula {
public:
  enum TableKind { Words, Pairs, Flags, Bytes }; ///< i32 by one index and by two, i1, i8

  Formula() : b(UnknownLoc::get(&context()), &context()) {
    Type index = b.getIndexType(), word = b.getI32Type();
    constexpr int64_t any = ShapedType::kDynamic;
    SmallVector<Type> types = {index,
                               index,
                               RankedTensorType::get({any}, word),
                               RankedTensorType::get({any, any}, word),
                               RankedTensorType::get({any}, b.getI1Type()),
                               RankedTensorType::get({any}, b.getI8Type())};
    outside.addArguments(types, SmallVector<Location>(types.size(), b.getLoc()));
    b.createBlock(&region, {}, {index, index, index, index}, SmallVector<Location>(4, b.getLoc()));
  }

  static MLIRContext &context() {
    static MLIRContext context;
    static bool loaded =
        (context.loadDialect<WeftDialect, arith::ArithDialect, func::FuncDialect, tensor::TensorDialect>(), true);
    (void)loaded;
    return context;
  }

  Value batch() { return region.getArgument(0); }
  Value head() { return region.getArgument(1); }
  Value query() { return region.getArgument(2); }
  Value key() { return region.getArgument(3); }
  Value captured(unsigned i) { return outside.getArgument(i); }
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value word(int32_t value) { return arith::ConstantIntOp::create(b, value, 32); }
  Value flag(bool value) { return arith::ConstantIntOp::create(b, value, 1); }
  template <typename Op> Value make(Value x, Value y) { return Op::create(b, x, y); }
  template <typename Op> Value cast(Value x, Type type) { return Op::create(b, type, x); }
  Value compare(Predicate predicate, Value x, Value y) { return arith::CmpIOp::create(b, predicate, x, y); }
  Value negate(Value x) { return make<arith::XOrIOp>(x, flag(true)); }
  Value choose(Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
  Value read(TableKind table, ValueRange indices) {
    return tensor::ExtractOp::create(b, outside.getArgument(2 + table), indices);
  }
  void yield(Value admitted) { YieldOp::create(b, ValueRange(admitted)); }

  /// As the front end writes // and %.
  Value floorResidue(Value x, Value y) {
    Value rest = make<arith::RemSIOp>(x, y);
    return choose(compare(Predicate::slt, rest, constant(0)), make<arith::AddIOp>(rest, y), rest);
  }
  Value floorDivide(Value x, Value y) { return make<arith::DivSIOp>(make<arith::SubIOp>(x, floorResidue(x, y)), y); }

  /// The values of everything in the region, for one batch entry, head, query and key.
  Numbers evaluate(ArrayRef<int64_t> arguments, ArrayRef<int64_t> capturedNumbers) {
    Numbers at;
    for (auto [value, number] : llvm::zip(region.getArguments(), arguments))
      at[value] = number;
    for (auto [value, number] : llvm::zip(outside.getArguments(), capturedNumbers))
      at[value] = number;
    for (Operation &op : region.front().without_terminator())
      at[op.getResult(0)] = inType(evaluate(op, at), op.getResult(0).getType());
    return at;
  }
  bool admits(ArrayRef<int64_t> arguments, ArrayRef<int64_t> capturedNumbers) {
    return evaluate(arguments, capturedNumbers).lookup(region.front().getTerminator()->getOperand(0));
  }
  const Table &tableOf(Operation *load) const {
    return tables[mlir::cast<BlockArgument>(load->getOperand(0)).getArgNumber() - 2];
  }

private:
  Block outside; // before the region, which uses its arguments

public:
  Region region;
  ImplicitLocOpBuilder b;
  Table tables[4]; ///< by TableKind

private:
  /// Arithmetic wraps; conditions are 0 and 1.
  static int64_t inType(int64_t value, Type type) {
    if (type.isInteger(1))
      return value & 1;
    return type.isInteger() ? llvm::SignExtend64(value, type.getIntOrFloatBitWidth()) : value;
  }

  int64_t evaluate(Operation &op, const Numbers &at) {
    auto in = [&](unsigned i) { return at.lookup(op.getOperand(i)); };
    auto wrap = [](__int128 value) { return static_cast<int64_t>(static_cast<uint64_t>(value)); };
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      APInt value = mlir::cast<IntegerAttr>(constant.getValue()).getValue();
      return value.getBitWidth() == 1 ? value.getZExtValue() : value.getSExtValue();
    }
    if (isa<arith::AddIOp>(op))
      return wrap(__int128(in(0)) + in(1));
    if (isa<arith::SubIOp>(op))
      return wrap(__int128(in(0)) - in(1));
    if (isa<arith::MulIOp>(op)) // may wrap at impossible positions, whose products nobody uses
      return wrap(__int128(in(0)) * in(1));
    if (isa<arith::DivSIOp, arith::RemSIOp>(op) && in(1) == 0)
      return 0; // has no meaning, and does not end the test
    if (isa<arith::DivSIOp>(op))
      return in(0) / in(1);
    if (isa<arith::FloorDivSIOp>(op))
      return llvm::divideFloorSigned(in(0), in(1));
    if (isa<arith::CeilDivSIOp>(op))
      return llvm::divideCeilSigned(in(0), in(1));
    if (isa<arith::RemSIOp>(op))
      return in(0) % in(1);
    if (isa<arith::DivUIOp>(op))
      return static_cast<uint64_t>(in(0)) / static_cast<uint64_t>(in(1));
    if (isa<arith::RemUIOp>(op))
      return static_cast<uint64_t>(in(0)) % static_cast<uint64_t>(in(1));
    if (isa<arith::MinSIOp>(op))
      return std::min(in(0), in(1));
    if (isa<arith::MaxSIOp>(op))
      return std::max(in(0), in(1));
    if (isa<arith::AndIOp>(op))
      return in(0) & in(1);
    if (isa<arith::OrIOp>(op))
      return in(0) | in(1);
    if (isa<arith::XOrIOp>(op))
      return in(0) ^ in(1);
    if (isa<arith::SelectOp>(op))
      return in(0) ? in(1) : in(2);
    if (isa<arith::ExtUIOp, arith::IndexCastUIOp>(op)) {
      unsigned width = op.getOperand(0).getType().getIntOrFloatBitWidth();
      return in(0) & llvm::maskTrailingOnes<uint64_t>(width);
    }
    if (isa<arith::IndexCastOp, arith::ExtSIOp>(op) && op.getOperand(0).getType().isInteger(1))
      return -in(0);
    if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op))
      return in(0);
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      return tableOf(extract).at(llvm::map_to_vector(extract.getIndices(), [&](Value v) { return at.lookup(v); }));
    auto compare = mlir::cast<arith::CmpIOp>(op);
    return arith::applyCmpPredicate(compare.getPredicate(), APInt(64, in(0), true), APInt(64, in(1), true));
  }
};

/// Draws formulas: comparisons of linear forms and residues, and what connects them; with `everything`, also of all
/// else that MaskIntervals knows, tables among it.
class Generator {
public:
  Generator(Formula &f, std::mt19937 &random, bool everything = false) : f(f), random(random), everything(everything) {}

  Value condition(int depth) {
    if (depth == 0 || draw(6) == 0)
      return draw(20) == 0 ? f.flag(draw(2)) : comparison();
    switch (draw(5)) {
    case 0:
      return f.negate(condition(depth - 1));
    case 1:
      return f.choose(condition(depth - 1), condition(depth - 1), condition(depth - 1));
    case 2:
      return f.make<arith::XOrIOp>(condition(depth - 1), condition(depth - 1));
    case 3:
      return f.make<arith::OrIOp>(condition(depth - 1), condition(depth - 1));
    default:
      return f.make<arith::AndIOp>(condition(depth - 1), condition(depth - 1));
    }
  }

  /// Small numbers, so that blocks fall together with steps; sometimes any.
  void fillTables(int64_t positions) {
    bool wild = draw(8) == 0, steps = draw(2);
    for (unsigned kind = 0; kind < 4; ++kind) {
      Table &table = f.tables[kind];
      table.sizes.assign(kind == Formula::Pairs ? 2 : 1, positions);
      table.entries.resize(kind == Formula::Pairs ? positions * positions : positions);
      for (auto [i, entry] : llvm::enumerate(table.entries)) {
        bool changes = !steps || i == 0 || draw(6) == 0;
        entry = !changes                 ? table.entries[i - 1]
                : kind == Formula::Flags ? draw(2)
                : kind == Formula::Bytes ? draw(wild ? 256 : 8) - (wild ? 128 : 2)
                : wild                   ? static_cast<int32_t>(random())
                                         : draw(9) - 2;
      }
    }
  }

private:
  int draw(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); }

  Value comparison() {
    // All ten predicates: those without a sign are not understood by all, and must then be taken for anything.
    auto predicate = static_cast<Predicate>(draw(10));
    if (!everything)
      return f.compare(predicate, form(2), form(2));
    switch (draw(6)) {
    case 0:
      return f.read(Formula::Flags, position());
    case 1:
      return f.compare(draw(2) ? Predicate::eq : predicate, word(1), word(1));
    case 2:
      return f.compare(draw(2) ? Predicate::eq : Predicate::ne, f.read(Formula::Flags, position()), condition(0));
    default:
      return f.compare(predicate, form(2), form(2));
    }
  }

  /// An index of a table: clamped, but for positions.
  Value position() {
    if (int kind = draw(3))
      return kind == 1 ? f.query() : f.key();
    return f.make<arith::MaxSIOp>(f.make<arith::MinSIOp>(form(1), f.constant(40)), f.constant(0));
  }

  Value word(int depth) {
    if (depth == 0 || draw(2) == 0)
      return draw(4) == 0 ? f.read(Formula::Pairs, {position(), position()}) : f.read(Formula::Words, position());
    switch (draw(7)) {
    case 0:
      return f.make<arith::AddIOp>(word(depth - 1), word(depth - 1));
    case 1:
      return f.make<arith::SubIOp>(word(depth - 1), word(depth - 1));
    case 2:
      return f.make<arith::MulIOp>(word(depth - 1), f.word(draw(7) - 3));
    case 3:
      return f.word(draw(12) - 4);
    case 4:
      return f.cast<arith::TruncIOp>(f.cast<arith::ExtSIOp>(word(depth - 1), f.b.getI64Type()), f.b.getI32Type());
    case 5: {
      Value byte = f.read(Formula::Bytes, position());
      return draw(2) ? f.cast<arith::ExtSIOp>(byte, f.b.getI32Type()) : f.cast<arith::ExtUIOp>(byte, f.b.getI32Type());
    }
    default:
      return f.cast<arith::IndexCastOp>(form(1), f.b.getI32Type());
    }
  }

  Value form(int depth) {
    if (depth == 0 || draw(3) == 0)
      return leaf();
    switch (draw(everything ? 14 : 6)) {
    case 0:
      return f.make<arith::MulIOp>(form(depth - 1), f.constant(draw(7) - 3));
    case 1:
      return f.make<arith::MulIOp>(form(depth - 1), form(depth - 1));
    case 2:
      return f.make<arith::RemSIOp>(form(depth - 1), divisor(false));
    case 3:
      return f.make<arith::SubIOp>(form(depth - 1), form(depth - 1));
    case 6:
      return f.floorResidue(form(depth - 1), divisor());
    case 7:
      return f.floorDivide(form(depth - 1), divisor());
    case 8:
      return f.make<arith::DivSIOp>(form(depth - 1), divisor());
    case 9:
      return draw(2) ? f.make<arith::FloorDivSIOp>(form(depth - 1), divisor())
                     : f.make<arith::CeilDivSIOp>(form(depth - 1), divisor());
    case 10: {
      Value x = form(depth - 1);
      return f.make<arith::MaxSIOp>(x, f.make<arith::SubIOp>(f.constant(0), x));
    }
    case 11:
      return f.make<arith::MinSIOp>(form(depth - 1), form(depth - 1));
    case 12:
      return f.choose(condition(0), form(depth - 1), form(depth - 1));
    case 13:
      switch (draw(4)) {
      case 0:
        return f.make<arith::AndIOp>(form(depth - 1), f.constant(draw(15)));
      case 1:
        return draw(2) ? f.make<arith::DivUIOp>(form(depth - 1), divisor())
                       : f.make<arith::RemUIOp>(form(depth - 1), divisor());
      default:
        return f.cast<arith::IndexCastOp>(word(depth - 1), f.b.getIndexType());
      }
    default:
      return f.make<arith::AddIOp>(form(depth - 1), form(depth - 1));
    }
  }

  /// Never 0.
  Value divisor(bool any = true) {
    if (any && everything && draw(4) == 0) // not known when compiling
      return f.make<arith::MaxSIOp>(f.captured(draw(2)), f.constant(1));
    if (any && everything && draw(12) == 0)
      return f.constant(-draw(4) - 1);
    return f.constant(draw(3) + 2);
  }

  Value leaf() {
    switch (draw(9)) {
    case 0:
      return f.batch();
    case 1:
      return f.head();
    case 2:
      return f.captured(draw(2));
    case 3:
      return f.constant(draw(30) - 8);
    case 4:
    case 5:
      return f.query();
    default:
      return f.key();
    }
  }

  Formula &f;
  std::mt19937 &random;
  bool everything;
};

//===-- masks that people write -----------------------------------------------------------------------------------===//

inline Value causal(Formula &f) { return f.compare(Predicate::sle, f.key(), f.query()); }
inline Value window(Formula &f, Value width) {
  return f.compare(Predicate::slt, f.make<arith::SubIOp>(f.query(), f.key()), width);
}

} // namespace weft::test

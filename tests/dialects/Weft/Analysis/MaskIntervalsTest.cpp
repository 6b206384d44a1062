//===- MaskIntervalsTest.cpp - classes of blocks against the masks themselves ------------------------------------===//
// Answers: is no pair admitted in a block that is called empty, and none refused in one that is called whole, and does
// the code that is emitted say the same? Formulas are made at random and evaluated pair by pair; named ones are checked
// to be classified exactly.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Analysis/MaskIntervals.h"
#include "dialects/Weft/Analysis/MaskBounds.h"
#include "mlir/IR/Matchers.h"
#include "tests/dialects/Weft/Analysis/MaskFormulas.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace weft;
using namespace weft::test;

namespace {

constexpr int64_t positions = 48;

struct Block2D {
  int64_t firstQuery, lastQuery, firstKey, lastKey;
  int64_t batch = 0, firstHead = 0, lastHead = 0;
};

enum Class { Empty, Partial, Whole };
std::ostream &operator<<(std::ostream &os, Class c) {
  return os << (c == Empty ? "empty" : c == Whole ? "whole" : "partial");
}
Class classOf(int64_t whole, int64_t some) { return whole ? Whole : some ? Partial : Empty; }

/// The least and the largest entry of a part of a table.
std::pair<int64_t, int64_t> entriesOf(const Table &table, ArrayRef<int64_t> first, ArrayRef<int64_t> last) {
  int64_t least = INT64_MAX, most = INT64_MIN;
  SmallVector<int64_t> at(first);
  auto clamp = [&](unsigned d, int64_t index) { return std::max<int64_t>(0, std::min(index, table.sizes[d] - 1)); };
  std::function<void(unsigned)> visit = [&](unsigned d) {
    if (d == at.size()) {
      least = std::min(least, table.at(at));
      most = std::max(most, table.at(at));
      return;
    }
    for (at[d] = clamp(d, first[d]); at[d] <= clamp(d, last[d]); ++at[d])
      visit(d + 1);
  };
  visit(0);
  return {least, most};
}

Class evaluate(Formula &f, const MaskIntervals &intervals, const Block2D &block, ArrayRef<int64_t> captured,
               bool acrossHeads = false) {
  // Uniform values may not depend on query and key: impossible positions would show if they did.
  Numbers at = f.evaluate({block.batch, acrossHeads ? 1 << 20 : block.firstHead, 1 << 20, 1 << 21}, captured);
  auto uniform = [&](Value value) { return at.lookup(value); };
  auto table = [&](Operation *load, ArrayRef<int64_t> first, ArrayRef<int64_t> last) {
    return entriesOf(f.tableOf(load), first, last);
  };
  BoundExpr::Numbers numbers;
  numbers.firstQuery = block.firstQuery;
  numbers.lastQuery = block.lastQuery;
  numbers.firstKey = block.firstKey;
  numbers.lastKey = block.lastKey;
  numbers.firstHead = block.firstHead;
  numbers.lastHead = block.lastHead;
  numbers.uniform = uniform;
  numbers.table = table;
  int64_t whole = intervals.whole.evaluate(numbers), some = intervals.some.evaluate(numbers);
  EXPECT_TRUE(0 <= whole && whole <= some && some <= 1) << whole << ' ' << some;
  return classOf(whole, some);
}

Class classify(Formula &f, const Block2D &block, ArrayRef<int64_t> captured, bool acrossHeads = false) {
  return evaluate(f, MaskIntervals::of(f.region, acrossHeads), block, captured, acrossHeads);
}

Class truth(Formula &f, const Block2D &block, ArrayRef<int64_t> captured) {
  bool all = true, any = false;
  for (int64_t h = block.firstHead; h <= block.lastHead; ++h)
    for (int64_t q = block.firstQuery; q <= block.lastQuery; ++q)
      for (int64_t k = block.firstKey; k <= block.lastKey; ++k) {
        bool admits = f.admits({block.batch, h, q, k}, captured);
        all &= admits;
        any |= admits;
      }
  return classOf(all, any);
}

/// The class by the code that is emitted, all of whose operands are constants: it folds to one.
std::optional<Class> emitted(Formula &f, const MaskIntervals &intervals, const Block2D &block,
                             ArrayRef<int64_t> captured, bool acrossHeads) {
  Block code;
  OpBuilder b(&Formula::context());
  b.setInsertionPointToEnd(&code);
  Location loc = f.b.getLoc();
  Numbers at = f.evaluate({block.batch, acrossHeads ? 1 << 20 : block.firstHead, 1 << 20, 1 << 21}, captured);
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  auto number = [](Value value) -> std::optional<int64_t> {
    APInt constant;
    return matchPattern(value, m_ConstantInt(&constant)) ? std::optional(constant.getSExtValue()) : std::nullopt;
  };
  bool folds = true;
  auto uniform = [&](Value value) { return index(at.lookup(value)); };
  auto table = [&](Operation *load, ValueRange first, ValueRange last) -> BoundExpr::Values::Entries {
    SmallVector<int64_t> from, to;
    for (auto [x, y] : llvm::zip(first, last)) {
      folds &= number(x) && number(y);
      from.push_back(number(x).value_or(0));
      to.push_back(number(y).value_or(0));
    }
    auto [least, most] = entriesOf(f.tableOf(load), from, to);
    return {index(least), index(most)};
  };
  BoundExpr::Values values;
  values.firstQuery = index(block.firstQuery);
  values.lastQuery = index(block.lastQuery);
  values.firstHead = index(block.firstHead);
  values.lastHead = index(block.lastHead);
  values.uniform = uniform;
  values.table = table;
  BoundExpr exprs[] = {intervals.whole, intervals.some};
  BoundExpr::Emitted before = BoundExpr::emitForAllKeys(b, loc, exprs, values);
  values.firstKey = index(block.firstKey);
  values.lastKey = index(block.lastKey);
  SmallVector<Value> results = BoundExpr::emit(b, loc, exprs, values, before);
  std::optional<int64_t> whole = number(results[0]), some = number(results[1]);
  folds &= whole && some;
  return folds ? std::optional(classOf(*whole, *some)) : std::nullopt;
}

TEST(MaskIntervals, NeverWrong) {
  int exact = 0, decided = 0, blocks = 0;
  for (unsigned seed = 1; seed <= 4000; ++seed) {
    std::mt19937 random(seed);
    auto draw = [&](int from, int to) { return std::uniform_int_distribution<int64_t>(from, to)(random); };
    Formula f;
    Generator generator(f, random, /*everything=*/true);
    f.yield(generator.condition(2));
    generator.fillTables(positions);
    bool acrossHeads = draw(0, 1);
    MaskIntervals intervals = MaskIntervals::of(f.region, acrossHeads);
    for (int m = 0; m < 4; ++m) {
      int64_t q = draw(0, 40), k = draw(0, 40), head = draw(0, 3);
      Block2D block = {q, q + draw(0, 5), k, k + draw(0, 5), draw(0, 2), head, head + (acrossHeads ? draw(0, 2) : 0)};
      int64_t captured[] = {draw(-5, 25), draw(-5, 25)};
      Class found = evaluate(f, intervals, block, captured, acrossHeads), is = truth(f, block, captured);
      ASSERT_TRUE(found == Partial || found == is) << "seed " << seed << ": called " << found << ", but is " << is;
      ++blocks;
      decided += is != Partial;
      exact += is != Partial && found == is;
      if (m == 0) {
        std::optional<Class> code = emitted(f, intervals, block, captured, acrossHeads);
        ASSERT_TRUE(code) << "seed " << seed << ": code with known numbers does not fold";
        ASSERT_EQ(*code, found) << "seed " << seed;
      }
    }
  }
  // To call everything partial would pass what is above.
  EXPECT_GT(decided, blocks / 2);
  EXPECT_GT(exact, decided * 3 / 4) << decided;
}

//===-- masks that people write: every block is classified exactly ------------------------------------------------===//

/// All blocks of `size` positions, also where they do not fit the steps of a mask.
void expectExact(Formula &f, ArrayRef<int64_t> captured = {0, 0}, int64_t size = 4) {
  for (int64_t q = 0; q + size <= positions; q += 3)
    for (int64_t k = 0; k + size <= positions; ++k) {
      Block2D block = {q, q + size - 1, k, k + size - 1};
      EXPECT_EQ(classify(f, block, captured), truth(f, block, captured)) << "q " << q << ", k " << k;
    }
}

bool isUseful(Formula &f) {
  bool useful = false;
  MaskIntervals::of(f.region, false, &useful);
  return useful;
}

TEST(MaskIntervals, BlocksAlongTheDiagonal) {
  for (bool isConstant : {true, false}) {
    Formula f;
    Value size = isConstant ? f.constant(7) : f.captured(0);
    f.yield(f.compare(Predicate::eq, f.floorDivide(f.query(), size), f.floorDivide(f.key(), size)));
    expectExact(f, {7, 0});
    EXPECT_TRUE(isUseful(f));
    if (!isConstant) // no size of a block: anything can be, and nothing traps
      EXPECT_EQ(classify(f, {4, 7, 4, 7}, {0, 0}), Partial);
  }
}

TEST(MaskIntervals, GlobalAndLocal) {
  Formula f;
  Value local = f.make<arith::AndIOp>(causal(f), window(f, f.constant(9)));
  Value global = f.compare(Predicate::slt, f.key(), f.constant(5));
  f.yield(f.make<arith::OrIOp>(local, f.make<arith::AndIOp>(causal(f), global)));
  EXPECT_TRUE(isUseful(f));
  EXPECT_FALSE(MaskBounds::of(f.region).exact);
  EXPECT_EQ(classify(f, {30, 33, 0, 3}, {0, 0}), Whole);
  EXPECT_EQ(classify(f, {30, 33, 4, 7}, {0, 0}), Partial);
  EXPECT_EQ(classify(f, {30, 33, 8, 21}, {0, 0}), Empty);
  EXPECT_EQ(classify(f, {30, 33, 22, 25}, {0, 0}), Partial);
  EXPECT_EQ(classify(f, {30, 33, 25, 28}, {0, 0}), Whole);
}

TEST(MaskIntervals, Local) {
  Formula f;
  Value distance = f.make<arith::SubIOp>(f.query(), f.key());
  Value absolute = f.make<arith::MaxSIOp>(distance, f.make<arith::SubIOp>(f.constant(0), distance));
  f.yield(f.compare(Predicate::sle, absolute, f.constant(5)));
  expectExact(f);
  EXPECT_TRUE(MaskBounds::of(f.region).exact); // so that no interval is needed
}

TEST(MaskIntervals, AllButOneKey) {
  Formula f;
  f.yield(f.compare(Predicate::ne, f.query(), f.key()));
  expectExact(f);
  EXPECT_TRUE(isUseful(f));
}

TEST(MaskIntervals, Documents) {
  Formula f;
  f.yield(f.compare(Predicate::eq, f.read(Formula::Words, f.query()), f.read(Formula::Words, f.key())));
  f.tables[Formula::Words] = {{positions}, std::vector<int64_t>(positions)};
  for (int64_t i = 0; i < positions; ++i)
    f.tables[Formula::Words].entries[i] = i < 5 ? -1 : i < 20 ? 3 : i < 21 ? 7 : 9;
  expectExact(f);
}

TEST(MaskIntervals, FlagsOfKeys) {
  Formula f;
  f.yield(f.make<arith::AndIOp>(causal(f), f.read(Formula::Flags, f.key())));
  f.tables[Formula::Flags] = {{positions}, std::vector<int64_t>(positions)};
  for (int64_t i = 0; i < positions; ++i)
    f.tables[Formula::Flags].entries[i] = i < 17 || i == 30;
  EXPECT_EQ(classify(f, {20, 23, 4, 16}, {0, 0}), Whole);
  EXPECT_EQ(classify(f, {20, 23, 14, 17}, {0, 0}), Partial);
  EXPECT_EQ(classify(f, {20, 23, 17, 29}, {0, 0}), Empty);
}

TEST(MaskIntervals, WholeTablesByPair) {
  Formula f;
  f.yield(f.compare(Predicate::ne, f.read(Formula::Pairs, {f.query(), f.key()}), f.word(0)));
  f.tables[Formula::Pairs] = {{positions, positions}, std::vector<int64_t>(positions * positions)};
  for (int64_t q = 0; q < positions; ++q)
    for (int64_t k = 0; k < positions; ++k)
      f.tables[Formula::Pairs].entries[q * positions + k] = q / 8 == k / 12;
  expectExact(f);
}

TEST(MaskIntervals, DilatedIsTestedPairByPair) {
  Formula f;
  Value distance = f.make<arith::SubIOp>(f.query(), f.key());
  f.yield(f.compare(Predicate::eq, f.floorResidue(distance, f.constant(3)), f.constant(0)));
  expectExact(f);
}

TEST(MaskIntervals, HeadsOfOneGroup) {
  // Of heads 1 to 2, one sees everything.
  Formula f;
  Value local = f.compare(Predicate::slt, f.head(), f.constant(2));
  f.yield(f.choose(local, window(f, f.constant(8)), f.flag(true)));
  EXPECT_EQ(classify(f, {30, 33, 0, 9, 0, 0, 1}, {0, 0}, /*acrossHeads=*/true), Empty);
  EXPECT_EQ(classify(f, {30, 33, 0, 9, 0, 1, 2}, {0, 0}, /*acrossHeads=*/true), Partial);
  EXPECT_EQ(classify(f, {30, 33, 0, 9, 0, 2, 4}, {0, 0}, /*acrossHeads=*/true), Whole);
}

TEST(MaskIntervals, ArithmeticThatWrapsIsNotTrusted) {
  // doc[q] - doc[k] < 0, with a difference that no 32 bits hold.
  Formula f;
  Value difference = f.make<arith::SubIOp>(f.read(Formula::Words, f.query()), f.read(Formula::Words, f.key()));
  f.yield(f.compare(Predicate::slt, difference, f.word(0)));
  f.tables[Formula::Words] = {{positions}, std::vector<int64_t>(positions, INT32_MIN)};
  for (int64_t i = 0; i < 24; ++i)
    f.tables[Formula::Words].entries[i] = INT32_MAX;
  EXPECT_EQ(truth(f, {0, 3, 30, 33}, {0, 0}), Whole); // -1 after wrapping
  EXPECT_EQ(classify(f, {0, 3, 30, 33}, {0, 0}), Partial);
  EXPECT_EQ(classify(f, {0, 3, 4, 7}, {0, 0}), Empty);
}

TEST(MaskIntervals, NoUseWhereBoundsAreExactOrNothingIsKnown) {
  Formula plain;
  plain.yield(plain.make<arith::AndIOp>(causal(plain), window(plain, plain.captured(0))));
  EXPECT_TRUE(MaskBounds::of(plain.region).exact);
  EXPECT_FALSE(isUseful(plain));

  Formula prefix;
  Value start = prefix.compare(Predicate::slt, prefix.key(), prefix.captured(0));
  prefix.yield(prefix.make<arith::OrIOp>(causal(prefix), start));
  EXPECT_TRUE(MaskBounds::of(prefix.region).exact);

  Formula odd; // bits are not followed
  Value bits = odd.make<arith::XOrIOp>(odd.query(), odd.key());
  odd.yield(odd.make<arith::AndIOp>(causal(odd), odd.compare(Predicate::ne, bits, odd.constant(3))));
  EXPECT_FALSE(MaskBounds::of(odd.region).exact);
  EXPECT_EQ(classify(odd, {4, 7, 0, 3}, {0, 0}), Partial);
}

TEST(MaskIntervals, DeepFormulasStaySmall) {
  // Each step uses the one before twice: as a tree there would be 2^200 terms.
  Formula f;
  Value sum = f.query(), table = f.read(Formula::Words, f.key());
  for (int i = 0; i < 200; ++i) {
    sum = f.make<arith::MinSIOp>(f.make<arith::AddIOp>(sum, sum), f.constant(1000));
    table = f.make<arith::AddIOp>(table, table);
  }
  Value linear = f.key();
  for (int i = 0; i < 200; ++i)
    linear = f.make<arith::SubIOp>(f.make<arith::AddIOp>(linear, linear), linear);
  Value condition = f.compare(Predicate::slt, linear, sum);
  condition = f.make<arith::AndIOp>(condition, f.compare(Predicate::slt, table, f.word(5)));
  for (int i = 0; i < 100; ++i)
    condition = f.make<arith::XOrIOp>(f.make<arith::OrIOp>(condition, f.negate(condition)), condition);
  Value all = causal(f);
  for (int i = 0; i < 100; ++i)
    all = f.make<arith::AndIOp>(all, all);
  f.yield(f.make<arith::AndIOp>(all, condition));
  f.tables[Formula::Words] = {{positions}, std::vector<int64_t>(positions, 0)};
  MaskBounds::of(f.region);
  isUseful(f);
  classify(f, {0, 3, 0, 3}, {0, 0});
}

} // namespace

//===- MaskBoundsTest.cpp - bounds of masks against the masks themselves -----------------------------------------===//
// Answers: is no key skipped that some query admits, and no key left untested that some query does not admit? Formulas
// are made at random and evaluated for every query and key; named ones are checked to be as tight as they can be.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Analysis/MaskBounds.h"
#include "tests/dialects/Weft/Analysis/MaskFormulas.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace weft;
using namespace weft::test;

namespace {

struct QueryBlock {
  int64_t firstQuery, lastQuery, keys;
};

struct Interval {
  int64_t begin, end;
  bool operator==(const Interval &other) const { return begin == other.begin && end == other.end; }
};
std::ostream &operator<<(std::ostream &os, const Interval &i) { return os << '[' << i.begin << ", " << i.end << ')'; }

struct Evaluated {
  Interval admitted, whole;
};

Evaluated boundsOf(Formula &formula, const QueryBlock &block, int64_t batch, int64_t head, ArrayRef<int64_t> captured,
                   bool acrossHeads = false) {
  MaskBounds bounds = MaskBounds::of(formula.region, acrossHeads);
  // Uniform values may not depend on query and key: impossible positions would show if they did.
  Numbers at = formula.evaluate({batch, acrossHeads ? 1 << 20 : head, 1 << 20, 1 << 21}, captured);
  auto uniform = [&](Value value) { return at.lookup(value); };
  BoundExpr::Numbers numbers = {block.firstQuery, block.lastQuery, block.keys, uniform};
  return {{bounds.admitted.begin.evaluate(numbers), bounds.admitted.end.evaluate(numbers)},
          {bounds.whole.begin.evaluate(numbers), bounds.whole.end.evaluate(numbers)}};
}

/// The tightest interval around the admitted keys; [0, 0) when there is none.
Interval admittedKeys(Formula &formula, const QueryBlock &block, int64_t batch, int64_t head,
                      ArrayRef<int64_t> captured) {
  Interval keys = {0, 0};
  for (int64_t k = 0; k < block.keys; ++k)
    for (int64_t q = block.firstQuery; q <= block.lastQuery; ++q)
      if (formula.admits({batch, head, q, k}, captured))
        keys = {keys.end ? keys.begin : k, k + 1};
  return keys;
}

TEST(MaskBounds, NeverSkipsWhatIsAdmitted) {
  std::mt19937 random(20240611);
  auto draw = [&](int from, int to) { return std::uniform_int_distribution<int64_t>(from, to)(random); };
  int tight = 0, blocks = 0;
  for (int n = 0; n < 600; ++n) {
    Formula formula;
    formula.yield(Generator(formula, random).condition(3));
    for (int m = 0; m < 4; ++m) {
      int64_t first = draw(0, 20), batch = draw(0, 2), head = draw(0, 3);
      QueryBlock block = {first, first + draw(0, 6), draw(0, 24)};
      int64_t captured[] = {draw(-5, 25), draw(-5, 25)};
      bool acrossHeads = draw(0, 1);
      Evaluated found = boundsOf(formula, block, batch, head, captured, acrossHeads);
      auto [admitted, whole] = found;
      ASSERT_TRUE(0 <= admitted.begin && admitted.begin <= whole.begin && whole.begin <= whole.end &&
                  whole.end <= admitted.end && admitted.end <= block.keys)
          << admitted << ' ' << whole << ' ' << block.keys;
      for (int64_t k = 0; k < block.keys; ++k)
        for (int64_t q = block.firstQuery; q <= block.lastQuery; ++q) {
          bool admits = formula.admits({batch, head, q, k}, captured);
          ASSERT_TRUE(!admits || (admitted.begin <= k && k < admitted.end)) << "skipped " << q << ' ' << k;
          ASSERT_TRUE(admits || k < whole.begin || k >= whole.end) << "untested " << q << ' ' << k;
        }
      ++blocks;
      tight += admitted == admittedKeys(formula, block, batch, head, captured);
    }
  }
  // Bounds that always say "anything" would pass what is above.
  EXPECT_GT(tight, blocks / 3);
}

TEST(MaskBounds, NoMaskAdmitsEverything) {
  Region none;
  MaskBounds bounds = MaskBounds::of(none);
  auto uniform = [](Value) -> int64_t { return 0; };
  BoundExpr::Numbers numbers = {3, 9, 17, uniform};
  EXPECT_EQ(bounds.admitted.begin.evaluate(numbers), 0);
  EXPECT_EQ(bounds.admitted.end.evaluate(numbers), 17);
  EXPECT_EQ(bounds.whole.begin.evaluate(numbers), 0);
  EXPECT_EQ(bounds.whole.end.evaluate(numbers), 17);
}

//===-- masks that people write: the bounds are exact -------------------------------------------------------------===//

TEST(MaskBounds, Causal) {
  Formula f;
  f.yield(causal(f));
  Evaluated bounds = boundsOf(f, {10, 13, 40}, 0, 0, {0, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 14}));
  EXPECT_EQ(bounds.whole, (Interval{0, 11}));
  // More queries than keys: the last queries see all of them.
  bounds = boundsOf(f, {10, 13, 8}, 0, 0, {0, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 8}));
  EXPECT_EQ(bounds.whole, (Interval{0, 8}));
}

TEST(MaskBounds, CausalWindow) {
  Formula f;
  f.yield(f.make<arith::AndIOp>(causal(f), window(f, f.captured(0))));
  Evaluated bounds = boundsOf(f, {100, 103, 400}, 0, 0, {16, 0});
  EXPECT_EQ(bounds.admitted, (Interval{85, 104}));
  EXPECT_EQ(bounds.whole, (Interval{88, 101}));
  // Narrower than the block: no key is admitted by all.
  bounds = boundsOf(f, {100, 103, 400}, 0, 0, {2, 0});
  EXPECT_EQ(bounds.admitted, (Interval{99, 104}));
  EXPECT_EQ(bounds.whole.begin, bounds.whole.end);
  bounds = boundsOf(f, {100, 103, 400}, 0, 0, {0, 0});
  EXPECT_EQ(bounds.whole.begin, bounds.whole.end);
}

TEST(MaskBounds, PrefixAndCausal) {
  Formula f;
  f.yield(f.make<arith::OrIOp>(causal(f), f.compare(Predicate::slt, f.key(), f.captured(0))));
  Evaluated bounds = boundsOf(f, {4, 7, 100}, 0, 0, {30, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 30}));
  EXPECT_EQ(bounds.whole, (Interval{0, 30}));
  bounds = boundsOf(f, {44, 47, 100}, 0, 0, {30, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 48}));
  EXPECT_EQ(bounds.whole, (Interval{0, 45}));
}

TEST(MaskBounds, GlobalAndLocal) {
  // The keys between the two are tested one by one: one interval holds them all. Of what is whole, the longer part.
  Formula f;
  Value local = f.make<arith::AndIOp>(causal(f), window(f, f.constant(16)));
  f.yield(f.make<arith::OrIOp>(local, f.compare(Predicate::slt, f.key(), f.constant(4))));
  Evaluated bounds = boundsOf(f, {100, 103, 400}, 0, 0, {0, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 104}));
  EXPECT_EQ(bounds.whole, (Interval{88, 101}));
}

TEST(MaskBounds, HeadsOfTwoKinds) {
  Formula f;
  Value local = f.compare(Predicate::slt, f.head(), f.constant(2));
  f.yield(f.make<arith::AndIOp>(causal(f), f.choose(local, window(f, f.constant(8)), f.flag(true))));
  EXPECT_EQ(boundsOf(f, {100, 103, 400}, 0, 1, {0, 0}).admitted, (Interval{93, 104}));
  EXPECT_EQ(boundsOf(f, {100, 103, 400}, 0, 2, {0, 0}).admitted, (Interval{0, 104}));
  EXPECT_EQ(boundsOf(f, {100, 103, 400}, 0, 1, {0, 0}, /*acrossHeads=*/true).admitted, (Interval{0, 104}));
}

TEST(MaskBounds, DilatedIsTestedKeyByKey) {
  Formula f;
  Value distance = f.make<arith::SubIOp>(f.query(), f.key());
  Value even = f.compare(Predicate::eq, f.make<arith::RemSIOp>(distance, f.constant(2)), f.constant(0));
  f.yield(f.make<arith::AndIOp>(causal(f), even));
  Evaluated bounds = boundsOf(f, {10, 13, 40}, 0, 0, {0, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 14}));
  EXPECT_EQ(bounds.whole.begin, bounds.whole.end);
}

TEST(MaskBounds, StridesAreSolvedForTheKey) {
  // 3 k <= 2 q + 1
  Formula f;
  Value left = f.make<arith::MulIOp>(f.key(), f.constant(3));
  Value right = f.make<arith::AddIOp>(f.make<arith::MulIOp>(f.query(), f.constant(2)), f.constant(1));
  f.yield(f.compare(Predicate::sle, left, right));
  Evaluated bounds = boundsOf(f, {4, 9, 40}, 0, 0, {0, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 7})); // 18 <= 19
  EXPECT_EQ(bounds.whole, (Interval{0, 4}));    //  9 <=  9
}

TEST(MaskBounds, ConstantsThatLanesCannotHoldAreUnknown) {
  Formula f;
  f.yield(f.compare(Predicate::slt, f.key(), f.constant(int64_t(1) << 40)));
  Evaluated bounds = boundsOf(f, {4, 9, 40}, 0, 0, {0, 0});
  EXPECT_EQ(bounds.admitted, (Interval{0, 40}));
  EXPECT_EQ(bounds.whole.begin, bounds.whole.end);
}

} // namespace

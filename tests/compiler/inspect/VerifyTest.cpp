//===- VerifyTest.cpp - the error bound, and what NaN and infinities do to it -------------------------------------===//
#include "compiler/inspect/Verify.h"
#include <gtest/gtest.h>
#include <limits>

using weft::compare;
using weft::describe;
namespace {

constexpr double nan_ = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

TEST(Verify, AllowsTwiceTheNaiveError) {
  EXPECT_TRUE(compare({1.0, 4.0}, {1.0, 4.25}, {1.5, 4.0}).isWithinBound());
  auto wrong = compare({1.0, 4.0}, {1.0, 4.25}, {1.5625, 4.0});
  EXPECT_FALSE(wrong.isWithinBound());
  EXPECT_EQ(wrong.maxError, 0.5625);
  EXPECT_EQ(wrong.bound, 0.5);
  EXPECT_EQ(wrong.worst, 0u);
}

TEST(Verify, AllowsAMillionthOfTheLargestElementWhereNaiveIsExact) {
  EXPECT_TRUE(compare({0.0, 100.0}, {0.0, 100.0}, {0.9e-4, 100.0}).isWithinBound());
  EXPECT_FALSE(compare({0.0, 100.0}, {0.0, 100.0}, {1.1e-4, 100.0}).isWithinBound());
}

TEST(Verify, ShowsASystematicError) {
  auto biased = compare({1, 1, 1, 1}, {1.5, 0.5, 1.5, 0.5}, {1.5, 1.5, 1.5, 1.5});
  EXPECT_TRUE(biased.isWithinBound());
  EXPECT_DOUBLE_EQ(biased.bias, 1);
  EXPECT_DOUBLE_EQ(biased.rmsRatio, 1);
}

TEST(Verify, RoundedNumbersMayBeLittleWorseOnTheWhole) {
  // The largest error is the same; those of the others are what differs.
  EXPECT_TRUE(compare({1, 1, 1, 1}, {2, 1.5, 1.5, 1.5}, {2, 1.6, 1.6, 1.6}).isWithinBoundOfRounded());
  auto worse = compare({1, 1, 1, 1}, {2, 1.5, 1.5, 1.5}, {2, 1.7, 1.7, 1.7});
  EXPECT_TRUE(worse.isWithinBound());
  EXPECT_FALSE(worse.isWithinBoundOfRounded());
  // Where the naive result is exact: a millionth.
  EXPECT_TRUE(compare({3, 4}, {3, 4}, {3.0000025, 4.0000025}).isWithinBoundOfRounded());
  EXPECT_FALSE(compare({3, 4}, {3, 4}, {3.0000039, 4.0000039}).isWithinBoundOfRounded());
}

TEST(Verify, NaNAndInfinitiesMustBeTheSame) {
  EXPECT_TRUE(compare({nan_, inf, -inf, 1}, {nan_, inf, -inf, 1}, {nan_, inf, -inf, 1}).isWithinBound());
  for (double tested : {inf, 0.0}) {
    auto c = compare({1, nan_}, {1, nan_}, {1, tested});
    EXPECT_FALSE(c.isWithinBound());
    EXPECT_EQ(c.worst, 1u);
  }
  EXPECT_FALSE(compare({inf}, {inf}, {-inf}).isWithinBound());
  EXPECT_EQ(compare({1, 2, 3}, {1, 2, 3}, {nan_, nan_, 3}).disagreements, 2u);
}

TEST(Verify, WhatOverflowsInNaiveFloatMayOverflow) {
  EXPECT_TRUE(compare({1e39, 1}, {inf, 1}, {inf, 1}).isWithinBound());
  EXPECT_TRUE(compare({1e39, 1}, {nan_, 1}, {inf, 1}).isWithinBound());
}

TEST(Verify, NamesTheWorstElement) {
  std::string text = describe(compare({0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 2, 0}), {2, 3});
  EXPECT_NE(text.find("worst at [1, 1]: 2 instead of 0"), std::string::npos) << text;
}

TEST(Verify, ChangesStandBesideTheSizeOfNumbers) {
  EXPECT_EQ(weft::describeChange({3, 4, nan_}, {3, 4.5, nan_}),
            "max error 0.5 beside numbers of up to 4, rms 0.1 of theirs");
  EXPECT_EQ(weft::describeChange({0}, {0}), "max error 0 beside numbers of up to 0, rms 0 of theirs");
}

TEST(Verify, NothingIsWithinBound) { EXPECT_TRUE(compare({}, {}, {}).isWithinBound()); }

} // namespace

//===- AttentionKernelTest.cpp - attention's loop nests against double -------------------------------------------===//
// Answers: do both loop nests compute what the op says, for ragged sizes, shared key heads, masks, scores, a cache's
// past, strided operands and special numbers, as accurately as naive attention in f32?
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/dialects/Conversion/Strided.h"
#include "gtest/gtest.h"
#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace weft::test {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float sentinel = -12345.0f;
constexpr double scale = 0.25;

struct Widths {
  int64_t heads, keyHeads, depth, width; // H, G, D, E
};
struct Sizes {
  int64_t batch, queries, keys, past;
};
/// Numbers that a mask reads: an index, and a table of i32.
struct Captured {
  int64_t number = 0;
  std::vector<int32_t> table = {0};
};

/// A kernel as IR, and its mask and score as C++.
struct Formula {
  std::string mask, score;
  std::function<bool(int64_t b, int64_t h, int64_t q, int64_t k, const Captured &)> admits = nullptr;
  std::function<double(double s, int64_t b, int64_t h, int64_t q, int64_t k)> scored = nullptr;
};

const Formula everything = {};
const Formula causal = {"%m = arith.cmpi sle, %k, %q : index\n weft.yield %m : i1", "",
                        [](auto, auto, int64_t q, int64_t k, auto &) { return k <= q; }};
const Formula causalWindow = {
    R"(%d = arith.subi %q, %k : index
                                 %n = arith.cmpi slt, %d, %number : index
                                 %c = arith.cmpi sge, %d, %zero : index
                                 %m = arith.andi %n, %c : i1
                                 weft.yield %m : i1)",
    "", [](auto, auto, int64_t q, int64_t k, const Captured &c) { return k <= q && q - k < c.number; }};
const Formula lengths = {R"(%l = memref.load %table[%b] : memref<?xi32>
                            %li = arith.index_cast %l : i32 to index
                            %m = arith.cmpi slt, %k, %li : index
                            weft.yield %m : i1)",
                         "", [](int64_t b, auto, auto, int64_t k, const Captured &c) { return k < c.table[b]; }};
const Formula documents = {
    R"(%x = memref.load %table[%q] : memref<?xi32>
                              %y = memref.load %table[%k] : memref<?xi32>
                              %m = arith.cmpi eq, %x, %y : i32
                              weft.yield %m : i1)",
    "", [](auto, auto, int64_t q, int64_t k, const Captured &c) { return c.table[q] == c.table[k]; }};
// ALiBi, then a soft cap.
const Formula biased = {"",
                        R"(%d = arith.subi %k, %q : index
                           %di = arith.index_cast %d : index to i32
                           %df = arith.sitofp %di : i32 to f32
                           %h1 = arith.index_cast %h : index to i32
                           %hf = arith.sitofp %h1 : i32 to f32
                           %slope = arith.constant 0.0625 : f32
                           %hs = arith.mulf %hf, %slope : f32
                           %bias = arith.mulf %df, %hs : f32
                           %t = arith.addf %s, %bias : f32
                           %cap = arith.constant 8.0 : f32
                           %u = arith.divf %t, %cap : f32
                           %v = math.tanh %u : f32
                           %w = arith.mulf %v, %cap : f32
                           weft.yield %w : f32)",
                        nullptr, [](double s, auto, int64_t h, int64_t q, int64_t k) {
                          return 8 * std::tanh((s + 0.0625 * h * (k - q)) / 8);
                        }};
const Formula evenKeysOnly = {"",
                              R"(%two = arith.constant 2 : index
                                 %r = arith.remsi %k, %two : index
                                 %even = arith.cmpi eq, %r, %zero : index
                                 %least = arith.constant 0xFF800000 : f32
                                 %t = arith.select %even, %s, %least : f32
                                 weft.yield %t : f32)",
                              nullptr, [](double s, auto, auto, auto, int64_t k) { return k % 2 ? -inf : s; }};

std::unique_ptr<Jit> compileKernel(const Widths &w, const Formula &formula, unsigned lanes) {
  auto type = [](int64_t heads, int64_t width) {
    return "memref<?x?x" + std::to_string(heads) + "x" + std::to_string(width) + "xf32, strided<[?, ?, " +
           std::to_string(width) + ", 1]>>";
  };
  std::string query = type(w.heads, w.depth), key = type(w.keyHeads, w.depth), value = type(w.keyHeads, w.width),
              result = type(w.heads, w.width), clauses;
  if (!formula.mask.empty())
    clauses += "mask {\n^bb0(%b: index, %h: index, %q: index, %k: index):\n" + formula.mask + "\n}\n";
  if (!formula.score.empty())
    clauses += "score {\n^bb0(%s: f32, %b: index, %h: index, %q: index, %k: index):\n" + formula.score + "\n}\n";
  return Jit::compile(
      "func.func @kernel(%query: " + query + ", %key: " + key + ", %value: " + value +
          ", %past: index, %number: index, %table: memref<?xi32>, %result: " + result +
          ") attributes {llvm.emit_c_interface} {\n%zero = arith.constant 0 : index\n" +
          "weft.attention %query, %key, %value past %past outs %result {scale = " + std::to_string(scale) + " : f64} " +
          clauses + " : (" + query + ", " + key + ", " + value + ", index, " + result + ") -> ()\nreturn }",
      lanes);
}

struct Problem {
  Problem(const Widths &w, const Sizes &n, unsigned seed = 1)
      : widths(w), sizes(n), query(n.batch, n.queries, w.heads, w.depth, 3, nan),
        key(n.batch, n.keys, w.keyHeads, w.depth, 16, nan), value(n.batch, n.keys, w.keyHeads, w.width, 5, nan),
        result(n.batch, n.queries, w.heads, w.width, 7, sentinel) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    for (Strided *array : {&query, &key, &value})
      array->forEach([&](float &x, auto...) { x = normal(generator); });
  }

  void run(Jit &jit, const Captured &captured) {
    std::vector<int32_t> table = captured.table;
    jit.call("kernel", {query.descriptor(), key.descriptor(), value.descriptor(), Descriptor::number(sizes.past),
                        Descriptor::number(captured.number), Descriptor(table.data(), {int64_t(table.size())}),
                        result.descriptor()});
  }

  /// One row of the result by the formula of the op, in Number.
  template <typename Number>
  std::vector<Number> row(const Formula &formula, const Captured &captured, int64_t b, int64_t i, int64_t h) {
    int64_t g = h / (widths.heads / widths.keyHeads), q = sizes.past + i;
    std::vector<Number> scores, sum(widths.width, 0);
    std::vector<int64_t> keys;
    Number maximum = -inf, weights = 0;
    for (int64_t k = 0; k < sizes.keys; ++k) {
      if (formula.admits && !formula.admits(b, h, q, k, captured))
        continue;
      Number s = 0;
      for (int64_t d = 0; d < widths.depth; ++d)
        s += Number(query.at(b, i, h, d)) * Number(key.at(b, k, g, d));
      s *= Number(scale);
      if (formula.scored)
        s = formula.scored(s, b, h, q, k);
      keys.push_back(k);
      scores.push_back(s);
      maximum = std::fmax(maximum, s);
    }
    for (auto &s : scores) {
      s = maximum == Number(-inf) && !std::isnan(s) ? Number(0) : std::exp(s - maximum);
      weights += s;
    }
    if (weights == 0)
      return sum;
    for (size_t n = 0; n < keys.size(); ++n)
      for (int64_t e = 0; e < widths.width; ++e)
        sum[e] += scores[n] / weights * Number(value.at(b, keys[n], g, e));
    return sum;
  }

  /// At most twice the error of naive attention in f32; NaN and infinite where it must be and nowhere else; nothing is
  /// written between the rows.
  void check(const Formula &formula, const Captured &captured) {
    double error = 0, naive = 0, largest = 0;
    value.forEach(
        [&](float &x, auto...) { largest = std::isfinite(x) ? std::max<double>(largest, std::abs(x)) : largest; });
    for (int64_t b = 0; b < sizes.batch; ++b)
      for (int64_t i = 0; i < sizes.queries; ++i)
        for (int64_t h = 0; h < widths.heads; ++h) {
          std::vector<double> exact = row<double>(formula, captured, b, i, h);
          std::vector<float> inF32 = row<float>(formula, captured, b, i, h);
          for (int64_t e = 0; e < widths.width; ++e) {
            float got = result.at(b, i, h, e);
            ASSERT_EQ(std::isnan(got), std::isnan(exact[e])) << b << ' ' << i << ' ' << h << ' ' << e << ": " << got;
            if (!std::isfinite(exact[e])) {
              ASSERT_TRUE(std::isnan(got) || got == exact[e]) << b << ' ' << i << ' ' << h << ' ' << e << ": " << got;
              continue;
            }
            error = std::max(error, std::abs(got - exact[e]));
            naive = std::max(naive, std::abs(inF32[e] - exact[e]));
          }
        }
    EXPECT_LE(error, std::max(2 * naive, 1e-6 * largest)) << "naive: " << naive;
    int64_t untouched = std::count(result.numbers.begin(), result.numbers.end(), sentinel);
    EXPECT_EQ(untouched, sizes.batch * sizes.queries * 7 + (sizes.batch * sizes.queries == 0));
  }

  Widths widths;
  Sizes sizes;
  Strided query, key, value, result;
};

class AttentionKernels : public testing::TestWithParam<unsigned> {
protected:
  void compile(const Widths &w, const Formula &f) {
    widths = w;
    formula = f;
    jit = compileKernel(w, f, GetParam());
    ASSERT_TRUE(jit);
  }
  void check(
      const Sizes &sizes, const Captured &captured = {},
      const std::function<void(Problem &)> &change = [](Problem &) {}) {
    SCOPED_TRACE("batch " + std::to_string(sizes.batch) + ", queries " + std::to_string(sizes.queries) + ", keys " +
                 std::to_string(sizes.keys) + ", past " + std::to_string(sizes.past));
    Problem problem(widths, sizes);
    change(problem);
    problem.run(*jit, captured);
    problem.check(formula, captured);
  }

  Widths widths;
  Formula formula;
  std::unique_ptr<Jit> jit;
};

// Few and many queries, blocks that are not full, fewer keys than a register tile, no keys, no queries, several blocks
// of keys of which the last would be short, several groups of blocks of queries of which one is not full.
const Sizes raggedSizes[] = {{1, 1, 1, 0},     {2, 0, 5, 0},      {2, 3, 0, 0},    {1, 20, 0, 0},
                             {1, 1, 40, 39},   {2, 7, 19, 12},    {1, 8, 8, 0},    {1, 12, 5, 0},
                             {2, 33, 65, 32},  {1, 40, 13, 0},    {1, 20, 30, 10}, {1, 50, 300, 250},
                             {1, 3, 600, 597}, {1, 64, 513, 449}, {3, 9, 9, 0},    {2, 330, 340, 10}};

TEST_P(AttentionKernels, Causal) {
  compile({4, 2, 24, 40}, causal);
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionKernels, NoMaskAndOddWidths) {
  compile({7, 1, 31, 5}, everything);
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionKernels, ScoresSeePositions) {
  compile({3, 3, 8, 96}, biased);
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionKernels, Window) {
  compile({2, 2, 16, 16}, causalWindow);
  for (const Sizes &sizes : raggedSizes)
    for (int64_t width : {0, 1, 5, 100})
      check(sizes, {width});
}

TEST_P(AttentionKernels, LengthsOfABatch) {
  compile({2, 1, 8, 8}, lengths);
  for (auto [queries, keys] : {std::pair(2, 20), {40, 20}, {10, 300}})
    check({4, queries, keys, 0}, {0, {0, 1, 7, keys}});
}

TEST_P(AttentionKernels, Documents) {
  compile({4, 2, 16, 16}, documents);
  std::vector<int32_t> table(400);
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = i / 23;
  for (const Sizes &sizes : raggedSizes)
    check(sizes, {0, {table.begin(), table.begin() + std::max<int64_t>({1, sizes.keys, sizes.past + sizes.queries})}});
}

// One query for each head, and as many rows as heads share a key head: in tiles of several rows, alone, or both. Keys
// fill no tile, some, or several blocks; widths fit registers, or take several runs through them.
TEST_P(AttentionKernels, OneQuery) {
  const Widths shapes[] = {{2, 2, 64, 64}, {3, 1, 80, 31},  {8, 2, 64, 64}, {8, 1, 128, 96}, {2, 2, 256, 256},
                           {6, 2, 1, 1},   {4, 1, 300, 40}, {1, 1, 31, 80}, {4, 1, 600, 128}};
  for (const Widths &w : shapes) {
    SCOPED_TRACE("heads of " + std::to_string(w.depth) + " and " + std::to_string(w.width));
    compile(w, causal);
    for (int64_t keys : {1, 3, 16, 37, 256, 300, 600})
      check({2, 1, keys, keys - 1});
  }
}

//===-- special numbers -------------------------------------------------------------------------------------------===//

const Sizes bothNests[] = {{1, 4, 50, 46}, {1, 40, 300, 260}};

TEST_P(AttentionKernels, WhatIsNotAdmittedDoesNotLeak) {
  compile({2, 1, 24, 40}, causalWindow);
  for (const Sizes &sizes : bothNests)
    for (float poison : {nan, float(inf), -float(inf)})
      for (int64_t first : {int64_t(0), sizes.keys / 2, sizes.keys - 3, sizes.keys - 1}) {
        // One key: queries that admit it get it, all others stay as they are.
        check(sizes, {11}, [&](Problem &p) {
          p.value.forEach([&](float &x, auto, int64_t k, auto...) { x = k == first ? poison : x; });
        });
        // Keys and values from there on, or up to there.
        check(sizes, {11}, [&](Problem &p) {
          p.value.forEach([&](float &x, auto, int64_t k, auto...) { x = k < first ? poison : x; });
          p.key.forEach([&](float &x, auto, int64_t k, auto...) { x = k < first ? nan : x; });
        });
        check(sizes, {11}, [&](Problem &p) {
          p.value.forEach([&](float &x, auto, int64_t k, auto...) { x = k > first ? poison : x; });
          p.key.forEach([&](float &x, auto, int64_t k, auto...) { x = k > first ? nan : x; });
        });
      }
}

TEST_P(AttentionKernels, NaNOfAQueryStaysInItsRow) {
  compile({2, 1, 24, 40}, causal);
  for (const Sizes &sizes : bothNests)
    check(sizes, {}, [&](Problem &p) { p.query.at(0, 2, 1, 5) = nan; });
}

TEST_P(AttentionKernels, LargeNegativeScores) {
  compile({1, 1, 8, 8}, causal);
  for (const Sizes &sizes : bothNests)
    check(sizes, {}, [&](Problem &p) {
      // Scores of -3e38, and -2e38 for one key: it takes everything.
      p.query.forEach([](float &x, auto, auto, auto, int64_t d) { x = d ? 0 : -4; });
      p.key.forEach([](float &x, auto, int64_t k, auto, int64_t d) { x = d ? 0 : k == 7 ? 2e38f : 3e38f; });
    });
}

TEST_P(AttentionKernels, RowsOfMinusInfinityAreZero) {
  compile({2, 2, 8, 24}, evenKeysOnly);
  for (const Sizes &sizes : bothNests)
    check(sizes);
  compile(widths, {"", "%least = arith.constant 0xFF800000 : f32\n weft.yield %least : f32", nullptr,
                   [](auto...) { return -inf; }});
  for (const Sizes &sizes : bothNests)
    check(sizes);
}

INSTANTIATE_TEST_SUITE_P(Lanes, AttentionKernels, testing::Values(8u, 16u));

} // namespace
} // namespace weft::test

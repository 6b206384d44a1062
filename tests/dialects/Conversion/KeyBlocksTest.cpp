//===- KeyBlocksTest.cpp - which blocks of keys attention computes -----------------------------------------------===//
// Answers: with masks that are no interval of keys, is the result right in both loop nests, and is no more computed
// than what the mask admits, to one block per row of blocks? The generated code itself reports the blocks that it
// computes.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/dialects/Conversion/Jit.h"
#include "gtest/gtest.h"
#include <cmath>
#include <functional>
#include <random>

namespace weft::test {
namespace {

using llvm::ArrayRef;

/// What a mask may read beside positions.
struct Tables {
  int64_t number = 0;
  std::vector<int32_t> words = {0};  ///< by position
  std::vector<int32_t> spread = {0}; ///< the same words, five apart
  std::vector<uint8_t> flags = {0};
  std::vector<int8_t> pairs = {0}; ///< by query and key
  int64_t keys = 1;                ///< of a row of pairs
};

struct Mask {
  const char *name, *text;
  std::function<bool(int64_t h, int64_t q, int64_t k, const Tables &t)> admits;
};

const Mask causal = {"causal", "%m = arith.cmpi sle, %k, %q : index",
                     [](auto, int64_t q, int64_t k, auto &) { return k <= q; }};
const Mask window = {"window",
                     R"(%d = arith.subi %q, %k : index
                        %n = arith.cmpi slt, %d, %number : index
                        %c = arith.cmpi sge, %d, %zero : index
                        %m = arith.andi %n, %c : i1)",
                     [](auto, int64_t q, int64_t k, auto &t) { return k <= q && q - k < t.number; }};
const Mask prefix = {"prefix",
                     R"(%c = arith.cmpi sle, %k, %q : index
                        %p = arith.cmpi slt, %k, %number : index
                        %m = arith.ori %c, %p : i1)",
                     [](auto, int64_t q, int64_t k, auto &t) { return k <= q || k < t.number; }};
const Mask documents = {"documents",
                        R"(%x = memref.load %words[%q] : memref<?xi32>
                           %y = memref.load %words[%k] : memref<?xi32>
                           %m = arith.cmpi eq, %x, %y : i32)",
                        [](auto, int64_t q, int64_t k, auto &t) { return t.words[q] == t.words[k]; }};
const Mask globalAndLocal = {"global and local",
                             R"(%c = arith.cmpi sle, %k, %q : index
                                %d = arith.subi %q, %k : index
                                %n = arith.cmpi slt, %d, %number : index
                                %four = arith.constant 4 : index
                                %g = arith.cmpi slt, %k, %four : index
                                %o = arith.ori %n, %g : i1
                                %m = arith.andi %c, %o : i1)",
                             [](auto, int64_t q, int64_t k, auto &t) { return k <= q && (q - k < t.number || k < 4); }};
const Mask blockDiagonal = {"block-diagonal",
                            R"(%x = arith.divsi %q, %number : index
                               %y = arith.divsi %k, %number : index
                               %m = arith.cmpi eq, %x, %y : index)",
                            [](auto, int64_t q, int64_t k, auto &t) { return q / t.number == k / t.number; }};
const Mask dilated = {"dilated",
                      R"(%x = arith.remsi %k, %number : index
                         %m = arith.cmpi eq, %x, %zero : index)",
                      [](auto, auto, int64_t k, auto &t) { return k % t.number == 0; }};
const Mask padding = {"padding", "%m = memref.load %flags[%k] : memref<?xi1>",
                      [](auto, auto, int64_t k, auto &t) { return t.flags[k] != 0; }};
const Mask anyPairs = {"pairs",
                       R"(%e = memref.load %pairs[%q, %k] : memref<?x?xi8>
                          %none = arith.constant 0 : i8
                          %m = arith.cmpi ne, %e, %none : i8)",
                       [](auto, int64_t q, int64_t k, auto &t) { return t.pairs[q * t.keys + k] != 0; }};
const Mask spreadDocuments = {
    "documents with strides",
    R"(%x = memref.load %spread[%q] : memref<?xi32, strided<[?]>>
                                 %y = memref.load %spread[%k] : memref<?xi32, strided<[?]>>
                                 %e = arith.cmpi eq, %x, %y : i32
                                 %c = arith.cmpi sle, %k, %q : index
                                 %p = arith.cmpi slt, %k, %number : index
                                 %s = arith.andi %e, %c : i1
                                 %m = arith.ori %s, %p : i1)",
    [](auto, int64_t q, int64_t k, auto &t) { return (t.words[q] == t.words[k] && k <= q) || k < t.number; }};
const Mask stripesOfHeads = {"stripes that differ by head",
                             R"(%w = arith.muli %h, %number : index
                                %s = arith.addi %k, %w : index
                                %n = arith.constant 40 : index
                                %p = arith.divsi %s, %n : index
                                %two = arith.constant 2 : index
                                %r = arith.remsi %p, %two : index
                                %m = arith.cmpi eq, %r, %zero : index)",
                             [](int64_t h, auto, int64_t k, auto &t) { return (k + h * t.number) / 40 % 2 == 0; }};
const Mask nothing = {"nothing, which is known when running only",
                      R"(%x = memref.load %words[%k] : memref<?xi32>
                         %many = arith.constant 1000000 : i32
                         %m = arith.cmpi sgt, %x, %many : i32)",
                      [](auto...) { return false; }};

constexpr int64_t depth = 4, width = 3;

struct Sizes {
  int64_t batch, queries, keys, past, heads = 1, keyHeads = 1;
};

std::unique_ptr<Jit> compile(const Mask &mask, int64_t heads, int64_t keyHeads, unsigned lanes) {
  auto type = [](int64_t heads, int64_t width) {
    return "memref<?x?x" + std::to_string(heads) + "x" + std::to_string(width) + "xf32>";
  };
  return Jit::compile(substitute(R"(
func.func private @weft_key_block(index, index, index)
func.func @kernel(%query: $query, %key: $key, %value: $value, %past: index, %number: index, %words: memref<?xi32>,
                  %spread: memref<?xi32, strided<[?]>>, %flags: memref<?xi1>, %pairs: memref<?x?xi8>, %result: $result)
    attributes {llvm.emit_c_interface} {
  %zero = arith.constant 0 : index
  weft.attention %query, %key, %value past %past outs %result {scale = 0.5 : f64} mask {
  ^bb0(%b: index, %h: index, %q: index, %k: index):
    $mask
    weft.yield %m : i1
  } : ($query, $key, $value, index, $result) -> ()
  return
})",
                                 {{"query", type(heads, depth)},
                                  {"key", type(keyHeads, depth)},
                                  {"value", type(keyHeads, width)},
                                  {"result", type(heads, width)},
                                  {"mask", mask.text}}),
                      lanes, /*reportKeyBlocks=*/true);
}

/// Random numbers; what the kernel makes of them.
struct Problem {
  explicit Problem(const Sizes &n)
      : n(n), query(n.batch * n.queries * n.heads * depth), key(n.batch * n.keys * n.keyHeads * depth),
        value(n.batch * n.keys * n.keyHeads * width), result(n.batch * n.queries * n.heads * width, NAN) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (std::vector<float> *numbers : {&query, &key, &value})
      for (float &x : *numbers)
        x = normal(random);
  }

  void run(Jit &jit, Tables t) {
    Jit::keyBlocks.clear();
    int64_t positions = t.words.size();
    t.spread.assign(positions * 5, -1);
    for (int64_t i = 0; i < positions; ++i)
      t.spread[i * 5] = t.words[i];
    jit.call("kernel",
             {Descriptor(query.data(), {n.batch, n.queries, n.heads, depth}),
              Descriptor(key.data(), {n.batch, n.keys, n.keyHeads, depth}),
              Descriptor(value.data(), {n.batch, n.keys, n.keyHeads, width}), Descriptor::number(n.past),
              Descriptor::number(t.number), Descriptor(t.words.data(), {positions}),
              Descriptor(t.spread.data(), {positions}, {5}), Descriptor(t.flags.data(), {int64_t(t.flags.size())}),
              Descriptor(t.pairs.data(), {int64_t(t.pairs.size()) / t.keys, t.keys}),
              Descriptor(result.data(), {n.batch, n.queries, n.heads, width})});
  }

  void check(const Mask &mask, const Tables &t) {
    for (int64_t b = 0; b < n.batch; ++b)
      for (int64_t i = 0; i < n.queries; ++i)
        for (int64_t h = 0; h < n.heads; ++h) {
          double sum = 0, rows[width] = {};
          for (int64_t k = 0; k < n.keys; ++k) {
            if (!mask.admits(h, n.past + i, k, t))
              continue;
            int64_t at = (b * n.keys + k) * n.keyHeads + h / (n.heads / n.keyHeads);
            double score = 0;
            for (int64_t d = 0; d < depth; ++d)
              score += 0.5 * query[((b * n.queries + i) * n.heads + h) * depth + d] * key[at * depth + d];
            sum += std::exp(score);
            for (int64_t e = 0; e < width; ++e)
              rows[e] += std::exp(score) * value[at * width + e];
          }
          for (int64_t e = 0; e < width; ++e)
            ASSERT_NEAR(result[((b * n.queries + i) * n.heads + h) * width + e], sum ? rows[e] / sum : 0, 1e-5)
                << "batch " << b << ", query " << i << ", head " << h;
        }
  }

  Sizes n;
  std::vector<float> query, key, value, result;
};

class KeyBlocks : public testing::TestWithParam<unsigned> {};

// Few and many queries, fewer keys than a register tile or a range, several blocks, rests of every kind.
const Sizes raggedSizes[] = {{1, 1, 1, 0},      {2, 0, 5, 0},     {2, 3, 0, 0},      {1, 20, 0, 0},
                             {1, 12, 5, 0},     {1, 40, 13, 0},   {2, 33, 65, 32},   {1, 20, 47, 10},
                             {1, 50, 300, 250}, {1, 3, 600, 597}, {1, 64, 513, 449}, {1, 40, 769, 700},
                             {1, 1, 1000, 999}, {2, 17, 288, 271}};
const Sizes sizesOfGroups[] = {{1, 5, 300, 295, 6, 2}, {2, 9, 100, 91, 6, 2}, {1, 20, 290, 0, 6, 2}};

TEST_P(KeyBlocks, ResultsAreRight) {
  for (const Mask *mask : {&causal, &window, &prefix, &documents, &globalAndLocal, &blockDiagonal, &dilated, &padding,
                           &anyPairs, &spreadDocuments, &stripesOfHeads, &nothing}) {
    bool grouped = mask == &stripesOfHeads;
    auto jit = compile(*mask, grouped ? 6 : 1, grouped ? 2 : 1, GetParam());
    ASSERT_TRUE(jit) << mask->name;
    for (const Sizes &n : grouped ? ArrayRef(sizesOfGroups) : ArrayRef(raggedSizes)) {
      int64_t positions = std::max<int64_t>({1, n.keys, n.past + n.queries});
      for (int64_t number : {1, 3, 40, 300}) {
        SCOPED_TRACE(std::string(mask->name) + " " + std::to_string(number) + ", queries " + std::to_string(n.queries) +
                     ", keys " + std::to_string(n.keys) + ", heads " + std::to_string(n.heads));
        Tables t;
        t.number = number;
        t.words.resize(positions);
        t.flags.resize(positions);
        t.keys = std::max<int64_t>(n.keys, 1);
        t.pairs.resize(positions * t.keys);
        std::mt19937 random(static_cast<unsigned>(number));
        for (int64_t i = 1; i < positions; ++i)
          t.words[i] = t.words[i - 1] + (random() % std::max<int64_t>(number, 2) == 0);
        for (int64_t i = 0; i < positions; ++i)
          t.flags[i] = i / number % 3 != 1;
        for (size_t i = 0; i < t.pairs.size(); ++i)
          t.pairs[i] = (i / t.keys / 30 + i % t.keys / number) % 2 ? -3 : 0;
        Problem problem(n);
        problem.run(*jit, t);
        problem.check(*mask, t);
      }
    }
  }
}

//===-- how much is computed --------------------------------------------------------------------------------------===//

constexpr int64_t length = 4096, sizeOfBlock = 32;

// For each row of blocks, a block of queries: keys computed against the blocks of 32 keys that have an admitted pair.
TEST_P(KeyBlocks, NoMoreThanOneBlockPerRowIsComputedInVain) {
  Tables t;
  t.words.resize(length);
  for (int64_t i = 0; i < length; ++i) // four documents of 700, 1396, 500 and 1500 positions
    t.words[i] = (i >= 700) + (i >= 2096) + (i >= 2596);
  struct Case {
    const Mask &mask;
    int64_t number;
  };
  int64_t queries = 2 * GetParam();
  for (const auto &[mask, number] : {Case{causal, 0}, Case{window, 512}, Case{prefix, 700}, Case{documents, 0},
                                     Case{globalAndLocal, 512}, Case{blockDiagonal, 300}}) {
    t.number = number;
    auto jit = compile(mask, 1, 1, GetParam());
    ASSERT_TRUE(jit);
    Problem problem({1, length, length, 0});
    problem.run(*jit, t);
    std::vector<int64_t> computed(length / queries);
    int64_t ofHalves = 0; // keys that the later half of a row's queries sees alone
    for (const KeyBlock &block : Jit::keyBlocks) {
      computed[block.firstQuery / queries] += block.keys;
      if (block.firstQuery % queries) {
        ASSERT_EQ(block.firstQuery % queries, GetParam());
        ofHalves += block.keys;
      }
    }
    if (&mask == &causal && GetParam() == 16) // register tiles of 8 keys: two of them at the end of each row
      EXPECT_EQ(ofHalves, length / 2);
    double executed = 0, exact = 0, all = length / queries * (length / sizeOfBlock);
    for (int64_t row = 0; row < length / queries; ++row) {
      int64_t blocks = 0;
      for (int64_t first = 0; first < length; first += sizeOfBlock) {
        bool any = false;
        for (int64_t q = row * queries; q < (row + 1) * queries && !any; ++q)
          for (int64_t k = first; k < first + sizeOfBlock && !any; ++k)
            any = mask.admits(0, q, k, t);
        blocks += any;
      }
      EXPECT_LE(computed[row], (blocks + 1) * sizeOfBlock) << mask.name << ", row " << row;
      executed += double(computed[row]) / sizeOfBlock;
      exact += double(blocks);
    }
    std::printf("%-18s executed %.4f of all blocks, exact %.4f\n", mask.name, executed / all, exact / all);
  }
}

INSTANTIATE_TEST_SUITE_P(Lanes, KeyBlocks, testing::Values(8u, 16u));

} // namespace
} // namespace weft::test

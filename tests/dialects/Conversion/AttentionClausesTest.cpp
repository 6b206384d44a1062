//===- AttentionClausesTest.cpp - every clause of attention against the reference interpreter --------------------===//
// Answers: do both loop nests compute sinks, similarities, hooks on probabilities, weights and logs of sums as the
// reference does, alone and together, for any width, and with special numbers where nobody may look?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Interpreter.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "tests/dialects/Conversion/Strided.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <random>

using namespace mlir;

namespace weft::test {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float sentinel = -12345.0f;

struct Widths {
  int64_t heads, keyHeads, depth, width; // H, G, D, E
};
struct Sizes {
  int64_t batch, queries, keys, past;
};

/// What an op has besides query, key and value; $READ %table[...] : $TABLE reads 1024 numbers, 0.5 to 1.5.
struct Clauses {
  bool hasSink = false, hasWeights = false, hasLse = false;
  std::string similarityText, maskText, scoreText, weighText;

  Clauses sink(bool has = true) const { return with(&Clauses::hasSink, has); }
  Clauses weights() const { return with(&Clauses::hasWeights, true); }
  Clauses lse() const { return with(&Clauses::hasLse, true); }
  Clauses similarity(const std::string &text) const { return with(&Clauses::similarityText, text); }
  Clauses mask(const std::string &text) const { return with(&Clauses::maskText, text); }
  Clauses score(const std::string &text) const { return with(&Clauses::scoreText, text); }
  Clauses weigh(const std::string &text) const { return with(&Clauses::weighText, text); }

private:
  template <typename T> Clauses with(T Clauses::*member, const T &value) const {
    Clauses changed = *this;
    changed.*member = value;
    return changed;
  }
};

const std::string causalWindow = R"(%d = arith.subi %q, %k : index
                                    %seven = arith.constant 7 : index
                                    %n = arith.cmpi slt, %d, %seven : index
                                    %c = arith.cmpi sge, %d, %zero : index
                                    %m = arith.andi %n, %c : i1
                                    weft.yield %m : i1)";
const std::string oddQueries = R"(%two = arith.constant 2 : index
                                  %r = arith.remsi %q, %two : index
                                  %m = arith.cmpi ne, %r, %zero : index
                                  weft.yield %m : i1)";
// What would be NaN for the zeros that fill a vector.
const std::string direction = R"(%x2 = arith.mulf %x, %x : f32
                                 %y2 = arith.mulf %y, %y : f32
                                 %r2 = arith.addf %x2, %y2 : f32
                                 %r = math.sqrt %r2 : f32
                                 %t = arith.divf %y, %r : f32
                                 weft.yield %t : f32)";
const std::string additive = R"(%w = $READ %table[%d] : $TABLE
                                %t = arith.addf %x, %y : f32
                                %u = math.tanh %t : f32
                                %v = arith.mulf %w, %u : f32
                                weft.yield %v : f32)";
// A cosine: the product over both norms.
const std::string productAndNorms = R"(%p = arith.mulf %x, %y : f32
                                       %x2 = arith.mulf %x, %x : f32
                                       %y2 = arith.mulf %y, %y : f32
                                       weft.yield %p, %x2, %y2 : f32, f32, f32)";
const std::string cosine = R"(%p = arith.mulf %s1, %s2 : f32
                              %r = math.sqrt %p : f32
                              %t = arith.divf %s0, %r : f32
                              %ten = arith.constant 10.0 : f32
                              %u = arith.mulf %t, %ten : f32
                              weft.yield %u : f32)";
const std::string byHead = R"(%i = arith.index_cast %h : index to i32
                              %f = arith.sitofp %i : i32 to f32
                              %t = arith.mulf %f, %x : f32
                              %u = arith.subf %t, %y : f32
                              %v = math.absf %u : f32
                              weft.yield %v : f32)";
// Not 0 for a probability of 0.
const std::string sharpened = R"(%w = $READ %table[%k] : $TABLE
                                 %a = arith.mulf %s0, %w : f32
                                 %less = arith.constant -0.01 : f32
                                 %t = arith.addf %a, %less : f32
                                 weft.yield %t : f32)";
const std::string evenKeys = R"(%two = arith.constant 2 : index
                                %r = arith.remsi %k, %two : index
                                %even = arith.cmpi eq, %r, %zero : index
                                %least = arith.constant 0xFF800000 : f32
                                %t = arith.select %even, %s0, %least : f32
                                weft.yield %t : f32)";
// Most of it depends on q - k alone, in several ways.
const std::string relative = R"(%two = arith.constant 2 : index
                                %forty = arith.constant 40 : index
                                %d = arith.subi %q, %k : index
                                %e = arith.addi %d, %forty : index
                                %x = arith.maxsi %e, %zero : index
                                %w = $READ %table[%x] : $TABLE
                                %q2 = arith.muli %q, %two : index
                                %k2 = arith.muli %k, %two : index
                                %d2 = arith.subi %k2, %q2 : index
                                %d3 = arith.addi %d2, %h : index
                                %i = arith.index_cast %d3 : index to i32
                                %f = arith.sitofp %i : i32 to f32
                                %a = math.absf %f : f32
                                %r = math.sqrt %a : f32
                                %y = $READ %table[%k] : $TABLE
                                %t = arith.mulf %s0, %w : f32
                                %u = arith.subf %t, %r : f32
                                %v = arith.mulf %u, %y : f32
                                weft.yield %v : f32)";
const std::string minusInfinity = R"(%t = arith.constant 0xFF800000 : f32
                                     weft.yield %t : f32)";

/// The op, on buffers or on tensors.
class Source {
public:
  Source(const Widths &w, const Clauses &clauses, bool onTensors) : w(w), c(clauses), onTensors(onTensors) {}

  std::string text() const {
    SmallVector<std::string> results = {data(w.heads, w.width)};
    if (c.hasWeights)
      results.push_back(shaped("?x?x" + std::to_string(w.heads) + "x?xf32", ""));
    if (c.hasLse)
      results.push_back(shaped("?x?x" + std::to_string(w.heads) + "xf32", ""));
    std::string sinkType = shaped(std::to_string(w.heads) + "xf32", ""), outs, outArguments, outTypes;
    for (auto [i, type] : llvm::enumerate(results)) {
      std::string name = "%out" + std::to_string(i);
      outs += (i ? ", " : "") + name;
      outArguments += ", " + name + ": " + type;
      outTypes += (i ? ", " : "") + type;
    }
    std::string query = data(w.heads, w.depth), key = data(w.keyHeads, w.depth), value = data(w.keyHeads, w.width);
    std::string arguments = "%query: " + query + ", %key: " + key + ", %value: " + value +
                            ", %past: index, %sink: " + sinkType + ", %table: $TABLE",
                operands = "weft.attention %query, %key, %value past %past ",
                types = query + ", " + key + ", " + value + ", index";
    if (c.hasSink) {
      operands += "sink %sink ";
      types += ", " + sinkType;
    }
    std::string attributes = std::string("{scale = 0.5 : f64") + (c.hasWeights ? ", weights" : "") +
                             (c.hasLse ? ", lse" : "") + "} " + regions();
    std::string zero = "%zero = arith.constant 0 : index\n", text;
    if (onTensors)
      text = "func.func @f(" + arguments + ") -> (" + outTypes + ") {\n" + zero +
             "%r:" + std::to_string(results.size()) + " = " + operands + attributes + ": (" + types + ") -> (" +
             outTypes + ")\nreturn " + references(results.size()) + " : " + outTypes + "\n}";
    else
      text = "func.func @kernel(" + arguments + outArguments + ") attributes {llvm.emit_c_interface} {\n" + zero +
             operands + "outs " + outs + " " + attributes + ": (" + types + ", " + outTypes + ") -> ()\nreturn\n}";
    return substitute(text, {{"READ", onTensors ? "tensor.extract" : "memref.load"},
                             {"TABLE", onTensors ? "tensor<1024xf32>" : "memref<1024xf32>"}});
  }

private:
  std::string shaped(const std::string &shape, const std::string &layout) const {
    return onTensors ? "tensor<" + shape + ">" : "memref<" + shape + layout + ">";
  }
  std::string data(int64_t heads, int64_t width) const {
    std::string last = std::to_string(width);
    return shaped("?x?x" + std::to_string(heads) + "x" + last + "xf32", ", strided<[?, ?, " + last + ", 1]>");
  }
  std::string regions() const {
    unsigned sums = c.similarityText == productAndNorms ? 3 : 1;
    std::string numbers, text, at = "%b: index, %h: index, %q: index, %k: index";
    for (unsigned i = 0; i < sums; ++i)
      numbers += "%s" + std::to_string(i) + ": f32, ";
    auto clause = [&](const std::string &name, const std::string &arguments, const std::string &body) {
      if (!body.empty())
        text += name + " {\n^bb0(" + arguments + "):\n" + body + "\n} ";
    };
    clause("similarity", "%x: f32, %y: f32, %b: index, %h: index, %d: index", c.similarityText);
    clause("mask", at, c.maskText);
    clause("score", numbers + at, c.scoreText);
    clause("weigh", "%s0: f32, " + at, c.weighText);
    return text;
  }
  static std::string references(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i)
      text += (i ? ", %r#" : "%r#") + std::to_string(i);
    return text;
  }

  Widths w;
  Clauses c;
  bool onTensors;
};

reference::Tensor dense(Strided &strided) {
  reference::Tensor tensor{strided.sizes, {}};
  strided.forEach([&](float &x, auto...) { tensor.values.push_back(x); });
  return tensor;
}
reference::Tensor dense(const std::vector<float> &numbers) {
  return {{int64_t(numbers.size())}, {numbers.begin(), numbers.end()}};
}

struct Problem {
  Problem(const Widths &w, const Sizes &n)
      : sizes(n), query(n.batch, n.queries, w.heads, w.depth, 3, nan),
        key(n.batch, n.keys, w.keyHeads, w.depth, 16, nan), value(n.batch, n.keys, w.keyHeads, w.width, 5, nan),
        result(n.batch, n.queries, w.heads, w.width, 7, sentinel), weights(n.batch, n.queries, w.heads, n.keys, 0, nan),
        lse(n.batch, n.queries, w.heads, 1, 0, nan), sink(w.heads), table(1024) {
    std::mt19937 generator(1);
    std::normal_distribution<float> normal;
    for (Strided *array : {&query, &key, &value})
      array->forEach([&](float &x, auto...) { x = normal(generator); });
    for (float &x : sink)
      x = 3 * normal(generator);
    for (float &x : table)
      x = 0.5f + std::generate_canonical<float, 24>(generator);
  }

  void run(Jit &jit, const Clauses &clauses) {
    std::vector<Descriptor> arguments = {query.descriptor(),
                                         key.descriptor(),
                                         value.descriptor(),
                                         Descriptor::number(sizes.past),
                                         Descriptor(sink.data(), {int64_t(sink.size())}),
                                         Descriptor(table.data(), {int64_t(table.size())}),
                                         result.descriptor()};
    if (clauses.hasWeights)
      arguments.push_back(weights.descriptor());
    if (clauses.hasLse)
      arguments.push_back(Descriptor(lse.numbers.data(), {lse.sizes[0], lse.sizes[1], lse.sizes[2]}));
    jit.call("kernel", arguments);
  }

  std::vector<reference::Tensor> inPrecision(ModuleOp module, reference::Precision precision) {
    reference::Options options;
    options.precision = precision;
    std::vector<reference::Tensor> arguments = {dense(query), dense(key),  dense(value), {{}, {double(sizes.past)}},
                                                dense(sink),  dense(table)};
    auto results = reference::run(module.lookupSymbol<func::FuncOp>("f"), arguments, options);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return {};
    }
    return std::move(*results);
  }

  Sizes sizes;
  Strided query, key, value, result, weights, lse;
  std::vector<float> sink, table;
};

/// At most twice the error of naive attention in f32; NaN and infinite where the reference is, and nowhere else.
void compare(Strided &got, const reference::Tensor &exact, const reference::Tensor &naive, double unit) {
  double error = 0, naiveError = 0;
  size_t i = 0;
  got.forEach([&](float &x, int64_t b, int64_t q, int64_t h, int64_t e) {
    double wanted = exact.values[i], f32 = naive.values[i++];
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(x)) << b << ' ' << q << ' ' << h << ' ' << e << ": " << x;
    } else if (std::isinf(wanted)) {
      ASSERT_EQ(x, wanted) << b << ' ' << q << ' ' << h << ' ' << e;
    } else {
      ASSERT_TRUE(std::isfinite(x)) << b << ' ' << q << ' ' << h << ' ' << e << ": " << x << ", not " << wanted;
      error = std::max(error, std::abs(x - wanted));
      naiveError = std::max(naiveError, std::abs(f32 - wanted));
    }
  });
  EXPECT_LE(error, std::max(2 * naiveError, 1e-6 * unit)) << "naive: " << naiveError;
}

class AttentionClauses : public testing::TestWithParam<unsigned> {
protected:
  void compile(const Widths &w, const Clauses &c) {
    widths = w;
    clauses = c;
    jit = Jit::compile(Source(w, c, /*onTensors=*/false).text(), GetParam());
    context
        .loadDialect<WeftDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect, tensor::TensorDialect>();
    module = parseSourceString<ModuleOp>(Source(w, c, /*onTensors=*/true).text(), &context);
    ASSERT_TRUE(jit && module);
  }

  void check(const Sizes &sizes, const std::function<void(Problem &)> &change = [](Problem &) {}) {
    SCOPED_TRACE("batch " + std::to_string(sizes.batch) + ", queries " + std::to_string(sizes.queries) + ", keys " +
                 std::to_string(sizes.keys) + ", past " + std::to_string(sizes.past));
    if (HasFatalFailure())
      return;
    Problem problem(widths, sizes);
    change(problem);
    problem.run(*jit, clauses);
    auto exact = problem.inPrecision(*module, reference::Precision::F64),
         naive = problem.inPrecision(*module, reference::Precision::F32);
    double largest = 0;
    problem.value.forEach(
        [&](float &x, auto...) { largest = std::isfinite(x) ? std::max<double>(largest, std::abs(x)) : largest; });
    compare(problem.result, exact[0], naive[0], largest);
    if (clauses.hasWeights)
      compare(problem.weights, exact[1], naive[1], 1);
    if (clauses.hasLse)
      compare(problem.lse, exact.back(), naive.back(), 5);
    int64_t rows = sizes.batch * sizes.queries;
    EXPECT_EQ(std::count(problem.result.numbers.begin(), problem.result.numbers.end(), sentinel),
              rows * 7 + (rows == 0));
  }

  Widths widths;
  Clauses clauses;
  std::unique_ptr<Jit> jit;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

// Few and many queries, fewer keys than a register tile, no keys, several blocks of keys.
const Sizes raggedSizes[] = {{1, 1, 1, 0},    {2, 3, 0, 0},   {1, 20, 0, 0},     {1, 1, 40, 39},   {2, 7, 19, 12},
                             {2, 33, 65, 32}, {1, 40, 13, 0}, {1, 50, 300, 250}, {1, 3, 600, 597}, {3, 9, 9, 0}};
const Sizes bothNests[] = {{1, 4, 50, 46}, {2, 40, 77, 37}};

//===-- one clause after another, on ragged sizes -----------------------------------------------------------------===//

TEST_P(AttentionClauses, Sink) {
  compile({4, 2, 24, 40}, Clauses().sink().mask(causalWindow));
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
  for (float special : {-inf, 100.0f, -100.0f, inf, nan})
    for (const Sizes &sizes : bothNests)
      check(sizes, [&](Problem &p) { p.sink[1] = special; });
}

TEST_P(AttentionClauses, LogOfSum) {
  compile({3, 1, 17, 20}, Clauses().mask(causalWindow).lse());
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionClauses, Weights) {
  compile({4, 2, 24, 40}, Clauses().weights());
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
  compile({4, 2, 24, 40}, Clauses().mask(causalWindow).weights());
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionClauses, Weigh) {
  compile({2, 2, 8, 24}, Clauses().mask(causalWindow).weigh(sharpened));
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionClauses, SimilarityOfTwoElements) {
  compile({2, 1, 20, 24}, Clauses().similarity(direction));
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionClauses, AdditiveSimilarity) {
  compile({2, 2, 40, 8}, Clauses().similarity(additive).mask(causalWindow));
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionClauses, SimilarityOfSeveralSums) {
  compile({4, 2, 24, 16}, Clauses().similarity(productAndNorms).score(cosine));
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

TEST_P(AttentionClauses, ScoreOfTheDistance) {
  for (const Clauses &c : {Clauses().score(relative), Clauses().mask(causalWindow).score(relative).weights().lse()}) {
    compile({4, 2, 24, 16}, c);
    for (const Sizes &sizes : raggedSizes)
      check(sizes);
  }
}

TEST_P(AttentionClauses, AllTogether) {
  compile({4, 2, 40, 31},
          Clauses().sink().similarity(byHead).mask(oddQueries).score(evenKeys).weigh(sharpened).weights().lse());
  for (const Sizes &sizes : raggedSizes)
    check(sizes);
}

//===-- widths ----------------------------------------------------------------------------------------------------===//

TEST_P(AttentionClauses, AnyWidth) {
  for (const Widths &w : std::initializer_list<Widths>{{2, 1, 1, 1},
                                                       {3, 3, 31, 40},
                                                       {2, 2, 80, 31},
                                                       {1, 1, 40, 96},
                                                       {2, 1, 96, 80},
                                                       {2, 1, 256, 1},
                                                       {1, 1, 1, 256}}) {
    SCOPED_TRACE("depth " + std::to_string(w.depth) + ", width " + std::to_string(w.width));
    compile(w, Clauses().sink().similarity(byHead).mask(causalWindow).weigh(sharpened).weights().lse());
    for (const Sizes &sizes : bothNests)
      check(sizes);
  }
}

//===-- special numbers -------------------------------------------------------------------------------------------===//

TEST_P(AttentionClauses, WhatIsNotAdmittedDoesNotLeak) {
  for (const Clauses &c : {Clauses().sink().mask(causalWindow).weights().lse(),
                           Clauses().similarity(byHead).mask(causalWindow).weigh(sharpened).weights()}) {
    compile({2, 1, 24, 40}, c);
    for (const Sizes &sizes : bothNests)
      for (float poison : {nan, inf})
        for (int64_t first : {int64_t(0), sizes.keys / 2, sizes.keys - 3}) {
          check(sizes, [&](Problem &p) {
            p.value.forEach([&](float &x, auto, int64_t k, auto...) { x = k == first ? poison : x; });
          });
          check(sizes, [&](Problem &p) {
            p.value.forEach([&](float &x, auto, int64_t k, auto...) { x = k < first ? poison : x; });
            p.key.forEach([&](float &x, auto, int64_t k, auto...) { x = k < first ? poison : x; });
          });
        }
  }
}

// Nothing to attend to: zeros, whatever `weigh` makes of 0, the sink is, and the values are.
TEST_P(AttentionClauses, RowsOfMinusInfinityAreZero) {
  for (bool sink : {false, true}) {
    compile({2, 2, 8, 24}, Clauses().sink(sink).mask(oddQueries).score(minusInfinity).weigh(sharpened).weights().lse());
    for (const Sizes &sizes : bothNests) {
      check(sizes);
      check(sizes, [](Problem &p) { p.value.forEach([](float &x, auto...) { x = nan; }); });
    }
  }
}

TEST_P(AttentionClauses, NaNOfAQueryStaysInItsRow) {
  compile({2, 1, 24, 40}, Clauses().sink().mask(causalWindow).weigh(sharpened).weights().lse());
  for (const Sizes &sizes : bothNests)
    check(sizes, [](Problem &p) { p.query.at(0, 2, 1, 5) = nan; });
}

INSTANTIATE_TEST_SUITE_P(Lanes, AttentionClauses, testing::Values(8u, 16u));

} // namespace
} // namespace weft::test

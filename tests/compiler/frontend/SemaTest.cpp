//===- SemaTest.cpp - what does a model compute? ------------------------------------------------------------------===//
// Answers: which axes, roles, sizes and names of weights does the elaborated graph have?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "compiler/frontend/Parser.h"
#include "compiler/frontend/Sizes.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace weft::frontend;

namespace {

struct Elaborated {
  std::unique_ptr<Source> source, prelude;
  Program program;
  Graph graph;
  std::string messages;

  template <typename T> std::vector<const Node *> nodes() const {
    std::vector<const Node *> found;
    for (const Node &node : graph.nodes)
      if (node.as<T>())
        found.push_back(&node);
    return found;
  }
  std::vector<std::string> weights() const {
    std::vector<std::string> names;
    for (const Node *node : nodes<op::Weight>())
      names.push_back(node->as<op::Weight>()->name);
    return names;
  }
};

std::unique_ptr<Elaborated> elaborate(llvm::StringRef text, const llvm::StringMap<int64_t> &sizes = {}) {
  auto result = std::make_unique<Elaborated>();
  result->source = std::make_unique<Source>("t", text);
  result->prelude = std::make_unique<Source>("std.weft", preludeText());
  Diagnostics diagnostics(20);
  Parser(*result->prelude, diagnostics).parseFile(result->program.prelude);
  Parser(*result->source, diagnostics).parseFile(result->program.file);
  if (resolveDeclarations(result->program, sizes, diagnostics))
    Elaborator(result->program, nullptr, diagnostics, result->graph, false).elaborateModel(*result->program.model);
  llvm::raw_string_ostream out(result->messages);
  diagnostics.print(out);
  return result;
}

constexpr const char *axes =
    "axes batch, seq, src, context = 32, embed = 64, head = 8, kv_head = 2, dim = embed / head\n";

std::unique_ptr<Elaborated> attention(const std::string &q, const std::string &k, const std::string &rest = "") {
  auto result =
      elaborate(std::string(axes) + "block a(x[seq, embed], m[src, embed]) -> [seq, head, dim] {\n  q = " + q +
                "\n  k = " + k + "\n  return attend(q, k, k) " + rest +
                "\n}\nmodel m(x: f32[batch, seq, embed], m: f32[batch, src, embed]) -> f32[batch, seq, head, dim] {\n"
                "  return a(x, m)\n}\n");
  EXPECT_EQ(result->messages, "");
  return result;
}

TEST(Sizes, AreExactAndExplained) {
  auto result = elaborate(
      "axes n = 3 * (7 - 2) % 8, half = 9 // 2, seq = 4\nmodel m(x: f32[seq]) -> f32[seq] {\n  return x\n}\n");
  EXPECT_EQ(result->program.axisNames["n"]->size, 7);
  EXPECT_EQ(result->program.axisNames["half"]->size, 4);
  EXPECT_EQ(notDivisible(64, 7), "64 is not divisible by 7 (nearest divisors: 4 and 8)");
  EXPECT_EQ(notDivisible(5, 9), "5 is not divisible by 9 (nearest divisor: 5)");
  EXPECT_FALSE(checkedProduct({1ll << 40, 1ll << 40}, 4));
}

TEST(Sizes, OfTheCommandLineReplaceAndFix) {
  llvm::StringMap<int64_t> sizes;
  sizes["embed"] = 32;
  sizes["seq"] = 16;
  auto result =
      elaborate(std::string(axes) + "model m(x: f32[batch, seq]) -> f32[batch, seq] {\n  return x\n}\n", sizes);
  EXPECT_EQ(result->messages, "");
  EXPECT_EQ(result->program.axisNames["dim"]->size, 4);
  ASSERT_EQ(result->graph.runtimeAxes.size(), 1u);
  EXPECT_EQ(result->graph.runtimeAxes[0]->name, "batch");
}

TEST(Lifting, CarriesUnmentionedAxesAlong) {
  auto result = elaborate(std::string(axes) +
                          "block b(x[embed]) -> [head, dim] {\n  return linear(x, \"w\", embed -> head dim)\n}\n"
                          "model m(x: f32[batch, seq, embed]) -> f32[batch, seq, head, dim] {\n  return b(x)\n}\n");
  EXPECT_EQ(result->messages, "");
  EXPECT_EQ(toString(result->graph.outputs[0].node->axes), "[batch, seq, head, dim]");
}

TEST(Names, FollowLoopsAndBlocks) {
  auto result = elaborate(
      std::string(axes) +
      "block b(x[embed]) -> [embed] {\n  return linear(rms_norm(x, \"norm\"), \"w\", embed -> embed, bias)\n}\n"
      "model m(x: f32[embed]) -> f32[embed] {\n"
      "  in \"net\" {\n    for i in 1..3 in \"layer.{i}\" {\n      x += b(layer_norm(x, \"ln{i}\", no bias)) in "
      "\"mlp\"\n    }\n  }\n"
      "  return linear(x, tied \"net.layer.1.mlp.w\", embed -> embed)\n}\n");
  EXPECT_EQ(result->messages, "");
  EXPECT_EQ(result->weights(), (std::vector<std::string>{
                                   "net.layer.1.ln1.weight", "net.layer.1.mlp.norm.weight", "net.layer.1.mlp.w.weight",
                                   "net.layer.1.mlp.w.bias", "net.layer.2.ln2.weight", "net.layer.2.mlp.norm.weight",
                                   "net.layer.2.mlp.w.weight", "net.layer.2.mlp.w.bias", "net.layer.1.mlp.w.weight"}));
}

TEST(Roles, OfSelfAttention) {
  auto result = attention("linear(x, \"q\", embed -> head dim)", "linear(x, \"k\", embed -> head dim)");
  const auto &roles = *result->nodes<op::Attention>()[0]->as<op::Attention>();
  EXPECT_EQ(toString(roles.batch), "[batch]");
  EXPECT_EQ(roles.queryPosition->name, "seq");
  EXPECT_EQ(roles.keyPosition->name, "seq");
  EXPECT_EQ(toString(roles.queryHeads), "[head]");
  EXPECT_EQ(roles.width->name, "dim");
  EXPECT_DOUBLE_EQ(roles.scale, 1 / std::sqrt(8.0));
}

TEST(Roles, OfCrossAttentionWithGroupedHeads) {
  auto result =
      attention("linear(x, \"q\", embed -> head dim)", "linear(m, \"k\", embed -> kv_head dim)", "scale 1/embed");
  const auto &roles = *result->nodes<op::Attention>()[0]->as<op::Attention>();
  EXPECT_EQ(roles.queryPosition->name, "seq");
  EXPECT_EQ(roles.keyPosition->name, "src");
  EXPECT_EQ(toString(roles.keyHeads), "[kv_head]");
  EXPECT_DOUBLE_EQ(roles.scale, 1.0 / 64);
}

TEST(Roles, OfACachedKey) {
  auto result = attention("linear(x, \"q\", embed -> head dim)",
                          "cache(linear(x, \"k\", embed -> kv_head dim), context)", "where causal");
  const auto &roles = *result->nodes<op::Attention>()[0]->as<op::Attention>();
  EXPECT_EQ(roles.queryPosition->name, "seq");
  EXPECT_EQ(roles.keyPosition->cacheOf, roles.queryPosition);
  EXPECT_EQ(result->graph.positionAxis, roles.queryPosition);
  EXPECT_TRUE(roles.mask);
}

TEST(Roles, AModelNamesThePositionsItself) {
  auto result = elaborate("axes batch, seq, dim = 4\nmodel m(q: f32[batch, seq, dim]) -> f32[batch, seq, dim] {\n"
                          "  return attend(q, q, q, over seq)\n}\n");
  EXPECT_EQ(result->messages, "");
  const auto &roles = *result->nodes<op::Attention>()[0]->as<op::Attention>();
  EXPECT_EQ(roles.keyPosition->name, "seq");
  EXPECT_EQ(toString(roles.batch), "[batch]");
}

TEST(Formulas, KnownNumbersAreComputed) {
  auto result = elaborate(std::string(axes) +
                          "model m(x: f32[seq]) -> f32[seq] {\n"
                          "  return x * (-8 * (1 + 1) / head) + (if 1 < 2 and not (2 < 1) then 3 else 4)\n}\n");
  EXPECT_EQ(result->messages, "");
  const Node *sum = result->graph.outputs[0].node;
  EXPECT_DOUBLE_EQ(sum->operands[1]->constant(), 3);
  EXPECT_DOUBLE_EQ(sum->operands[0]->operands[1]->constant(), -2);
}

TEST(Formulas, PositionsStayWholeUntilTheyMeetRealNumbers) {
  auto result = attention("linear(x, \"q\", embed -> head dim)", "linear(x, \"k\", embed -> head dim)",
                          "where window(context / 2) score alibi");
  const auto &roles = *result->nodes<op::Attention>()[0]->as<op::Attention>();
  ASSERT_EQ(roles.mask->as<op::Map>()->op, MapOp::Lt);
  EXPECT_EQ(roles.mask->operands[0]->element, Element::Index);
  EXPECT_EQ(roles.mask->operands[1]->element, Element::Index);
  EXPECT_EQ(roles.score->element, Element::F32);
}

TEST(Formulas, AFileMayReplaceThePrelude) {
  auto result =
      elaborate(std::string(axes) + "def swish(x) = 2 * x\nmodel m(x: f32[seq]) -> f32[seq] {\n  return swish(x)\n}\n");
  EXPECT_EQ(result->messages, "");
  EXPECT_EQ(result->graph.outputs[0].node->as<op::Map>()->op, MapOp::Mul);
}

TEST(Rename, GivesABlockItsPositions) {
  auto result = elaborate(std::string(axes) + "block b(x[src, embed]) -> [src, embed] {\n  return mean[src] x + x\n}\n"
                                              "model m(x: f32[batch, seq, embed]) -> f32[batch, seq, embed] {\n"
                                              "  return rename(b(rename(x, seq -> src)), src -> seq)\n}\n");
  EXPECT_EQ(result->messages, "");
  EXPECT_EQ(toString(result->graph.outputs[0].node->axes), "[batch, seq, embed]");
}

} // namespace

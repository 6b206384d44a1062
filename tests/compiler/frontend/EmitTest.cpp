//===- EmitTest.cpp - which IR does a model become? ---------------------------------------------------------------===//
// Answers: are layouts canonical, formulas one op each, both entry points there, and every op placed in its line?
//===--------------------------------------------------------------------------------------------------------------===//
#include "Compile.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace weft;
using namespace weft::test;

namespace {

constexpr const char *axes =
    "axes batch, seq, src, context = 32, embed = 64, head = 8, kv_head = 2, dim = embed / head, part = 3\n";

Compiled model(const std::string &body, const std::string &more = "") {
  Compiled compiled =
      compile(axes + more + "model m(x: f32[batch, seq, embed], t: i32[batch, seq]) -> f32[batch, seq, embed] {\n" +
              body + "}\n");
  EXPECT_EQ(compiled.messages, "");
  EXPECT_TRUE(compiled.module);
  return compiled;
}

std::string typeOf(Value value) {
  std::string text;
  llvm::raw_string_ostream out(text);
  value.getType().print(out);
  return text;
}

TEST(Emit, AFormulaIsOneOp) {
  Compiled compiled = model("  return gelu_tanh(x) * x + 1\n");
  auto generics = compiled.ops<linalg::GenericOp>("m");
  ASSERT_EQ(generics.size(), 1u);
  EXPECT_EQ(generics[0].getInputs().size(), 1u);
  EXPECT_EQ(compiled.ops<math::TanhOp>("m").size(), 1u);
}

TEST(Emit, AResultUsedTwiceIsComputedOnce) {
  Compiled compiled = model("  y = exp(x)\n  return y * y + sum[embed] y\n");
  EXPECT_EQ(compiled.ops<math::ExpOp>("m").size(), 1u);
}

TEST(Emit, AReductionComputesItsOperandInPlace) {
  Compiled compiled = model("  return x / sqrt(mean[embed] x * x)\n");
  auto generics = compiled.ops<linalg::GenericOp>("m");
  ASSERT_EQ(generics.size(), 3u); // sum of squares; mean and root; quotient
  EXPECT_EQ(generics[0].getNumReductionLoops(), 1u);
  EXPECT_EQ(generics[0].getInputs().size(), 1u);
}

TEST(Emit, LinearJoinsAndSplitsAxes) {
  Compiled compiled = model(
      "  h = linear(x, \"up\", embed -> head dim)\n  return linear(h, \"down\", head dim -> embed, stored in_out)\n");
  auto linears = compiled.ops<LinearOp>("m");
  ASSERT_EQ(linears.size(), 2u);
  EXPECT_EQ(typeOf(linears[0].getResult()), "tensor<?x?x64xf32>");
  EXPECT_TRUE(linears[1].getInOut());
  auto expands = compiled.ops<tensor::ExpandShapeOp>("m");
  ASSERT_EQ(expands.size(), 1u);
  EXPECT_EQ(typeOf(expands[0].getResult()), "tensor<?x?x8x8xf32>");
  EXPECT_TRUE(compiled.ops<linalg::TransposeOp>("m").empty());
}

TEST(Emit, AxesThatALinearReadsElsewhereAreTransposed) {
  Compiled compiled = compile("axes seq, embed = 4, wide = 8\nmodel m(x: f32[embed, seq]) -> f32[seq, wide] {\n"
                              "  return linear(x, \"up\", embed -> wide)\n}\n");
  EXPECT_EQ(compiled.messages, "");
  EXPECT_EQ(compiled.ops<linalg::TransposeOp>("m").size(), 1u);
}

const char *decoder = "block a(x[seq, embed]) -> [seq, embed] {\n"
                      "  q = linear(x, \"q\", embed -> head dim)\n"
                      "  k = cache(rotary(linear(x, \"k\", embed -> kv_head dim)), context)\n"
                      "  v = cache(linear(x, \"v\", embed -> kv_head dim), context)\n"
                      "  return linear(attend(rotary(q), k, v) where causal, \"o\", head dim -> embed)\n}\n";

TEST(Emit, ACacheMakesAStep) {
  Compiled compiled = model("  return a(x) + a(x)\n", decoder);
  auto step = compiled.module->lookupSymbol<func::FuncOp>("m_step");
  ASSERT_TRUE(step);
  ASSERT_EQ(step.getNumArguments(), 7u); // two inputs, past, four caches
  EXPECT_TRUE(step.getArgument(2).getType().isIndex());
  EXPECT_EQ(typeOf(step.getArgument(3)), "tensor<?x32x2x8xf32>");
  EXPECT_EQ(step.getArgAttrOfType<StringAttr>(3, contract::name).getValue(), "cache.0");
  EXPECT_TRUE(step.getArgAttr(6, contract::state));
  EXPECT_EQ(step->getAttrOfType<StringAttr>(contract::positionAxis).getValue(), "seq");
  EXPECT_EQ(step->getAttrOfType<IntegerAttr>(contract::context).getInt(), 32);
  EXPECT_EQ(compiled.ops<CacheOp>("m_step").size(), 4u);
  EXPECT_TRUE(compiled.ops<CacheOp>("m").empty());
  for (AttentionOp attention : compiled.ops<AttentionOp>("m_step"))
    EXPECT_EQ(attention.getPast(), step.getArgument(2));
  // One table of angles serves all.
  EXPECT_EQ(compiled.ops<math::CosOp>("m").size(), 1u);
  EXPECT_EQ(compiled.ops<RotaryOp>("m").size(), 4u);
}

TEST(Emit, WithoutACacheThereIsNoStep) {
  Compiled compiled = model("  return x\n");
  EXPECT_FALSE(compiled.module->lookupSymbol("m_step"));
}

TEST(Emit, TheOutsideIsDescribed) {
  Compiled compiled = model("  return x\n");
  auto entry = compiled.module->lookupSymbol<func::FuncOp>("m");
  auto strings = [](Attribute array) {
    std::vector<std::string> texts;
    for (Attribute element : cast<ArrayAttr>(array))
      texts.push_back(cast<StringAttr>(element).getValue().str());
    return texts;
  };
  EXPECT_EQ(strings((*compiled.module)->getAttr(contract::axes)), (std::vector<std::string>{"batch", "seq"}));
  EXPECT_EQ(strings(entry.getArgAttr(0, contract::dims)), (std::vector<std::string>{"batch", "seq", "64"}));
  EXPECT_EQ(strings(entry.getArgAttr(0, contract::axisNames)), (std::vector<std::string>{"batch", "seq", "embed"}));
  EXPECT_EQ(entry.getResultAttrOfType<StringAttr>(0, contract::name).getValue(), "output");
  EXPECT_EQ(entry->getAttrOfType<StringAttr>(contract::entry).getValue(), "sequence");
}

TEST(Emit, AttentionWithoutBatchOrHeadsGetsUnits) {
  Compiled compiled = compile("axes seq, src, dim = 4\nmodel m(q: f32[seq, dim], k: f32[src, dim]) -> f32[seq, dim] {\n"
                              "  return attend(q, k, k)\n}\n");
  EXPECT_EQ(compiled.messages, "");
  auto attention = compiled.ops<AttentionOp>("m");
  ASSERT_EQ(attention.size(), 1u);
  EXPECT_EQ(typeOf(attention[0].getQuery()), "tensor<1x?x1x4xf32>");
}

TEST(Emit, SeveralBatchAxesBecomeOne) {
  Compiled compiled =
      compile("axes beam, batch, seq, dim = 4\nblock a(x[seq, dim]) -> [seq, dim] {\n  return attend(x, x, x)\n}\n"
              "model m(x: f32[beam, batch, seq, dim]) -> f32[beam, batch, seq, dim] {\n  return a(x)\n}\n");
  EXPECT_EQ(compiled.messages, "");
  EXPECT_EQ(compiled.ops<tensor::CollapseShapeOp>("m").size(), 4u); // q, k, v, and the unit of the result
}

TEST(Emit, AMaskMayReadATensorOfTheBatch) {
  Compiled compiled =
      model("  return a(x, t)\n", "mask same(q, k; doc[seq]) = doc[q] == doc[k]\n"
                                  "score table(s, h, q, k; bias[head, context]) = s + bias[h, q - k]\n"
                                  "block a(x[seq, embed], t: i32[seq]) -> [seq, embed] {\n"
                                  "  q = linear(x, \"q\", embed -> head dim)\n"
                                  "  a = attend(q, q, q) where same(t) score table(weight(\"bias\", -> head context))\n"
                                  "  return linear(a, \"o\", head dim -> embed)\n}\n");
  auto reads = compiled.ops<tensor::ExtractOp>("m");
  ASSERT_EQ(reads.size(), 3u);
  EXPECT_EQ(reads[0].getIndices().size(), 2u); // batch and position
  // A position that may lie outside is clamped; q and k themselves cannot.
  EXPECT_TRUE(isa<BlockArgument>(reads[0].getIndices()[1]));
  EXPECT_TRUE(reads[2].getIndices()[1].getDefiningOp<arith::MaxSIOp>());
}

/// One attention over heads of x, followed by `clauses`; `then` uses its results.
struct Attended {
  explicit Attended(const std::string &clauses, const std::string &formulas = "", const std::string &then = "",
                    const std::string &names = "a")
      : compiled(model("  return b(x)\n", "axes key\n" + formulas +
                                              "block b(x[seq, embed]) -> [seq, embed] {\n"
                                              "  q = linear(x, \"q\", embed -> head dim)\n  " +
                                              names + " = attend(q, q, q) " + clauses + "\n" + then +
                                              "  return linear(a, \"o\", head dim -> embed)\n}\n")),
        op(compiled.ops<AttentionOp>("m").front()) {}
  Compiled compiled;
  AttentionOp op;
};

TEST(Emit, OnlyResultsThatAreUsedAreAskedFor) {
  const char *clauses = "with lse with weights over key", *names = "a, z, p";
  Attended none(clauses, "", "", names);
  EXPECT_FALSE(none.op.getWeights() || none.op.getLse());
  EXPECT_EQ(none.op.getNumResults(), 1u);
  Attended weights(clauses, "", "  a += sum[key] p\n", names);
  EXPECT_TRUE(weights.op.getWeights() && !weights.op.getLse());
  EXPECT_EQ(typeOf(weights.op.getResults()[1]), "tensor<?x?x8x?xf32>");
  Attended both(clauses, "", "  a += sum[key] p + z\n", names);
  EXPECT_TRUE(both.op.getWeights() && both.op.getLse());
  EXPECT_EQ(typeOf(both.op.getResults()[2]), "tensor<?x?x8xf32>");
}

TEST(Emit, TheWeightsOfAStepAreOverAllPositions) {
  Compiled compiled =
      compile(std::string(axes) + "block b(x[seq, embed]) -> [seq, embed] {\n"
                                  "  k = cache(linear(x, \"k\", embed -> kv_head dim), context)\n"
                                  "  a, p = attend(linear(x, \"q\", embed -> head dim), k, k) where causal "
                                  "with weights\n"
                                  "  return linear(a + max[context] p, \"o\", head dim -> embed)\n}\n"
                                  "model m(x: f32[batch, seq, embed]) -> f32[batch, seq, embed] {\n"
                                  "  return b(x)\n}\n",
              [] {
                FrontendOptions options;
                options.axes["seq"] = 3;
                return options;
              }());
  EXPECT_EQ(compiled.messages, "");
  EXPECT_EQ(typeOf(compiled.ops<AttentionOp>("m")[0].getResults()[1]), "tensor<?x3x8x3xf32>");
  EXPECT_EQ(typeOf(compiled.ops<AttentionOp>("m_step")[0].getResults()[1]), "tensor<?x3x8x?xf32>");
}

TEST(Emit, SumsOfAScoreAreTheSimilarity) {
  auto terms = [](AttentionOp op) { return op.getSimilarity().front().getTerminator()->getNumOperands(); };
  Attended one("score additive(weight(\"w\", -> head dim)) scale 2",
               "score additive(q[dim], k[dim]; w[dim]) = sum[dim] w * tanh(q + k)\n");
  EXPECT_EQ(terms(one.op), 1u);
  EXPECT_TRUE(one.op.getScore().empty());
  EXPECT_DOUBLE_EQ(one.op.getScale().convertToDouble(), 2);
  auto reads = one.compiled.ops<tensor::ExtractOp>("m");
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].getIndices()[0], one.op.getSimilarity().getArgument(3)); // the head
  EXPECT_EQ(reads[0].getIndices()[1], one.op.getSimilarity().getArgument(4)); // the element

  Attended three("score cosine then softcap(2) scale 3", "score cosine(q[dim], k[dim]) = sum[dim] q * k / "
                                                         "sqrt(sum[dim] q * q) / sqrt(sum[dim] k * k)\n");
  EXPECT_EQ(terms(three.op), 3u);
  EXPECT_EQ(three.op.getScore().getNumArguments(), 3u + 4u);
  EXPECT_DOUBLE_EQ(three.op.getScale().convertToDouble(), 1); // of the quotient, not of each sum
}

TEST(Emit, ASinkIsOneNumberForEachHead) {
  Attended one("sink 0.5");
  EXPECT_EQ(typeOf(one.op.getSink()), "tensor<8xf32>");
  Attended perHead("sink weight(\"sinks\", -> head)");
  EXPECT_TRUE(perHead.op.getSink().getDefiningOp<WeightOp>());
}

TEST(Emit, PicksAndPositions) {
  Compiled compiled = model("  y = linear(x, \"qkv\", embed -> part embed)\n  return y[part = 1] + "
                            "lookup(position(seq), \"wpe\", context -> embed)\n");
  EXPECT_EQ(compiled.ops<tensor::ExtractSliceOp>("m").size(), 1u);
  EXPECT_EQ(compiled.ops<LookupOp>("m").size(), 1u);
}

TEST(Emit, FixedSizesMakeStaticTypes) {
  FrontendOptions options;
  options.axes["batch"] = 2;
  options.axes["seq"] = 16;
  Compiled compiled = compile(std::string(axes) + decoder +
                                  "model m(x: f32[batch, seq, embed]) -> f32[batch, seq, embed] {\n  return a(x)\n}\n",
                              options);
  EXPECT_EQ(compiled.messages, "");
  EXPECT_EQ(typeOf(compiled.ops<AttentionOp>("m")[0].getKey()), "tensor<2x16x2x8xf32>");
  EXPECT_EQ(typeOf(compiled.ops<AttentionOp>("m_step")[0].getKey()), "tensor<2x?x2x8xf32>");
}

TEST(Emit, EveryOpPointsAtItsLine) {
  Compiled compiled = model("  y = rms_norm(x, \"n\")\n  return swish(y)\n");
  auto entry = compiled.module->lookupSymbol<func::FuncOp>("m");
  entry.walk([&](Operation *op) {
    auto named = dyn_cast<NameLoc>(op->getLoc());
    ASSERT_TRUE(named) << op->getName().getStringRef().str();
    EXPECT_TRUE(isa<FileLineColLoc>(named.getChildLoc()));
  });
  auto norm = compiled.ops<RmsNormOp>("m")[0];
  auto loc = cast<NameLoc>(norm->getLoc());
  EXPECT_EQ(loc.getName().getValue(), "rms_norm");
  EXPECT_EQ(cast<FileLineColLoc>(loc.getChildLoc()).getLine(), 3u);
  EXPECT_EQ(cast<FileLineColLoc>(loc.getChildLoc()).getColumn(), 7u);
}

class Examples : public testing::TestWithParam<const char *> {};

TEST_P(Examples, CompileToIRThatParsesAgain) {
  std::string path = std::string("examples/") + GetParam();
  Compiled compiled = compile(readSource(path), {}, path);
  EXPECT_EQ(compiled.messages, "");
  ASSERT_TRUE(compiled.module);
  std::string text = compiled.ir();
  auto again = parseSourceString<ModuleOp>(text, compiled.context.get());
  ASSERT_TRUE(again);
  EXPECT_TRUE(succeeded(verify(*again)));
}

INSTANTIATE_TEST_SUITE_P(All, Examples,
                         testing::Values("01-softmax.weft", "02-attention.weft", "03-custom-mask.weft",
                                         "05-equations.weft", "llama/stories.weft", "gpt2/gpt2.weft",
                                         "transformer/encoder_decoder.weft"));

TEST(Weights, OfTheStoriesModelAreAllFoundAndUsed) {
  std::string path = std::string(WEFT_SOURCE_DIR) + "/../shared/data/stories260K/model_hf.safetensors";
  if (!llvm::sys::fs::exists(path))
    GTEST_SKIP() << "needs ../shared, which is not part of a clone";
  auto checkpoint = Checkpoint::open(path);
  ASSERT_TRUE(static_cast<bool>(checkpoint)) << llvm::toString(checkpoint.takeError());
  FrontendOptions options;
  options.checkpoint = checkpoint->get();
  Compiled compiled = compile(readSource("examples/llama/stories.weft"), options);
  EXPECT_EQ(compiled.messages, "");
  EXPECT_TRUE(compiled.module);
}

TEST(Weights, OfGpt2HaveTheirPublishedNames) {
  Compiled compiled = compile(readSource("examples/gpt2/gpt2.weft"));
  std::map<std::string, std::string> shapes;
  for (WeightOp weight : compiled.ops<WeightOp>("gpt2"))
    shapes[weight.getName().str()] = typeOf(weight.getResult());
  EXPECT_EQ(shapes.size(), 4u + 12 * 12);
  EXPECT_EQ(shapes["h.11.attn.c_attn.weight"], "tensor<768x2304xf32>");
  EXPECT_EQ(shapes["h.0.mlp.c_proj.weight"], "tensor<3072x768xf32>");
  EXPECT_EQ(shapes["wpe.weight"], "tensor<1024x768xf32>");
}

TEST(Emit, JoinedAxesAreOneOpAndTheirSizeASum) {
  Compiled compiled =
      compile("axes batch, seq, more, embed = 4\nmodel m(x: f32[batch, seq, embed]) -> f32[batch, embed] {\n"
              "  return sum[more] concat(0, x, 1, seq -> more)\n}\n");
  EXPECT_EQ(compiled.messages, "");
  auto concats = compiled.ops<tensor::ConcatOp>("m");
  ASSERT_EQ(concats.size(), 1u);
  EXPECT_EQ(concats[0].getDim(), 1u);
  EXPECT_EQ(concats[0].getInputs().size(), 3u);
  EXPECT_EQ(typeOf(concats[0].getInputs()[0]), "tensor<?x1x4xf32>");
  EXPECT_EQ(typeOf(concats[0].getResult()), "tensor<?x?x4xf32>");
}

TEST(Emit, PatchesAreTransposedOnce) {
  Compiled compiled = compile("axes batch, channel = 3, row = 8, column = 6, py = 4, px = 2, patch, embed = 5\n"
                              "model m(x: f32[batch, channel, row, column]) -> f32[batch, embed] {\n"
                              "  e = linear(patches(x, row column -> patch py px), \"w\", channel py px -> embed)\n"
                              "  return sum[patch] e\n}\n");
  EXPECT_EQ(compiled.messages, "");
  EXPECT_EQ(compiled.ops<linalg::TransposeOp>("m").size(), 1u);
  auto linears = compiled.ops<LinearOp>("m");
  ASSERT_EQ(linears.size(), 1u);
  EXPECT_EQ(typeOf(linears[0].getInput()), "tensor<?x6x24xf32>");
}

TEST(Emit, SplittingAnAxisMovesNothing) {
  Compiled compiled = model("  return rename(exp(rename(x, embed -> head dim)), head dim -> embed)\n");
  EXPECT_TRUE(compiled.ops<linalg::TransposeOp>("m").empty());
  EXPECT_EQ(compiled.ops<tensor::ExpandShapeOp>("m").size(), 1u);
  EXPECT_EQ(compiled.ops<tensor::CollapseShapeOp>("m").size(), 1u);
}

const char *recurrent = "block cell(x[embed], h[embed]) -> h: [embed] {\n"
                        "  return tanh(linear(x, \"ih\", embed -> embed) + linear(h, \"hh\", embed -> embed))\n}\n";

TEST(Emit, AScanIsALoop) {
  Compiled compiled = model("  return scan(cell, x, over seq)\n", recurrent);
  auto loops = compiled.ops<scf::ForOp>("m");
  ASSERT_EQ(loops.size(), 1u);
  // One state and the states of all positions.
  ASSERT_EQ(loops[0].getNumRegionIterArgs(), 2u);
  EXPECT_EQ(typeOf(loops[0].getRegionIterArg(0)), "tensor<?x64xf32>");
  EXPECT_EQ(typeOf(loops[0].getRegionIterArg(1)), "tensor<?x?x64xf32>");
  // What inputs alone decide stands before it, for all positions at once.
  auto linears = compiled.ops<LinearOp>("m");
  ASSERT_EQ(linears.size(), 2u);
  EXPECT_EQ(typeOf(linears[0].getInput()), "tensor<?x?x64xf32>");
  EXPECT_FALSE(linears[0]->getParentOfType<scf::ForOp>());
  EXPECT_EQ(typeOf(linears[1].getInput()), "tensor<?x64xf32>");
  EXPECT_TRUE(linears[1]->getParentOfType<scf::ForOp>());
  for (WeightOp weight : compiled.ops<WeightOp>("m"))
    EXPECT_FALSE(weight->getParentOfType<scf::ForOp>());
}

TEST(Emit, OnlyTheLastStateNeedsNoOthers) {
  Compiled compiled = model("  h = scan(cell, x, over seq)\n  b = scan(cell, x, backwards, over seq)\n"
                            "  return x + h[seq = last] + b[seq = 0]\n",
                            recurrent);
  for (scf::ForOp loop : compiled.ops<scf::ForOp>("m"))
    EXPECT_EQ(loop.getNumRegionIterArgs(), 1u);
  EXPECT_TRUE(compiled.ops<tensor::InsertSliceOp>("m").empty());
}

TEST(Emit, WhatDoesNotChangeStaysOutsideOfTheLoop) {
  Compiled compiled = compile("axes batch, seq, src, embed = 4\n"
                              "block look(x[embed], m[src, embed], h[embed]) -> h: [embed] {\n"
                              "  k = rotary(linear(m, \"k\", embed -> embed))\n  return attend(h + x, k, m)\n}\n"
                              "model m(x: f32[batch, seq, embed], y: f32[batch, src, embed])"
                              " -> f32[batch, seq, embed] {\n  return scan(look, x, y, over seq)\n}\n");
  EXPECT_EQ(compiled.messages, "");
  auto isInLoop = [](Operation *op) { return op->getParentOfType<scf::ForOp>() != nullptr; };
  ASSERT_EQ(compiled.ops<LinearOp>("m").size(), 1u);
  EXPECT_FALSE(isInLoop(compiled.ops<LinearOp>("m")[0]));
  EXPECT_FALSE(isInLoop(compiled.ops<RotaryOp>("m")[0]));
  EXPECT_TRUE(isInLoop(compiled.ops<AttentionOp>("m")[0]));
}

} // namespace

TEST(Emit, WeightsOfAttentionBecomeOutputsWhenAsked) {
  FrontendOptions options;
  options.attentionWeights = true;
  Compiled compiled = compile(
      "axes batch, seq, context = 8, head = 2, dim = 4\n"
      "block a(x[seq, head, dim]) -> [seq, head, dim] {\n"
      "  return attend(x, cache(x, context, over seq), cache(x, context, over seq), over context) where causal\n}\n"
      "model m(x: f32[batch, seq, head, dim]) -> f32[batch, seq, head, dim] {\n  return a(x)\n}\n",
      options);
  EXPECT_EQ(compiled.messages, "");
  auto entry = compiled.module->lookupSymbol<func::FuncOp>("m");
  ASSERT_EQ(entry.getNumResults(), 2u);
  EXPECT_EQ(entry.getResultAttrOfType<StringAttr>(1, contract::name).getValue(), "attention 0, line 3");
  auto axes = entry.getResultAttrOfType<ArrayAttr>(1, contract::axisNames);
  EXPECT_EQ(axes, Builder(compiled.context.get()).getStrArrayAttr({"batch", "head", "seq", "key"}));
  EXPECT_FALSE(compiled.module->lookupSymbol("m_step"));
}

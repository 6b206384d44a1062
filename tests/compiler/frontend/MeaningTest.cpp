//===- MeaningTest.cpp - do built-in blocks mean what formulas say? -----------------------------------------------===//
// Answers: does a model that computes something twice - by a built-in block, and written out - give the same numbers?
// The reference interpreter runs both, so what is compared are meanings, not IR.
//===--------------------------------------------------------------------------------------------------------------===//
#include "Compile.h"
#include "compiler/reference/Interpreter.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace weft;
using namespace weft::test;

namespace {

constexpr const char *axes =
    "axes batch = 2, seq = 5, key = 7, head = 4, kv_head = 2, group = 2, dim = 6, embed = 8, part = 3, vocab = 9\n";

/// Weights of the names that the models below read.
std::unique_ptr<Checkpoint> checkpoint() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<TensorToWrite> tensors;
  std::vector<std::vector<float>> values;
  auto tensor = [&](const char *name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    values.emplace_back(count);
    for (float &value : values.back())
      value = normal(random);
    tensors.push_back({name, std::move(shape), {}});
  };
  tensor("up.weight", {24, 8});
  tensor("up.bias", {24});
  tensor("parts.bias", {3, 8});
  values.back() = values[values.size() - 2];
  // The same numbers in another shape.
  tensor("up.parts", {3, 8, 8});
  values.back() = values[0];
  tensor("turned.weight", {24, 8});
  tensor("turned.parts", {8, 3, 8});
  values.back() = values[values.size() - 2];
  tensor("table.weight", {9, 8});
  tensor("norm.weight", {8});
  tensor("norm.bias", {8});
  for (auto [tensor, value] : llvm::zip(tensors, values))
    tensor.values = value;
  llvm::SmallString<128> folder;
  EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("weft-test", folder));
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, "model.safetensors");
  EXPECT_FALSE(static_cast<bool>(writeSafetensors(path, tensors)));
  auto opened = Checkpoint::open(path);
  EXPECT_TRUE(static_cast<bool>(opened));
  llvm::sys::fs::remove_directories(folder);
  return std::move(*opened);
}

reference::Tensor randomInput(RankedTensorType type, std::mt19937 &random) {
  reference::Tensor tensor;
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> index(0, 2);
  tensor.values.resize(type.getNumElements());
  for (double &value : tensor.values)
    value = type.getElementType().isF32() ? normal(random) : index(random);
  return tensor;
}

/// Runs a model of two outputs and wants them equal.
void sameTwice(const std::string &text) {
  std::unique_ptr<Checkpoint> weights = checkpoint();
  FrontendOptions options;
  options.checkpoint = weights.get();
  Compiled compiled = compile(text, options);
  ASSERT_TRUE(compiled.module) << compiled.messages;
  auto entry =
      compiled.module->lookupSymbol<func::FuncOp>((*compiled.module)->getAttrOfType<StringAttr>(contract::model));
  std::mt19937 random(11);
  std::vector<reference::Tensor> inputs;
  for (Type type : entry.getArgumentTypes())
    inputs.push_back(randomInput(cast<RankedTensorType>(type), random));
  reference::Options run;
  run.checkpoint = weights.get();
  auto outputs = reference::run(entry, inputs, run);
  ASSERT_TRUE(static_cast<bool>(outputs)) << llvm::toString(outputs.takeError());
  ASSERT_EQ(outputs->size(), 2u);
  ASSERT_EQ((*outputs)[0].values.size(), (*outputs)[1].values.size());
  // Constants are f32, whatever the interpreter computes in.
  for (auto [one, other] : llvm::zip((*outputs)[0].values, (*outputs)[1].values)) {
    ASSERT_TRUE(std::isfinite(one));
    ASSERT_NEAR(one, other, 1e-5 * (1 + std::fabs(one)));
  }
}

void model(const std::string &inputs, const std::string &output, const std::string &body,
           const std::string &more = "") {
  sameTwice(axes + more + "model m(" + inputs + ") -> " + output + ", " + output + " {\n" + body + "}\n");
}

const char *qkv = "q: f32[batch, seq, head, dim], k: f32[batch, key, head, dim], v: f32[batch, key, head, embed]";
const char *attended = "f32[batch, seq, head, embed]";

TEST(Meaning, Softmax) {
  model("x: f32[seq, embed]", "f32[seq, embed]", "  return softmax[seq] x, exp(x) / sum[seq] exp(x)\n");
}

TEST(Meaning, Norms) {
  model("x: f32[embed, seq]", "f32[embed, seq]",
        "  y = x - mean[embed] x\n"
        "  return layer_norm(x, \"norm\", over embed), y / sqrt(mean[embed] (y * y) + 1e-5) * weight(\"norm.weight\", "
        "-> embed) + weight(\"norm.bias\", -> embed)\n");
  model("x: f32[seq, embed]", "f32[seq, embed]",
        "  return rms_norm(x, eps = 0.5), x / sqrt(mean[embed](x * x) + 0.5)\n");
}

TEST(Meaning, Linear) {
  model("x: f32[embed, seq]", "f32[seq, part, embed]",
        "  w = weight(\"up.parts\", -> part wide embed)\n"
        "  y = linear(x, \"up\", embed -> part wide)\n"
        "  z = sum[embed] x * w + weight(\"parts.bias\", -> part wide)\n"
        "  return rename(y, wide -> embed), rename(z, wide -> embed)\n",
        "axes wide = 8\n");
  model("x: f32[seq, part, embed]", "f32[seq, wide]",
        "  return linear(x, \"turned\", embed part -> wide, stored in_out), sum[part, embed] x * "
        "weight(\"turned.parts\", -> embed part wide)\n",
        "axes wide = 8\n");
}

TEST(Meaning, Lookup) {
  model("i: i32[batch, seq]", "f32[batch, seq, embed]",
        "  return lookup(i, \"table\", vocab -> embed), sum[vocab](if i == position(vocab) then "
        "weight(\"table.weight\", -> vocab embed) else 0)\n");
}

TEST(Meaning, Pick) {
  model("x: f32[seq, part, embed]", "f32[seq, embed]",
        "  return x[part = 1], sum[part](if position(part) == 1 then x else 0)\n");
  model("x: f32[seq, embed]", "f32[embed]",
        "  return x[seq = last], sum[seq](if position(seq) == seq - 1 then x else 0)\n");
}

TEST(Meaning, Sinusoid) {
  model("x: f32[seq]", "f32[seq, embed]",
        "  c = position(embed)\n  angle = position(seq) * pow(10000, -(c - c % 2) / embed)\n"
        "  return sinusoid(seq, embed) + x, (if c % 2 == 0 then sin(angle) else cos(angle)) + x\n");
  model("x: f32[seq]", "f32[seq, embed]",
        "  c = position(embed)\n  angle = position(seq) * pow(100, -2 * (c % (embed / 2)) / embed)\n"
        "  return sinusoid(seq, embed, base = 100, halves) + x, (if c < embed / 2 then sin(angle) else cos(angle)) + "
        "x\n");
}

TEST(Meaning, WholeNumbersFloorTowardsMinusInfinity) {
  model("x: f32[seq]", "f32[seq]",
        "  n = position(seq) - 3\n  return x + n % 2 + 10 * (n // 2), x + n - 2 * floor(n / 2) + 10 * floor(n / 2)\n");
}

TEST(Meaning, AttentionOverHeads) {
  model(qkv, attended,
        "  p = softmax[key](sum[dim] (q * k) / sqrt(dim))\n  return attend(q, k, v, over key), sum[key] p * v\n");
}

TEST(Meaning, AttentionWithAMask) {
  model(qkv, attended,
        "  e = if position(key) <= position(seq) then exp(sum[dim](q * k) / dim) else 0\n"
        "  return attend(q, k, v, over key) scale 1 / dim where causal, sum[key] (e / sum[key] e) * v\n");
}

TEST(Meaning, MasksJoin) {
  model(qkv, attended,
        "  i = position(seq)\n  j = position(key)\n"
        "  e = if (j <= i or j % 3 == 0) and not (j == 6) then exp(sum[dim](q * k) / sqrt(dim)) else 0\n"
        "  return attend(q, k, v, over key) where (causal or third(3)) and not at(6), sum[key] (e / sum[key] e) * v\n",
        "mask third(k, n) = k % n == 0\nmask at(k, n) = k == n\n");
}

TEST(Meaning, ScoresFollowEachOther) {
  model(qkv, attended,
        "  s = 2 * tanh(sum[dim](q * k) / sqrt(dim) / 2)\n"
        "  t = s + exp2(-8 * (position(head) + 1) / head) * (position(key) - position(seq))\n"
        "  return attend(q, k, v, over key) score softcap(2) then alibi, sum[key] softmax[key](t) * v\n");
}

TEST(Meaning, AMaskReadsTensors) {
  model(std::string(qkv) + ", a: i32[batch, seq], b: i32[key, batch]", attended,
        "  e = if a == b or position(key) == 0 then exp(sum[dim](q * k) / sqrt(dim)) else 0\n"
        "  return attend(q, k, v, over key) where same(a, b) or prefix(1), sum[key] (e / sum[key] e) * v\n",
        "mask same(q, k; a[seq], b[key]) = a[q] == b[k]\n");
}

TEST(Meaning, AScoreReadsATableOfHeadsBeyondItsEnds) {
  model(std::string(qkv) + ", t: f32[part, head]", attended,
        "  d = max(0, min(2, position(key) - position(seq)))\n"
        "  r = sum[part](if d == position(part) then t else 0)\n"
        "  s = sum[dim](q * k) / sqrt(dim) + r\n"
        "  return attend(q, k, v, over key) score near(t), sum[key] softmax[key](s) * v\n",
        "score near(s, q, k; t[part]) = s + t[k - q]\n");
}

TEST(Meaning, GroupedHeadsShareKeys) {
  model("q: f32[batch, seq, kv_head, group, dim], k: f32[batch, key, kv_head, dim]",
        "f32[batch, seq, kv_head, group, dim]",
        "  return attend(q, k, k, over key), sum[key] softmax[key](sum[dim](q * k) / sqrt(dim)) * k\n",
        // Heads are known by the weights that make them.
        "block heads(x[embed]) -> [kv_head, group, dim] {\n  return linear(x, \"heads\", embed -> kv_head group "
        "dim)\n}\n");
}

TEST(Meaning, ABlockStatesTheOrderOfAxes) {
  // Heads stand outside the positions at the model's boundary, and of four heads each two read one of the keys'.
  model("q: f32[batch, head, seq, dim], k: f32[batch, kv_head, key, dim]", "f32[batch, head, seq, dim]",
        "  h = sum[kv_head, group] (if position(head) == 2 * position(kv_head) + position(group) then k else 0)\n"
        "  return grouped(q, k), sum[key] softmax[key](sum[dim](q * h) / sqrt(dim)) * h\n",
        "block grouped(q[seq, head, dim], k[key, kv_head, dim]) -> [seq, head, dim] {\n"
        "  return attend(q, k, k, over seq key)\n}\n");
}

TEST(Meaning, OneQuery) {
  model("q: f32[dim], k: f32[batch, key, dim]", "f32[batch, dim]",
        "  return attend(q, k, k, over key), sum[key] softmax[key](sum[dim](q * k) / sqrt(dim)) * k\n");
}

TEST(Meaning, BlocksAreLiftedAndRenamed) {
  model("x: f32[batch, key, embed]", "f32[batch, key, embed]",
        "  y = rename(self(rename(x, key -> at)), at -> key)\n"
        "  s = sum[embed](x * rename(x, key -> to))\n"
        "  return y, sum[to] softmax[to](s / sqrt(embed)) * rename(x, key -> to)\n",
        "axes at, to\nblock self(x[at, embed]) -> [at, embed] {\n  return attend(x, x, x)\n}\n");
}

TEST(Meaning, OfTheExamples) {
  for (const char *example : {"examples/01-softmax.weft", "examples/02-attention.weft"}) {
    std::string text = readSource(example);
    // Inputs of fixed sizes.
    for (auto [from, to] : {std::pair("axes batch, class", "axes batch = 2, class = 5"),
                            std::pair("axes seq, key,", "axes seq = 3, key = 4,")})
      if (size_t at = text.find(from); at != std::string::npos)
        text.replace(at, std::string(from).size(), to);
    sameTwice(text);
  }
}

} // namespace

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
  // A convolution's weight, and the same numbers as a matrix.
  tensor("patch.weight", {8, 3, 2, 2});
  tensor("matrix.weight", {8, 12});
  values.back() = values[values.size() - 2];
  tensor("row", {1, 1, 8});
  tensor("matrix8", {8, 8});
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

TEST(Meaning, JoinedAxes) {
  // Behind one another, a value without the axis as one position, repeated over what it lacks.
  model("x: f32[batch, seq, embed], y: f32[batch, key, embed]", "f32[batch, embed]",
        "  c = weight(\"row\", -> embed)\n  z = concat(c, x, 2, y, seq key -> whole)\n"
        "  p = position(whole)\n"
        "  return sum[whole] z * (p + 1),\n"
        "         c + sum[seq](x * (position(seq) + 2)) + 14 + sum[key](y * (position(key) + 8))\n",
        "axes whole = 14\n");
  // Features joined, in whatever layout; and stacked.
  model("x: f32[batch, seq, embed], y: f32[embed, seq]", "f32[seq]",
        "  z = concat(y, exp(y), embed -> wide)\n  s = concat(sum[embed] y, sum[wide] z, -> two)\n"
        "  return s[two = 1] - s[two = 0], sum[embed] exp(y)\n",
        "axes wide = 16, two = 2\n");
  model("i: i32[batch, seq]", "i32[batch]",
        "  j = concat(5, i, seq -> more)\n  return j[more = 0], argmax[key](if position(key) == 5 then 1 else 0) + 0 * "
        "i[seq = 0]\n",
        "axes more = 6\n");
}

TEST(Meaning, KeysMayHaveMoreRows) {
  // The rows that every query sees come first; the mask counts from them on.
  model("x: f32[batch, seq, embed]", "f32[batch, seq, embed]",
        "  k = concat(weight(\"row\", -> embed), 0, x, seq -> more)\n"
        "  v = concat(1, 0, x, seq -> more)\n"
        "  s = sum[embed](x * k) / sqrt(embed)\n"
        "  w = softmax[more](if position(more) < 2 or position(more) - 2 <= position(seq) then s else -inf)\n"
        "  return attend(x, k, v, over more) where behind(2), sum[more] w * v\n",
        "axes more = 7\nmask behind(q, k, n) = k < n or k - n <= q\n");
}

TEST(Meaning, RangesOfPositions) {
  model("x: f32[batch, seq, embed]", "f32[batch, embed]",
        "  return sum[some] x[seq = 1..4 -> some], x[seq = 1] + x[seq = 2] + x[seq = 3]\n", "axes some\n");
  model("x: f32[batch, seq, embed]", "f32[batch, embed]",
        "  y = x[seq = 1..seq -> some] - x[seq = 0..seq - 1 -> some]\n"
        "  return sum[some] y, x[seq = last] - x[seq = 0]\n",
        "axes some = 4\n");
}

TEST(Meaning, AxesAreSplitAndMerged) {
  model("x: f32[batch, seq, embed]", "f32[batch, seq, embed]",
        "  y = rename(x, embed -> left right)\n"
        "  return rename(y * y, left right -> embed), x * x\n",
        "axes left = 2, right = 4\n");
  model("x: f32[batch, seq, embed]", "f32[batch, seq]",
        "  y = rename(x, embed -> left right)\n  z = rename(y, right left -> embed)\n"
        "  w = position(embed)\n"
        "  v = rename(w, embed -> right left)\n"
        "  return sum[embed] z * w, sum[left, right] y * v\n",
        "axes left = 2, right = 4\n");
}

TEST(Meaning, PatchesAreAConvolution) {
  model(
      "x: f32[batch, part, key, embed]", "f32[batch, wide]",
      "  y = linear(patches(x[key = 0..6 -> row], row embed -> patch py px), \"patch\", part py px -> wide, no bias)\n"
      "  z = x[key = 2..4 -> py, embed = 4..6 -> px]\n"
      "  return y[patch = 6], linear(z, \"matrix\", part py px -> wide, no bias)\n",
      "axes row = 6, patch, py = 2, px = 2, wide = 8\n");
}

const char *cell = "block cell(x[embed], h[embed]) -> h: [embed] {\n"
                   "  return tanh(linear(x, \"up\", embed -> part embed, bias)[part = 0] + exp(x) * h\n"
                   "              + linear(h, weight \"matrix8\", embed -> embed))\n}\n";

TEST(Meaning, ARecurrenceUnrolled) {
  model("x: f32[batch, seq, embed]", "f32[batch, seq, embed]",
        "  z = 0 * x[seq = 0]\n"
        "  a = cell(x[seq = 0], z)\n  b = cell(x[seq = 1], a)\n  c = cell(x[seq = 2], b)\n"
        "  d = cell(x[seq = 3], c)\n  e = cell(x[seq = 4], d)\n"
        "  return scan(cell, x, over seq), concat(a, b, c, d, e, -> seq)\n",
        cell);
  model("x: f32[batch, seq, embed], s: f32[batch, embed]", "f32[batch, seq, embed]",
        "  e = cell(x[seq = 4], s)\n  d = cell(x[seq = 3], e)\n  c = cell(x[seq = 2], d)\n"
        "  b = cell(x[seq = 1], c)\n  a = cell(x[seq = 0], b)\n"
        "  return scan(cell, x, h = s, backwards, over seq), concat(a, b, c, d, e, -> seq)\n",
        cell);
}

TEST(Meaning, AStateEndsAtTheLastPosition) {
  model("x: f32[batch, seq, embed]", "f32[batch, embed]",
        "  h = scan(cell, x, over seq)\n  return h[seq = last], sum[seq](if position(seq) == 4 then h else 0)\n", cell);
  model(
      "x: f32[batch, seq, embed]", "f32[batch, embed]",
      "  h = scan(cell, x, backwards, over seq)\n  return h[seq = 0], sum[seq](if position(seq) == 0 then h else 0)\n",
      cell);
  // The other end is no state that is left over.
  model("x: f32[batch, seq, embed]", "f32[batch, embed]",
        "  h = scan(cell, x, over seq)\n  return h[seq = 0], cell(x[seq = 0], 0 * x[seq = 0])\n", cell);
}

TEST(Meaning, StatesMayChangePlacesAndBeCounted) {
  model("x: f32[batch, seq, embed]", "f32[batch, embed]",
        "  a, b, n = scan(swap, x, b = 1, n = 3, over seq)\n"
        "  return a[seq = last] + 0.5 * b[seq = 3] + n[seq = last],\n"
        "         1 + x[seq = 0] + x[seq = 2] + x[seq = 4] + 0.5 * (1 + x[seq = 0] + x[seq = 2]) + 8\n",
        "block swap(x[embed], a[embed], b[embed], n: i32[]) -> a: [embed], b: [embed], n: i32[] {\n"
        "  return b + x, a, n + 1\n}\n");
}

TEST(Meaning, AScanInAScan) {
  // Sums of sums; what the inner one reads from outside changes with the outer one's positions.
  model("x: f32[batch, seq, embed], y: f32[batch, key, embed]", "f32[batch, embed]",
        "  s = scan(outer, x, y, over seq)\n"
        "  return s[seq = last], sum[seq, key](x * y)\n",
        "block inner(y[embed], x[embed], s[embed]) -> s: [embed] {\n  return s + x * y\n}\n"
        "block outer(x[embed], y[key, embed], s[embed]) -> s: [embed] {\n"
        "  t = scan(inner, y, x, s = s, over key)\n  return t[key = last]\n}\n");
}

TEST(Meaning, UnitVectors) {
  model("x: f32[batch, seq, embed]", "f32[batch, seq, embed]", "  return unit(x), x / sqrt(sum[embed] x * x)\n");
  model("x: f32[batch, seq, embed]", "f32[batch, seq, embed]", "  return unit(0 * x, over seq), 0 * x\n");
}

TEST(Meaning, WeightsByTheirWholeNames) {
  model("x: f32[batch, seq, embed]", "f32[batch, seq, part, embed]",
        "  return linear(x, weight \"up.weight\", bias \"up.bias\", embed -> part embed),\n"
        "         linear(x, \"up\", embed -> part embed, bias)\n");
  model("x: f32[batch, seq, embed]", "f32[batch, seq, embed]",
        "  return layer_norm(x, weight \"norm.weight\", bias \"norm.bias\"), layer_norm(x, \"norm\")\n");
  model("i: i32[batch, seq]", "f32[batch, seq, embed]",
        "  return lookup(i, weight \"table.weight\", vocab -> embed), lookup(i, \"table\", vocab -> embed)\n");
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

TEST(Meaning, WholeNumbersOfRealOnes) {
  model("x: f32[seq]", "f32[seq]", "  return x + whole(3 * x) % 2, x + floor(3 * x) - 2 * floor(floor(3 * x) / 2)\n");
  model("x: f32[seq]", "f32[seq]",
        "  big = 1000000000000 * (1 + x * x)\n"
        "  return x + (whole(big) - 2147483520) + (whole(-big) + 2147483648) + (whole((x - x) / (x - x)) + "
        "2147483648), x\n");
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

TEST(Meaning, LengthsFollowTheBatch) {
  model(std::string(qkv) + ", n: i32[batch]", attended,
        "  e = if position(key) < n or position(key) == 6 then exp(sum[dim](q * k) / sqrt(dim)) else 0\n"
        "  return attend(q, k, v, over key) where padded(n) or at(6), sum[key] (e / sum[key] e) * v\n",
        "mask at(k, n) = k == n\n");
  model(std::string(qkv) + ", n: i32[batch]", attended,
        "  e = if position(key) <= n then exp(sum[dim](q * k) / sqrt(dim)) else 0\n"
        "  return attend(q, k, v, over key) where short(n), sum[key] (e / sum[key] e) * v\n",
        "mask short(b, k; n[batch]) = k <= n[b]\n");
}

TEST(Meaning, AMaskOfTheCallerAndOneThatIsAdded) {
  model(std::string(qkv) + ", m: i32[batch, seq, key], a: f32[seq, head, key]", attended,
        "  e = if m != 0 or position(key) == 0 then exp(sum[dim](q * k) / sqrt(dim) + a) else 0\n"
        "  return attend(q, k, v, over key) where given(m) or prefix(1) score plus(a), sum[key] (e / sum[key] e) * v\n",
        "mask given(q, k; m[seq, key]) = m[q, k] != 0\nscore plus(s, q, k; a[seq, key]) = s + a[q, k]\n");
}

const char *products = "  s = sum[dim](q * k) / sqrt(dim)\n";

TEST(Meaning, ASinkTakesItsShare) {
  for (const char *sink : {"0.5", "n", "n / 2"})
    model(std::string(qkv) + ", n: f32[" + (std::string(sink) == "n" ? "head" : "") + "]", attended,
          std::string(products) + "  return attend(q, k, v, over key) sink " + sink +
              ", sum[key] (exp(s) / (sum[key] " + "exp(s) + exp(" + sink + "))) * v\n");
}

TEST(Meaning, WeightsAndTheLogOfTheirSum) {
  const char *weights = "f32[batch, head, seq, key]", *lse = "f32[seq, head, batch]";
  model(qkv, weights,
        std::string(products) + "  a, p = attend(q, k, v, over key) with weights\n  return p, softmax[key] s\n");
  model(qkv, lse,
        std::string(products) + "  a, z = attend(q, k, v, over key) with lse\n  return z, log(sum[key] exp(s))\n");
  model(qkv, lse,
        std::string(products) +
            "  a, z, p = attend(q, k, v, over key) where prefix(4) with lse sink -1 with weights over token\n"
            "  e = if position(key) < 4 then exp(s) else 0\n"
            "  return z + max[token] p, log(sum[key] e + exp(-1)) + max[key] e / (sum[key] e + exp(-1))\n",
        "axes token\n");
}

TEST(Meaning, WeightsOfGroupedHeadsAndOfOneQuery) {
  model("q: f32[batch, seq, kv_head, group, dim], k: f32[batch, key, kv_head, dim]",
        "f32[batch, seq, group, kv_head, key]",
        "  a, p = attend(q, k, k, over key) with weights\n  return p, softmax[key](sum[dim](q * k) / sqrt(dim))\n",
        "block heads(x[embed]) -> [kv_head, group, dim] {\n  return linear(x, \"heads\", embed -> kv_head group "
        "dim)\n}\n");
  model("q: f32[dim], k: f32[batch, key, dim]", "f32[batch, key]",
        "  a, p, z = attend(q, k, k, over key) with weights with lse\n"
        "  s = sum[dim](q * k) / sqrt(dim)\n  return p * z, softmax[key](s) * log(sum[key] exp(s))\n");
}

TEST(Meaning, WeightsOfSelfAttention) {
  model("x: f32[batch, key, dim]", "f32[batch, key, to]",
        "  a, p = attend(x, x, x, over key) where causal with weights over to\n"
        "  s = exp(sum[dim](x * rename(x, key -> to)) / sqrt(dim))\n"
        "  e = if rename(position(key), key -> to) <= position(key) then s else 0\n  return p, e / sum[to] e\n",
        "axes to\n");
}

TEST(Meaning, WhatWeighsFollowsTheSoftmax) {
  model(std::string(qkv) + ", w: f32[head, key]", attended,
        std::string(products) +
            "  p = softmax[key](if position(key) == position(seq) then -inf else s)\n"
            "  return attend(q, k, v, over key) where not same weigh squared then times(w), sum[key] p * p * w * v\n",
        "mask same(q, k) = q == k\nweigh squared(p) = p * p\nweigh times(p, k; w[key]) = p * w[k]\n");
}

TEST(Meaning, ScoresOverVectors) {
  const char *twoNorms = "  n = sqrt(sum[dim] (q * q)) * sqrt(sum[dim] (k * k))\n";
  model(std::string(qkv) + ", w: f32[dim, head], g: f32[batch]", attended,
        "  s = g * sum[dim] w * tanh(q + k)\n"
        "  return attend(q, k, v, over key) score additive(w, g), sum[key] softmax[key](s) * v\n",
        "score additive(q[n], k[n]; w[n], g[]) = g * sum[n] w * tanh(q + k)\n");
  model(qkv, attended,
        std::string(twoNorms) +
            "  s = min(1, 3 * sum[dim] (q * k) / n) + position(key)\n"
            "  return attend(q, k, v, over key) scale 3 score cosine then late, sum[key] softmax[key](s) * v\n",
        "score cosine(q[n], k[n]) = sum[n] q * k / sqrt(sum[n] q * q) / sqrt(sum[n] k * k)\n"
        "score late(s, k) = min(1, s) + k\n");
  // Norms inside of the sum, and heads and the width as numbers.
  model(qkv, attended,
        std::string(twoNorms) + "  s = -mean[dim](q * k) / n * (position(head) + dim) - mean[dim] abs(q - k)\n"
                                "  return attend(q, k, v, over key) score mixed, sum[key] softmax[key](s) * v\n",
        "def normed(x) = x / sqrt(sum[dim] x * x)\n"
        "score mixed(q[n], k[n], h) = (h + n) * mean[n](-normed(q) * normed(k)) - mean[n] abs(q - k)\n");
  model(qkv, attended,
        "  s = -0.25 * sum[dim] (q - k) * (q - k)\n"
        "  return attend(q, k, v, over key) score distance scale -1 / 4, sum[key] softmax[key](s) * v\n",
        "score distance(q[n], k[n]) = sum[n] (q - k) * (q - k)\n");
}

TEST(Meaning, BucketsOfRelativePositions) {
  // 16 buckets up to 128, each wider than the one before by the root of 2.
  std::string steps;
  for (int first : {12, 16, 23, 32, 46, 64, 91})
    steps += " + (if n >= " + std::to_string(first) + " then 1 else 0)";
  sameTwice("axes far = 200\nmodel m(x: f32[far]) -> f32[far], f32[far] {\n  n = position(far)\n"
            "  return x + relative_bucket(n, 16, 128), x + min(n, 8)" +
            steps + "\n}\n");
  model(
      std::string(qkv) + ", t: f32[bucket, head]", attended,
      "  d = position(key) - position(seq)\n  n = abs(d)\n"
      "  i = (if d > 0 then 4 else 0) + (if n < 3 then n else if n < 6 then 2 else 3)\n"
      "  r = sum[bucket](if i == position(bucket) then t else 0)\n"
      "  return attend(q, k, v, over key) score relative(t), sum[key] softmax[key](sum[dim](q * k) / sqrt(dim) + r) * "
      "v\n",
      "axes bucket = 8\nscore relative(s, h, q, k; t[bucket, head]) =\n"
      "  s + t[(if k > q then bucket / 2 else 0) + relative_bucket(abs(k - q), bucket / 2, 13), h]\n");
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

TEST(Meaning, ARenamedAxisHasPositionsAndASize) {
  model("q: f32[batch, seq, dim], k: f32[batch, seq, dim]", "f32[batch, seq, dim]",
        "  return attend(q, k, k, over seq) where causal, written(q, k)\n",
        "axes at, to\nblock written(q[seq, dim], k[seq, dim]) -> [seq, dim] {\n"
        "  k = rename(k, seq -> to)\n"
        "  s = sum[dim] q * k / sqrt(dim) - to\n"
        "  return sum[to] softmax[to](if position(to) <= position(seq) then s else -inf) * k\n}\n");
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

//===- SeedsTest.cpp - the numbers that the notes print -----------------------------------------------------------===//
// Answers: do the examples give the numbers that the documents print from which this project started?
//
// The numbers are in ../shared/data/seeds, a folder beside the project that users' clones do not have: there these
// tests are skipped.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "tests/models/Named.h"
#include "tests/models/Tool.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <optional>

namespace weft::test {
namespace {

std::string seed(llvm::StringRef name) { return shared(("data/seeds/" + name + ".json").str()); }

std::optional<llvm::json::Value> parse(const std::string &path) {
  auto parsed = llvm::json::parse(contents(path));
  if (parsed)
    return std::move(*parsed);
  ADD_FAILURE() << path << ": " << llvm::toString(parsed.takeError());
  return std::nullopt;
}

/// {"shape": [..], "data": [..]}, where "-inf" is a string.
Numbers numbers(const llvm::json::Object &object) {
  Numbers result;
  for (const llvm::json::Value &size : *object.getArray("shape"))
    result.shape.push_back(*size.getAsInteger());
  for (const llvm::json::Value &value : *object.getArray("data"))
    result.values.push_back(value.getAsString() == "-inf" ? -INFINITY : value.getAsNumber().value_or(NAN));
  return result;
}

/// What a case is computed with, and what of the output it shows.
struct Case {
  const char *file, *example, *output;
  /// "x = b": the model's input x is the case's b; without one, by its own name.
  std::vector<std::pair<const char *, const char *>> inputs;
  std::vector<std::pair<const char *, const char *>> weights = {};
  /// The part of the output that is printed: a batch, and how many rows of it; -1 for all.
  int batch = -1, firstRow = 0, rows = -1;
};

const std::vector<std::pair<const char *, const char *>> projections = {
    {"key.weight", "wk"}, {"key.bias", "bk"}, {"query.weight", "wq"}, {"query.bias", "bq"}};

std::vector<std::pair<const char *, const char *>> withValues() {
  auto all = projections;
  all.insert(all.end(), {{"value.weight", "wv"}, {"value.bias", "bv"}});
  return all;
}

// x without a batch in the material is a batch of one. Where a case starts from a matrix of ones or zeros alone ("n"),
// any x of as many rows makes it.
const Case cases[] = {
    {"001_c08_mean_of_two", "notes/averaging.weft", "means", {{"x", "x"}}, {}, 0, 1, 1},
    {"001_c10_running_mean", "notes/averaging.weft", "means", {{"x", "x"}}, {}, 0},
    {"001_c10_running_mean", "notes/loop.weft", "output", {{"x", "x"}}, {}, 0},
    {"001_c13_matmul", "notes/matmul.weft", "c", {{"a", "a"}, {"b", "b"}}},
    {"001_c14_tril", "notes/averaging.weft", "tril", {{"x", ""}}},
    {"001_c15_tril_matmul", "notes/matmul.weft", "c", {{"a", "a"}, {"b", "b"}}},
    {"001_c15_tril_matmul", "notes/averaging.weft", "sums", {{"x", "b"}}, {}, 0},
    {"001_c16_averaging_matmul", "notes/averaging.weft", "means", {{"x", "b"}}, {}, 0},
    {"001_c16_averaging_matrix", "notes/averaging.weft", "weights", {{"x", ""}}},
    {"001_c19_scores", "notes/averaging.weft", "weights", {{"x", ""}}},
    {"001_c22_running_mean_all_batches", "notes/averaging.weft", "means", {{"x", "x"}}},
    {"001_c22_running_mean_all_batches", "notes/averaging.weft", "by_softmax", {{"x", "x"}}},
    {"001_c22_running_mean_all_batches", "notes/averaging.weft", "by_attention", {{"x", "x"}}},
    {"001_c22_running_mean_all_batches", "notes/loop.weft", "output", {{"x", "x"}}},
    {"001_c23_averaging_attention", "notes/averaging.weft", "means", {{"x", "x"}}, {}, 0},
    {"001_c27_masked_fill", "notes/averaging.weft", "masked", {{"x", ""}}},
    {"001_c27_masked_fill", "notes/masking.weft", "masked", {{"scores", "scores"}, {"x", ""}}},
    {"001_c28_softmax_of_mask", "notes/averaging.weft", "probabilities", {{"x", ""}}},
    {"001_c28_softmax_of_mask", "notes/masking.weft", "weights", {{"scores", "scores"}, {"x", ""}}},
    {"001_c30_uniform_causal_attention", "notes/masking.weft", "attention", {{"scores", "scores"}, {"x", "x"}}},
    {"001_c30_uniform_causal_attention", "notes/averaging.weft", "by_attention", {{"x", "x"}}, {}, 0},
    {"001_c33_41_single_head_full", "notes/head.weft", "weights", {{"x", "x"}}, projections, 0},
    {"001_c39_scores_batch0", "notes/head.weft", "scores", {{"x", "x"}}, projections, 0},
    {"001_c39_scores_batch1_rows", "notes/head.weft", "scores", {{"x", "x"}}, projections, 1, 0, 2},
    {"001_c40_causal_mask_of_scores", "notes/masking.weft", "masked", {{"scores", "scores"}, {"x", ""}}},
    {"001_c41_masked_softmax", "notes/masking.weft", "weights", {{"scores", "scores"}, {"x", ""}}},
    {"001_c41_scores_to_probs", "notes/masking.weft", "weights", {{"scores", "scores"}, {"x", ""}}},
    {"001_c44_attention_output", "notes/head.weft", "attention", {{"x", "x"}}, withValues()},
    {"001_c44_attention_output", "notes/head.weft", "fused", {{"x", "x"}}, withValues()},
};

class SeedsTest : public ::testing::TestWithParam<Case> {
protected:
  /// The case's weights, and zeros for the values where the case does not go as far.
  std::string weights(const llvm::json::Object &given, const Scratch &scratch) {
    if (GetParam().weights.empty())
      return "";
    std::vector<TensorToWrite> tensors;
    std::vector<std::vector<float>> values;
    auto add = [&](llvm::StringRef name, const Numbers &numbers) {
      values.push_back({numbers.values.begin(), numbers.values.end()});
      tensors.push_back({name.str(), numbers.shape, {}});
    };
    for (auto [name, key] : GetParam().weights)
      add(name, numbers(*given.getObject(key)));
    if (tensors.size() == projections.size()) {
      add("value.weight", {{3, 2}, std::vector<double>(6)});
      add("value.bias", {{3}, std::vector<double>(3)});
    }
    for (auto [tensor, value] : llvm::zip(tensors, values))
      tensor.values = value;
    std::string path = scratch("weights.safetensors");
    auto error = writeSafetensors(path, tensors);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    return path;
  }

  /// A matrix for an input of a batch is a batch of one.
  Named inputs(const llvm::json::Object &given, const Module &module) {
    Named inputs;
    weft_tensor_info info;
    for (auto [name, key] : GetParam().inputs) {
      int index = weft_module_find(module.get(), WEFT_SEQUENCE, WEFT_INPUT, name);
      EXPECT_TRUE(weft_module_tensor(module.get(), WEFT_SEQUENCE, WEFT_INPUT, index, &info)) << name;
      Numbers input =
          llvm::StringRef(key).empty() ? Numbers{{8, 2}, std::vector<double>(16)} : numbers(*given.getObject(key));
      if (input.shape.size() + 1 == static_cast<size_t>(info.rank))
        input.shape.insert(input.shape.begin(), 1);
      inputs[name] = input;
    }
    return inputs;
  }

  /// What the material prints of an output.
  static Numbers printed(Numbers output) {
    auto part = [](const Numbers &whole, int64_t first, int64_t count) {
      Numbers some = {whole.shape, {}};
      int64_t row = whole.values.size() / whole.shape[0];
      some.shape[0] = count;
      some.values.assign(whole.values.begin() + first * row, whole.values.begin() + (first + count) * row);
      return some;
    };
    const Case &subject = GetParam();
    if (subject.batch >= 0) {
      output = part(output, subject.batch, 1);
      output.shape.erase(output.shape.begin());
    }
    return subject.rows < 0 ? output : part(output, subject.firstRow, subject.rows);
  }
};

TEST_P(SeedsTest, IsAsPrinted) {
  const Case &subject = GetParam();
  if (!llvm::sys::fs::exists(seed(subject.file)))
    GTEST_SKIP() << "there is no " << seed(subject.file);
  std::optional<llvm::json::Value> json = parse(seed(subject.file));
  ASSERT_TRUE(json);
  const llvm::json::Object &object = *json->getAsObject(), &given = *object.getObject("inputs");
  Scratch scratch(("seeds." + llvm::Twine(subject.file) + "." + subject.output).str());
  Module module = compileExample(subject.example, {}, weights(given, scratch), scratch("model.so"), 3);
  ASSERT_TRUE(module);
  Named outputs = run(module, inputs(given, module));
  ASSERT_TRUE(outputs.count(subject.output));
  Numbers output = printed(outputs[subject.output]), expected = numbers(*object.getObject("expected"));
  if (expected.shape.size() + 1 == output.shape.size()) // one row, printed as a vector
    expected.shape.insert(expected.shape.begin(), 1);
  double tolerance = *object.getNumber("tolerance_abs");
  if (tolerance == 0) // exact, as far as f32 holds what is printed
    for (double &value : expected.values)
      value = static_cast<float>(value);
  expectNear(output, expected, tolerance, 0);
}

INSTANTIATE_TEST_SUITE_P(Notes, SeedsTest, ::testing::ValuesIn(cases), [](const auto &info) {
  return std::string(info.param.file) + "_" + info.param.output + "_" + std::to_string(info.index);
});

/// The table above leaves nothing out.
TEST(Seeds, EveryCaseIsTested) {
  std::string folder = shared("data/seeds");
  if (!llvm::sys::fs::exists(folder))
    GTEST_SKIP() << "there is no " << folder;
  std::error_code error;
  unsigned found = 0;
  for (llvm::sys::fs::directory_iterator file(folder, error), end; file != end && !error; file.increment(error)) {
    llvm::StringRef stem = llvm::sys::path::stem(file->path());
    if (!stem.starts_with("001_"))
      continue;
    ++found;
    EXPECT_TRUE(llvm::any_of(cases, [&](const Case &subject) { return stem == subject.file; })) << stem.str();
  }
  EXPECT_EQ(found, 20u);
}

/// The formula for positions has two readings, and both are tables of numbers.
TEST(Seeds, BothTablesOfPositions) {
  if (!llvm::sys::fs::exists(seed("003_sinusoidal_positions")))
    GTEST_SKIP() << "there is no " << seed("003_sinusoidal_positions");
  std::optional<llvm::json::Value> json = parse(seed("003_sinusoidal_positions"));
  ASSERT_TRUE(json);
  const llvm::json::Object &object = *json->getAsObject();
  Scratch scratch("seeds.positions");
  Module module = compileExample("notes/positions.weft", {}, "", scratch("model.so"), 3);
  ASSERT_TRUE(module);
  Numbers zeros = {{1, 12, 16}, std::vector<double>(12 * 16)};
  Named outputs = run(module, {{"x", zeros}});
  for (auto [output, table] : {std::pair("usual", "expected"), std::pair("by_column", "eq15_expected")}) {
    SCOPED_TRACE(output);
    Numbers expected = numbers(*object.getObject(table));
    expected.shape.insert(expected.shape.begin(), 1);
    expectNear(outputs[output], expected, *object.getNumber("tolerance_abs"), 0);
  }
}

/// A shape that the material states: of a weight in the checkpoint that `init` writes, of an output, or of an input.
struct Stated {
  const char *where, *model, *tensor;
  std::vector<std::string> axes = {};
  /// Sizes of the inputs' axes; none where a weight is meant.
  std::map<std::string, int64_t> sizes = {};
};

const std::map<std::string, int64_t> notes = {{"batch", 4}, {"seq", 8}};

// In the order of shapes.json. A model with a space in it is a text.
const Stated statedShapes[] = {
    {"cell 4", "notes/head.weft", "x", {}, notes},
    {"cell 34",
     "axes batch, seq, embed = 2, size = 3\nmodel m(x: f32[batch, seq, embed]) -> k: f32[batch, seq, size] {\n"
     "  return linear(x, \"key\", embed -> size, bias)\n}\n",
     "k",
     {},
     notes},
    {"cell 35",
     "axes batch, seq, embed = 2, size = 3\nmodel m(x: f32[batch, seq, embed]) -> k: f32[batch, size, seq] {\n"
     "  return linear(x, \"key\", embed -> size, bias)\n}\n",
     "k",
     {},
     notes},
    {"cell 37", "notes/head.weft", "scores", {}, notes},
    {"cell 42", "notes/head.weft", "weights", {}, notes},
    {"cell 45", "notes/head.weft", "attention", {}, notes},
    {"section 2.4.1", "multihead/separate.weft", "q_proj_weight"},
    {"section 2.4.1", "multihead/separate.weft", "k_proj_weight"},
    {"section 2.4.1", "multihead/separate.weft", "v_proj_weight"},
    {"section 2.4.1", "multihead/packed.weft", "in_proj_weight", {"embed=50", "head=1"}},
    {"Example 1.2",
     "axes channel = 3, row = 224, column = 224, py = 16, px = 16, patch = 196, flat = 768\n"
     "model m(image: f32[channel, row, column]) -> patches_of_it: f32[patch, flat] {\n"
     "  return rename(patches(image, row column -> patch py px), channel py px -> flat)\n}\n",
     "patches_of_it",
     {},
     {{"none", 0}}},
    {"section 4", "notes/self_attention.weft", "output", {}, {{"batch", 2}, {"query_len", 10}, {"key_len", 10}}},
    {"Example to get Self Attention value", "notes/similarity.weft", "value", {}, notes},
    {"calculate_similarity_score", "notes/similarity.weft", "similarity_score", {}, notes},
};

class StatedShapes : public ::testing::TestWithParam<int> {
protected:
  std::string source(const Scratch &scratch) {
    llvm::StringRef model = statedShapes[GetParam()].model;
    if (!model.contains(' '))
      return example(model);
    std::error_code error;
    llvm::raw_fd_ostream(scratch("m.weft"), error) << model;
    EXPECT_FALSE(error);
    return scratch("m.weft");
  }

  /// The shape of an input or output where the axes known when running have these sizes.
  static std::vector<int64_t> shapeOf(const Module &module, const Stated &stated) {
    std::vector<weft_view> inputs, outputs;
    weft_tensor_info info;
    for (size_t i = 0; weft_module_tensor(module.get(), WEFT_SEQUENCE, WEFT_INPUT, i, &info); ++i) {
      inputs.push_back({nullptr, info.type, info.rank, {}});
      for (int d = 0; d < info.rank; ++d)
        inputs.back().shape[d] = info.shape[d] == WEFT_RUNTIME_SIZE ? stated.sizes.at(info.axes[d]) : info.shape[d];
      if (std::string(info.name) == stated.tensor)
        return {inputs.back().shape, inputs.back().shape + info.rank};
    }
    for (size_t i = 0; weft_module_tensor(module.get(), WEFT_SEQUENCE, WEFT_OUTPUT, i, &info); ++i)
      outputs.emplace_back();
    weft_error error = {};
    EXPECT_EQ(weft_module_shapes(module.get(), WEFT_SEQUENCE, inputs.data(), inputs.size(), outputs.data(),
                                 outputs.size(), &error),
              WEFT_OK)
        << error.message;
    int index = weft_module_find(module.get(), WEFT_SEQUENCE, WEFT_OUTPUT, stated.tensor);
    if (index < 0) {
      ADD_FAILURE() << "there is no output '" << stated.tensor << "'";
      return {};
    }
    return {outputs[index].shape, outputs[index].shape + outputs[index].rank};
  }
};

TEST_P(StatedShapes, AreThese) {
  if (!llvm::sys::fs::exists(seed("shapes")))
    GTEST_SKIP() << "there is no " << seed("shapes");
  const Stated &stated = statedShapes[GetParam()];
  std::optional<llvm::json::Value> json = parse(seed("shapes"));
  ASSERT_TRUE(json);
  ASSERT_EQ(json->getAsArray()->size(), std::size(statedShapes));
  const llvm::json::Object &object = *(*json->getAsArray())[GetParam()].getAsObject();
  EXPECT_EQ(object.getString("where"), stated.where);
  std::vector<int64_t> expected, found;
  for (const llvm::json::Value &size : *object.getArray("shape"))
    expected.push_back(*size.getAsInteger());

  Scratch scratch("shapes." + std::to_string(GetParam()));
  std::string model = source(scratch), weights = scratch("weights.safetensors");
  std::vector<std::string> line = {"init", model, "-o", weights};
  for (const std::string &axis : stated.axes)
    line.insert(line.end(), {"--axis", axis});
  ASSERT_TRUE(weft(line));
  if (stated.sizes.empty()) {
    auto checkpoint = Checkpoint::open(weights);
    ASSERT_TRUE(bool(checkpoint)) << llvm::toString(checkpoint.takeError());
    const CheckpointTensor *tensor = (*checkpoint)->find(stated.tensor);
    ASSERT_TRUE(tensor);
    found = tensor->shape;
  } else {
    ASSERT_TRUE(weft({"compile", model, "--weights", weights, "--cpu", "x86-64-v3", "-q", "-o", scratch("m.so")}));
    Module module = load(scratch("m.so"), 3);
    ASSERT_TRUE(module);
    found = shapeOf(module, stated);
  }
  EXPECT_EQ(found, expected);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StatedShapes, ::testing::Range(0, static_cast<int>(std::size(statedShapes))));

/// What refusals_and_variants.json lists: mistakes that the material's modules refuse. (That the scale is no constant
/// of attention is shown by the examples notes/similarity and notes/self_attention.)
TEST(Seeds, RefusesWhatTheModulesRefuse) {
  auto refused = [](const std::vector<std::string> &arguments, llvm::StringRef why) {
    Finished finished = tool("weft", arguments);
    EXPECT_EQ(finished.code, 1) << finished.out;
    EXPECT_TRUE(llvm::StringRef(finished.errors).contains(why)) << finished.errors;
  };
  // "embed_dim not divisible by num_heads"; "Embed size must be divisible by heads".
  refused({"check", example("multihead/packed.weft"), "--axis", "head=5"}, "[W023]");
  refused({"check", example("notes/self_attention.weft"), "--axis", "head=7"}, "[W023]");

  // The printed class multiplies by a `v` that it never made.
  Scratch scratch("seeds.refusals");
  std::string source = contents(example("notes/self_attention.weft"));
  source.replace(source.find("attend(q, k, v,"), 15, "attend(q, k, w,");
  std::error_code error;
  llvm::raw_fd_ostream(scratch("m.weft"), error) << source;
  refused({"check", scratch("m.weft")}, "'w'");

  // Inputs of another width than the module's; keys and values of different lengths.
  std::string weights = scratch("weights.safetensors");
  ASSERT_TRUE(weft({"init", example("multihead/separate.weft"), "-o", weights}));
  Module module = compileExample("multihead/separate.weft", {}, weights, scratch("m.so"), 3);
  ASSERT_TRUE(module);
  auto refusal = [&](std::vector<int64_t> query, std::vector<int64_t> key, std::vector<int64_t> value) {
    std::vector<weft_view> inputs;
    for (const std::vector<int64_t> &shape : {query, key, value}) {
      inputs.push_back({nullptr, WEFT_F32, 3, {}});
      llvm::copy(shape, inputs.back().shape);
    }
    weft_view output;
    weft_error error = {};
    weft_status status = weft_module_shapes(module.get(), WEFT_SEQUENCE, inputs.data(), 3, &output, 1, &error);
    return status == WEFT_BAD_INPUT ? std::string(error.message) : "accepted";
  };
  EXPECT_EQ(refusal({2, 4, 50}, {2, 9, 30}, {2, 9, 40}), "accepted");
  EXPECT_NE(refusal({2, 4, 49}, {2, 9, 30}, {2, 9, 40}).find("50"), std::string::npos);
  EXPECT_NE(refusal({2, 4, 50}, {2, 9, 30}, {2, 8, 40}).find("src"), std::string::npos);
  EXPECT_NE(refusal({2, 4, 50}, {3, 9, 30}, {2, 9, 40}).find("batch"), std::string::npos);
}

} // namespace
} // namespace weft::test

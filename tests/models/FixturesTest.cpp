//===- FixturesTest.cpp - examples against what PyTorch computed --------------------------------------------------===//
// Answers: does a compiled example give what the module gives whose weights it reads?
//
// tests/fixtures/record.py recorded the weights under the names of the module's state_dict(), the inputs, and the
// outputs in float64. All weights have to be read.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "tests/models/Named.h"
#include "tests/models/Tool.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include <cstring>
#include <gtest/gtest.h>
#include <optional>

extern "C" {
#include "core/npy.h"
}

namespace weft::test {
namespace {

constexpr double absolute = 2e-6, relative = 1e-5;

std::string fixture(llvm::StringRef file) { return (WEFT_SOURCE_DIR "/tests/fixtures/" + file).str(); }

/// What a decoder says after a start token, until a token ends it.
struct Greedy {
  std::vector<int64_t> source, start, stop, tokens;
};

struct Case {
  std::string name, example, weights;
  std::vector<std::string> axes;
  std::optional<Greedy> greedy;
};

/// A number, or an array of them.
std::vector<int64_t> wholeNumbers(const llvm::json::Object &object, llvm::StringRef key) {
  if (std::optional<int64_t> number = object.getInteger(key))
    return {*number};
  std::vector<int64_t> numbers;
  for (const llvm::json::Value &value : *object.getArray(key))
    numbers.push_back(*value.getAsInteger());
  return numbers;
}

std::vector<Case> cases() {
  std::vector<Case> cases;
  auto parsed = llvm::json::parse(contents(fixture("cases.json")));
  EXPECT_TRUE(bool(parsed)) << "cases.json";
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return cases;
  }
  for (const llvm::json::Value &value : *parsed->getAsArray()) {
    const llvm::json::Object &object = *value.getAsObject();
    auto text = [&](llvm::StringRef key) { return object.getString(key).value_or("").str(); };
    cases.push_back({text("name"), text("example"), text("weights"), {}, {}});
    for (auto &[axis, size] : *object.getObject("axes"))
      cases.back().axes.push_back((axis.str() + "=" + llvm::Twine(*size.getAsInteger())).str());
    if (const llvm::json::Object *greedy = object.getObject("greedy"))
      cases.back().greedy = {wholeNumbers(*greedy, "source"), wholeNumbers(*greedy, "start"),
                             wholeNumbers(*greedy, "stop"), wholeNumbers(*greedy, "tokens")};
  }
  return cases;
}

template <typename T> std::vector<double> converted(llvm::ArrayRef<char> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return {values.begin(), values.end()};
}

/// The tensors of a recording whose names begin with `prefix`, by the rest of their names.
Named recorded(const Checkpoint &file, llvm::StringRef prefix) {
  Named found;
  for (const CheckpointTensor &tensor : file.tensors()) {
    llvm::StringRef name = tensor.name;
    if (!name.consume_front(prefix))
      continue;
    Numbers &numbers = found[name.str()] = {tensor.shape, {}};
    switch (tensor.type) {
    case StorageType::F64:
      numbers.values = converted<double>(tensor.bytes);
      break;
    case StorageType::F32:
      numbers.values = converted<float>(tensor.bytes);
      break;
    case StorageType::I32:
      numbers.values = converted<int32_t>(tensor.bytes);
      break;
    case StorageType::Bool:
      numbers.values = converted<int8_t>(tensor.bytes);
      break;
    default:
      ADD_FAILURE() << tensor.name << " has type " << weft::name(tensor.type).str();
    }
  }
  return found;
}

/// A case, and the level that it is compiled for.
using Parameter = std::tuple<Case, int>;

std::string label(const Parameter &parameter) {
  // What is true for one level is mostly true for the other.
  constexpr const char *labels[] = {"_vulkan", "", "", "_v3_slow", "_v4"};
  return std::get<0>(parameter).name + labels[std::get<1>(parameter)];
}

class FixturesTest : public ::testing::TestWithParam<Parameter> {};

TEST_P(FixturesTest, AgreesWithPyTorch) {
  auto [subject, level] = GetParam();
  auto file = Checkpoint::open(fixture(subject.name + ".safetensors"));
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  Named inputs = recorded(**file, "in."), expected = recorded(**file, "out.");
  ASSERT_FALSE(expected.empty());

  Scratch scratch("fixtures." + label(GetParam()));
  Module module = compileExample(subject.example, subject.axes, subject.weights.empty() ? "" : fixture(subject.weights),
                                 scratch("model.so"), level);
  if (!module && !HasFailure())
    GTEST_SKIP() << "this machine does not run code for " << levelName(level);
  ASSERT_TRUE(module);
  Named outputs = run(module, inputs);
  EXPECT_EQ(outputs.size(), expected.size());
  for (const auto &[name, numbers] : expected) {
    SCOPED_TRACE(name);
    expectNear(outputs[name], numbers, absolute, relative);
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, FixturesTest,
                         ::testing::Combine(::testing::ValuesIn(cases()), ::testing::Values(4, 3, onVulkan)),
                         [](const auto &info) { return label(info.param); });

/// An encoder reads the source once more for each token; the decoder's own choices go back into it.
TEST(Fixtures, DecodesGreedilyUntilTheStopToken) {
  unsigned found = 0;
  for (const Case &subject : cases()) {
    if (!subject.greedy)
      continue;
    ++found;
    Scratch scratch("greedy." + subject.name);
    std::vector<int32_t> source(subject.greedy->source.begin(), subject.greedy->source.end());
    weft_view view = {source.data(), WEFT_I32, 2, {1, static_cast<int64_t>(source.size())}};
    weft_error error = {};
    ASSERT_EQ(weft_npy_write(scratch("source.npy").c_str(), &view, nullptr, &error), WEFT_OK) << error.message;
    std::vector<std::string> line = {"generate", example(subject.example), "-q"};
    for (const std::string &axis : subject.axes)
      line.insert(line.end(), {"--axis", axis});
    line.insert(line.end(), {"--weights", fixture(subject.weights), "source=" + scratch("source.npy"), "--no-cache"});
    line.insert(line.end(), {"--tokens", std::to_string(subject.greedy->start[0])});
    line.insert(line.end(), {"--stop", std::to_string(subject.greedy->stop[0])});
    Finished finished = tool("weft", line);
    EXPECT_EQ(finished.code, 0) << finished.errors;
    std::string expected;
    for (int64_t token : subject.greedy->tokens)
      expected += (expected.empty() ? "" : ",") + std::to_string(token);
    EXPECT_EQ(finished.out, expected + "\n");
  }
  EXPECT_GT(found, 0u);
}

TEST(Fixtures, AreNoLargerThanTheyMayBe) {
  uint64_t total = 0;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator file(fixture(""), error), end; file != end && !error; file.increment(error)) {
    uint64_t size = 0;
    EXPECT_FALSE(llvm::sys::fs::file_size(file->path(), size));
    total += size;
  }
  EXPECT_GT(total, 0u);
  EXPECT_LE(total, 2u << 20);
}

} // namespace
} // namespace weft::test

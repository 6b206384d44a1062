//===- WeightsTest.cpp - weights as recipes say -------------------------------------------------------------------===//
// Answers: does each kind of recipe put the right numbers in the right place, and is each mismatch named?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Weights.h"
#include "tests/compiler/targets/Adder.h"
#include <gmock/gmock.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WeightsTest : public test::AdderTest {
protected:
  std::vector<float> floats(llvm::StringRef name) {
    std::string bytes = read(name);
    std::vector<float> result(bytes.size() / 4);
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  std::string refusal(llvm::StringRef parameters, int64_t bytes = 64) {
    auto module = model(parameters, bytes);
    llvm::Error error = writeWeights(*module, checkpoint.get(), in("w.bin"), nullptr);
    EXPECT_EQ(names(), std::vector<std::string>{"adder.safetensors"});
    return error ? llvm::toString(std::move(error)) : "accepted";
  }
};

TEST_F(WeightsTest, AreWhereRecipesPutThem) {
  auto module = model();
  uint64_t last = 0;
  ASSERT_FALSE(bool(writeWeights(*module, checkpoint.get(), in("w.bin"), [&](uint64_t done, uint64_t total) {
    EXPECT_LE(last, done);
    EXPECT_LE(done, total);
    EXPECT_EQ(total, 192u);
    last = done;
  })));
  std::vector<float> wanted(48);
  auto put = [&](size_t at, std::vector<float> values) {
    std::copy(values.begin(), values.end(), wanted.begin() + at);
  };
  put(0, {10, 20, 30, 40});
  put(16, {1, 2, 1, 2});
  // m is [N = 3, K = 2]: panels of columns (0, 1) and (2, none), each K by 2; row k times b[k].
  put(32, {1, 3, 4, 8, 5, 0, 12, 0});
  EXPECT_EQ(floats("w.bin"), wanted);
  EXPECT_GT(last, 0u);
}

TEST_F(WeightsTest, HashIsThatOfTheAbi) {
  auto module = model();
  auto plan = WeightsPlan::create(*module, checkpoint.get());
  ASSERT_TRUE(bool(plan));
  auto file = WholeFile::create(in("w.bin"));
  ASSERT_TRUE(bool(file));
  auto hash = plan->write(*file, nullptr);
  ASSERT_TRUE(bool(hash));
  ASSERT_FALSE(bool(file->commit()));
  uint64_t wanted = 0xcbf29ce484222325u;
  for (unsigned char byte : read("w.bin"))
    wanted = (wanted ^ byte) * 0x100000001b3u;
  EXPECT_EQ(*hash, wanted);
}

TEST_F(WeightsTest, MismatchesAreNamed) {
  EXPECT_THAT(refusal(R"([{offset = 0 : i64, kind = "plain", weights = ["v"], shapes = [[4]]}])"),
              HasSubstr("adder.safetensors: there is no tensor 'v'; the nearest are 'w', 'b', 'm'"));
  EXPECT_THAT(refusal(R"([{offset = 0 : i64, kind = "plain", weights = ["w"], shapes = [[2, 2]]}])"),
              HasSubstr("tensor 'w' has shape (4), but the model needs (2, 2)"));
  EXPECT_THAT(refusal(R"([{offset = 0 : i64, kind = "plain", weights = ["w"], shapes = [[4]]},
                          {offset = 0 : i64, kind = "plain", weights = ["b"], shapes = [[2]]}])"),
              HasSubstr("parameters overlap"));
  EXPECT_THAT(refusal(R"([{offset = 64 : i64, kind = "plain", weights = ["w"], shapes = [[4]]}])"),
              HasSubstr("parameters end at byte 80, but 'weft.parameter_bytes' is 64"));
  EXPECT_THAT(refusal(R"([{offset = 1 : i64, kind = "plain", weights = ["w"], shapes = [[4]]}])"),
              HasSubstr("'offset' is 1, not a multiple of 64"));
  EXPECT_THAT(refusal("[4]"), HasSubstr("'weft.parameters' must hold dictionaries"));
}

TEST_F(WeightsTest, MayHaveMoreDimensionsInTheFile) {
  // Neighbours may be one dimension, and those of size 1 say nothing.
  auto module = model(R"([{offset = 0 : i64, kind = "plain", weights = ["m"], shapes = [[6]]},
                          {offset = 64 : i64, kind = "plain", weights = ["b"], shapes = [[1, 2, 1]]}])");
  ASSERT_FALSE(bool(writeWeights(*module, checkpoint.get(), in("w.bin"), nullptr)));
  EXPECT_EQ(floats("w.bin")[5], 6);
  EXPECT_EQ(floats("w.bin")[17], 2);
  for (auto [wanted, stored] : {std::pair<std::vector<int64_t>, std::vector<int64_t>>{{8, 12}, {8, 3, 2, 2}},
                                {{8, 12}, {1, 8, 12, 1}},
                                {{1, 8}, {8}},
                                {{}, {1, 1}},
                                {{0, 3}, {0, 3}}})
    EXPECT_TRUE(isStoredAs(wanted, stored));
  for (auto [wanted, stored] : {std::pair<std::vector<int64_t>, std::vector<int64_t>>{{8, 12}, {96}},
                                {{8, 12}, {12, 8}},
                                {{8, 12}, {8, 3, 2}},
                                {{8}, {8, 2}},
                                {{0, 3}, {0, 4}}})
    EXPECT_FALSE(isStoredAs(wanted, stored));
}

TEST_F(WeightsTest, NeedACheckpointOnlyWhereThereAreAny) {
  auto module = model();
  EXPECT_THAT(llvm::toString(writeWeights(*module, nullptr, in("w.bin"), nullptr)),
              HasSubstr("the model has weights, but no checkpoint is given"));
  auto without = model("[]", 0);
  EXPECT_FALSE(bool(writeWeights(*without, nullptr, in("w.bin"), nullptr)));
  EXPECT_EQ(read("w.bin"), "");
}

TEST_F(WeightsTest, FullDiskIsNoticed) {
  auto module = model();
  EXPECT_THAT(llvm::toString(writeWeights(*module, checkpoint.get(), "/dev/full", nullptr)),
              HasSubstr("No space left on device"));
}

} // namespace
} // namespace weft

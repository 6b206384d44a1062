//===- NumbersTest.cpp - elements as floats, and tensors written --------------------------------------------------===//
// Answers: is every stored number read exactly, from any address, and is what was written read back?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "tests/compiler/checkpoint/Files.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <gmock/gmock.h>
#include <limits>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Elements at an odd address.
struct Stored {
  template <typename T> Stored(StorageType type, std::vector<T> values) : bytes(1 + values.size() * sizeof(T)) {
    std::copy_n(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T), bytes.data() + 1);
    tensor = {"t", type, {(int64_t)values.size()}, llvm::ArrayRef(bytes).drop_front()};
  }
  std::vector<float> read() const {
    std::vector<float> out(tensor.elements());
    llvm::Error error = readAsFloat(tensor, out);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
    return out;
  }
  std::vector<char> bytes;
  CheckpointTensor tensor;
};

/// All 65536 patterns against LLVM's soft floats.
void compareAllPatterns(StorageType type, const llvm::fltSemantics &semantics) {
  std::vector<uint16_t> patterns(65536);
  for (size_t i = 0; i < patterns.size(); ++i)
    patterns[i] = static_cast<uint16_t>(i);
  std::vector<float> floats = Stored(type, patterns).read();
  for (size_t i = 0; i < patterns.size(); ++i) {
    float wanted = llvm::APFloat(semantics, llvm::APInt(16, i)).convertToFloat();
    if (std::isnan(wanted))
      EXPECT_TRUE(std::isnan(floats[i])) << i;
    else
      EXPECT_EQ(llvm::bit_cast<uint32_t>(floats[i]), llvm::bit_cast<uint32_t>(wanted)) << i;
  }
}

TEST(ReadAsFloat, HalfIsExact) { compareAllPatterns(StorageType::F16, llvm::APFloat::IEEEhalf()); }
TEST(ReadAsFloat, BFloatIsExact) { compareAllPatterns(StorageType::BF16, llvm::APFloat::BFloat()); }

TEST(ReadAsFloat, SingleAndDouble) {
  EXPECT_THAT(Stored(StorageType::F32, std::vector<float>{1.5f, -0.0f}).read(), ElementsAre(1.5f, -0.0f));
  double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Stored(StorageType::F64, std::vector<double>{0.1, -infinity, 1e-50}).read(),
              ElementsAre(0.1f, -INFINITY, 0.0f));
  EXPECT_THAT(Stored(StorageType::F32, std::vector<float>{}).read(), ElementsAre());
}

TEST(ReadAsFloat, RefusesWhatIsNoFloat) {
  std::vector<float> two(2);
  Stored large(StorageType::F64, std::vector<double>{1.0, 1e300});
  EXPECT_THAT(llvm::toString(readAsFloat(large.tensor, two)),
              HasSubstr("tensor 't': element 1 is 1e+300, which does not fit in F32"));
  Stored integers(StorageType::I32, std::vector<int32_t>{1, 2});
  EXPECT_THAT(llvm::toString(readAsFloat(integers.tensor, two)),
              HasSubstr("type I32 cannot be read as numbers; allowed are F64, F32, F16 and BF16"));
  std::vector<float> three(3);
  EXPECT_THAT(llvm::toString(readAsFloat(integers.tensor, three)), HasSubstr("has 2 elements, not the 3"));
}

class WriteSafetensors : public test::FolderTest {};

TEST_F(WriteSafetensors, IsReadBack) {
  std::vector<float> a = {1, 2, 3, 4, 5, 6}, b = {7};
  std::vector<TensorToWrite> tensors = {{"b\n\"π", {}, b}, {"a", {2, 3}, a}, {"none", {0, 4}, {}}};
  std::string path = in("m.safetensors");
  ASSERT_FALSE(bool(writeSafetensors(path, tensors)));

  auto checkpoint = Checkpoint::open(path);
  ASSERT_TRUE(bool(checkpoint)) << llvm::toString(checkpoint.takeError());
  ASSERT_EQ((*checkpoint)->tensors().size(), 3u);
  for (const TensorToWrite &written : tensors) {
    const CheckpointTensor *read = (*checkpoint)->find(written.name);
    ASSERT_TRUE(read) << written.name;
    EXPECT_EQ(read->shape, written.shape);
    std::vector<float> values(read->elements());
    ASSERT_FALSE(bool(readAsFloat(*read, values)));
    EXPECT_EQ(values, written.values.vec());
  }
  std::string first = read("m.safetensors");
  ASSERT_FALSE(bool(writeSafetensors(path, tensors)));
  EXPECT_EQ(read("m.safetensors"), first);
  EXPECT_THAT(names(), ElementsAre("m.safetensors"));
}

TEST_F(WriteSafetensors, RefusesWhatCouldNotBeReadBack) {
  std::vector<float> one = {1};
  auto message = [&](std::vector<TensorToWrite> tensors) {
    return llvm::toString(writeSafetensors(in("m.safetensors"), tensors));
  };
  EXPECT_THAT(message({{"a", {1}, one}, {"a", {1}, one}}), HasSubstr("duplicate tensor 'a'"));
  EXPECT_THAT(message({{"__metadata__", {1}, one}}), HasSubstr("cannot be named '__metadata__'"));
  EXPECT_THAT(message({{"\xff", {1}, one}}), HasSubstr(R"(cannot be named '\xff')"));
  EXPECT_THAT(message({{"a", {2}, one}}), HasSubstr("shape (2) has 2 elements, but 1 are given"));
  EXPECT_THAT(names(), ElementsAre());
}

} // namespace
} // namespace weft

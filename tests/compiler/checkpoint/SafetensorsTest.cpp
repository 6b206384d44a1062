//===- SafetensorsTest.cpp - files that this test makes itself ----------------------------------------------------===//
// Answers: does the reader accept what the format allows and refuse the rest, naming the file and the fault?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "tests/compiler/checkpoint/Files.h"
#include "llvm/Support/Endian.h"
#include <chrono>
#include <gmock/gmock.h>
#include <sys/stat.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string file(std::string header, size_t dataBytes) {
  std::string length(8, '\0');
  llvm::support::endian::write64le(length.data(), header.size());
  return length + header + std::string(dataBytes, '\1');
}

std::string entry(std::string dtype, std::string shape, std::string offsets) {
  return R"({"dtype": )" + dtype + R"(, "shape": )" + shape + R"(, "data_offsets": )" + offsets + "}";
}
std::string one(std::string dtype, std::string shape, std::string offsets) {
  return R"({"a": )" + entry(dtype, shape, offsets) + "}";
}
const std::string sound = one("\"F32\"", "[2]", "[0, 8]");

class Safetensors : public test::FolderTest {
protected:
  std::string refusal(const std::string &contents) {
    std::string path = write("m.safetensors", contents);
    auto checkpoint = Checkpoint::open(path);
    if (checkpoint)
      return "accepted";
    std::string message = llvm::toString(checkpoint.takeError());
    EXPECT_THAT(message, HasSubstr(path));
    message.erase(0, path.size());
    for (unsigned char c : message)
      EXPECT_GE(c, 0x20) << "a control character reached the message: " << message;
    return message;
  }
  std::unique_ptr<Checkpoint> open(const std::string &contents) {
    auto checkpoint = Checkpoint::open(write("m.safetensors", contents));
    if (checkpoint)
      return std::move(*checkpoint);
    ADD_FAILURE() << llvm::toString(checkpoint.takeError());
    return nullptr;
  }
};

TEST_F(Safetensors, RefusesBadFrames) {
  EXPECT_THAT(refusal(""), HasSubstr("file too small"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("file too small: 7 bytes"));
  EXPECT_THAT(refusal(file("", 0)), HasSubstr("header must begin with '{'"));
  for (uint64_t length : {uint64_t(1000), uint64_t(100'000'001), UINT64_MAX, UINT64_MAX - 7}) {
    std::string contents = file(sound, 8);
    llvm::support::endian::write64le(contents.data(), length);
    EXPECT_THAT(refusal(contents), HasSubstr("header length is " + std::to_string(length)));
  }
}

TEST_F(Safetensors, RefusesBadText) {
  std::pair<std::string, const char *> cases[] = {
      {"{\"\xff\": 1}", "not valid UTF-8 at byte 2"},
      {"{\"\xc0\x80\": 1}", "not valid UTF-8"},
      {"{\"\xed\xa0\x80\": 1}", "not valid UTF-8"},
      {R"({"\ud800": 1})", "bad escape"},
      {R"({"\udc00x": 1})", "bad escape"},
      {R"({"\x": 1})", "bad escape"},
      {"[1, 2]", "header must begin with '{', since it is a JSON object"},
      {" " + sound, "header must begin"},
      {"\xef\xbb\xbf" + sound, "header must begin"},
      {sound + "x", "trailing characters"},
      {sound + sound, "trailing characters"},
      {sound + std::string(3, '\0'), "NUL at byte"},
      {sound.substr(0, 20), "not valid JSON"},
      {"{\"a", "not valid JSON"},
      {"{} // comment", "trailing"},
      {"{/* comment */}", "not valid JSON"},
      {"{'a': 1}", "not valid JSON"},
      {"{\"a\": 1,}", "must be an object"},
      {"{\"a\nb\": 1}", "not valid JSON"},
      {"{\"__metadata__\": {}, }", "not valid JSON"},
      {"{\"a\": " + std::string(200'000, '['), "nests deeper than 64 levels"},
      {std::string(200'000, '['), "nests deeper"},
      {"{\"" + std::string(9'000'000, 'x') + "\": 1}", "more than 8388608 bytes"},
  };
  for (auto &[header, wanted] : cases)
    EXPECT_THAT(refusal(file(header, 8)), HasSubstr(wanted)) << header.substr(0, 60);
}

TEST_F(Safetensors, RefusesBadFields) {
  std::pair<std::string, const char *> cases[] = {
      {R"({"a": "x"})", "tensor 'a': must be an object with dtype, shape and data_offsets, not 'x'"},
      {R"({"a": [1]})", "not an array"},
      {R"({"a": {"shape": [2], "data_offsets": [0, 8]}})", "tensor 'a': field dtype is missing"},
      {R"({"a": {"dtype": "F32", "data_offsets": [0, 8]}})", "field shape is missing"},
      {R"({"a": {"dtype": "F32", "shape": [2]}})", "field data_offsets is missing"},
      {R"({"a": {"dtype": "F32", "dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", "duplicate field 'dtype'"},
      {one("\"f32\"", "[2]", "[0, 8]"), "dtype is 'f32'; allowed are F64, F32, F16, BF16"},
      {one("\"F4\"", "[2]", "[0, 8]"), "dtype is 'F4'"},
      {one("32", "[2]", "[0, 8]"), "dtype is 32"},
      {one("null", "[2]", "[0, 8]"), "dtype is null"},
      {one("{}", "[2]", "[0, 8]"), "dtype is an object"},
      {one("\"F32\"", "2", "[0, 8]"), "shape must be an array of integers, not 2"},
      {one("\"F32\"", "[-2, -1]", "[0, 8]"), "shape must hold integers from 0 to 2^63 - 1, not -2"},
      {one("\"F32\"", "[2.0]", "[0, 8]"), "not 2.0"},
      {one("\"F32\"", "[2e0]", "[0, 8]"), "not 2e0"},
      {one("\"F32\"", "[\"2\"]", "[0, 8]"), "not '2'"},
      {one("\"F32\"", "[true]", "[0, 8]"), "not true"},
      {one("\"F32\"", "[[2]]", "[0, 8]"), "not an array"},
      {one("\"F32\"", "[18446744073709551617]", "[0, 8]"), "not 18446744073709551617"},
      {one("\"F32\"", "[9223372036854775808]", "[0, 8]"), "not 9223372036854775808"},
      {one("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0, 8]"), "shape has a rank of more than 8"},
      {one("\"F32\"", "[4294967296, 4294967296, 4294967296]", "[0, 8]"), "size overflow"},
      {one("\"F32\"", "[4611686018427387905]", "[0, 4]"), "size overflow"},
      {one("\"F32\"", "[4611686018427387904]", "[0, 0]"), "size overflow"},
      {one("\"F32\"", "[2]", "8"), "data_offsets must be an array"},
      {one("\"F32\"", "[2]", "[0]"), "data_offsets must hold two offsets, begin and end, not 1"},
      {one("\"F32\"", "[2]", "[0, 8, 8]"), "two offsets"},
      {one("\"F32\"", "[2]", "[-8, 0]"), "data_offsets must hold integers from 0 to 2^64 - 1, not -8"},
      {one("\"F32\"", "[2]", "[0.0, 8]"), "not 0.0"},
      {one("\"F32\"", "[2]", "[8, 0]"), "the end lies before the begin"},
      {one("\"F32\"", "[2]", "[18446744073709551608, 0]"), "the end lies before the begin"},
      {one("\"F32\"", "[2]", "[0, 4]"), "shape (2) of F32 needs 8 bytes, but data_offsets [0, 4] hold 4"},
      {one("\"F16\"", "[2, 2]", "[0, 16]"), "shape (2, 2) of F16 needs 8 bytes"},
      {one("\"F32\"", "[4]", "[0, 16]"), "end past the 8 bytes of data: the file is truncated"},
      {R"({"__metadata__": 1})", "__metadata__ must be an object of strings, not 1"},
      {R"({"__metadata__": {"n": 1}})", "__metadata__: the value of 'n' must be a string, not 1"},
      {R"({"__metadata__": {"n": {}}})", "__metadata__: the value of 'n'"},
      {R"({"__metadata__": {"n": "", "n": ""}})", "__metadata__: duplicate key 'n'"},
      {R"({"__metadata__": {}, "__metadata__": {}})", "duplicate tensor '__metadata__'"},
      {"{\"a\\u001b[31m\": 1}", R"(tensor 'a\u001b[31m')"},
  };
  for (auto &[header, wanted] : cases)
    EXPECT_THAT(refusal(file(header, 8)), HasSubstr(wanted)) << header;
}

TEST_F(Safetensors, RefusesBadLayouts) {
  auto two = [](std::string a, std::string b, std::string offsetsA, std::string offsetsB) {
    return "{\"" + a + "\": " + entry("\"U8\"", "[4]", offsetsA) + ", \"" + b +
           "\": " + entry("\"U8\"", "[4]", offsetsB) + "}";
  };
  EXPECT_THAT(refusal(file(two("a", "a", "[0, 4]", "[4, 8]"), 8)), HasSubstr("duplicate tensor 'a'"));
  EXPECT_THAT(refusal(file(two("a", "\\u0061", "[0, 4]", "[4, 8]"), 8)), HasSubstr("duplicate tensor 'a'"));
  EXPECT_THAT(refusal(file(two("a", "b", "[0, 4]", "[0, 4]"), 4)), HasSubstr("overlap tensor 'a'"));
  EXPECT_THAT(refusal(file(two("a", "b", "[2, 6]", "[0, 4]"), 6)),
              HasSubstr("tensor 'a': data_offsets begin at 2 and overlap tensor 'b', which ends at 4"));
  EXPECT_THAT(refusal(file(two("a", "b", "[0, 4]", "[6, 10]"), 10)), HasSubstr("leave a hole of 2 bytes"));
  EXPECT_THAT(refusal(file(one("\"U8\"", "[4]", "[4, 8]"), 8)), HasSubstr("hole of 4 bytes"));
  EXPECT_THAT(refusal(file(sound, 9)), HasSubstr("1 trailing bytes after the last tensor"));
  EXPECT_THAT(refusal(file(sound, 7)), HasSubstr("truncated"));
  EXPECT_THAT(refusal(file("{}", 1)), HasSubstr("trailing"));
}

TEST_F(Safetensors, AcceptsWhatTheFormatAllows) {
  EXPECT_TRUE(open(file("{}", 0))->tensors().empty());
  EXPECT_TRUE(open(file("{} \n  ", 0))->tensors().empty());
  EXPECT_EQ(open(file(R"({"__metadata__": {"format": "pt", "π": "😀"}})", 0))->tensors().size(), 0u);

  auto scalar = open(file(one("\"F32\"", "[]", "[0, 4]"), 4));
  EXPECT_TRUE(scalar->find("a")->shape.empty());
  EXPECT_EQ(scalar->find("a")->elements(), 1);
  auto empty = open(file(one("\"F32\"", "[0, 9223372036854775807]", "[0, 0]"), 0));
  EXPECT_EQ(empty->find("a")->elements(), 0);
  EXPECT_EQ(open(file(R"({"π\u0000/../x": {"dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1))->tensors()[0].name,
            std::string("π\0/../x", 8));
  // Fields to come, of any form.
  auto future = open(file(R"({"a": {"x": [1, {"y": [[]]}], "dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})", 1));
  EXPECT_EQ(future->find("a")->type, StorageType::U8);
  // Data may be listed in any order.
  auto swapped = open(
      file("{\"a\": " + entry("\"U8\"", "[3]", "[1, 4]") + ", \"b\": " + entry("\"BOOL\"", "[1]", "[0, 1]") + "}", 4));
  EXPECT_EQ(swapped->find("b")->bytes.end(), swapped->find("a")->bytes.begin());
  EXPECT_EQ(swapped->find("c"), nullptr);
}

TEST_F(Safetensors, KnowsEveryTypeByName) {
  for (StorageType type : allStorageTypes()) {
    unsigned bytes = byteWidth(type);
    auto checkpoint =
        open(file(one("\"" + name(type).str() + "\"", "[2]", "[0, " + std::to_string(2 * bytes) + "]"), 2 * bytes));
    EXPECT_EQ(checkpoint->tensors()[0].type, type);
  }
}

TEST_F(Safetensors, ManyTensorsTakeNoQuadraticTime) {
  std::string header = "{";
  for (int i = 0; i < 20'000; ++i)
    header += (i ? ",\"" : "\"") + ("layers." + std::to_string(i) + ".weight\":") + entry("\"F32\"", "[0]", "[0,0]");
  auto begin = std::chrono::steady_clock::now();
  auto checkpoint = open(file(header + "}", 0));
  EXPECT_EQ(checkpoint->tensors().size(), 20'000u);
  EXPECT_THAT(checkpoint->nearest("layers.12345.weihgt", 1), ElementsAre("layers.12345.weight"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST_F(Safetensors, NearestNamesComeInOrder) {
  std::string header = "{";
  for (const char *name : {"wq", "embedding.weight", "wk", "wkv", "embeddings.weight"})
    header += (header.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + entry("\"F32\"", "[0]", "[0,0]");
  auto checkpoint = open(file(header + "}", 0));
  EXPECT_THAT(checkpoint->nearest("wk"), ElementsAre("wk", "wq", "wkv"));
  EXPECT_THAT(checkpoint->nearest("embeding.weight", 2), ElementsAre("embedding.weight", "embeddings.weight"));
  EXPECT_THAT(checkpoint->nearest("x", 0), ElementsAre());
  EXPECT_EQ(checkpoint->nearest("x", 10).size(), 5u);
}

TEST_F(Safetensors, RefusesWhatIsNoFile) {
  auto message = [&](const std::string &path) { return llvm::toString(Checkpoint::open(path).takeError()); };
  EXPECT_THAT(message(in("absent")), HasSubstr("absent: No such file"));
  EXPECT_THAT(message(folder.str().str()), HasSubstr("is a directory"));
  ASSERT_EQ(mkfifo(in("fifo").c_str(), 0600), 0);
  EXPECT_THAT(message(in("fifo")), HasSubstr("is not a regular file"));
  EXPECT_THAT(message("/dev/zero"), HasSubstr("is not a regular file"));
}

} // namespace
} // namespace weft

//===- NpyTest.cpp - are .npy files read for what they say, and refused for what they must not? -------------------===//
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/core/npy.h"
#include "tests/runtime/support.h"
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <random>

using namespace weft_test;
using testing::HasSubstr;

namespace {

/// A file with this header text, padded as NumPy pads, and data after it.
std::string npy(const std::string &header, const std::string &data, int version = 1) {
  std::string text = header + "\n", prefix = std::string("\x93NUMPY", 6) + char(version) + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    prefix += char(text.size() >> (8 * i) & 0xff);
  return prefix + text + data;
}

std::string dict(const std::string &descr, const std::string &shape, const std::string &order = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

weft_status parse(const std::string &file, weft_npy_header &header, weft_error &error) {
  error = {};
  return weft_npy_parse(file.data(), std::min<size_t>(file.size(), WEFT_NPY_PREFIX), file.size(), &header, &error);
}

std::string refusal(const std::string &file) {
  weft_npy_header header;
  weft_error error;
  EXPECT_EQ(parse(file, header, error), WEFT_BAD_INPUT);
  return error.message;
}

void accept(const std::string &file, std::vector<int64_t> shape, weft_npy_type type) {
  weft_npy_header header;
  weft_error error;
  ASSERT_EQ(parse(file, header, error), WEFT_OK) << error.message;
  EXPECT_EQ(std::vector<int64_t>(header.shape, header.shape + header.rank), shape);
  EXPECT_EQ(header.type, type);
}

const std::string data16(16, '\1');

TEST(Npy, AcceptsEveryFormOfHeader) {
  accept(npy(dict("'<f4'", "(2, 2)"), data16), {2, 2}, WEFT_NPY_F4);
  accept(npy(dict("'<f4'", "(2, 2)"), data16, 2), {2, 2}, WEFT_NPY_F4);
  accept(npy(dict("'<f4'", "(2, 2)"), data16, 3), {2, 2}, WEFT_NPY_F4);
  accept(npy(dict("'<f8'", "(2,)"), data16), {2}, WEFT_NPY_F8);
  accept(npy(dict("'=i8'", "(2,)"), data16), {2}, WEFT_NPY_I8);
  accept(npy(dict("'|b1'", "(16,)"), data16), {16}, WEFT_NPY_B1);
  accept(npy(dict("'|u1'", "(4, 4)"), data16), {4, 4}, WEFT_NPY_U1);
  accept(npy(dict("'<i4'", "()"), data16.substr(12)), {}, WEFT_NPY_I4);
  accept(npy(dict("'<i4'", "(0, 9223372036854775807)"), ""), {0, INT64_MAX}, WEFT_NPY_I4);
  accept(npy(dict("'<f4'", "(2L, 2L)"), data16), {2, 2}, WEFT_NPY_F4);
  accept(npy("{\"shape\":(4,),\"descr\":\"<f4\",\"fortran_order\":False}   ", data16), {4}, WEFT_NPY_F4);
}

TEST(Npy, RefusesWithTheCause) {
  const std::string good = npy(dict("'<f4'", "(2, 2)"), data16);
  EXPECT_THAT(refusal(""), HasSubstr("too small"));
  EXPECT_THAT(refusal(good.substr(0, 4)), HasSubstr("magic"));
  EXPECT_THAT(refusal("PK\3\4 and so on"), HasSubstr("zip archive"));
  EXPECT_THAT(refusal(good.substr(0, 7)), HasSubstr("version"));
  EXPECT_THAT(refusal(good.substr(0, 9)), HasSubstr("header"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2, 2)"), data16, 4)), HasSubstr("version 4.0"));
  EXPECT_THAT(refusal(good.substr(0, 40)), HasSubstr("header of"));
  EXPECT_THAT(refusal(npy(std::string(70000, ' '), "", 2)), HasSubstr("longer than 65536"));
  EXPECT_THAT(refusal(npy("", "")), HasSubstr("header is not a dictionary"));
  EXPECT_THAT(refusal(npy("{", "")), HasSubstr("header"));
  EXPECT_THAT(refusal(npy("{'descr'", "")), HasSubstr("header"));
  EXPECT_THAT(refusal(npy("{'descr': '<f4", "")), HasSubstr("descr"));
  EXPECT_THAT(refusal(npy("{}", "")), HasSubstr("header has no 'descr'"));
  EXPECT_THAT(refusal(npy("{'descr': '<f4', 'shape': ()}", "")), HasSubstr("no 'fortran_order'"));
  EXPECT_THAT(refusal(npy("{'descr': '<f4', 'descr': '<f4'}", "")), HasSubstr("'descr' twice"));
  EXPECT_THAT(refusal(npy("{'descr': '<f4', 'colour': 1}", "")), HasSubstr("a key beside"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2, 2)") + " + 1", data16)), HasSubstr("after its dictionary"));
  EXPECT_THAT(refusal(npy(dict("__import__('os').getcwd()", "(2, 2)"), data16)), HasSubstr("header: descr"));
  EXPECT_THAT(refusal(npy(dict("'|O'", "(2,)"), data16)), HasSubstr("pickle"));
  EXPECT_THAT(refusal(npy(dict("'<c8'", "(2,)"), data16)), HasSubstr("'<c8'"));
  EXPECT_THAT(refusal(npy(dict("'<U4'", "(1,)"), data16)), HasSubstr("'<U4'"));
  EXPECT_THAT(refusal(npy(dict("'<f16'", "(1,)"), data16)), HasSubstr("'<f16'"));
  EXPECT_THAT(refusal(npy(dict("''", "(1,)"), data16)), HasSubstr("descr ''"));
  EXPECT_THAT(refusal(npy(dict("'" + std::string(100, 'f') + "'", "(1,)"), data16)), HasSubstr("names no type"));
  EXPECT_THAT(refusal(npy(dict("'<f4\x1b'", "(1,)"), data16)), HasSubstr("'<f4...' names no type"));
  EXPECT_THAT(refusal(npy(dict("'>f4'", "(2, 2)"), data16)), HasSubstr("'>f4' is big-endian"));
  EXPECT_THAT(refusal(npy(dict("'|f4'", "(2, 2)"), data16)), HasSubstr("byte order"));
  EXPECT_THAT(refusal(npy(dict("[('x', '<f4')]", "(4,)"), data16)), HasSubstr("descr is a structured type"));
  EXPECT_THAT(refusal(npy(dict("4", "(4,)"), data16)), HasSubstr("descr is not a string"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2, 2)", "True"), data16)), HasSubstr("fortran_order is True"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2, 2)", "0"), data16)), HasSubstr("fortran_order is neither"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "4"), data16)), HasSubstr("shape is not a tuple"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(4)"), data16)), HasSubstr("not a tuple"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "[2, 2]"), data16)), HasSubstr("shape is not a tuple"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(-2, -2)"), data16)), HasSubstr("shape"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2.0, 2)"), data16)), HasSubstr("shape"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2,, 2)"), data16)), HasSubstr("shape"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(02, 2)"), data16)), HasSubstr("shape"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2 2)"), data16)), HasSubstr("shape"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(9223372036854775808,)"), data16)), HasSubstr("shape overflows"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(4611686018427387905, 4)"), data16)), HasSubstr("overflows"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(4611686018427387904,)"), data16)), HasSubstr("overflows"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), data16)), HasSubstr("rank 9, more than 8"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2, 2)"), data16.substr(1))), HasSubstr("truncated"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(1099511627776,)"), data16)), HasSubstr("truncated"));
  EXPECT_THAT(refusal(npy(dict("'<f4'", "(2, 2)"), data16 + "x")), HasSubstr("1 trailing bytes"));
}

TEST(Npy, NoBytesCrashTheParser) {
  std::mt19937 random(1);
  const std::string good = npy(dict("'<f4'", "(2, 2)"), data16);
  weft_npy_header header;
  weft_error error;
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_EQ(parse(good.substr(0, length), header, error), WEFT_BAD_INPUT) << length;
  for (int i = 0; i < 200000; ++i) {
    std::string file = good;
    for (unsigned flips = 1 + random() % 4; flips-- > 0;)
      file[random() % file.size()] = static_cast<char>(random());
    if (parse(file, header, error) != WEFT_OK)
      continue;
    // Whatever was accepted keeps its promise.
    EXPECT_LE(header.rank, WEFT_MAX_RANK);
    EXPECT_EQ(header.data_offset + header.elements * weft_npy_type_bytes(header.type), file.size());
  }
}

/// "key": "value" of one entry of the manifest, whose entries are flat objects.
std::string field(const std::string &entry, const std::string &key) {
  size_t at = entry.find('"' + key + "\": \"");
  if (at == std::string::npos)
    return "";
  at += key.size() + 5;
  return entry.substr(at, entry.find('"', at) - at);
}

TEST(Npy, MalformedFilesGetTheAnswerOfTheirManifest) {
  std::string folder = std::string(WEFT_SOURCE_DIR) + "/../shared/data/malformed/";
  std::string manifest = readFile(folder + "manifest.json");
  if (manifest.empty())
    GTEST_SKIP() << "../shared/data/malformed is absent";
  int count = 0;
  for (size_t at = manifest.find("\"format\": \"npy\""); at != std::string::npos;
       at = manifest.find("\"format\": \"npy\"", at + 1)) {
    std::string entry = manifest.substr(at, manifest.find('}', at) - at);
    std::string path = folder + field(entry, "file"), expect = field(entry, "expect");
    weft_npy array;
    weft_error error{};
    weft_status status = weft_npy_read(path.c_str(), nullptr, &array, &error);
    if (status == WEFT_OK) {
      EXPECT_NE(expect, "reject") << path << ": " << field(entry, "why");
      weft_npy_free(&array);
    } else {
      EXPECT_EQ(status, WEFT_BAD_INPUT);
      EXPECT_NE(expect, "accept") << error.message;
      EXPECT_THAT(error.message, HasSubstr(path));
      EXPECT_THAT(error.message, HasSubstr(field(entry, "error_should_mention")));
    }
    ++count;
  }
  EXPECT_GE(count, 20);
}

TEST(Npy, WhatIsWrittenIsReadBack) {
  Folder folder;
  float values[] = {1.5f, -0.0f, INFINITY, NAN, 1e-42f, 6};
  int32_t numbers[] = {INT32_MIN, -1, 0, INT32_MAX};
  unsigned char flags[] = {1, 0, 1};
  const weft_view views[] = {{values, WEFT_F32, 2, {2, 3}},    {values, WEFT_F32, 0, {}},
                             {values, WEFT_F32, 3, {4, 0, 2}}, {numbers, WEFT_I32, 1, {4}},
                             {flags, WEFT_I1, 2, {3, 1}},      {values, WEFT_F32, 8, {1, 1, 1, 2, 1, 3, 1, 1}}};
  for (const weft_view &v : views) {
    std::string path = folder / "a.npy";
    weft_error error{};
    weft_npy array;
    weft_view back;
    ASSERT_EQ(weft_npy_write(path.c_str(), &v, nullptr, &error), WEFT_OK) << error.message;
    ASSERT_EQ(weft_npy_read(path.c_str(), nullptr, &array, &error), WEFT_OK) << error.message;
    EXPECT_EQ(array.header.data_offset % 64, 0u);
    ASSERT_EQ(weft_npy_convert(&array, v.type, &back, &error), WEFT_OK) << error.message;
    ASSERT_EQ(back.rank, v.rank);
    EXPECT_EQ(memcmp(back.shape, v.shape, sizeof(int64_t) * v.rank), 0);
    EXPECT_EQ(memcmp(back.data, v.data, array.bytes), 0);
    weft_view_release(&array.allocator, &back);
    weft_npy_free(&array);
  }
  EXPECT_EQ(folder.listing(), "a.npy\n");
}

TEST(Npy, NumPyReadsWhatIsWritten) {
  Folder folder;
  if (run("python3 -c 'import numpy'").code != 0)
    GTEST_SKIP() << "python3 with NumPy is absent";
  float values[] = {1, 2, 3, 4, 5, 6};
  weft_view v{values, WEFT_F32, 2, {2, 3}};
  ASSERT_EQ(weft_npy_write((folder / "a.npy").c_str(), &v, nullptr, nullptr), WEFT_OK);
  EXPECT_EQ(run("python3 -c 'import numpy; a = numpy.load(\"" + (folder / "a.npy") +
                "\"); print(a.dtype, a.shape, a.tolist())'")
                .out,
            "float32 (2, 3) [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]\n");
}

template <typename T> std::string bytes(std::vector<T> values) {
  return std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}

/// The conversion of a one-dimensional file; the message where it is refused.
template <typename T>
std::vector<T> convert(const std::string &descr, const std::string &data, size_t count, weft_type type,
                       std::string *message = nullptr) {
  Folder folder;
  writeFile(folder / "a.npy", npy(dict("'" + descr + "'", "(" + std::to_string(count) + ",)"), data));
  weft_npy array;
  weft_view v;
  weft_error error{};
  std::vector<T> values;
  EXPECT_EQ(weft_npy_read((folder / "a.npy").c_str(), nullptr, &array, &error), WEFT_OK) << error.message;
  if (weft_npy_convert(&array, type, &v, &error) == WEFT_OK) {
    values.assign(static_cast<T *>(v.data), static_cast<T *>(v.data) + count);
    weft_view_release(&array.allocator, &v);
  } else if (message) {
    *message = error.message;
  } else {
    ADD_FAILURE() << error.message;
  }
  weft_npy_free(&array);
  return values;
}

TEST(Npy, TypesAreNarrowedWithoutLoss) {
  EXPECT_EQ(convert<float>("<f8", bytes<double>({0.1, -2, 1e300}), 3, WEFT_F32),
            (std::vector<float>{0.1f, -2, INFINITY}));
  EXPECT_EQ(convert<float>("<f2", bytes<uint16_t>({0x3c00, 0xc000, 0x0001, 0x8000, 0x7bff, 0x7c00, 0x3555, 0x0400}), 8,
                           WEFT_F32),
            (std::vector<float>{1, -2, 0x1p-24f, -0.0f, 65504, INFINITY, 0.333251953125f, 0x1p-14f}));
  EXPECT_TRUE(std::isnan(convert<float>("<f2", bytes<uint16_t>({0x7e00}), 1, WEFT_F32)[0]));
  EXPECT_EQ(convert<int32_t>("<i8", bytes<int64_t>({-5, INT32_MAX}), 2, WEFT_I32),
            (std::vector<int32_t>{-5, INT32_MAX}));
  EXPECT_EQ(convert<int32_t>("|u1", bytes<uint8_t>({0, 255}), 2, WEFT_I32), (std::vector<int32_t>{0, 255}));
  EXPECT_EQ(convert<int32_t>("|i1", bytes<int8_t>({-1}), 1, WEFT_I32), (std::vector<int32_t>{-1}));
  EXPECT_EQ(convert<int32_t>("<i2", bytes<int16_t>({-300}), 1, WEFT_I32), (std::vector<int32_t>{-300}));
  EXPECT_EQ(convert<int32_t>("<u2", bytes<uint16_t>({65535}), 1, WEFT_I32), (std::vector<int32_t>{65535}));
  EXPECT_EQ(convert<int32_t>("<u4", bytes<uint32_t>({7}), 1, WEFT_I32), (std::vector<int32_t>{7}));
  EXPECT_EQ(convert<int32_t>("<u8", bytes<uint64_t>({7}), 1, WEFT_I32), (std::vector<int32_t>{7}));
  EXPECT_EQ(convert<unsigned char>("|b1", bytes<uint8_t>({0, 1, 2}), 3, WEFT_I1),
            (std::vector<unsigned char>{0, 1, 1}));
}

TEST(Npy, TypesThatLoseAreRefused) {
  std::string message;
  convert<int32_t>("<i8", bytes<int64_t>({0, 1ll << 31}), 2, WEFT_I32, &message);
  EXPECT_EQ(message, "element 1 is 2147483648, which does not fit in an i32");
  convert<int32_t>("<u8", bytes<uint64_t>({UINT64_MAX}), 1, WEFT_I32, &message);
  EXPECT_THAT(message, HasSubstr("does not fit in an i32"));
  convert<int32_t>("<f4", bytes<float>({1}), 1, WEFT_I32, &message);
  EXPECT_EQ(message, "the array is float32 but the model wants i32");
  convert<float>("<i4", bytes<int32_t>({1}), 1, WEFT_F32, &message);
  EXPECT_EQ(message, "the array is int32 but the model wants f32");
  convert<float>("|u1", bytes<uint8_t>({1}), 1, WEFT_I1, &message);
  EXPECT_EQ(message, "the array is uint8 but the model wants i1");
}

TEST(Npy, WhatIsNoFileIsRefused) {
  Folder folder;
  weft_npy array;
  weft_error error;
  EXPECT_EQ(weft_npy_read((folder / "none").c_str(), nullptr, &array, &error), WEFT_BAD_INPUT);
  EXPECT_THAT(error.message, HasSubstr("cannot be opened: No such file"));
  EXPECT_EQ(weft_npy_read(folder.path.c_str(), nullptr, &array, &error), WEFT_BAD_INPUT);
  EXPECT_THAT(error.message, HasSubstr("is a folder"));
  run("mkfifo '" + (folder / "pipe") + "'");
  EXPECT_EQ(weft_npy_read((folder / "pipe").c_str(), nullptr, &array, &error), WEFT_BAD_INPUT);
  EXPECT_THAT(error.message, HasSubstr("is not a regular file"));
}

TEST(Npy, AllocationsOfReadersMayFail) {
  Folder folder;
  writeFile(folder / "a.npy", npy(dict("'<f4'", "(2, 2)"), data16));
  for (int64_t n = 1; n <= 3; ++n) {
    TestAllocator allocator;
    allocator.failAt = n;
    weft_npy array;
    weft_view v;
    weft_error error{};
    weft_status status = weft_npy_read((folder / "a.npy").c_str(), &allocator.c, &array, &error);
    if (status == WEFT_OK) {
      status = weft_npy_convert(&array, WEFT_F32, &v, &error);
      weft_npy_free(&array);
    }
    EXPECT_EQ(status, WEFT_NO_MEMORY) << n;
    EXPECT_EQ(allocator.out, 0);
  }
}

} // namespace

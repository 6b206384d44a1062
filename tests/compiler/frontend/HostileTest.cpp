//===- HostileTest.cpp - texts that nobody wrote in good faith ----------------------------------------------------===//
// Answers: is every text answered with an error, within a second, whatever it is?
//===--------------------------------------------------------------------------------------------------------------===//
#include "Compile.h"
#include <ctime>

using namespace weft;
using namespace weft::test;

namespace {

/// Compiles and wants an error with this id within a second.
std::string refused(const std::string &text, llvm::StringRef id) {
  // Time of the processor, not of the wall: other tests may be running.
  std::clock_t start = std::clock();
  Compiled compiled = compile(text);
  double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_FALSE(compiled.module);
  EXPECT_NE(compiled.messages.find(id), std::string::npos) << compiled.messages.substr(0, 2000);
  EXPECT_LT(seconds, 1.0) << id.str();
  EXPECT_LT(compiled.messages.size(), 20000u);
  return compiled.messages;
}

std::string repeat(llvm::StringRef text, size_t count) {
  std::string result;
  result.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

constexpr size_t tenMegabytes = 10 << 20;
constexpr const char *head = "axes seq, embed = 4\nmodel m(x: f32[seq]) -> f32[seq] {\n  return ";

TEST(Hostile, TenMegabytesOfBrackets) {
  for (char bracket : {'(', ')', '[', ']', '{', '}'})
    refused(std::string(tenMegabytes, bracket), "[W007]");
  refused(head + std::string(tenMegabytes, '('), "[W006]");
  refused(head + std::string("x") + std::string(tenMegabytes, '['), "[W007]");
}

TEST(Hostile, DepthOfEveryKind) {
  refused(head + std::string(tenMegabytes, '-') + "x\n}\n", "[W006]");
  refused(head + repeat("not ", 1 << 20) + "x\n}\n", "[W006]");
  refused(head + repeat("x + ", 1 << 20) + "x\n}\n", "[W006]");
  refused(head + repeat("sum[seq] ", 1 << 20) + "x\n}\n", "[W006]");
  refused(head + repeat("if x then ", 1 << 20), "[W006]");
  refused(head + repeat("f(", 1 << 20), "[W006]");
  refused(head + std::string("x") + repeat("[seq = 0]", 1 << 20) + "\n}\n", "[W006]");
  refused("model m(x: f32[s]) -> f32[s] {\n" + repeat("for i in 0..2 {\n", 100000), "[W006]");
}

TEST(Hostile, BytesThatAreNoText) {
  EXPECT_EQ(heads(refused("axes seq\n\xFF\n", "[W001]")),
            (std::vector<std::string>{"2:1: error: byte 0xFF at byte 9 is not UTF-8 [W001]"}));
  for (const char *bytes : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"})
    refused(bytes, "[W001]");
  EXPECT_EQ(heads(refused(std::string("ax\0es", 5), "[W002]")),
            (std::vector<std::string>{"1:3: error: NUL byte at byte 2 [W002]"}));
  refused("# \xE2\x80\xAE"
          "desrever\n",
          "[W002]");
  refused("axes seq\rmodel\n", "[W002]");
  refused("\x1B[31m", "[W002]");
  refused(std::string(tenMegabytes, '\0'), "[W002]");
  refused(std::string(tenMegabytes, '\xE9'), "[W001]");
}

TEST(Hostile, NothingToCompile) {
  refused("", "[W008]");
  refused("# only a comment", "[W008]");
  refused(std::string(tenMegabytes, '\n'), "[W008]");
  refused(std::string(tenMegabytes, '#'), "[W008]");
  refused(std::string(tenMegabytes, '?'), "[W003]");
  refused(repeat("? ", 1 << 20), "[W003]");
  refused(std::string(tenMegabytes, '"'), "[W007]");
  refused(std::string(tenMegabytes, 'a'), "[W007]");
  refused(std::string(tenMegabytes, '9'), "[W007]");
}

TEST(Hostile, NumbersThatFitNowhere) {
  refused("axes a = " + std::string(1 << 20, '9') + "\n", "[W005]");
  refused("axes a = 9223372036854775807, b = a + 1\n", "[W025]");
  refused("axes a = 9223372036854775807, b = a * a\n", "[W025]");
  refused("axes a = 0\n", "[W024]");
  refused("axes a = 5 % 0\n", "[W024]");
  refused(head + std::string("x * 1e999\n}\n"), "[W005]");
}

TEST(Hostile, ThingsThatGrow) {
  std::string chain = "axes s\n", doubling = "axes s\n";
  for (int i = 0; i < 3000; ++i)
    chain += "def f" + std::to_string(i) + "(x) = f" + std::to_string(i + 1) + "(x) + 1\n";
  refused(chain + "def f3000(x) = x\nmodel m(x: f32[s]) -> f32[s] {\n  return f0(x)\n}\n", "[W006]");
  for (int i = 0; i < 40; ++i)
    doubling +=
        "def g" + std::to_string(i) + "(x) = g" + std::to_string(i + 1) + "(x) + g" + std::to_string(i + 1) + "(x)\n";
  refused(doubling + "def g40(x) = x\nmodel m(x: f32[s]) -> f32[s] {\n  return g0(x)\n}\n", "[W041]");
  refused(
      "axes s\nmodel m(x: f32[s]) -> f32[s] {\n  for i in 0..9007199254740992 {\n    x = x + 1\n  }\n  return x\n}\n",
      "[W041]");
  std::string sizes = "axes a0 = a1";
  for (int i = 1; i < 100000; ++i)
    sizes += ", a" + std::to_string(i) + " = a" + std::to_string(i + 1);
  refused(sizes + ", a100000 = 1\n", "[W006]");
  std::string ring = "axes s\n";
  for (int i = 0; i < 20000; ++i)
    ring +=
        "block b" + std::to_string(i) + "(x[s]) -> [s] {\n  return b" + std::to_string((i + 1) % 20000) + "(x)\n}\n";
  refused(ring, "[W012]");
}

TEST(Hostile, ManyErrorsAreTwenty) {
  std::string text = "axes s\nmodel m(x: f32[s]) -> f32[s] {\n";
  for (int i = 0; i < 100000; ++i)
    text += "  y" + std::to_string(i) + " = nothing" + std::to_string(i) + "\n";
  std::string messages = refused(text + "  return x\n}\n", "[W010]");
  EXPECT_EQ(heads(messages).size(), 20u);
}

} // namespace

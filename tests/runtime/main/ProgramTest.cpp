//===- ProgramTest.cpp - does a generated executable do what its --help says? -------------------------------------===//
// The program weft_toy is the toy model with the `main` that the compiler links into executables.
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/core/npy.h"
#include "tests/runtime/support.h"
#include <chrono>
#include <gmock/gmock.h>

using namespace weft_test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class Program : public testing::Test {
protected:
  Folder folder;

  Outcome toy(const std::string &arguments, const std::string &environment = "") {
    return run("cd '" + folder.path + "' && " + environment + "'" + artefact("weft_toy") + "' " + arguments);
  }
  void save(const std::string &name, const std::vector<int32_t> &tokens, std::vector<int64_t> shape) {
    weft_view v = view(tokens, shape);
    ASSERT_EQ(weft_npy_write((folder / name).c_str(), &v, nullptr, nullptr), WEFT_OK);
  }
  std::vector<float> loadFloats(const std::string &name) {
    weft_npy array;
    weft_error error{};
    if (weft_npy_read((folder / name).c_str(), nullptr, &array, &error) != WEFT_OK) {
      ADD_FAILURE() << error.message;
      return {};
    }
    const float *data = static_cast<const float *>(array.data);
    std::vector<float> values(data, data + array.header.elements);
    weft_npy_free(&array);
    return values;
  }
};

/// What the toy writes on, greedily.
std::vector<int32_t> continuation(std::vector<int32_t> tokens, int count) {
  int64_t sum = 0;
  for (int32_t token : tokens)
    sum += token;
  std::vector<int32_t> more;
  for (int i = 0; i < count; ++i) {
    more.push_back(toy_next(sum, static_cast<int64_t>(tokens.size() + more.size()) - 1));
    sum += more.back();
  }
  return more;
}

TEST_F(Program, ExplainsItself) {
  Outcome help = toy("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("usage:"));
  for (const char *option :
       {"--output", "--step", "--time", "--repeat", "--threads", "--cpu", "--device", "--generate", "--prompt",
        "--tokens", "--length", "--temperature", "--seed", "--no-cache", "--verify-weights"})
    EXPECT_THAT(help.out, HasSubstr(option));
  EXPECT_EQ(toy("--info").out, "toy: 4096 bytes of weights\n"
                               "whole sequences\n"
                               "  input  tokens i32[batch, seq]\n"
                               "  output logits f32[batch, seq, vocab = 256]\n"
                               "step, after the positions along 'seq' that are in the cache (48 at most)\n"
                               "  input  tokens i32[batch, seq]\n"
                               "  output logits f32[batch, seq, vocab = 256]\n" +
                                   toy("--info").out.substr(toy("--info").out.find("cpu here:")));
  EXPECT_THAT(toy("--info --cpu v3").out, HasSubstr("here: runs the code for x86-64-v3\n"));
  EXPECT_THAT(toy("--info").out, HasSubstr("vulkan here: ")) << "a model says of each device whether it runs there";
}

TEST_F(Program, RunsOnTheDeviceThatIsAskedFor) {
  std::vector<int32_t> tokens = someTokens(14);
  save("t.npy", tokens, {2, 7});
  ASSERT_EQ(toy("tokens=t.npy -o cpu.npy --device cpu").code, 0);
  EXPECT_EQ(toy("tokens=t.npy --device abacus").code, 2);
  Outcome none = toy("tokens=t.npy --device vulkan", "WEFT_VULKAN_LOADER=/nowhere.so ");
  EXPECT_EQ(none.code, 3);
  EXPECT_THAT(none.err, testing::StartsWith("error: there is no Vulkan loader on this machine"));
  if (std::string reason = missingDevice("vulkan"); !reason.empty())
    GTEST_SKIP() << reason;
  for (const char *options : {"", " --step=3", " --repeat 2"}) {
    Outcome done = toy("tokens=t.npy -o vulkan.npy --device vulkan" + std::string(options));
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.err, "") << "messages of the validation layer";
    EXPECT_EQ(readFile(folder / "vulkan.npy"), readFile(folder / "cpu.npy")) << options;
  }
  EXPECT_EQ(toy("--generate --prompt Once --device vulkan").out, toy("--generate --prompt Once").out);
  EXPECT_EQ(toy("tokens=t.npy --device vulkan:77").code, 3);
}

TEST_F(Program, RunsFromFileToFile) {
  std::vector<int32_t> tokens = someTokens(14);
  save("t.npy", tokens, {2, 7});
  for (const char *options : {"-o y.npy", "-o logits=y.npy --threads 3", "--output=y.npy --repeat 3 --verify-weights",
                              "--step -o y.npy", "--step=1 -o y.npy", "--step=3 -o y.npy", "--step=99 -o y.npy"}) {
    Outcome done = toy(std::string("tokens=t.npy ") + options);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out + done.err, "") << options;
    EXPECT_EQ(loadFloats("y.npy"), toyLogits(tokens, 2, 7)) << options;
    EXPECT_EQ(folder.listing(), "t.npy\ny.npy\n");
    unlink((folder / "y.npy").c_str());
  }
}

TEST_F(Program, SummarisesWhatIsNotSaved) {
  save("t.npy", {1, 2}, {1, 2});
  Outcome done = toy("tokens=t.npy");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "logits f32[1, 2, 256]: 0.25 0.5 0.75 1 1.25 1.5 1.75 2 ...\n");
  save("e.npy", {}, {1, 0});
  EXPECT_EQ(toy("tokens=e.npy").out, "logits f32[1, 0, 256]\n");
  EXPECT_EQ(toy("tokens=e.npy --step").out, "logits f32[1, 0, 256]\n");
}

TEST_F(Program, TellsTheTime) {
  save("t.npy", {1, 2}, {1, 2});
  EXPECT_THAT(toy("tokens=t.npy --time").err, testing::MatchesRegex("[0-9.]+ ms\n"));
  EXPECT_THAT(toy("tokens=t.npy --time --repeat 5").err,
              testing::MatchesRegex("5 runs: best [0-9.]+ ms, median [0-9.]+ ms\n"));
  EXPECT_THAT(toy("--generate --prompt ab --length 5 --time").err, HasSubstr("tokens/s"));
}

TEST_F(Program, WritesOn) {
  std::vector<int32_t> more = continuation({'O', 'n', 'c', 'e'}, 40);
  std::string text(more.begin(), more.end());
  for (const char *options : {"", "--threads 2", "--no-cache", "--temperature 0"}) {
    Outcome done = toy(std::string("--generate --prompt Once --length 40 ") + options);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out, "Once" + text + "\n") << options;
  }
  std::string numbers;
  for (int32_t token : continuation({1, 2, 3}, 5))
    numbers += (numbers.empty() ? "" : ",") + std::to_string(token);
  EXPECT_EQ(toy("--generate --tokens 1,2,3 --length 5").out, numbers + "\n");
  EXPECT_EQ(toy("--generate --tokens 1,2,3 --length 0").out, "\n");
}

TEST_F(Program, StopsBeforeAToken) {
  std::vector<int32_t> more = continuation({1, 2, 3}, 12);
  int32_t stop = more.back();
  std::string numbers;
  for (int32_t token : more) {
    if (token == stop)
      break;
    numbers += (numbers.empty() ? "" : ",") + std::to_string(token);
  }
  for (const char *options : {" --length 12 ", " --length 40 ", " --length 40 --no-cache "}) {
    Outcome done = toy("--generate --tokens 1,2,3 --stop " + std::to_string(stop) + options);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out, numbers + "\n") << options;
  }
  std::string first = std::to_string(more.front());
  EXPECT_EQ(toy("--generate --tokens 1,2,3 --length 9 --stop " + first).out, "\n");
  EXPECT_EQ(toy("--generate --tokens 1,2,3 --length 0 --stop " + first).out, "\n");
}

TEST_F(Program, SamplesFromASeed) {
  std::string options = "--generate --prompt ab --length 40 --temperature 3 ";
  std::string first = toy(options + "--seed 1").out;
  EXPECT_EQ(toy(options + "--seed 1").out, first);
  EXPECT_NE(toy(options + "--seed 2").out, first);
  EXPECT_EQ(toy("--generate --prompt ab --length 40 --temperature 0.001").out,
            toy("--generate --prompt ab --length 40").out);
}

TEST_F(Program, TheContextIsRespected) {
  EXPECT_EQ(toy("--generate --prompt ab --length 47").code, 0);
  Outcome done = toy("--generate --prompt ab --length 48");
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(done.err, "error: a prompt of 2 and 48 tokens more do not fit in the context of 48; ask for --length 47 at "
                      "most\n");
  EXPECT_EQ(toy("--generate --prompt ab --length 60 --no-cache").code, 0);
}

TEST_F(Program, UsageErrors) {
  save("t.npy", {1, 2}, {1, 2});
  const std::pair<const char *, const char *> cases[] = {
      {"", "input 'tokens' is missing; give tokens=FILE.npy"},
      {"words=t.npy", "the model has no input 'words'; it has tokens"},
      {"tokens=t.npy tokens=t.npy", "input 'tokens' is given twice"},
      {"t.npy", "'t.npy' is neither an option nor name=input.npy; see --help"},
      {"--frobnicate", "there is no option '--frobnicate'; see --help"},
      {"-o", "option '-o' needs a value; see --help"},
      {"tokens=t.npy -o a.npy -o logits=b.npy", "-o logits=b.npy names an output that another -o names already"},
      {"--threads 0", "--threads 0 is not in 1 .. 1024; see --help"},
      {"--threads 2x", "--threads 2x is not in 1 .. 1024; see --help"},
      {"--repeat -1", "--repeat -1 is not a count; see --help"},
      {"--step=0", "--step=0 is not a number of positions; see --help"},
      {"--cpu v2", "--cpu v2 is neither v3 nor v4; see --help"},
      {"--generate", "--generate needs either --prompt or --tokens; see --help"},
      {"--generate --prompt a --tokens 1", "--generate needs either --prompt or --tokens; see --help"},
      {"--generate --prompt ''", "--generate needs a prompt of one byte at least; see --help"},
      {"--generate --prompt a tokens=t.npy", "--generate writes the tokens of one input, but each is given a file"},
      {"--generate --prompt a --length 5 words=t.npy", "the model has no input 'words'; it has tokens"},
      {"--generate --prompt a --stop -1", "--stop -1 is not a token; see --help"},
      {"--generate --prompt a --stop x", "--stop x is not a token; see --help"},
      {"tokens=t.npy --stop 1", "--stop goes with --generate; see --help"},
      {"--generate --prompt a -o y.npy", "--generate takes no -o; see --help"},
      {"--generate --tokens 1,,2", "--tokens 1,,2 is not a list such as 1,2,3; see --help"},
      {"--generate --tokens 1,-2", "--tokens 1,-2 is not a list such as 1,2,3; see --help"},
      {"--generate --prompt a --temperature -1", "--temperature -1 is not 0 or a positive number; see --help"},
      {"--generate --prompt a --temperature nan", "--temperature nan is not 0 or a positive number; see --help"},
      {"--generate --prompt a --length 1e3", "--length 1e3 is not a count; see --help"},
      {"--prompt a", "--prompt goes with --generate; see --help"},
  };
  for (auto [arguments, message] : cases) {
    Outcome done = toy(arguments);
    EXPECT_EQ(done.code, 2) << arguments;
    EXPECT_EQ(done.err, std::string("error: ") + message + "\n") << arguments;
    EXPECT_EQ(done.out, "") << arguments;
  }
}

TEST_F(Program, InputErrors) {
  save("rank.npy", {1, 2}, {2});
  save("range.npy", {1, 256}, {1, 2});
  save("long.npy", someTokens(49), {1, 49});
  writeFile(folder / "junk.npy", "junk");
  float value = 1;
  weft_view wrong{&value, WEFT_F32, 2, {1, 1}};
  ASSERT_EQ(weft_npy_write((folder / "float.npy").c_str(), &wrong, nullptr, nullptr), WEFT_OK);
  const std::pair<const char *, const char *> cases[] = {
      {"tokens=none.npy", "none.npy: cannot be opened: No such file or directory"},
      {"tokens=junk.npy", "junk.npy: not an npy file: its magic is not \\x93NUMPY"},
      {"tokens=rank.npy", "input 'tokens' has shape [2] but the model wants [batch, seq]"},
      {"tokens=range.npy", "tokens[0, 1] is 256, which is not in 0 .. 255"},
      {"tokens=float.npy", "float.npy: the array is float32 but the model wants i32"},
      {"--step tokens=long.npy", "a step of 49 positions after 0 in the cache does not fit in the context of 48"},
      {"--generate --tokens 1,999 --length 2", "tokens[0, 1] is 999, which is not in 0 .. 255"},
  };
  for (auto [arguments, message] : cases) {
    Outcome done = toy(std::string(arguments) + (std::string(arguments)[2] == 'g' ? "" : " -o y.npy"));
    EXPECT_EQ(done.code, 1) << arguments;
    EXPECT_EQ(done.err, std::string("error: ") + message + "\n") << arguments;
    EXPECT_EQ(readFile(folder / "y.npy"), "") << arguments << " left an output";
  }
}

TEST_F(Program, OutputErrors) {
  save("t.npy", {1, 2}, {1, 2});
  writeFile(folder / "old.npy", "old");
  Outcome full = toy("tokens=t.npy -o /dev/full");
  EXPECT_EQ(full.code, 3);
  EXPECT_EQ(full.err, "error: '/dev/full' cannot be written: No space left on device\n");
  Outcome none = toy("tokens=t.npy -o none/y.npy");
  EXPECT_EQ(none.code, 3);
  EXPECT_EQ(none.err, "error: 'none/y.npy' cannot be written: No such file or directory\n");
  EXPECT_THAT(toy("tokens=t.npy -o .").err, HasSubstr("it is a folder"));
  for (const char *arguments : {"tokens=t.npy", "--info", "--help", "--generate --prompt ab --length 5"}) {
    Outcome out = toy(std::string(arguments) + " > /dev/full");
    EXPECT_EQ(out.code, 3) << arguments;
    EXPECT_EQ(out.err, "error: standard output cannot be written: No space left on device\n") << arguments;
  }
}

/// Each signal comes twice: `timeout` sends it to the program, and to its own group, which the program is in.
TEST_F(Program, InterruptsLeaveNoHalfFile) {
  save("t.npy", someTokens(20 * 48), {20, 48});
  for (const char *signal : {"INT", "TERM"})
    for (int delay = 0; delay < 12; ++delay) {
      writeFile(folder / "y.npy", "old");
      std::string pause = "0.00" + std::to_string(delay);
      Outcome done = run("cd '" + folder.path + "' && trap - INT && exec timeout -s " + signal + " " + pause + " '" +
                         artefact("weft_toy") + "' tokens=t.npy --repeat 20 -o y.npy");
      std::string bytes = readFile(folder / "y.npy");
      EXPECT_TRUE(bytes == "old" || bytes.size() > 20 * 48 * 1024) << bytes.size();
      EXPECT_EQ(folder.listing(), "t.npy\ny.npy\n");
    }
}

TEST_F(Program, EndsByTheSignalItGot) {
  Outcome done =
      run("'" + artefact("weft_toy") +
          "' --generate --tokens 1 --no-cache --length 100000 >/dev/null & sleep 0.1; kill -TERM $!; wait $!");
  EXPECT_EQ(done.code, 143);
}

TEST_F(Program, StartsQuickly) {
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(system(("'" + artefact("weft_toy") + "' --generate --prompt a --length 1 >/dev/null").c_str()), 0);
  double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count() / 20;
  RecordProperty("ms", std::to_string(ms));
  EXPECT_LT(ms, 100) << "including the shell";
}

TEST_F(Program, EmbedExampleRuns) {
  Outcome done = run("'" + artefact("weft_embed") + "' '" + artefact("libweft_toy.so") + "'");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("thread 0:"));
  EXPECT_THAT(done.out, HasSubstr("thread 1:"));
  Outcome none = run("'" + artefact("weft_embed") + "' none.so");
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.err, "there is no file 'none.so'\n");
}

} // namespace

//===- ErrorsTest.cpp - wrong files and what is said about them ---------------------------------------------------===//
// Answers: does each file under errors/ get exactly the messages that its comments expect, and has every id of the
// table an entry in the documentation and a test?
//
// In a file: "# expect: 14:9: error: text [W021]" for each message in order; "# axis: seq=128" is an option;
// "# weight: name F32 64 64" is a tensor of the checkpoint it is compiled with.
//===--------------------------------------------------------------------------------------------------------------===//
#include "Compile.h"
#include "compiler/frontend/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace weft;
using namespace weft::test;

namespace {

std::vector<std::string> errorFiles() {
  std::vector<std::string> files;
  std::error_code failure;
  for (sys::fs::directory_iterator it(WEFT_SOURCE_DIR "/tests/compiler/frontend/errors", failure), end;
       it != end && !failure; it.increment(failure))
    files.push_back(sys::path::stem(it->path()).str());
  sort(files);
  return files;
}

struct Wrong {
  std::string text;
  std::vector<std::string> expected, weights;
  FrontendOptions options;
};

Wrong readWrong(StringRef name) {
  Wrong wrong;
  wrong.text = readSource(("tests/compiler/frontend/errors/" + name + ".weft").str());
  SmallVector<StringRef> lines;
  StringRef(wrong.text).split(lines, '\n');
  for (StringRef line : lines) {
    if (line.consume_front("# expect: "))
      wrong.expected.push_back(line.str());
    else if (line.consume_front("# weight: "))
      wrong.weights.push_back(line.str());
    else if (line.consume_front("# axis: "))
      line.split('=').second.getAsInteger(10, wrong.options.axes[line.split('=').first]);
  }
  return wrong;
}

/// A checkpoint of zeros.
std::unique_ptr<Checkpoint> makeCheckpoint(ArrayRef<std::string> weights) {
  json::Object header;
  int64_t end = 0;
  for (const std::string &line : weights) {
    SmallVector<StringRef> words;
    StringRef(line).split(words, ' ');
    json::Array shape;
    int64_t bytes = 4;
    for (StringRef word : ArrayRef(words).drop_front(2)) {
      int64_t size = 0;
      word.getAsInteger(10, size);
      shape.push_back(size);
      bytes *= size;
    }
    header[words[0]] =
        json::Object{{"dtype", words[1]}, {"shape", std::move(shape)}, {"data_offsets", json::Array{end, end + bytes}}};
    end += bytes;
  }
  std::string text = formatv("{0}", json::Value(std::move(header)));
  SmallString<128> folder;
  EXPECT_FALSE(sys::fs::createUniqueDirectory("weft-test", folder));
  SmallString<128> path(folder);
  sys::path::append(path, "model.safetensors");
  {
    std::error_code failure;
    raw_fd_ostream out(path, failure);
    char length[8];
    support::endian::write64le(length, text.size());
    out << StringRef(length, 8) << text << std::string(end, '\0');
  }
  auto checkpoint = Checkpoint::open(path);
  EXPECT_TRUE(static_cast<bool>(checkpoint)) << (checkpoint ? "" : toString(checkpoint.takeError()));
  sys::fs::remove_directories(folder); // the file stays mapped
  return checkpoint ? std::move(*checkpoint) : nullptr;
}

class Errors : public testing::TestWithParam<std::string> {};

TEST_P(Errors, AreSaidAsExpected) {
  Wrong wrong = readWrong(GetParam());
  ASSERT_FALSE(wrong.expected.empty());
  std::unique_ptr<Checkpoint> checkpoint;
  if (!wrong.weights.empty()) {
    checkpoint = makeCheckpoint(wrong.weights);
    ASSERT_TRUE(checkpoint);
    wrong.options.checkpoint = checkpoint.get();
  }
  Compiled compiled = compile(wrong.text, wrong.options);
  EXPECT_EQ(heads(compiled.messages), wrong.expected) << compiled.messages;
  bool refused = any_of(wrong.expected, [](StringRef line) { return line.contains("error: "); });
  EXPECT_EQ(static_cast<bool>(compiled.module), !refused);
  EXPECT_TRUE(any_of(wrong.expected, [](StringRef line) {
    return line.ends_with("[" + GetParam().substr(0, 4) + "]");
  })) << "the file's name begins with the id it shows";
}

INSTANTIATE_TEST_SUITE_P(All, Errors, testing::ValuesIn(errorFiles()), [](const auto &info) {
  std::string name = info.param;
  replace(name, '-', '_');
  return name;
});

TEST(ErrorTable, EveryIdIsDocumentedAndTested) {
  std::string documentation = readSource("docs/errors.md");
  std::string tests = readSource("tests/compiler/frontend/HostileTest.cpp");
  for (const std::string &file : errorFiles())
    for (const std::string &line : readWrong(file).expected)
      tests += line;
  for (const frontend::DiagInfo &diagnostic : frontend::allDiagnostics()) {
    EXPECT_NE(documentation.find(("## " + diagnostic.id + ": " + diagnostic.title + "\n").str()), std::string::npos)
        << diagnostic.id.str() << " needs an entry in docs/errors.md";
    EXPECT_NE(tests.find(("[" + diagnostic.id + "]").str()), std::string::npos)
        << diagnostic.id.str() << " needs a test";
  }
}

TEST(ErrorTable, MessagesFollowTheStyle) {
  for (const std::string &file : errorFiles())
    for (StringRef line : readWrong(file).expected) {
      StringRef text = line.substr(line.find(": ") + 2);
      text.consume_front("error: ");
      text.consume_front("warning: ");
      text = text.take_front(text.rfind(" ["));
      EXPECT_FALSE(isUpper(text.front()) && text.take_front(3) != "NUL") << line.str();
      EXPECT_FALSE(text.ends_with(".")) << line.str();
    }
}

} // namespace

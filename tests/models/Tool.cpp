//===- Tool.cpp - programs of the build, run as a user runs them --------------------------------------------------===//
#include "tests/models/Tool.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include <chrono>
#include <gtest/gtest.h>

namespace weft::test {

std::string contents(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(buffer) << path << ": " << buffer.getError().message();
  return buffer ? (*buffer)->getBuffer().str() : "";
}

Finished run(const std::string &program, const std::vector<std::string> &arguments,
             std::optional<llvm::ArrayRef<llvm::StringRef>> environment) {
  llvm::SmallString<64> out, errors;
  EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("weft-test", "out", out));
  EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("weft-test", "err", errors));
  std::vector<llvm::StringRef> line = {program};
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), out.str(), errors.str()};

  Finished finished;
  std::string problem;
  std::optional<llvm::sys::ProcessStatistics> cost;
  auto begin = std::chrono::steady_clock::now();
  finished.code = llvm::sys::ExecuteAndWait(program, line, environment, redirects, /*SecondsToWait=*/0,
                                            /*MemoryLimit=*/0, &problem, /*ExecutionFailed=*/nullptr, &cost);
  finished.wallSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (cost)
    finished.cpuSeconds = std::chrono::duration<double>(cost->TotalTime).count();
  finished.out = contents(out.str().str());
  finished.errors = contents(errors.str().str()) + problem;
  llvm::sys::fs::remove(out);
  llvm::sys::fs::remove(errors);
  return finished;
}

Finished tool(llvm::StringRef name, const std::vector<std::string> &arguments) {
  return run((WEFT_BINARY_DIR "/bin/" + name).str(), arguments);
}

bool weft(const std::vector<std::string> &arguments) {
  Finished finished = tool("weft", arguments);
  std::string line;
  for (const std::string &argument : arguments)
    line += " " + argument;
  EXPECT_EQ(finished.code, 0) << "weft" << line << "\n" << finished.out << finished.errors;
  return finished.code == 0;
}

std::string example(llvm::StringRef path) { return (WEFT_SOURCE_DIR "/examples/" + path).str(); }
std::string shared(llvm::StringRef path) { return (WEFT_SOURCE_DIR "/../shared/" + path).str(); }

Scratch::Scratch(llvm::StringRef name) : folder((WEFT_BINARY_DIR "/tests/models/" + name).str()) {
  llvm::sys::fs::remove_directories(folder);
  EXPECT_FALSE(llvm::sys::fs::create_directories(folder)) << folder;
}
Scratch::~Scratch() { llvm::sys::fs::remove_directories(folder); }

std::string Scratch::operator()(llvm::StringRef file) const { return folder + "/" + file.str(); }

} // namespace weft::test

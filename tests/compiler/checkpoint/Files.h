//===- Files.h - files that tests make --------------------------------------------------------------------*- C++
//-*-===//
// Answers: where does a test write, and what is in the files it has made?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace weft::test {

/// A folder of its own for each test, removed with all that is in it.
class FolderTest : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("weft-test", folder)); }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string in(llvm::StringRef name) const {
    llvm::SmallString<128> path = folder;
    llvm::sys::path::append(path, name);
    return path.str().str();
  }
  std::string write(llvm::StringRef name, llvm::StringRef contents) const {
    std::error_code error;
    llvm::raw_fd_ostream out(in(name), error);
    EXPECT_FALSE(error) << error.message();
    out << contents;
    return in(name);
  }
  std::string read(llvm::StringRef name) const {
    auto buffer = llvm::MemoryBuffer::getFile(in(name));
    EXPECT_TRUE(buffer) << name.str() << ": " << buffer.getError().message();
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
  /// Names in the folder, sorted: shows what a failed write has left behind.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    std::error_code error;
    for (llvm::sys::fs::directory_iterator i(folder, error), end; i != end && !error; i.increment(error))
      found.push_back(llvm::sys::path::filename(i->path()).str());
    std::sort(found.begin(), found.end());
    return found;
  }

  llvm::SmallString<128> folder;
};

} // namespace weft::test

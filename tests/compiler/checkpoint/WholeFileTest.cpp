//===- WholeFileTest.cpp - outputs whole or not at all ------------------------------------------------------------===//
// Answers: is an old file kept until the new one is complete, whatever interrupts the writing?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/WholeFile.h"
#include "tests/compiler/checkpoint/Files.h"
#include <csignal>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WholeFileTest : public test::FolderTest {
protected:
  static std::string refusal(const std::string &path) {
    auto file = WholeFile::create(path);
    return file ? "accepted" : llvm::toString(file.takeError());
  }
};

TEST_F(WholeFileTest, ReplacesOnlyOnCommit) {
  std::string path = write("out", "old");
  {
    auto file = WholeFile::create(path);
    ASSERT_TRUE(bool(file));
    file->stream() << "new";
    EXPECT_EQ(read("out"), "old");
    ASSERT_FALSE(bool(file->commit()));
  }
  EXPECT_EQ(read("out"), "new");
  EXPECT_THAT(names(), ElementsAre("out"));
}

TEST_F(WholeFileTest, WithoutCommitLeavesNothing) {
  write("out", "old");
  {
    auto file = WholeFile::create(in("out"));
    ASSERT_TRUE(bool(file));
    file->stream() << "new";
  }
  EXPECT_EQ(read("out"), "old");
  EXPECT_THAT(names(), ElementsAre("out"));
}

TEST_F(WholeFileTest, WritesBehindLinks) {
  write("real", "old");
  ASSERT_EQ(symlink(in("real").c_str(), in("link").c_str()), 0);
  auto file = WholeFile::create(in("link"));
  ASSERT_TRUE(bool(file));
  file->stream() << "new";
  ASSERT_FALSE(bool(file->commit()));
  EXPECT_EQ(read("real"), "new");
  EXPECT_TRUE(llvm::sys::fs::is_symlink_file(in("link")));
}

TEST_F(WholeFileTest, FollowsTheUmask) {
  auto file = WholeFile::create(in("tool"), llvm::sys::fs::all_all);
  ASSERT_TRUE(bool(file));
  ASSERT_FALSE(bool(file->commit()));
  struct stat status;
  ASSERT_EQ(stat(in("tool").c_str(), &status), 0);
  mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(status.st_mode & 0777, 0777 & ~mask);
}

TEST_F(WholeFileTest, EachObstacleHasItsMessage) {
  EXPECT_THAT(refusal(folder.str().str()), HasSubstr("it is a directory"));
  ASSERT_EQ(mkfifo(in("fifo").c_str(), 0600), 0);
  EXPECT_THAT(refusal(in("fifo")), HasSubstr("it is a FIFO"));
  EXPECT_THAT(refusal(in("absent/out")), HasSubstr("absent' does not exist"));
  write("plain", "");
  EXPECT_THAT(refusal(in("plain/out")), HasSubstr("plain' does not exist"));
}

TEST_F(WholeFileTest, ProtectedFilesAreNotReplaced) {
  if (geteuid() == 0)
    GTEST_SKIP() << "nothing is protected from root";
  std::string path = write("out", "old");
  chmod(path.c_str(), 0400);
  EXPECT_THAT(refusal(path), HasSubstr("Permission denied"));
  chmod(folder.c_str(), 0500);
  EXPECT_THAT(refusal(in("other")), HasSubstr("Permission denied"));
  chmod(folder.c_str(), 0700);
}

TEST_F(WholeFileTest, FullDiskIsReported) {
  auto file = WholeFile::create("/dev/full");
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  file->stream() << "new";
  EXPECT_THAT(llvm::toString(file->commit()), HasSubstr("cannot write /dev/full: No space left on device"));
  EXPECT_TRUE(llvm::sys::fs::exists("/dev/full"));
}

/// The child writes half a file and is interrupted.
TEST_F(WholeFileTest, SignalsLeaveTheOldFile) {
  for (int signal : {SIGINT, SIGTERM}) {
    std::string path = write("out", "old");
    pid_t child = fork();
    if (child == 0) {
      auto file = WholeFile::create(path);
      file->stream() << "ne";
      file->stream().flush();
      raise(signal);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    EXPECT_EQ(read("out"), "old");
    EXPECT_THAT(names(), ElementsAre("out"));
  }
}

} // namespace
} // namespace weft

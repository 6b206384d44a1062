//===- FileTest.cpp - is a file written whole or not at all? ------------------------------------------------------===//
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/core/file.h"
#include "tests/runtime/support.h"
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace weft_test;
using testing::HasSubstr;

namespace {

weft_status write(const std::string &path, const std::string &text, weft_error &error,
                  const volatile sig_atomic_t *cancel = nullptr) {
  error = {};
  weft_file file;
  weft_status status = weft_file_create(&file, path.c_str(), cancel, &error);
  if (status == WEFT_OK)
    status = weft_file_write(&file, text.data(), text.size(), &error);
  return status == WEFT_OK ? weft_file_commit(&file, &error) : status;
}

TEST(File, IsReplacedWhole) {
  Folder folder;
  weft_error error;
  EXPECT_EQ(write(folder / "a", "old", error), WEFT_OK) << error.message;
  chmod((folder / "a").c_str(), 0640);
  EXPECT_EQ(write(folder / "a", std::string(3 << 20, 'n'), error), WEFT_OK) << error.message;
  EXPECT_EQ(readFile(folder / "a"), std::string(3 << 20, 'n'));
  struct stat info;
  ASSERT_EQ(stat((folder / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u) << "permissions are not kept";
  EXPECT_EQ(folder.listing(), "a\n");
}

TEST(File, IsWrittenThroughALink) {
  Folder folder;
  weft_error error;
  writeFile(folder / "a", "old");
  ASSERT_EQ(symlink("a", (folder / "link").c_str()), 0);
  EXPECT_EQ(write(folder / "link", "new", error), WEFT_OK) << error.message;
  EXPECT_EQ(readFile(folder / "a"), "new");
  struct stat info;
  ASSERT_EQ(lstat((folder / "link").c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
}

TEST(File, KeepsTheOldOneOnFailure) {
  Folder folder;
  weft_error error;
  writeFile(folder / "a", "old");
  volatile sig_atomic_t cancel = 1;
  EXPECT_EQ(write(folder / "a", "new", error, &cancel), WEFT_SYSTEM);
  EXPECT_THAT(error.message, HasSubstr("interrupted"));
  EXPECT_EQ(readFile(folder / "a"), "old");
  EXPECT_EQ(folder.listing(), "a\n");
}

/// Ends the process with the status of a write that the system refuses half-way, as on a full disk.
[[noreturn]] void writeTooMuch(const std::string &path) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit limit;
  limit.rlim_cur = limit.rlim_max = 65536;
  setrlimit(RLIMIT_FSIZE, &limit);
  weft_error error;
  weft_status status = write(path, std::string(200000, 'n'), error);
  fprintf(stderr, "%s", error.message);
  exit(status);
}

TEST(File, KeepsTheOldOneWhenTheDiskIsFull) {
  Folder folder;
  writeFile(folder / "a", "old");
  EXPECT_EXIT(writeTooMuch(folder / "a"), testing::ExitedWithCode(WEFT_SYSTEM), "cannot be written: File too large");
  EXPECT_EQ(readFile(folder / "a"), "old");
  EXPECT_EQ(folder.listing(), "a\n");
}

TEST(File, RefusesWhatCannotBeReplaced) {
  Folder folder;
  weft_error error;
  EXPECT_EQ(write(folder.path, "x", error), WEFT_SYSTEM);
  EXPECT_EQ(error.message, "'" + folder.path + "' cannot be written: it is a folder");
  EXPECT_EQ(write(folder / "none/a", "x", error), WEFT_SYSTEM);
  EXPECT_EQ(error.message, "'" + (folder / "none/a") + "' cannot be written: No such file or directory");
  run("mkfifo '" + (folder / "pipe") + "'");
  EXPECT_EQ(write(folder / "pipe", "x", error), WEFT_SYSTEM);
  EXPECT_THAT(error.message, HasSubstr("it is a pipe"));
  EXPECT_EQ(write(folder / std::string(300, 'a'), "x", error), WEFT_SYSTEM);
  EXPECT_THAT(error.message, HasSubstr("File name too long"));
  EXPECT_EQ(write(std::string(5000, 'a'), "x", error), WEFT_SYSTEM);
}

TEST(File, RespectsPermissions) {
  if (geteuid() == 0)
    GTEST_SKIP() << "root may write everywhere";
  Folder folder;
  weft_error error;
  writeFile(folder / "a", "old");
  chmod((folder / "a").c_str(), 0444);
  EXPECT_EQ(write(folder / "a", "new", error), WEFT_SYSTEM);
  EXPECT_THAT(error.message, HasSubstr("Permission denied"));
  EXPECT_EQ(readFile(folder / "a"), "old");
}

TEST(File, DevicesStayDevices) {
  weft_error error;
  EXPECT_EQ(write("/dev/null", "x", error), WEFT_OK) << error.message;
  EXPECT_EQ(write("/dev/full", "x", error), WEFT_SYSTEM);
  EXPECT_STREQ(error.message, "'/dev/full' cannot be written: No space left on device");
  struct stat info;
  ASSERT_EQ(stat("/dev/full", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

} // namespace

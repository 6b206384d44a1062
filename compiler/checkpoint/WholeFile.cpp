//===- WholeFile.cpp - output files that are there whole or not at all --------------------------------------------===//
// Answers: how is a file written such that a full disk, a signal or a second compiler never leaves half of it?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/WholeFile.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace weft {
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;
namespace {

std::error_code lastError() { return std::error_code(errno, std::generic_category()); }

llvm::Error refusal(llvm::StringRef name, const llvm::Twine &why) {
  return llvm::createStringError(llvm::Twine("cannot write ") + name + ": " + why);
}

/// Why a file of this status cannot be replaced; success where it can be, or does not exist.
llvm::Error checkReplaceable(llvm::StringRef name, const fs::file_status &status) {
  switch (status.type()) {
  case fs::file_type::directory_file:
    return refusal(name, "it is a directory; name a file");
  case fs::file_type::fifo_file:
    return refusal(name, "it is a FIFO; files are written whole, which needs a regular file");
  case fs::file_type::socket_file:
  case fs::file_type::block_file:
    return refusal(name, "it is a socket or block device; a regular file is needed");
  case fs::file_type::regular_file:
  case fs::file_type::character_file:
    // Renaming would get around the file's own protection.
    if (std::error_code error = fs::access(name, fs::AccessMode::Write))
      return refusal(name, error.message());
    return llvm::Error::success();
  default:
    return llvm::Error::success();
  }
}

/// A signal waits meanwhile: between the moment that there is a file and the one that it is known as one to remove, it
/// would leave the file.
llvm::Expected<fs::TempFile> createTemporary(const llvm::Twine &model, unsigned mode) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  llvm::scope_exit restore([&before] { pthread_sigmask(SIG_SETMASK, &before, nullptr); });
  return fs::TempFile::create(model + ".%%%%%%%%.tmp", mode);
}

} // namespace

WholeFile::WholeFile(llvm::StringRef path, fs::TempFile file)
    : name(path), file(std::move(file)),
      out(std::make_unique<llvm::raw_fd_ostream>(this->file.FD, /*shouldClose=*/false)) {}

llvm::Expected<WholeFile> WholeFile::create(llvm::StringRef name, unsigned mode) {
  fs::file_status status;
  fs::status(name, status);
  if (auto error = checkReplaceable(name, status))
    return std::move(error);

  // Behind a link lies the file that is meant.
  llvm::SmallString<256> target(name);
  if (fs::is_symlink_file(name))
    fs::real_path(name, target);

  bool device = status.type() == fs::file_type::character_file;
  llvm::SmallString<256> model;
  if (device) {
    path::system_temp_directory(/*ErasedOnReboot=*/true, model);
    path::append(model, "weft");
  } else {
    llvm::StringRef folder = path::parent_path(target);
    if (!folder.empty() && !fs::is_directory(folder))
      return refusal(name, "folder '" + folder + "' does not exist");
    model = target;
  }
  auto file = createTemporary(model, mode);
  if (!file)
    return refusal(name, llvm::toString(file.takeError()));
  WholeFile result(target, std::move(*file));
  result.toDevice = device;
  return result;
}

WholeFile::~WholeFile() {
  if (!out || done) // moved from, or renamed
    return;
  out->flush(); // the stream would do so later, without its file
  out->clear_error();
  llvm::consumeError(file.discard());
}

llvm::Error WholeFile::failure(std::error_code error, llvm::StringRef what) const {
  return llvm::createStringError(error, llvm::Twine("cannot ") + what + " " + name + ": " + error.message());
}

llvm::Error WholeFile::check() { return out->has_error() ? failure(out->error(), "write") : llvm::Error::success(); }

llvm::Error WholeFile::commit() {
  out->flush();
  if (auto error = check())
    return error;
  if (toDevice)
    return copyToDevice();

  // Another program may have replaced the temporary, so it is its present file that is brought to the disk.
  int fd = llvm::sys::RetryAfterSignal(-1, ::open, file.TmpName.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return failure(lastError(), "write");
  llvm::scope_exit close([fd] { ::close(fd); });
  if (llvm::sys::RetryAfterSignal(-1, ::fsync, fd) < 0)
    return failure(lastError(), "write");
  done = true;
  if (auto error = file.keep(name))
    return refusal(name, llvm::toString(std::move(error)));
  return llvm::Error::success();
}

llvm::Error WholeFile::copyToDevice() {
  int fd = llvm::sys::RetryAfterSignal(-1, ::open, name.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return failure(lastError(), "write");
  llvm::scope_exit close([fd] { ::close(fd); });
  if (std::error_code error = fs::copy_file(file.TmpName, fd))
    return failure(error, "write");
  return llvm::Error::success();
}

} // namespace weft

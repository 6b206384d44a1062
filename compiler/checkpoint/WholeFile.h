//===- WholeFile.h - output files that are there whole or not at all ------------------------------------*- C++ -*-===//
// Answers: how is a file written such that a full disk, a signal or a second compiler never leaves half of it?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <string>

namespace weft {

/// A temporary beside `path` that commit() renames to it; it is removed without a commit, and by SIGINT and SIGTERM.
/// Errors name `path`.
class WholeFile {
public:
  /// Refuses folders, FIFOs and what may not be written, before any work is done for the file. Character devices are
  /// written in commit(). `mode` is that of open(2), subject to the umask.
  static llvm::Expected<WholeFile> create(llvm::StringRef path,
                                          unsigned mode = llvm::sys::fs::all_read | llvm::sys::fs::all_write);
  WholeFile(WholeFile &&) = default;
  WholeFile &operator=(WholeFile &&) = delete;
  ~WholeFile();

  llvm::raw_fd_ostream &stream() { return *out; }
  /// For other programs that write the contents; stream() is not used then.
  llvm::StringRef temporary() const { return file.TmpName; }
  llvm::StringRef path() const { return name; }

  /// The error that writing to stream() has met so far.
  llvm::Error check();
  /// Brings the contents to the disk and gives them their name.
  llvm::Error commit();

private:
  WholeFile(llvm::StringRef path, llvm::sys::fs::TempFile file);
  llvm::Error failure(std::error_code error, llvm::StringRef what) const;
  llvm::Error copyToDevice();

  std::string name;
  llvm::sys::fs::TempFile file;
  std::unique_ptr<llvm::raw_fd_ostream> out;
  bool toDevice = false;
  bool done = false;
};

} // namespace weft

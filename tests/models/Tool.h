//===- Tool.h - programs of the build, run as a user runs them --------------------------------------------*- C++
//-*-===//
// Answers: what did this command print, how did it end, and what did it cost? And where may a test leave large files?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace weft::test {

struct Finished {
  int code = -1; ///< exit code; negative where a signal ended it or it could not start
  std::string out, errors;
  double wallSeconds = 0, cpuSeconds = 0;
};

/// Runs a program to its end. Without `environment` it gets this process' own.
Finished run(const std::string &program, const std::vector<std::string> &arguments,
             std::optional<llvm::ArrayRef<llvm::StringRef>> environment = std::nullopt);

/// The same for a program of the build: "weft", "weft-opt".
Finished tool(llvm::StringRef name, const std::vector<std::string> &arguments);

/// `weft ARGUMENTS`, which has to succeed: a failure is added to the test.
bool weft(const std::vector<std::string> &arguments);

/// Files of the source tree, and of the folder ../shared beside it.
std::string example(llvm::StringRef path);
std::string shared(llvm::StringRef path);

/// A folder in the build tree, for models too large for /tmp; emptied before and removed after. The name is fixed, so
/// that a test which is killed leaves one copy of its files at most, however often that happens.
class Scratch {
public:
  explicit Scratch(llvm::StringRef name);
  ~Scratch();
  std::string operator()(llvm::StringRef file) const;

private:
  std::string folder;
};

std::string contents(const std::string &path);

} // namespace weft::test

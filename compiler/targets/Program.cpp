//===- Program.cpp - running another program ----------------------------------------------------------------------===//
// Answers: how is a program run such that its complaints become our error and it never outlives us?
// llvm::sys::ExecuteAndWait cannot say the second: a linker that goes on after an interrupt would write its output
// again.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Program.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft {
namespace {

/// More lines would be consequences of the first.
constexpr size_t longestComplaint = 2000;

/// In the new process, where only what signal handlers may call is allowed.
[[noreturn]] void become(char *const *arguments, pid_t parent, int output, int complaints) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) // which ended before the line above
    _exit(127);
  int none = open("/dev/null", O_RDONLY);
  dup2(none, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(complaints, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(127);
}

std::string readAll(int fd) {
  std::string text;
  char piece[4096];
  while (true) {
    ssize_t count = llvm::sys::RetryAfterSignal(-1, ::read, fd, static_cast<void *>(piece), sizeof(piece));
    if (count <= 0)
      return text;
    text.append(piece, std::min<size_t>(count, longestComplaint - std::min(longestComplaint, text.size())));
  }
}

} // namespace

llvm::Error runProgram(llvm::ArrayRef<std::string> arguments, llvm::StringRef outputName) {
  llvm::StringRef name = llvm::sys::path::filename(arguments[0]);
  std::vector<char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);

  int complaints[2], output = -1;
  pid_t parent = getpid();
  if (!outputName.empty() &&
      (output = open(outputName.str().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0777)) < 0)
    return llvm::createStringError("cannot write " + outputName + ": " + llvm::sys::StrError());
  llvm::scope_exit closeOutput([&] { close(output); });
  if (pipe2(complaints, O_CLOEXEC) != 0)
    return llvm::createStringError("cannot run " + name + ": " + llvm::sys::StrError());
  pid_t child = fork();
  if (child == 0)
    become(argv.data(), parent, output < 0 ? complaints[1] : output, complaints[1]);
  close(complaints[1]);
  if (child < 0) {
    close(complaints[0]);
    return llvm::createStringError("cannot run " + name + ": " + llvm::sys::StrError());
  }
  std::string complaint = readAll(complaints[0]);
  close(complaints[0]);
  int status = 0;
  llvm::sys::RetryAfterSignal(-1, ::waitpid, child, &status, 0);

  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return llvm::Error::success();
  if (WIFSIGNALED(status))
    return llvm::createStringError(name + " was ended by signal " + llvm::Twine(WTERMSIG(status)));
  llvm::StringRef text = llvm::StringRef(complaint).trim();
  return llvm::createStringError(name + " failed: " + (text.empty() ? "it cannot be started" : text));
}

} // namespace weft

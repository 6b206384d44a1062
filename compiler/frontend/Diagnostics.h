//===- Diagnostics.h - what is wrong with a file --------------------------------------------------------*- C++ -*-===//
// Answers: how do the stages of the front end report, so that a file's errors appear together, in order, none twice?
// Every message has an id of the table `Diagnostics.def` and an entry in docs/errors.md.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Source.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <tuple>
#include <vector>

namespace weft::frontend {

enum class Diag {
#define DIAG(id, title) id,
#include "compiler/frontend/Diagnostics.def"
};
struct DiagInfo {
  llvm::StringRef id;
  llvm::StringRef title;
};
llvm::ArrayRef<DiagInfo> allDiagnostics();

class Diagnostics {
public:
  explicit Diagnostics(unsigned limit) : limit(limit) {}

  /// Refers to the message just reported, to add notes to it. Valid until the next report.
  class Report {
  public:
    Report &note(Loc loc, const llvm::Twine &text);

  private:
    friend class Diagnostics;
    Report(Diagnostics *owner, size_t index) : owner(owner), index(index) {}
    Diagnostics *owner; ///< null: reported before, or past the limit
    size_t index;
  };

  Report error(Diag id, Loc loc, const llvm::Twine &text) { return report(id, loc, text, true); }
  /// Stands for a report that is not wanted.
  static Report none() { return Report(nullptr, 0); }
  Report warning(Diag id, Loc loc, const llvm::Twine &text) { return report(id, loc, text, false); }

  bool hasErrors() const { return errors != 0; }
  /// As many errors as the user wants to see: stages stop as soon as they notice.
  bool full() const { return errors >= limit; }
  /// All messages in the order of their places; those without a place come last.
  void print(llvm::raw_ostream &out) const;

private:
  struct Message {
    Diag id;
    bool isError;
    Loc loc;
    std::string text;
    std::vector<std::pair<Loc, std::string>> notes;
  };
  Report report(Diag id, Loc loc, const llvm::Twine &text, bool isError);

  unsigned limit;
  unsigned errors = 0;
  std::vector<Message> messages;
  llvm::DenseSet<std::tuple<const void *, size_t, int>> seen;
};

/// "1 value", "2 values"
std::string counted(size_t number, llvm::StringRef noun);
/// The candidate nearest to `name` by at most two edits; empty when there is none.
llvm::StringRef nearest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates);
/// "; did you mean 'nearest'?", or nothing.
std::string didYouMean(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace weft::frontend

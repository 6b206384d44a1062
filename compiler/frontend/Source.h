//===- Source.h - the text of a file and places in it ---------------------------------------------------*- C++ -*-===//
// Answers: which line and column is this, and what does that line say?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/StringRef.h"
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weft::frontend {

struct LineColumn {
  unsigned line = 1;
  unsigned column = 1; ///< in characters, not bytes
};

class Source {
public:
  Source(std::string path, llvm::StringRef text);

  const std::string &path() const { return file; }
  llvm::StringRef text() const { return contents; }
  LineColumn position(size_t offset) const;
  /// The line that holds `offset`, without its end; `begin` becomes the line's own offset.
  llvm::StringRef line(size_t offset, size_t &begin) const;

private:
  std::string file;
  llvm::StringRef contents;
  std::vector<uint32_t> lineStarts; ///< files of 4 GiB are refused before anyone asks for a line
};

/// A range of bytes of a source. Without a source it stands for the whole compilation.
struct Loc {
  const Source *source = nullptr;
  size_t begin = 0;
  size_t end = 0;

  llvm::StringRef text() const { return source ? source->text().slice(begin, end) : llvm::StringRef(); }
  Loc to(Loc last) const { return {source, begin, last.end}; }
};

} // namespace weft::frontend

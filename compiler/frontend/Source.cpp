//===- Source.cpp - the text of a file and places in it -----------------------------------------------------------===//
// Answers: which line and column is this, and what does that line say?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Source.h"
#include <algorithm>

using namespace llvm;
using namespace weft::frontend;

static bool isContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

Source::Source(std::string path, StringRef text) : file(std::move(path)), contents(text) {
  lineStarts.reserve(text.count('\n') + 1);
  lineStarts.push_back(0);
  for (size_t at = text.find('\n'); at != StringRef::npos; at = text.find('\n', at + 1))
    lineStarts.push_back(at + 1);
}

LineColumn Source::position(size_t offset) const {
  size_t index = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset) - lineStarts.begin() - 1;
  StringRef before = contents.slice(lineStarts[index], offset);
  // A byte order mark is no column of the first line.
  if (index == 0)
    before.consume_front("\xEF\xBB\xBF");
  unsigned characters = before.size() - std::count_if(before.begin(), before.end(), isContinuation);
  return {static_cast<unsigned>(index + 1), characters + 1};
}

StringRef Source::line(size_t offset, size_t &begin) const {
  size_t index = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset) - lineStarts.begin() - 1;
  begin = lineStarts[index];
  StringRef line = contents.substr(begin);
  return line.take_front(line.find('\n')).rtrim('\r');
}

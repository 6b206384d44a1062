//===- Diagnostics.cpp - what is wrong with a file ----------------------------------------------------------------===//
// Answers: how are errors collected, ordered and shown under the line they concern?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace llvm;
using namespace weft::frontend;

ArrayRef<DiagInfo> weft::frontend::allDiagnostics() {
  static const DiagInfo table[] = {
#define DIAG(id, title) {#id, title},
#include "compiler/frontend/Diagnostics.def"
  };
  return table;
}

// A name can be a whole file of 10 MB: of longer texts the middle is left out.
static std::string clipped(const Twine &text) {
  constexpr size_t most = 1000, head = 700, tail = 250;
  std::string whole = text.str();
  if (whole.size() <= most)
    return whole;
  return whole.substr(0, head) + " ... " + whole.substr(whole.size() - tail);
}

Diagnostics::Report &Diagnostics::Report::note(Loc loc, const Twine &text) {
  if (owner)
    owner->messages[index].notes.emplace_back(loc, clipped(text));
  return *this;
}

Diagnostics::Report Diagnostics::report(Diag id, Loc loc, const Twine &text, bool isError) {
  // A block that is instantiated twelve times has its mistake once.
  if (loc.source && !seen.insert({loc.source, loc.begin, static_cast<int>(id)}).second)
    return Report(nullptr, 0);
  if (isError && full())
    return Report(nullptr, 0);
  errors += isError;
  messages.push_back({id, isError, loc, clipped(text), {}});
  return Report(this, messages.size() - 1);
}

// A line can be a whole file of 10 MB: only a window around the place is shown.
static constexpr size_t windowBefore = 80, windowAfter = 60;

static void printLine(raw_ostream &out, Loc loc) {
  size_t begin = 0;
  StringRef line = loc.source->line(loc.begin, begin);
  size_t at = std::min(loc.begin - begin, line.size());
  size_t length = std::max<size_t>(1, std::min(loc.end > loc.begin ? loc.end - loc.begin : 1, line.size() - at));

  size_t from = at > windowBefore ? at - windowBefore : 0;
  size_t to = std::min(line.size(), at + std::max(length, windowAfter) + windowAfter);
  to = std::min(to, at + 2 * windowAfter);
  auto isContinuation = [&](size_t i) { return i < line.size() && (line[i] & 0xC0) == 0x80; };
  while (from > 0 && isContinuation(from))
    --from;
  while (isContinuation(to))
    ++to;

  auto caretLine = [&](size_t first, size_t last, char mark) {
    for (size_t i = first; i < last; ++i)
      if (!isContinuation(i))
        out << mark;
  };
  StringRef shown = line.slice(from, to);
  if (from == 0)
    shown.consume_front("\xEF\xBB\xBF");
  out << "  " << (from ? "…" : "") << shown << (to < line.size() ? "…" : "") << "\n  " << (from ? " " : "");
  // Tabs stay tabs, so that the caret stands under its character whatever a tab's width is.
  for (size_t i = line.size() - line.substr(from).size() + (from == 0 ? line.slice(0, to).size() - shown.size() : 0);
       i < at; ++i)
    if (!isContinuation(i))
      out << (line[i] == '\t' ? '\t' : ' ');
  out << '^';
  size_t tail = std::min(at + length, to);
  size_t next = at + 1;
  while (isContinuation(next))
    ++next;
  caretLine(next, tail, '~');
  out << '\n';
}

static void printHead(raw_ostream &out, Loc loc, StringRef severity, StringRef text) {
  if (loc.source) {
    LineColumn at = loc.source->position(loc.begin);
    out << loc.source->path() << ':' << at.line << ':' << at.column << ": ";
  }
  out << severity << ": " << text;
}

void Diagnostics::print(raw_ostream &out) const {
  std::vector<const Message *> order;
  for (const Message &message : messages)
    order.push_back(&message);
  // Messages lie in the order of their reports, so their addresses break ties.
  llvm::sort(order, [](const Message *a, const Message *b) {
    return std::make_tuple(!a->loc.source, a->loc.begin, a) < std::make_tuple(!b->loc.source, b->loc.begin, b);
  });
  for (const Message *message : order) {
    printHead(out, message->loc, message->isError ? "error" : "warning", message->text);
    out << " [" << allDiagnostics()[static_cast<size_t>(message->id)].id << "]\n";
    if (message->loc.source)
      printLine(out, message->loc);
    for (const auto &[loc, text] : message->notes) {
      printHead(out, loc, "note", text);
      out << '\n';
      if (loc.source)
        printLine(out, loc);
    }
  }
  if (full())
    out << "stopped after " << errors << " errors\n";
}

std::string weft::frontend::counted(size_t number, StringRef noun) {
  return (Twine(number) + " " + noun + (number == 1 ? "" : "s")).str();
}

StringRef weft::frontend::nearest(StringRef name, ArrayRef<StringRef> candidates) {
  StringRef best;
  // Two edits turn any two letters into any others: short names must be closer, and one letter is like any other.
  unsigned bestDistance = name.size() <= 1 ? 1 : name.size() == 2 ? 2 : 3;
  for (StringRef candidate : candidates) {
    unsigned distance = name.edit_distance(candidate, /*AllowReplacements=*/true, bestDistance);
    if (distance < bestDistance && candidate != name) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

std::string weft::frontend::didYouMean(StringRef name, ArrayRef<StringRef> candidates) {
  StringRef best = nearest(name, candidates);
  return best.empty() ? std::string() : ("; did you mean '" + best + "'?").str();
}

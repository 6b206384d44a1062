//===- Quote.cpp - names from files, safe to print ----------------------------------------------------------------===//
// Answers: how does a name that a file chose appear in a message?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Quote.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Unicode.h"
#include "llvm/Support/raw_ostream.h"

namespace weft {

/// Longer names say nothing more to a reader.
constexpr size_t longestName = 120;

std::string quote(llvm::StringRef name) {
  std::string text = "'";
  llvm::raw_string_ostream stream(text);
  auto *next = reinterpret_cast<const llvm::UTF8 *>(name.bytes_begin());
  auto *end = reinterpret_cast<const llvm::UTF8 *>(name.bytes_end());
  while (next != end && text.size() < longestName) {
    const llvm::UTF8 *begin = next;
    llvm::UTF32 character = 0;
    if (llvm::convertUTF8Sequence(&next, end, &character, llvm::strictConversion) != llvm::conversionOK) {
      next = begin + 1;
      stream << llvm::format("\\x%02x", *begin);
    } else if (character == '\'' || character == '\\') {
      stream << '\\' << static_cast<char>(character);
    } else if (llvm::sys::unicode::isPrintable(character)) {
      stream.write(reinterpret_cast<const char *>(begin), next - begin);
    } else {
      stream << llvm::format(character < 0x10000 ? "\\u%04x" : "\\U%08x", character);
    }
  }
  if (next != end)
    stream << "...";
  stream << "'";
  return text;
}

std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text = "(";
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(shape, stream);
  stream << ")";
  return text;
}

} // namespace weft

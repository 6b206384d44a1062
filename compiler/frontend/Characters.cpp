//===- Characters.cpp - is this text fit to be read? --------------------------------------------------------------===//
// Answers: is it UTF-8, and does it hold characters that would show a reader another program than the compiler sees
// (Boucher and Anderson, "Trojan Source", 2021)?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Lexer.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weft::frontend;

// Length and value of the sequence at `at`; length 0 when it is not UTF-8 (overlong forms and surrogates included).
static std::pair<unsigned, uint32_t> decode(StringRef text, size_t at) {
  auto byte = [&](size_t i) -> uint32_t { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  uint32_t first = byte(at);
  unsigned length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (!length)
    return {0, 0};
  uint32_t value = first & (0x7F >> length);
  for (unsigned i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80)
      return {0, 0};
    value = value << 6 | (byte(at + i) & 0x3F);
  }
  static constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
    return {0, 0};
  return {length, value};
}

static bool turnsText(uint32_t character) {
  return character == 0x061C || character == 0x200E || character == 0x200F ||
         (character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
}

static std::string hex(uint32_t value, unsigned digits) {
  std::string text = utohexstr(value);
  return std::string(digits > text.size() ? digits - text.size() : 0, '0') + text;
}

bool weft::frontend::checkCharacters(const Source &source, Diagnostics &diagnostics) {
  StringRef text = source.text();
  if (text.size() > std::numeric_limits<uint32_t>::max()) {
    diagnostics.error(Diag::W041, Loc(), "a model's text has less than 4 GiB, not " + Twine(text.size()) + " bytes");
    return false;
  }
  for (size_t at = 0; at < text.size();) {
    unsigned char byte = text[at];
    Loc loc{&source, at, at + 1};
    if (byte < 0x80) {
      bool endsLine = byte == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
      if ((byte < 0x20 && byte != '\n' && byte != '\t' && !endsLine) || byte == 0x7F) {
        diagnostics.error(Diag::W002, loc,
                          (byte == 0      ? std::string("NUL byte")
                           : byte == '\r' ? std::string("carriage return without a line feed")
                                          : "control character 0x" + hex(byte, 2)) +
                              " at byte " + Twine(at));
        return false;
      }
      ++at;
      continue;
    }
    auto [length, character] = decode(text, at);
    if (!length) {
      diagnostics.error(Diag::W001, loc, "byte 0x" + hex(byte, 2) + " at byte " + Twine(at) + " is not UTF-8");
      return false;
    }
    loc.end = at + length;
    if (turnsText(character)) {
      diagnostics.error(Diag::W002, loc,
                        "bidirectional control U+" + hex(character, 4) + " at byte " + Twine(at) +
                            " would show other text than is compiled");
      return false;
    }
    at += length;
  }
  return true;
}

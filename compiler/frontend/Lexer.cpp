//===- Lexer.cpp - from characters to tokens ----------------------------------------------------------------------===//
// Answers: which words, numbers and signs is this text made of?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace weft::frontend;

StringRef weft::frontend::describe(TokenKind kind) {
  switch (kind) {
  case TokenKind::End:
    return "the end of the file";
  case TokenKind::Invalid:
    return "an invalid character";
  case TokenKind::Identifier:
    return "a name";
  case TokenKind::Integer:
  case TokenKind::Real:
    return "a number";
  case TokenKind::String:
    return "a string";
#define KEYWORD(word)                                                                                                  \
  case TokenKind::kw_##word:                                                                                           \
    return "'" #word "'";
#define SIGN(id, spelling)                                                                                             \
  case TokenKind::id:                                                                                                  \
    return "'" spelling "'";
#include "compiler/frontend/Tokens.def"
  }
  llvm_unreachable("a kind of token without a description");
}

bool weft::frontend::isKeyword(TokenKind kind) {
  switch (kind) {
#define KEYWORD(word) case TokenKind::kw_##word:
#include "compiler/frontend/Tokens.def"
    return true;
  default:
    return false;
  }
}

static TokenKind wordKind(StringRef word) {
  return StringSwitch<TokenKind>(word)
#define KEYWORD(word) .Case(#word, TokenKind::kw_##word)
#include "compiler/frontend/Tokens.def"
      .Default(TokenKind::Identifier);
}

static bool beginsWord(char c) { return isAlpha(c) || c == '_'; }
static bool continuesWord(char c) { return isAlnum(c) || c == '_'; }

Lexer::Lexer(const Source &source, Diagnostics &diagnostics)
    : source(source), diagnostics(diagnostics), text(source.text()) {
  if (text.starts_with("\xEF\xBB\xBF"))
    at = lastEnd = 3;
}

void Lexer::skipBlank() {
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n')
      freshLine = true;
    if (c == '#')
      at = std::min(text.size(), text.find('\n', at));
    else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
      ++at;
    else
      return;
  }
}

Token Lexer::make(TokenKind kind, size_t begin, size_t end) {
  Token token{kind, text.slice(begin, end), Loc{&source, begin, end}, freshLine, begin == lastEnd};
  at = lastEnd = end;
  freshLine = false;
  return token;
}

Token Lexer::number(size_t begin) {
  size_t end = begin;
  auto digits = [&] {
    while (end < text.size() && isDigit(text[end]))
      ++end;
  };
  digits();
  bool real = false;
  // "0..5" is a range: a point followed by another ends the number.
  if (end + 1 < text.size() && text[end] == '.' && isDigit(text[end + 1])) {
    real = true;
    ++end;
    digits();
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-'))
      ++exponent;
    if (exponent < text.size() && isDigit(text[exponent])) {
      real = true;
      end = exponent;
      digits();
    }
  }
  size_t word = end;
  while (word < text.size() && continuesWord(text[word]))
    ++word;
  if (word != end)
    diagnostics.error(Diag::W003, Loc{&source, end, word},
                      "'" + text.slice(begin, word) + "' is neither a number nor a name");
  Token token = make(real ? TokenKind::Real : TokenKind::Integer, begin, end);
  at = lastEnd = word;
  return token;
}

Token Lexer::string(size_t begin) {
  size_t end = text.find_first_of("\"\n", begin + 1);
  if (end == StringRef::npos || text[end] == '\n') {
    end = std::min(end, text.size());
    diagnostics.error(Diag::W004, Loc{&source, begin, end}, "string has no closing '\"' on its line");
    return make(TokenKind::Invalid, begin, end);
  }
  Token token = make(TokenKind::String, begin, end + 1);
  token.text = token.text.drop_front().drop_back();
  return token;
}

Token Lexer::next() {
  skipBlank();
  if (at >= text.size())
    return make(TokenKind::End, text.size(), text.size());
  size_t begin = at;
  char c = text[begin];
  if (beginsWord(c)) {
    size_t end = begin;
    while (end < text.size() && continuesWord(text[end]))
      ++end;
    return make(wordKind(text.slice(begin, end)), begin, end);
  }
  if (isDigit(c))
    return number(begin);
  if (c == '"')
    return string(begin);
  StringRef rest = text.substr(begin);
#define SIGN(id, spelling)                                                                                             \
  if (c == spelling[0] && rest.starts_with(spelling))                                                                  \
    return make(TokenKind::id, begin, begin + sizeof(spelling) - 1);
#include "compiler/frontend/Tokens.def"
  // One report for a run of strange characters; the lexer then goes on behind it.
  size_t end = begin;
  do
    ++end;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) >= 0x80 || text[end] == c));
  diagnostics.error(Diag::W003, Loc{&source, begin, end},
                    "unexpected '" + text.slice(begin, std::min(end, begin + 12)) + "'");
  return make(diagnostics.full() ? TokenKind::End : TokenKind::Invalid, begin, end);
}

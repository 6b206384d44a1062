//===- Lexer.h - from characters to tokens --------------------------------------------------------------*- C++ -*-===//
// Answers: which words, numbers and signs is this text made of? Tokens are made on demand, so that a hostile file costs
// no memory beyond its own.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Diagnostics.h"

namespace weft::frontend {

enum class TokenKind {
  End,
  Invalid, ///< reported already: what wants another token stays silent
  Identifier,
  Integer,
  Real,
  String, ///< the text is without its quotes
#define KEYWORD(word) kw_##word,
#define SIGN(id, spelling) id,
#include "compiler/frontend/Tokens.def"
};
/// How a message names a kind: "'->'", "a name", "the end of the file".
llvm::StringRef describe(TokenKind kind);
bool isKeyword(TokenKind kind);

struct Token {
  TokenKind kind = TokenKind::End;
  llvm::StringRef text;
  Loc loc;
  bool startsLine = false;  ///< the first token of its line
  bool touchesLast = false; ///< nothing stands between it and the token before
};

/// Refuses what is not UTF-8 and characters that hide text (NUL, controls, bidirectional overrides, a lone CR); false
/// after reporting the first. Everything later may trust the text.
bool checkCharacters(const Source &source, Diagnostics &diagnostics);

class Lexer {
public:
  Lexer(const Source &source, Diagnostics &diagnostics);
  Token next();

private:
  void skipBlank();
  Token make(TokenKind kind, size_t begin, size_t end);
  Token number(size_t begin);
  Token string(size_t begin);

  const Source &source;
  Diagnostics &diagnostics;
  llvm::StringRef text;
  size_t at = 0;
  size_t lastEnd = 0;
  bool freshLine = true;
};

} // namespace weft::frontend

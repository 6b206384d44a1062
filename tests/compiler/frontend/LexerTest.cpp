//===- LexerTest.cpp - which tokens is a text made of? ------------------------------------------------------------===//
// Answers: are words, numbers, ranges, strings and places told apart, whatever the ends of lines are?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Lexer.h"
#include <gtest/gtest.h>

using namespace weft::frontend;

namespace {

struct Lexed {
  std::vector<Token> tokens;
  std::string messages;
};

Lexed lex(const Source &source) {
  Diagnostics diagnostics(20);
  Lexer lexer(source, diagnostics);
  Lexed result;
  do
    result.tokens.push_back(lexer.next());
  while (result.tokens.back().kind != TokenKind::End);
  llvm::raw_string_ostream out(result.messages);
  diagnostics.print(out);
  return result;
}

std::vector<std::string> texts(llvm::StringRef text) {
  Source source("t", text);
  std::vector<std::string> result;
  for (const Token &token : lex(source).tokens)
    if (token.kind != TokenKind::End)
      result.push_back(token.text.str());
  return result;
}

using Texts = std::vector<std::string>;

TEST(Lexer, SeparatesSigns) {
  EXPECT_EQ(texts("x+=a->b//c<=d"), (Texts{"x", "+=", "a", "->", "b", "//", "c", "<=", "d"}));
}

TEST(Lexer, ARangeIsNoRealNumber) { EXPECT_EQ(texts("0..5 1.5 2e-3 7"), (Texts{"0", "..", "5", "1.5", "2e-3", "7"})); }

TEST(Lexer, CommentsReachToTheEndOfTheLine) { EXPECT_EQ(texts("a # b \"c\n d"), (Texts{"a", "d"})); }

TEST(Lexer, KeywordsAreNoNames) {
  Source source("t", "where nowhere");
  auto tokens = lex(source).tokens;
  EXPECT_EQ(tokens[0].kind, TokenKind::kw_where);
  EXPECT_EQ(tokens[1].kind, TokenKind::Identifier);
}

TEST(Lexer, AcceptsAByteOrderMarkAndCarriageReturns) {
  Source source("t", "\xEF\xBB\xBF"
                     "a\r\nb\r\n");
  Diagnostics diagnostics(20);
  EXPECT_TRUE(checkCharacters(source, diagnostics));
  auto tokens = lex(source).tokens;
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_TRUE(tokens[1].startsLine);
  LineColumn first = source.position(tokens[0].loc.begin), second = source.position(tokens[1].loc.begin);
  EXPECT_EQ(first.column, 1u);
  EXPECT_EQ(second.line, 2u);
  EXPECT_EQ(second.column, 1u);
}

TEST(Lexer, ColumnsCountCharacters) {
  Source source("t", "\"größe\" x");
  auto tokens = lex(source).tokens;
  EXPECT_EQ(source.position(tokens[1].loc.begin).column, 9u);
}

TEST(Lexer, ARunOfStrangeCharactersIsOneError) {
  Source source("t", "a $$$$ b");
  Lexed lexed = lex(source);
  EXPECT_EQ(lexed.tokens.size(), 4u);
  EXPECT_EQ(lexed.messages, "t:1:3: error: unexpected '$$$$' [W003]\n  a $$$$ b\n    ^~~~\n");
}

TEST(Diagnostics, KeepsTabsInTheCaretLine) {
  Source source("t", "\tx\t= $\n");
  EXPECT_EQ(lex(source).messages, "t:1:6: error: unexpected '$' [W003]\n  \tx\t= $\n  \t \t  ^\n");
}

TEST(Diagnostics, ShowsAWindowOfALongLine) {
  std::string text = std::string(5000, ' ') + "$" + std::string(5000, ' ');
  Source source("t", text);
  EXPECT_LT(lex(source).messages.size(), 600u);
}

TEST(Diagnostics, ReportsOnePlaceOnceAndStopsAtTheLimit) {
  Source source("t", "abcdef");
  Diagnostics diagnostics(3);
  for (size_t round = 0; round < 2; ++round)
    for (size_t i = 0; i < 5; ++i)
      diagnostics.error(Diag::W010, Loc{&source, i, i + 1}, "here");
  std::string text;
  llvm::raw_string_ostream out(text);
  diagnostics.print(out);
  EXPECT_TRUE(diagnostics.full());
  EXPECT_EQ(llvm::StringRef(text).count("error: here"), 3u);
  EXPECT_TRUE(llvm::StringRef(text).ends_with("stopped after 3 errors\n"));
}

TEST(Diagnostics, SuggestsNearNamesOnly) {
  EXPECT_EQ(nearest("embde", {"embed", "head"}), "embed");
  EXPECT_EQ(nearest("x", {"y"}), "");
  EXPECT_EQ(nearest("gate", {"hidden"}), "");
}

} // namespace

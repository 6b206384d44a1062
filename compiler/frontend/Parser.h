//===- Parser.h - from tokens to a tree -----------------------------------------------------------------*- C++ -*-===//
// Answers: is this text a sentence of the grammar (docs/language.md), and if not, where does it stop being one?
// Recursive descent. After an error the parser goes on at the next statement or declaration.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Ast.h"
#include "compiler/frontend/Lexer.h"
#include <deque>

namespace weft::frontend {

class Parser {
public:
  /// How deep brackets, operators and bodies may nest.
  static constexpr unsigned nestingLimit = 256;

  Parser(const Source &source, Diagnostics &diagnostics) : lexer(source, diagnostics), diagnostics(diagnostics) {
    token = lexer.next();
  }
  /// Appends the file's declarations; errors are in `diagnostics`.
  void parseFile(Ast &ast);

private:
  // Parser.cpp: tokens, declarations and statements. Parsers return false (or null) after reporting.
  Token peek(unsigned ahead);
  Token take();
  bool at(TokenKind kind) const { return token.kind == kind; }
  bool atWord(llvm::StringRef word) const { return at(TokenKind::Identifier) && token.text == word; }
  bool accept(TokenKind kind);
  bool expect(TokenKind kind, llvm::StringRef where);
  bool expectName(Ident &name, llvm::StringRef what);
  bool unexpected(const llvm::Twine &wanted);
  bool enter();
  void leave() { --depth; }
  /// A keyword of a declaration at the start of a line; `score` and `weigh` only unindented: a clause may begin a line.
  bool declarationHere();
  bool stopped() const { return tooDeep || diagnostics.full(); }
  void skipToDeclaration();
  void skipToStatement(bool atHead);

  bool parseAxes();
  bool parseBlock(bool isModel);
  bool parseFormula(FormulaDecl::Kind kind);
  bool parseParameter(Parameter &parameter, bool named);
  bool parseIdentList(llvm::SmallVectorImpl<Ident> &list, TokenKind close, llvm::StringRef what);
  bool parseBody(std::vector<Statement> &body);
  bool parseStatement(Statement &statement);
  bool parseFor(Statement &statement);
  bool parsePrefix(std::optional<Ident> &prefix);

  // ParseExpr.cpp
  Expr *parseExpr() { return parseBinary(0); }
  Expr *parseBinary(unsigned minimum);
  Expr *parseUnary();
  Expr *parsePostfix();
  Expr *parsePrimary();
  Expr *parseNumber();
  Expr *parseIf();
  Expr *parseReduce(Ident operation);
  Expr *parseIndex(Expr *base);
  bool parseRange(IndexExpr::Entry &entry);
  CallExpr *parseCall(Ident callee);
  bool parseArgument(Argument &argument);
  Expr *parseAttend(Ident callee);
  bool parseChain(std::vector<Expr *> &chain);
  bool parseClause(AttendExpr &attend);
  bool arrowAhead();

  template <typename T> T *make(Loc loc) {
    tree->expressions.push_back(std::make_unique<T>(loc));
    return static_cast<T *>(tree->expressions.back().get());
  }
  /// Closes an expression over its operands: extends its place and checks the depth of its tree.
  template <typename T> T *finish(T *expr, std::initializer_list<const Expr *> operands);

  Lexer lexer;
  Diagnostics &diagnostics;
  Ast *tree = nullptr;
  Token token;
  Loc last; ///< of the token taken last
  std::deque<Token> ahead;
  unsigned depth = 0;
  bool tooDeep = false;
};

} // namespace weft::frontend

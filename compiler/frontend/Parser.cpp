//===- Parser.cpp - declarations and statements -------------------------------------------------------------------===//
// Answers: how is a file divided into declarations and statements, and where does parsing resume after an error?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Parser.h"

using namespace llvm;
using namespace weft::frontend;

//===-- tokens ----------------------------------------------------------------------------------------------------===//

Token Parser::take() {
  Token taken = token;
  last = taken.loc;
  if (ahead.empty()) {
    token = lexer.next();
  } else {
    token = ahead.front();
    ahead.pop_front();
  }
  return taken;
}

Token Parser::peek(unsigned distance) {
  while (ahead.size() < distance)
    ahead.push_back(lexer.next());
  return ahead[distance - 1];
}

bool Parser::accept(TokenKind kind) {
  if (!at(kind))
    return false;
  take();
  return true;
}

bool Parser::unexpected(const Twine &wanted) {
  if (at(TokenKind::Invalid))
    return false;
  std::string found = at(TokenKind::End)      ? "the end of the file"
                      : at(TokenKind::String) ? ("\"" + token.text + "\"").str()
                                              : ("'" + token.text + "'").str();
  diagnostics.error(Diag::W007, token.loc, "expected " + wanted + ", found " + found);
  return false;
}

bool Parser::expect(TokenKind kind, StringRef where) {
  return accept(kind) || unexpected(describe(kind) + " " + where);
}

bool Parser::expectName(Ident &name, StringRef what) {
  if (isKeyword(token.kind)) {
    diagnostics.error(Diag::W007, token.loc, "expected " + what + ", but '" + token.text + "' is a keyword");
    return false;
  }
  if (!at(TokenKind::Identifier))
    return unexpected(what);
  Token taken = take();
  name = {taken.text, taken.loc};
  return true;
}

bool Parser::enter() {
  if (depth < nestingLimit) {
    ++depth;
    return true;
  }
  if (!tooDeep)
    diagnostics.error(Diag::W006, token.loc, "nested more than " + Twine(nestingLimit) + " deep");
  tooDeep = true;
  return false;
}

bool Parser::declarationHere() {
  if (!token.startsLine)
    return false;
  switch (token.kind) {
  case TokenKind::kw_axes:
  case TokenKind::kw_block:
  case TokenKind::kw_model:
  case TokenKind::kw_mask:
  case TokenKind::kw_def:
    // A keyword misused as a name of a value begins nothing.
    return peek(1).kind != TokenKind::Equal && peek(1).kind != TokenKind::PlusEqual;
  case TokenKind::kw_score: // also clauses of attend, which are indented
  case TokenKind::kw_weigh:
    return token.loc.source->position(token.loc.begin).column == 1;
  default:
    return false;
  }
}

void Parser::skipToDeclaration() {
  while (!at(TokenKind::End) && !declarationHere() && !stopped())
    take();
}

void Parser::skipToStatement(bool atHead) {
  // A statement whose head is wrong is skipped with its body.
  unsigned braces = 0;
  for (bool first = atHead; !at(TokenKind::End) && !declarationHere() && !stopped(); first = false) {
    if (braces == 0 && (at(TokenKind::RightBrace) || (token.startsLine && !first)))
      return;
    braces += at(TokenKind::LeftBrace);
    braces -= at(TokenKind::RightBrace);
    take();
  }
}

//===-- declarations ----------------------------------------------------------------------------------------------===//

void Parser::parseFile(Ast &ast) {
  tree = &ast;
  while (!at(TokenKind::End) && !stopped()) {
    bool parsed = false;
    switch (token.kind) {
    case TokenKind::kw_axes:
      parsed = parseAxes();
      break;
    case TokenKind::kw_block:
    case TokenKind::kw_model:
      parsed = parseBlock(at(TokenKind::kw_model));
      break;
    case TokenKind::kw_mask:
      parsed = parseFormula(FormulaDecl::Kind::Mask);
      break;
    case TokenKind::kw_score:
      parsed = parseFormula(FormulaDecl::Kind::Score);
      break;
    case TokenKind::kw_weigh:
      parsed = parseFormula(FormulaDecl::Kind::Weigh);
      break;
    case TokenKind::kw_def:
      parsed = parseFormula(FormulaDecl::Kind::Def);
      break;
    default:
      unexpected("a declaration (axes, block, model, mask, score, weigh or def)");
    }
    if (parsed && !at(TokenKind::End) && !token.startsLine)
      parsed = unexpected("the end of the line");
    if (!parsed) {
      if (!declarationHere())
        take();
      skipToDeclaration();
    }
  }
}

bool Parser::parseAxes() {
  take();
  do {
    AxisDecl axis;
    if (!expectName(axis.name, "the name of an axis"))
      return false;
    if (accept(TokenKind::Equal) && !(axis.size = parseBinary(4)))
      return false;
    tree->axes.push_back(std::move(axis));
  } while (accept(TokenKind::Comma));
  return true;
}

bool Parser::parseIdentList(SmallVectorImpl<Ident> &list, TokenKind close, StringRef what) {
  if (accept(close))
    return true;
  do {
    Ident name;
    if (!expectName(name, what))
      return false;
    list.push_back(name);
  } while (accept(TokenKind::Comma));
  if (accept(close))
    return true;
  return unexpected("',' or " + describe(close));
}

bool Parser::parseParameter(Parameter &parameter, bool named) {
  parameter.loc = token.loc;
  if (named || (at(TokenKind::Identifier) && peek(1).kind == TokenKind::Colon)) {
    if (!expectName(parameter.name, named ? "the name of a parameter" : "the name of a result"))
      return false;
    if (accept(TokenKind::Colon) && (named || !at(TokenKind::LeftSquare))) { // a result's type may be left out
      parameter.element.emplace();
      if (!expectName(*parameter.element, "a type (f32, i32 or bool)"))
        return false;
    }
  } else if (at(TokenKind::Identifier)) {
    parameter.element.emplace();
    if (!expectName(*parameter.element, "a type (f32, i32 or bool)"))
      return false;
  }
  bool wantsAxes = !named || parameter.element;
  if (at(TokenKind::LeftSquare)) {
    take();
    parameter.hasAxes = true;
    if (!parseIdentList(parameter.axes, TokenKind::RightSquare, "the name of an axis"))
      return false;
  } else if (wantsAxes) {
    return unexpected("'[' and the axes of the " + Twine(named ? "parameter" : "result"));
  }
  parameter.loc = parameter.loc.to(last);
  return true;
}

bool Parser::parseBlock(bool isModel) {
  take();
  BlockDecl block;
  block.isModel = isModel;
  if (!expectName(block.name, isModel ? "the name of the model" : "the name of the block") ||
      !expect(TokenKind::LeftParen, "and the parameters"))
    return false;
  if (!accept(TokenKind::RightParen)) {
    do {
      Parameter parameter;
      if (!parseParameter(parameter, /*named=*/true))
        return false;
      block.parameters.push_back(std::move(parameter));
    } while (accept(TokenKind::Comma));
    if (!expect(TokenKind::RightParen, "after the parameters"))
      return false;
  }
  if (!expect(TokenKind::Arrow, "and the axes of the result"))
    return false;
  do {
    Parameter result;
    if (!parseParameter(result, /*named=*/false))
      return false;
    block.results.push_back(std::move(result));
  } while (accept(TokenKind::Comma));
  bool closed = parseBody(block.body);
  block.end = last;
  tree->blocks.push_back(std::move(block));
  return closed;
}

bool Parser::parseFormula(FormulaDecl::Kind kind) {
  take();
  FormulaDecl formula;
  formula.kind = kind;
  if (!expectName(formula.name, "a name") || !expect(TokenKind::LeftParen, "and the parameters"))
    return false;
  std::vector<Parameter> *list = &formula.parameters;
  while (!accept(TokenKind::RightParen)) {
    if (accept(TokenKind::Semicolon)) {
      if (list == &formula.tensors)
        return unexpected("one ';' at most");
      list = &formula.tensors;
    }
    Parameter parameter;
    if (!parseParameter(parameter, /*named=*/true))
      return false;
    list->push_back(std::move(parameter));
    if (!accept(TokenKind::Comma) && !at(TokenKind::Semicolon) && !at(TokenKind::RightParen))
      return unexpected("',' or ')'");
  }
  if (!expect(TokenKind::Equal, "and the formula") || !(formula.body = parseExpr()))
    return false;
  tree->formulas.push_back(std::move(formula));
  return true;
}

//===-- statements ------------------------------------------------------------------------------------------------===//

bool Parser::parseBody(std::vector<Statement> &body) {
  Loc open = token.loc;
  if (!expect(TokenKind::LeftBrace, "and a body") || !enter())
    return false;
  while (!at(TokenKind::RightBrace) && !stopped()) {
    if (at(TokenKind::End) || declarationHere()) {
      diagnostics.error(Diag::W007, token.loc, "expected '}'").note(open, "to close this '{'");
      leave();
      return at(TokenKind::End);
    }
    Statement statement;
    size_t head = token.loc.begin;
    if (parseStatement(statement)) {
      body.push_back(std::move(statement));
      if (token.startsLine || at(TokenKind::RightBrace) || at(TokenKind::End))
        continue;
      unexpected("the end of the line");
    }
    skipToStatement(token.loc.begin == head);
  }
  leave();
  return accept(TokenKind::RightBrace);
}

bool Parser::parsePrefix(std::optional<Ident> &prefix) {
  take();
  if (!at(TokenKind::String))
    return unexpected("the prefix of the weights' names, as a string");
  Token name = take();
  prefix = Ident{name.text, name.loc};
  return true;
}

bool Parser::parseFor(Statement &statement) {
  take();
  statement.kind = Statement::Kind::For;
  Ident variable;
  if (!expectName(variable, "the name of the loop's variable") || !expect(TokenKind::kw_in, "and a range"))
    return false;
  statement.targets.push_back(variable);
  Expr *first = parseBinary(4);
  if (!first || !expect(TokenKind::DotDot, "of a range 'first..end'"))
    return false;
  Expr *end = parseBinary(4);
  if (!end)
    return false;
  statement.values = {first, end};
  if (at(TokenKind::kw_in) && !parsePrefix(statement.prefix))
    return false;
  return parseBody(statement.body);
}

bool Parser::parseStatement(Statement &statement) {
  statement.loc = token.loc;
  bool parsed = true;
  if (at(TokenKind::kw_for)) {
    parsed = parseFor(statement);
  } else if (at(TokenKind::kw_in)) {
    statement.kind = Statement::Kind::In;
    parsed = parsePrefix(statement.prefix) && parseBody(statement.body);
  } else if (accept(TokenKind::kw_return)) {
    statement.kind = Statement::Kind::Return;
    do {
      Expr *value = parseExpr();
      if (!value)
        return false;
      statement.values.push_back(value);
    } while (accept(TokenKind::Comma));
  } else {
    do {
      Ident target;
      if (!expectName(target, "a statement"))
        return false;
      statement.targets.push_back(target);
    } while (accept(TokenKind::Comma));
    if (at(TokenKind::PlusEqual) && statement.targets.size() == 1)
      statement.kind = Statement::Kind::Accumulate;
    else if (!at(TokenKind::Equal))
      return unexpected(statement.targets.size() == 1 ? "'=' or '+='" : "'='");
    take();
    Expr *value = parseExpr();
    if (!value)
      return false;
    statement.values.push_back(value);
  }
  statement.loc = statement.loc.to(last);
  return parsed;
}

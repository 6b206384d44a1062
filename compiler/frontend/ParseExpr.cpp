//===- ParseExpr.cpp - expressions --------------------------------------------------------------------------------===//
// Answers: how do operators bind, and which forms do arguments and clauses of attention take?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace llvm;
using namespace weft::frontend;

StringRef weft::frontend::spelling(Operator op) {
  static constexpr StringRef names[] = {
      "+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or", "not", "-"};
  return names[static_cast<size_t>(op)];
}

template <typename T> T *Parser::finish(T *expr, std::initializer_list<const Expr *> operands) {
  for (const Expr *operand : operands)
    if (operand)
      expr->depth = std::max(expr->depth, operand->depth + 1);
  expr->loc = expr->loc.to(last);
  if (expr->depth <= nestingLimit)
    return expr;
  if (!tooDeep)
    diagnostics.error(Diag::W006, last, "nested more than " + Twine(nestingLimit) + " deep");
  tooDeep = true;
  return nullptr;
}

namespace {
struct Infix {
  Operator op;
  unsigned level; ///< 1 or, 2 and, 3 comparison, 4 sum, 5 product; 0: no infix operator
};
} // namespace

static Infix infix(TokenKind kind) {
  switch (kind) {
  case TokenKind::kw_or:
    return {Operator::Or, 1};
  case TokenKind::kw_and:
    return {Operator::And, 2};
  case TokenKind::Less:
    return {Operator::Lt, 3};
  case TokenKind::LessEqual:
    return {Operator::Le, 3};
  case TokenKind::Greater:
    return {Operator::Gt, 3};
  case TokenKind::GreaterEqual:
    return {Operator::Ge, 3};
  case TokenKind::EqualEqual:
    return {Operator::Eq, 3};
  case TokenKind::NotEqual:
    return {Operator::Ne, 3};
  case TokenKind::Plus:
    return {Operator::Add, 4};
  case TokenKind::Minus:
    return {Operator::Sub, 4};
  case TokenKind::Star:
    return {Operator::Mul, 5};
  case TokenKind::Slash:
    return {Operator::Div, 5};
  case TokenKind::SlashSlash:
    return {Operator::FloorDiv, 5};
  case TokenKind::Percent:
    return {Operator::Mod, 5};
  default:
    return {Operator::Add, 0};
  }
}

Expr *Parser::parseBinary(unsigned minimum) {
  if (!enter())
    return nullptr;
  Expr *left = parseUnary();
  bool compared = false;
  while (left) {
    Infix operation = infix(token.kind);
    if (!operation.level || operation.level < minimum)
      break;
    if (operation.level == 3 && compared) {
      diagnostics.error(Diag::W007, token.loc, "comparisons do not chain; write 'a < b and b < c'");
      left = nullptr;
      break;
    }
    compared |= operation.level == 3;
    take();
    Expr *right = parseBinary(operation.level + 1);
    if (!right) {
      left = nullptr;
      break;
    }
    auto *binary = make<BinaryExpr>(left->loc);
    binary->op = operation.op;
    binary->left = left;
    binary->right = right;
    left = finish(binary, {binary->left, right});
  }
  leave();
  return left;
}

Expr *Parser::parseUnary() {
  bool negation = at(TokenKind::Minus);
  if (!negation && !at(TokenKind::kw_not))
    return parsePostfix();
  if (!enter())
    return nullptr;
  auto *unary = make<UnaryExpr>(take().loc);
  unary->op = negation ? Operator::Neg : Operator::Not;
  // 'not' covers a whole comparison, '-' only what it touches.
  unary->operand = negation ? parseUnary() : parseBinary(3);
  leave();
  return unary->operand ? finish(unary, {unary->operand}) : nullptr;
}

Expr *Parser::parsePostfix() {
  Expr *expr = parsePrimary();
  while (expr && at(TokenKind::LeftSquare) && !token.startsLine)
    expr = parseIndex(expr);
  return expr;
}

Expr *Parser::parseIndex(Expr *base) {
  take();
  auto *index = make<IndexExpr>(base->loc);
  index->base = base;
  unsigned deepest = 0;
  do {
    IndexExpr::Entry entry;
    if (at(TokenKind::Identifier) && peek(1).kind == TokenKind::Equal) {
      Token axis = take();
      take();
      entry.axis = Ident{axis.text, axis.loc};
    }
    if (!(entry.value = parseExpr()) || (at(TokenKind::DotDot) && !parseRange(entry)))
      return nullptr;
    deepest = std::max({deepest, entry.value->depth, entry.end ? entry.end->depth : 0});
    index->entries.push_back(entry);
  } while (accept(TokenKind::Comma));
  if (!expect(TokenKind::RightSquare, "after the positions"))
    return nullptr;
  index->depth = deepest + 1;
  return finish(index, {base});
}

bool Parser::parseRange(IndexExpr::Entry &entry) {
  take();
  entry.to.emplace();
  return (entry.end = parseBinary(4)) && expect(TokenKind::Arrow, "and the name of the axis that the range becomes") &&
         expectName(*entry.to, "the name of an axis");
}

Expr *Parser::parsePrimary() {
  switch (token.kind) {
  case TokenKind::Integer:
  case TokenKind::Real:
    return parseNumber();
  case TokenKind::kw_if:
    return parseIf();
  case TokenKind::LeftParen: {
    take();
    Expr *inner = parseExpr();
    return inner && expect(TokenKind::RightParen, "after the expression") ? inner : nullptr;
  }
  case TokenKind::Identifier: {
    Token name = take();
    Ident ident{name.text, name.loc};
    bool reduction =
        StringSwitch<bool>(name.text).Cases({"sum", "mean", "max", "min", "softmax", "argmax"}, true).Default(false);
    if (reduction && at(TokenKind::LeftSquare) && !token.startsLine)
      return parseReduce(ident);
    if (at(TokenKind::LeftParen) && !token.startsLine)
      return name.text == "attend" ? parseAttend(ident) : parseCall(ident);
    auto *expr = make<NameExpr>(name.loc);
    expr->name = name.text;
    return expr;
  }
  default:
    if (isKeyword(token.kind))
      diagnostics.error(Diag::W007, token.loc, "expected a value, but '" + token.text + "' is a keyword");
    else
      unexpected("a value");
    return nullptr;
  }
}

Expr *Parser::parseNumber() {
  Token number = take();
  auto *expr = make<NumberExpr>(number.loc);
  if (number.kind == TokenKind::Integer) {
    if (number.text.getAsInteger(10, expr->integer))
      diagnostics.error(Diag::W005, number.loc, number.text + " does not fit in i64");
    expr->real = static_cast<double>(expr->integer);
    return expr;
  }
  expr->isInteger = false;
  if (number.text.getAsDouble(expr->real) || !std::isfinite(expr->real))
    diagnostics.error(Diag::W005, number.loc, number.text + " does not fit in f64");
  return expr;
}

Expr *Parser::parseIf() {
  auto *choice = make<IfExpr>(take().loc);
  if (!(choice->condition = parseExpr()) || !expect(TokenKind::kw_then, "after the condition") ||
      !(choice->then = parseExpr()) || !expect(TokenKind::kw_else, "and the other value") ||
      !(choice->otherwise = parseExpr()))
    return nullptr;
  return finish(choice, {choice->condition, choice->then, choice->otherwise});
}

Expr *Parser::parseReduce(Ident operation) {
  auto *reduce = make<ReduceExpr>(operation.loc);
  reduce->operation = operation;
  take();
  if (!parseIdentList(reduce->axes, TokenKind::RightSquare, "the name of an axis"))
    return nullptr;
  // With parentheses right behind like a call, else like a sum sign: as far as the product reaches.
  if (at(TokenKind::LeftParen) && token.touchesLast) {
    take();
    reduce->operand = parseExpr();
    if (!reduce->operand || !expect(TokenKind::RightParen, "after the expression"))
      return nullptr;
  } else if (!(reduce->operand = parseBinary(5))) {
    return nullptr;
  }
  return finish(reduce, {reduce->operand});
}

//===-- calls -----------------------------------------------------------------------------------------------------===//

bool Parser::arrowAhead() {
  if (at(TokenKind::Arrow))
    return true;
  // Longer lists than this are no list of axes.
  constexpr unsigned longest = 32;
  if (!at(TokenKind::Identifier))
    return false;
  for (unsigned i = 1; i < longest; ++i) {
    Token next = peek(i);
    if (next.kind != TokenKind::Identifier)
      return next.kind == TokenKind::Arrow;
  }
  return false;
}

bool Parser::parseArgument(Argument &argument) {
  argument.loc = token.loc;
  Token next = at(TokenKind::Identifier) ? peek(1) : Token();
  auto takeIdent = [&] {
    Token name = take();
    return Ident{name.text, name.loc};
  };
  if (at(TokenKind::String)) {
    argument.kind = Argument::Kind::Name;
    argument.word = takeIdent();
  } else if (atWord("tied") && next.kind == TokenKind::String) {
    take();
    argument.kind = Argument::Kind::Tied;
    argument.word = takeIdent();
  } else if (at(TokenKind::Identifier) && next.kind == TokenKind::Equal) {
    argument.kind = Argument::Kind::Option;
    argument.word = takeIdent();
    take();
    if (!(argument.value = parseExpr()))
      return false;
  } else if (arrowAhead()) {
    argument.kind = Argument::Kind::Arrow;
    while (at(TokenKind::Identifier))
      argument.from.push_back(takeIdent());
    take();
    while (at(TokenKind::Identifier))
      argument.to.push_back(takeIdent());
    if (argument.to.empty())
      return unexpected("the name of an axis after '->'");
  } else if ((atWord("no") || atWord("stored") || atWord("over")) && next.kind == TokenKind::Identifier) {
    argument.kind = Argument::Kind::Word;
    argument.word = takeIdent();
    argument.object = takeIdent();
    if (argument.word.text == "over" && at(TokenKind::Identifier))
      argument.second = takeIdent();
  } else if ((atWord("weight") || atWord("bias")) && next.kind == TokenKind::String) {
    argument.kind = Argument::Kind::Word;
    argument.word = takeIdent();
    argument.object = takeIdent();
  } else if (atWord("bias") && (next.kind == TokenKind::Comma || next.kind == TokenKind::RightParen)) {
    argument.kind = Argument::Kind::Word;
    argument.word = takeIdent();
  } else if (!(argument.value = parseExpr())) {
    return false;
  }
  argument.loc = argument.loc.to(last);
  return true;
}

CallExpr *Parser::parseCall(Ident callee) {
  auto *call = make<CallExpr>(callee.loc);
  call->callee = callee;
  take();
  unsigned deepest = 0;
  if (!accept(TokenKind::RightParen)) {
    do {
      Argument argument;
      if (!parseArgument(argument))
        return nullptr;
      if (argument.value)
        deepest = std::max(deepest, argument.value->depth);
      call->arguments.push_back(std::move(argument));
    } while (accept(TokenKind::Comma));
    if (!accept(TokenKind::RightParen)) {
      unexpected("',' or ')'");
      return nullptr;
    }
  }
  call->loc = call->loc.to(last);
  if (at(TokenKind::kw_in) && !parsePrefix(call->in))
    return nullptr;
  call->depth = deepest + 1;
  return finish(call, {});
}

Expr *Parser::parseAttend(Ident callee) {
  auto *attend = make<AttendExpr>(callee.loc);
  if (!(attend->call = parseCall(callee)))
    return nullptr;
  unsigned deepest = attend->call->depth;
  for (;;) {
    switch (token.kind) {
    case TokenKind::kw_where:
    case TokenKind::kw_score:
    case TokenKind::kw_scale:
    case TokenKind::kw_with:
    case TokenKind::kw_sink:
    case TokenKind::kw_weigh:
      // An unindented 'score' begins the next declaration.
      if (!declarationHere()) {
        if (!parseClause(*attend))
          return nullptr;
        continue;
      }
      break;
    default:
      break;
    }
    break;
  }
  SmallVector<const Expr *> parts = {attend->where, attend->scale, attend->sink};
  parts.append(attend->scores.begin(), attend->scores.end());
  parts.append(attend->weighs.begin(), attend->weighs.end());
  for (const Expr *part : parts)
    deepest = std::max(deepest, part ? part->depth : 0);
  attend->depth = deepest + 1;
  return finish(attend, {});
}

bool Parser::parseChain(std::vector<Expr *> &chain) {
  do {
    Expr *use = parsePostfix();
    if (!use)
      return false;
    chain.push_back(use);
  } while (accept(TokenKind::kw_then));
  return true;
}

bool Parser::parseClause(AttendExpr &attend) {
  Token clause = take();
  auto once = [&](bool given, const Twine &text) {
    if (given)
      diagnostics.error(Diag::W033, clause.loc, "'" + text + "' is given twice for one 'attend'");
    return !given;
  };
  auto number = [&](Expr *&slot) {
    Expr *given = parseBinary(4);
    if (!given || !once(slot, clause.text))
      return false;
    slot = given;
    return true;
  };
  switch (clause.kind) {
  case TokenKind::kw_where: {
    Expr *where = parseExpr();
    if (!where || !once(attend.where, clause.text))
      return false;
    attend.where = where;
    return true;
  }
  case TokenKind::kw_scale:
    return number(attend.scale);
  case TokenKind::kw_sink:
    return number(attend.sink);
  case TokenKind::kw_score:
    return once(!attend.scores.empty(), clause.text) && parseChain(attend.scores);
  case TokenKind::kw_weigh:
    return once(!attend.weighs.empty(), clause.text) && parseChain(attend.weighs);
  case TokenKind::kw_with: {
    Ident what;
    if (!expectName(what, "'weights' or 'lse'"))
      return false;
    bool weights = what.text == "weights";
    if (!weights && what.text != "lse") {
      diagnostics.error(Diag::W007, what.loc, "expected 'weights' or 'lse', found '" + what.text + "'");
      return false;
    }
    AttendExpr::Extra extra{weights, clause.loc.to(what.loc), std::nullopt};
    if (!once(any_of(attend.extras, [&](const auto &given) { return given.weights == weights; }), "with " + what.text))
      return false;
    // What follows may be a name of the next statement; two names side by side are none.
    if (weights && atWord("over") && peek(1).kind == TokenKind::Identifier) {
      take();
      Token name = take();
      extra.over = Ident{name.text, name.loc};
    }
    attend.extras.push_back(extra);
    return true;
  }
  default:
    llvm_unreachable("no clause");
  }
}

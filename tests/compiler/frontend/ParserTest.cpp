//===- ParserTest.cpp - which tree does a text have? --------------------------------------------------------------===//
// Answers: how do operators, reductions, arguments and clauses bind, and what survives an error?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <gtest/gtest.h>

using namespace weft::frontend;

namespace {

struct Parsed {
  std::unique_ptr<Source> source;
  Ast ast;
  std::string messages;
};

Parsed parse(llvm::StringRef text) {
  Parsed parsed;
  parsed.source = std::make_unique<Source>("t", text);
  Diagnostics diagnostics(20);
  Parser(*parsed.source, diagnostics).parseFile(parsed.ast);
  llvm::raw_string_ostream out(parsed.messages);
  diagnostics.print(out);
  return parsed;
}

/// Fully parenthesized, so that a test sees how things bind.
std::string show(const Expr *expr) {
  if (const auto *number = llvm::dyn_cast<NumberExpr>(expr))
    return number->loc.text().str();
  if (const auto *name = llvm::dyn_cast<NameExpr>(expr))
    return name->name.str();
  if (const auto *unary = llvm::dyn_cast<UnaryExpr>(expr))
    return "(" + spelling(unary->op).str() + " " + show(unary->operand) + ")";
  if (const auto *binary = llvm::dyn_cast<BinaryExpr>(expr))
    return "(" + show(binary->left) + " " + spelling(binary->op).str() + " " + show(binary->right) + ")";
  if (const auto *choice = llvm::dyn_cast<IfExpr>(expr))
    return "(if " + show(choice->condition) + " " + show(choice->then) + " " + show(choice->otherwise) + ")";
  if (const auto *reduce = llvm::dyn_cast<ReduceExpr>(expr))
    return reduce->operation.text.str() + "{" + show(reduce->operand) + "}";
  if (const auto *call = llvm::dyn_cast<CallExpr>(expr)) {
    std::string text = call->callee.text.str() + "(";
    for (const Argument &argument : call->arguments)
      text += argument.value ? show(argument.value) + "," : "?,";
    return text + ")";
  }
  if (const auto *index = llvm::dyn_cast<IndexExpr>(expr))
    return show(index->base) + "[" + show(index->entries.front().value) + "]";
  return "attend";
}

std::string formula(llvm::StringRef text) {
  std::string source = ("def f(x) = " + text).str();
  Parsed parsed = parse(source);
  EXPECT_EQ(parsed.messages, "") << text.str();
  return parsed.ast.formulas.empty() ? "" : show(parsed.ast.formulas.front().body);
}

TEST(Parser, OperatorsBindAsInMathematics) {
  EXPECT_EQ(formula("a + b * c - d"), "((a + (b * c)) - d)");
  EXPECT_EQ(formula("-a * b"), "((- a) * b)");
  EXPECT_EQ(formula("a - b < c and not d == e or f"), "((((a - b) < c) and (not (d == e))) or f)");
  EXPECT_EQ(formula("a // b % c"), "((a // b) % c)");
  EXPECT_EQ(formula("if a < b then c else d + 1"), "(if (a < b) c (d + 1))");
}

TEST(Parser, AReductionReachesOverAProductOrItsParentheses) {
  EXPECT_EQ(formula("sum[d] a * b + c"), "(sum{(a * b)} + c)");
  EXPECT_EQ(formula("mean[d](a + b) * c"), "(mean{(a + b)} * c)");
  EXPECT_EQ(formula("mean[d] (a + b) * c"), "mean{((a + b) * c)}");
  EXPECT_EQ(formula("max(a, b)"), "max(a,b,)");
}

TEST(Parser, ExpressionsMayGoOnInTheNextLine) {
  Parsed parsed = parse("block b(x[s]) -> [s] {\n  y = x +\n    2\n  z = attend(x, x, x)\n    where causal\n    score "
                        "f then g\n  return z\n}\n");
  EXPECT_EQ(parsed.messages, "");
  ASSERT_EQ(parsed.ast.blocks.size(), 1u);
  ASSERT_EQ(parsed.ast.blocks[0].body.size(), 3u);
  const auto *attend = llvm::cast<AttendExpr>(parsed.ast.blocks[0].body[1].values[0]);
  EXPECT_EQ(show(attend->where), "causal");
  EXPECT_EQ(attend->scores.size(), 2u);
}

TEST(Parser, ClausesMayComeInAnyOrder) {
  Parsed parsed =
      parse("block b(x[s]) -> [s] {\n  y, z, p = attend(x, x, x) with lse sink -a * 2\n    weigh f then g(1)\n"
            "    with weights over t scale 2\n  over = y\n  return y\n}\nscore f(s) = s\nweigh g(p, n) = p\n");
  EXPECT_EQ(parsed.messages, "");
  ASSERT_EQ(parsed.ast.blocks.size(), 1u);
  ASSERT_EQ(parsed.ast.blocks[0].body.size(), 3u);
  const auto *attend = llvm::cast<AttendExpr>(parsed.ast.blocks[0].body[0].values[0]);
  EXPECT_EQ(show(attend->sink), "((- a) * 2)");
  EXPECT_EQ(attend->weighs.size(), 2u);
  ASSERT_EQ(attend->extras.size(), 2u);
  EXPECT_FALSE(attend->extras[0].weights);
  ASSERT_TRUE(attend->extras[1].over);
  EXPECT_EQ(attend->extras[1].over->text, "t");
  ASSERT_EQ(parsed.ast.formulas.size(), 2u);
  EXPECT_EQ(parsed.ast.formulas[1].kind, FormulaDecl::Kind::Weigh);
}

TEST(Parser, ArgumentsHaveTheirForms) {
  Parsed parsed = parse(
      "block b(x[s]) -> [s] {\n  return linear(x, tied \"w\", a b -> c, eps = 1, no bias, stored in_out, y)\n}\n");
  EXPECT_EQ(parsed.messages, "");
  const auto *call = llvm::cast<CallExpr>(parsed.ast.blocks[0].body[0].values[0]);
  std::vector<Argument::Kind> kinds;
  for (const Argument &argument : call->arguments)
    kinds.push_back(argument.kind);
  using K = Argument::Kind;
  EXPECT_EQ(kinds, (std::vector<K>{K::Value, K::Tied, K::Arrow, K::Option, K::Word, K::Word, K::Value}));
  EXPECT_EQ(call->arguments[2].from.size(), 2u);
}

TEST(Parser, DeclarationsAfterAnErrorAreRead) {
  Parsed parsed = parse("block a(x[s) -> [s] { return x }\nblock b(x[s]) -> [s] {\n  y = (\n  return x\n}\nmodel m(x: "
                        "f32[s]) -> f32[s] {\n  return x\n}\n");
  ASSERT_EQ(parsed.ast.blocks.size(), 2u);
  EXPECT_EQ(parsed.ast.blocks[1].name.text, "m");
  EXPECT_EQ(llvm::StringRef(parsed.messages).count(": error: "), 2u);
}

TEST(Parser, ALoopWithAWrongHeadIsSkippedWhole) {
  Parsed parsed = parse("block b(x[s]) -> [s] {\n  for i 0..3 {\n    y = x\n  }\n  return x\n}\n");
  EXPECT_EQ(llvm::StringRef(parsed.messages).count(": error: "), 1u);
  ASSERT_EQ(parsed.ast.blocks.size(), 1u);
  EXPECT_EQ(parsed.ast.blocks[0].body.size(), 1u);
}

TEST(Parser, StopsAtTwentyErrors) {
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += "nonsense\n";
  Parsed parsed = parse(text);
  // A run of text that is no declaration is one error: it is skipped up to the next declaration.
  EXPECT_EQ(llvm::StringRef(parsed.messages).count(": error: "), 1u);
  text.clear();
  for (int i = 0; i < 50; ++i)
    text += "axes 1\n";
  parsed = parse(text);
  EXPECT_EQ(llvm::StringRef(parsed.messages).count(": error: "), 20u);
  EXPECT_TRUE(llvm::StringRef(parsed.messages).ends_with("stopped after 20 errors\n"));
}

} // namespace

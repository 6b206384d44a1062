//===- Sizes.cpp - arithmetic on sizes ----------------------------------------------------------------------------===//
// Answers: what is this size, exactly, and what is wrong with it if it is none?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Sizes.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weft::frontend;

std::string weft::frontend::notDivisible(int64_t number, int64_t divisor) {
  std::string text = (Twine(number) + " is not divisible by " + Twine(divisor)).str();
  // Looking further than this would take time and help nobody.
  constexpr int64_t furthest = 4096;
  int64_t below = divisor, above = divisor;
  while (below > 1 && divisor - below < furthest && number % below != 0)
    --below;
  while (above < number && above - divisor < furthest && number % above != 0)
    ++above;
  bool hasBelow = below >= 1 && number % below == 0, hasAbove = above <= number && number % above == 0;
  if (hasBelow && hasAbove)
    return text + (" (nearest divisors: " + Twine(below) + " and " + Twine(above) + ")").str();
  if (hasBelow || hasAbove)
    return text + (" (nearest divisor: " + Twine(hasBelow ? below : above) + ")").str();
  return text;
}

std::optional<int64_t> weft::frontend::checkedProduct(ArrayRef<int64_t> sizes, int64_t bytes) {
  int64_t product = bytes;
  for (int64_t size : sizes)
    if (MulOverflow(product, size, product))
      return std::nullopt;
  return product / bytes;
}

std::optional<int64_t> SizeEvaluator::combine(const BinaryExpr &expr, int64_t left, int64_t right) {
  int64_t result = 0;
  bool overflow = false;
  switch (expr.op) {
  case Operator::Add:
    overflow = AddOverflow(left, right, result);
    break;
  case Operator::Sub:
    overflow = SubOverflow(left, right, result);
    break;
  case Operator::Mul:
    overflow = MulOverflow(left, right, result);
    break;
  case Operator::Div:
  case Operator::FloorDiv:
  case Operator::Mod:
    if (right <= 0 || left < 0) {
      diagnostics.error(Diag::W024, expr.loc,
                        "'" + expr.loc.text() + "' is " + Twine(left) + " " + spelling(expr.op) + " " + Twine(right) +
                            ", but a size is divided by a positive number only");
      return std::nullopt;
    }
    if (expr.op == Operator::Div && left % right != 0) {
      diagnostics.error(Diag::W023, expr.loc, "'" + expr.loc.text() + "' is no size: " + notDivisible(left, right));
      return std::nullopt;
    }
    return expr.op == Operator::Mod ? left % right : left / right;
  default:
    diagnostics.error(Diag::W015, expr.loc, "'" + spelling(expr.op) + "' does not make a size");
    return std::nullopt;
  }
  if (!overflow)
    return result;
  diagnostics.error(Diag::W025, expr.loc,
                    Twine(left) + " " + spelling(expr.op) + " " + Twine(right) + " does not fit in i64");
  return std::nullopt;
}

std::optional<int64_t> SizeEvaluator::evaluate(const Expr &expr) {
  if (const auto *number = dyn_cast<NumberExpr>(&expr)) {
    if (number->isInteger)
      return number->integer;
    diagnostics.error(Diag::W015, expr.loc, "a size is a whole number, not " + expr.loc.text());
    return std::nullopt;
  }
  if (const auto *name = dyn_cast<NameExpr>(&expr))
    return lookup(*name);
  if (const auto *unary = dyn_cast<UnaryExpr>(&expr); unary && unary->op == Operator::Neg) {
    std::optional<int64_t> operand = evaluate(*unary->operand);
    if (!operand)
      return std::nullopt;
    return -*operand; // literals are not negative: no overflow
  }
  if (const auto *binary = dyn_cast<BinaryExpr>(&expr)) {
    std::optional<int64_t> left = evaluate(*binary->left), right = evaluate(*binary->right);
    if (!left || !right)
      return std::nullopt;
    return combine(*binary, *left, *right);
  }
  diagnostics.error(Diag::W015, expr.loc,
                    "'" + expr.loc.text() + "' is no size; sizes are numbers, axes and + - * / // %");
  return std::nullopt;
}

//===- ScalarOps.cpp - arith and math -----------------------------------------------------------------------------===//
// Answers: what does each op on numbers compute? Reals are computed in double and then rounded to float where the
// precision asks for it: for + - * / and sqrt that is the very float result, since double has more than twice the bits.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/ScalarBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;

namespace weft::reference {
namespace {

using SlotOf = function_ref<unsigned(Value)>;
using Unary = double (*)(double);
using Binary = double (*)(double, double);
using Predicate = bool (*)(double);
using Integers = int64_t (*)(int64_t, int64_t, unsigned);

unsigned widthOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
}

/// The form in which slots hold an integer of a width: sign-extended, i1 as 0 or 1.
int64_t wrap(uint64_t bits, unsigned width) {
  return width == 1 ? static_cast<int64_t>(bits & 1) : llvm::SignExtend64(bits, width);
}
int64_t asSigned(int64_t held, unsigned width) { return width == 1 ? -held : held; }
uint64_t asUnsigned(int64_t held, unsigned width) { return held & llvm::maskTrailingOnes<uint64_t>(width); }

double maximum(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b); }
double minimum(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b); }

const llvm::StringMap<Unary> &unaries() {
  static const llvm::StringMap<Unary> table = {
      {"arith.negf", [](double x) { return -x; }},
      {"arith.extf", [](double x) { return x; }},
      {"arith.truncf", [](double x) { return x; }}, // rounded, like every result, when it is kept as a float
      {"math.absf", [](double x) { return std::fabs(x); }},
      {"math.acos", [](double x) { return std::acos(x); }},
      {"math.acosh", [](double x) { return std::acosh(x); }},
      {"math.asin", [](double x) { return std::asin(x); }},
      {"math.asinh", [](double x) { return std::asinh(x); }},
      {"math.atan", [](double x) { return std::atan(x); }},
      {"math.atanh", [](double x) { return std::atanh(x); }},
      {"math.cbrt", [](double x) { return std::cbrt(x); }},
      {"math.ceil", [](double x) { return std::ceil(x); }},
      {"math.cos", [](double x) { return std::cos(x); }},
      {"math.cosh", [](double x) { return std::cosh(x); }},
      {"math.erf", [](double x) { return std::erf(x); }},
      {"math.erfc", [](double x) { return std::erfc(x); }},
      {"math.exp", [](double x) { return std::exp(x); }},
      {"math.exp2", [](double x) { return std::exp2(x); }},
      {"math.expm1", [](double x) { return std::expm1(x); }},
      {"math.floor", [](double x) { return std::floor(x); }},
      {"math.log", [](double x) { return std::log(x); }},
      {"math.log10", [](double x) { return std::log10(x); }},
      {"math.log1p", [](double x) { return std::log1p(x); }},
      {"math.log2", [](double x) { return std::log2(x); }},
      {"math.round", [](double x) { return std::round(x); }},
      {"math.roundeven", [](double x) { return std::nearbyint(x); }},
      {"math.rsqrt", [](double x) { return 1 / std::sqrt(x); }},
      {"math.sin", [](double x) { return std::sin(x); }},
      {"math.sinh", [](double x) { return std::sinh(x); }},
      {"math.sqrt", [](double x) { return std::sqrt(x); }},
      {"math.tan", [](double x) { return std::tan(x); }},
      {"math.tanh", [](double x) { return std::tanh(x); }},
      {"math.trunc", [](double x) { return std::trunc(x); }},
  };
  return table;
}

const llvm::StringMap<Binary> &binaries() {
  static const llvm::StringMap<Binary> table = {
      {"arith.addf", [](double a, double b) { return a + b; }},
      {"arith.divf", [](double a, double b) { return a / b; }},
      {"arith.maximumf", maximum},
      {"arith.maxnumf", [](double a, double b) { return std::fmax(a, b); }},
      {"arith.minimumf", minimum},
      {"arith.minnumf", [](double a, double b) { return std::fmin(a, b); }},
      {"arith.mulf", [](double a, double b) { return a * b; }},
      {"arith.remf", [](double a, double b) { return std::fmod(a, b); }},
      {"arith.subf", [](double a, double b) { return a - b; }},
      {"math.atan2", [](double a, double b) { return std::atan2(a, b); }},
      {"math.copysign", [](double a, double b) { return std::copysign(a, b); }},
      {"math.powf", [](double a, double b) { return std::pow(a, b); }},
  };
  return table;
}

const llvm::StringMap<Predicate> &predicates() {
  static const llvm::StringMap<Predicate> table = {
      {"math.isfinite", [](double x) { return std::isfinite(x); }},
      {"math.isinf", [](double x) { return std::isinf(x); }},
      {"math.isnan", [](double x) { return std::isnan(x); }},
  };
  return table;
}

/// Overflow wraps; it is computed in uint64_t, where it is defined.
const llvm::StringMap<Integers> &integers() {
  static const llvm::StringMap<Integers> table = {
      {"arith.addi", [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) + uint64_t(b)); }},
      {"arith.andi", [](int64_t a, int64_t b, unsigned) { return a & b; }},
      {"arith.maxsi", [](int64_t a, int64_t b, unsigned w) { return asSigned(a, w) > asSigned(b, w) ? a : b; }},
      {"arith.maxui", [](int64_t a, int64_t b, unsigned w) { return asUnsigned(a, w) > asUnsigned(b, w) ? a : b; }},
      {"arith.minsi", [](int64_t a, int64_t b, unsigned w) { return asSigned(a, w) < asSigned(b, w) ? a : b; }},
      {"arith.minui", [](int64_t a, int64_t b, unsigned w) { return asUnsigned(a, w) < asUnsigned(b, w) ? a : b; }},
      {"arith.muli", [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) * uint64_t(b)); }},
      {"arith.ori", [](int64_t a, int64_t b, unsigned) { return a | b; }},
      {"arith.subi", [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) - uint64_t(b)); }},
      {"arith.xori", [](int64_t a, int64_t b, unsigned) { return a ^ b; }},
  };
  return table;
}

/// These have no answer for a divisor of zero, the signed ones none for the least number divided by -1.
const llvm::StringMap<Integers> &divisions() {
  static const llvm::StringMap<Integers> table = {
      {"arith.ceildivsi",
       [](int64_t a, int64_t b, unsigned w) { return llvm::divideCeilSigned(asSigned(a, w), asSigned(b, w)); }},
      {"arith.ceildivui",
       [](int64_t a, int64_t b, unsigned w) { return int64_t(llvm::divideCeil(asUnsigned(a, w), asUnsigned(b, w))); }},
      {"arith.divsi", [](int64_t a, int64_t b, unsigned w) { return asSigned(a, w) / asSigned(b, w); }},
      {"arith.divui", [](int64_t a, int64_t b, unsigned w) { return int64_t(asUnsigned(a, w) / asUnsigned(b, w)); }},
      {"arith.floordivsi",
       [](int64_t a, int64_t b, unsigned w) { return llvm::divideFloorSigned(asSigned(a, w), asSigned(b, w)); }},
      {"arith.remsi", [](int64_t a, int64_t b, unsigned w) { return asSigned(a, w) % asSigned(b, w); }},
      {"arith.remui", [](int64_t a, int64_t b, unsigned w) { return int64_t(asUnsigned(a, w) % asUnsigned(b, w)); }},
  };
  return table;
}

/// These have no answer for distances of the width or more.
const llvm::StringMap<Integers> &shifts() {
  static const llvm::StringMap<Integers> table = {
      {"arith.shli", [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) << b); }},
      {"arith.shrsi", [](int64_t a, int64_t b, unsigned w) { return asSigned(a, w) >> b; }},
      {"arith.shrui", [](int64_t a, int64_t b, unsigned w) { return int64_t(asUnsigned(a, w) >> b); }},
  };
  return table;
}

bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("unknown predicate");
}

bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b, unsigned width) {
  using P = arith::CmpIPredicate;
  int64_t x = asSigned(a, width), y = asSigned(b, width);
  uint64_t u = asUnsigned(a, width), v = asUnsigned(b, width);
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return x < y;
  case P::sle:
    return x <= y;
  case P::sgt:
    return x > y;
  case P::sge:
    return x >= y;
  case P::ult:
    return u < v;
  case P::ule:
    return u <= v;
  case P::ugt:
    return u > v;
  case P::uge:
    return u >= v;
  }
  llvm_unreachable("unknown predicate");
}

double kept(double value, bool single) { return single ? static_cast<double>(static_cast<float>(value)) : value; }

llvm::Expected<Step> translateDivision(Integers f, unsigned a, unsigned b, unsigned to, unsigned width, bool isSigned) {
  return [=](Slots &s) {
    int64_t x = s.numbers[a].integer, y = s.numbers[b].integer;
    if (y == 0)
      s.problem = "divides " + std::to_string(x) + " by zero";
    else if (isSigned && width > 1 && y == -1 && x == llvm::minIntN(width))
      s.problem = "divides " + std::to_string(x) + " by -1, which overflows";
    else
      s.numbers[to].integer = wrap(f(x, y, width), width);
  };
}

/// Real to integer: what does not fit has no answer.
Step translateToInteger(unsigned a, unsigned to, unsigned width, bool isSigned) {
  double least = isSigned ? -std::ldexp(1, width - 1) : 0, end = std::ldexp(1, isSigned ? width - 1 : width);
  return [=](Slots &s) {
    double x = std::trunc(s.numbers[a].real);
    if (!(x >= least && x < end))
      s.problem =
          "converts " + std::to_string(s.numbers[a].real) + " to an integer of " + std::to_string(width) + " bits";
    else
      s.numbers[to].integer = wrap(isSigned ? uint64_t(int64_t(x)) : uint64_t(x), width);
  };
}

/// Conversions, comparisons and the few ops with three operands or two kinds of them.
llvm::Expected<Step> translateOther(Operation *op, bool single, unsigned width, SlotOf slot) {
  unsigned to = slot(op->getResult(0)), a = slot(op->getOperand(0));
  unsigned b = op->getNumOperands() > 1 ? slot(op->getOperand(1)) : 0;
  unsigned c = op->getNumOperands() > 2 ? slot(op->getOperand(2)) : 0;
  unsigned from = widthOf(op->getOperand(0).getType());
  using Result = llvm::Expected<Step>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([=](arith::CmpFOp cmp) -> Result {
        return [=, p = cmp.getPredicate()](Slots &s) {
          s.numbers[to].integer = compare(p, s.numbers[a].real, s.numbers[b].real);
        };
      })
      .Case([=](arith::CmpIOp cmp) -> Result {
        return [=, p = cmp.getPredicate()](Slots &s) {
          s.numbers[to].integer = compare(p, s.numbers[a].integer, s.numbers[b].integer, from);
        };
      })
      .Case([=](arith::SelectOp) -> Result {
        return [=](Slots &s) { s.numbers[to] = s.numbers[a].integer ? s.numbers[b] : s.numbers[c]; };
      })
      .Case<arith::IndexCastOp, arith::ExtSIOp>([=](auto) -> Result {
        return [=](Slots &s) { s.numbers[to].integer = wrap(asSigned(s.numbers[a].integer, from), width); };
      })
      .Case<arith::IndexCastUIOp, arith::ExtUIOp, arith::TruncIOp>([=](auto) -> Result {
        return [=](Slots &s) { s.numbers[to].integer = wrap(asUnsigned(s.numbers[a].integer, from), width); };
      })
      .Case([=](arith::SIToFPOp) -> Result {
        return [=](Slots &s) { s.numbers[to].real = kept(double(asSigned(s.numbers[a].integer, from)), single); };
      })
      .Case([=](arith::UIToFPOp) -> Result {
        return [=](Slots &s) { s.numbers[to].real = kept(double(asUnsigned(s.numbers[a].integer, from)), single); };
      })
      .Case([=](arith::FPToSIOp) -> Result { return translateToInteger(a, to, width, true); })
      .Case([=](arith::FPToUIOp) -> Result { return translateToInteger(a, to, width, false); })
      .Case([=](math::FmaOp) -> Result {
        return [=](Slots &s) {
          s.numbers[to].real = kept(std::fma(s.numbers[a].real, s.numbers[b].real, s.numbers[c].real), single);
        };
      })
      .Case([=](math::ClampFOp) -> Result {
        return [=](Slots &s) {
          s.numbers[to].real = maximum(minimum(s.numbers[a].real, s.numbers[c].real), s.numbers[b].real);
        };
      })
      .Case([=](math::FPowIOp) -> Result {
        return [=](Slots &s) {
          s.numbers[to].real = kept(std::pow(s.numbers[a].real, double(s.numbers[b].integer)), single);
        };
      })
      .Case([=](math::AbsIOp) -> Result {
        return [=](Slots &s) {
          int64_t x = s.numbers[a].integer;
          s.numbers[to].integer = wrap(x < 0 ? 0 - uint64_t(x) : uint64_t(x), width);
        };
      })
      .Default([](Operation *other) -> Result { return unsupported(other); });
}

} // namespace

llvm::Expected<Step> translateScalar(Operation *op, const Frame &frame, SlotOf slot) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0)
    return unsupported(op);
  Type type = op->getResult(0).getType();
  StringRef name = op->getName().getStringRef();
  bool single = frame.isSingle(type);
  unsigned width = widthOf(type), to = slot(op->getResult(0)), a = slot(op->getOperand(0));
  unsigned b = op->getNumOperands() > 1 ? slot(op->getOperand(1)) : 0;

  if (Unary f = unaries().lookup(name))
    return [=](Slots &s) { s.numbers[to].real = kept(f(s.numbers[a].real), single); };
  if (Binary f = binaries().lookup(name))
    return [=](Slots &s) { s.numbers[to].real = kept(f(s.numbers[a].real, s.numbers[b].real), single); };
  if (Predicate f = predicates().lookup(name))
    return [=](Slots &s) { s.numbers[to].integer = f(s.numbers[a].real); };
  if (Integers f = integers().lookup(name))
    return [=](Slots &s) { s.numbers[to].integer = wrap(f(s.numbers[a].integer, s.numbers[b].integer, width), width); };
  if (Integers f = divisions().lookup(name))
    return translateDivision(f, a, b, to, width, name.ends_with("si"));
  if (Integers f = shifts().lookup(name))
    return [=](Slots &s) {
      uint64_t distance = asUnsigned(s.numbers[b].integer, width);
      if (distance >= width)
        s.problem = "shifts " + std::to_string(width) + " bits by " + std::to_string(distance);
      else
        s.numbers[to].integer = wrap(f(s.numbers[a].integer, distance, width), width);
    };
  return translateOther(op, single, width, slot);
}

} // namespace weft::reference

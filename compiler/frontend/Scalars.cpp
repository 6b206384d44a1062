//===- Scalars.cpp - one operation on numbers ---------------------------------------------------------------------===//
// Answers: which arith and math ops compute an operator of the language on f32, i32, index and i1?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace weft::frontend;

static Value zeroOf(OpBuilder &b, Location loc, Type type) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

// x - floor(x / y) * y for whole numbers and y > 0, in plain operations: 'remsi' has the sign of x.
static Value floorMod(OpBuilder &b, Location loc, Value x, Value y) {
  Value rest = arith::RemSIOp::create(b, loc, x, y);
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, rest, zeroOf(b, loc, x.getType()));
  Value lifted = arith::AddIOp::create(b, loc, rest, y);
  return arith::SelectOp::create(b, loc, negative, lifted, rest);
}

static Value compare(OpBuilder &b, Location loc, MapOp op, Value x, Value y) {
  struct Predicates {
    arith::CmpFPredicate real;
    arith::CmpIPredicate whole;
  };
  auto predicates = [&]() -> Predicates {
    using F = arith::CmpFPredicate;
    using I = arith::CmpIPredicate;
    switch (op) {
    case MapOp::Lt:
      return {F::OLT, I::slt};
    case MapOp::Le:
      return {F::OLE, I::sle};
    case MapOp::Gt:
      return {F::OGT, I::sgt};
    case MapOp::Ge:
      return {F::OGE, I::sge};
    case MapOp::Eq:
      return {F::OEQ, I::eq};
    default:
      return {F::UNE, I::ne}; // NaN differs from everything
    }
  }();
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, loc, predicates.real, x, y);
  return arith::CmpIOp::create(b, loc, predicates.whole, x, y);
}

// Comparisons that NaN fails, so that it becomes the smallest number; the largest is the largest f32 below 2^31.
static Value emitWhole(OpBuilder &b, Location loc, Value x) {
  auto clamp = [&](Value x, arith::CmpFPredicate within, float end) {
    Value last = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(end));
    return arith::SelectOp::create(b, loc, arith::CmpFOp::create(b, loc, within, x, last), x, last).getResult();
  };
  x = clamp(x, arith::CmpFPredicate::OGE, -2147483648.0f);
  x = clamp(x, arith::CmpFPredicate::OLE, 2147483520.0f);
  return arith::FPToSIOp::create(b, loc, b.getI32Type(), math::FloorOp::create(b, loc, x));
}

static Value emitFloat(OpBuilder &b, Location loc, MapOp op, ValueRange v) {
  switch (op) {
  case MapOp::Add:
    return arith::AddFOp::create(b, loc, v[0], v[1]);
  case MapOp::Sub:
    return arith::SubFOp::create(b, loc, v[0], v[1]);
  case MapOp::Mul:
    return arith::MulFOp::create(b, loc, v[0], v[1]);
  case MapOp::Div:
    return arith::DivFOp::create(b, loc, v[0], v[1]);
  case MapOp::FloorDiv:
    return math::FloorOp::create(b, loc, arith::DivFOp::create(b, loc, v[0], v[1]));
  case MapOp::Mod: {
    Value whole = emitFloat(b, loc, MapOp::FloorDiv, v);
    return arith::SubFOp::create(b, loc, v[0], arith::MulFOp::create(b, loc, whole, v[1]));
  }
  case MapOp::Neg:
    return arith::NegFOp::create(b, loc, v[0]);
  case MapOp::Math_exp:
    return math::ExpOp::create(b, loc, v[0]);
  case MapOp::Math_exp2:
    return math::Exp2Op::create(b, loc, v[0]);
  case MapOp::Math_log:
    return math::LogOp::create(b, loc, v[0]);
  case MapOp::Math_sqrt:
    return math::SqrtOp::create(b, loc, v[0]);
  case MapOp::Math_tanh:
    return math::TanhOp::create(b, loc, v[0]);
  case MapOp::Math_erf:
    return math::ErfOp::create(b, loc, v[0]);
  case MapOp::Math_sin:
    return math::SinOp::create(b, loc, v[0]);
  case MapOp::Math_cos:
    return math::CosOp::create(b, loc, v[0]);
  case MapOp::Math_floor:
    return math::FloorOp::create(b, loc, v[0]);
  case MapOp::Math_whole:
    return emitWhole(b, loc, v[0]);
  case MapOp::Math_abs:
    return math::AbsFOp::create(b, loc, v[0]);
  case MapOp::Math_pow:
    return math::PowFOp::create(b, loc, v[0], v[1]);
  case MapOp::Math_min:
    return arith::MinimumFOp::create(b, loc, v[0], v[1]);
  case MapOp::Math_max:
    return arith::MaximumFOp::create(b, loc, v[0], v[1]);
  default:
    llvm_unreachable("not an operation on real numbers");
  }
}

static Value emitInteger(OpBuilder &b, Location loc, MapOp op, ValueRange v) {
  switch (op) {
  case MapOp::Add:
    return arith::AddIOp::create(b, loc, v[0], v[1]);
  case MapOp::Sub:
    return arith::SubIOp::create(b, loc, v[0], v[1]);
  case MapOp::Mul:
    return arith::MulIOp::create(b, loc, v[0], v[1]);
  case MapOp::FloorDiv:
    return arith::DivSIOp::create(b, loc, arith::SubIOp::create(b, loc, v[0], floorMod(b, loc, v[0], v[1])), v[1]);
  case MapOp::Mod:
    return floorMod(b, loc, v[0], v[1]);
  case MapOp::Neg:
    return arith::SubIOp::create(b, loc, zeroOf(b, loc, v[0].getType()), v[0]);
  case MapOp::Math_abs:
    return arith::MaxSIOp::create(b, loc, v[0], emitInteger(b, loc, MapOp::Neg, v[0]));
  case MapOp::Math_min:
    return arith::MinSIOp::create(b, loc, v[0], v[1]);
  case MapOp::Math_max:
    return arith::MaxSIOp::create(b, loc, v[0], v[1]);
  default:
    llvm_unreachable("not an operation on whole numbers");
  }
}

Value weft::frontend::emitScalar(OpBuilder &b, Location loc, MapOp op, ValueRange v) {
  switch (op) {
  case MapOp::Lt:
  case MapOp::Le:
  case MapOp::Gt:
  case MapOp::Ge:
  case MapOp::Eq:
  case MapOp::Ne:
    return compare(b, loc, op, v[0], v[1]);
  case MapOp::And:
    return arith::AndIOp::create(b, loc, v[0], v[1]);
  case MapOp::Or:
    return arith::OrIOp::create(b, loc, v[0], v[1]);
  case MapOp::Not:
    return arith::XOrIOp::create(b, loc, v[0], arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
  case MapOp::Select:
    return arith::SelectOp::create(b, loc, v[0], v[1], v[2]);
  case MapOp::ToF32: {
    Value number = v[0];
    if (number.getType().isIndex())
      number = arith::IndexCastOp::create(b, loc, b.getI64Type(), number);
    return arith::SIToFPOp::create(b, loc, b.getF32Type(), number);
  }
  case MapOp::ToIndex:
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), v[0]);
  case MapOp::ToI32:
    return arith::IndexCastOp::create(b, loc, b.getI32Type(), v[0]);
  default:
    return isa<FloatType>(v[0].getType()) ? emitFloat(b, loc, op, v) : emitInteger(b, loc, op, v);
  }
}

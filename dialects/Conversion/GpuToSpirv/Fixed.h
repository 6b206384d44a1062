//===- Fixed.h - arithmetic on i64 and f32 while building a kernel ---------------------------------------*- C++
//-*-===//
// Answers: how are formulas of shifts, products and polynomials written that stand in for f64?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace weft {

/// By value. Integers are i64 and wrap; where the sign of one counts, the name says so.
class Fixed {
public:
  explicit Fixed(mlir::ImplicitLocOpBuilder &b) : b(b) {}
  using Value = mlir::Value;

  Value integer(uint64_t value) {
    return mlir::arith::ConstantOp::create(b, b.getI64IntegerAttr(static_cast<int64_t>(value)));
  }
  Value shl(Value x, Value y) { return mlir::arith::ShLIOp::create(b, x, y); }
  Value shl(Value x, uint64_t y) { return shl(x, integer(y)); }
  Value shr(Value x, Value y) { return mlir::arith::ShRUIOp::create(b, x, y); }
  Value shr(Value x, uint64_t y) { return shr(x, integer(y)); }
  Value signedShr(Value x, uint64_t y) { return mlir::arith::ShRSIOp::create(b, x, integer(y)); }
  Value sum(Value x, Value y) { return mlir::arith::AddIOp::create(b, x, y); }
  Value difference(Value x, Value y) { return mlir::arith::SubIOp::create(b, x, y); }
  Value product(Value x, Value y) { return mlir::arith::MulIOp::create(b, x, y); }
  Value quotient(Value x, Value y) { return mlir::arith::DivUIOp::create(b, x, y); }
  Value both(Value x, Value y) { return mlir::arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return mlir::arith::OrIOp::create(b, x, y); }
  Value negative(Value x) { return difference(integer(0), x); }
  Value negativeIf(Value condition, Value x) { return select(condition, negative(x), x); }
  Value isBelow(Value x, uint64_t bound) {
    return mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::ult, x, integer(bound));
  }
  Value isSignedBelow(Value x, Value y) {
    return mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::slt, x, y);
  }
  Value isEqual(Value x, Value y) { return mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::eq, x, y); }
  Value isSet(Value bits, uint64_t mask) {
    return mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::ne, both(bits, integer(mask)), integer(0));
  }
  Value select(Value condition, Value x, Value y) { return mlir::arith::SelectOp::create(b, condition, x, y); }

  Value real(double value) { return mlir::arith::ConstantOp::create(b, b.getF32FloatAttr(static_cast<float>(value))); }
  Value times(Value x, Value y) { return mlir::arith::MulFOp::create(b, x, y); }
  Value plus(Value x, Value y) { return mlir::arith::AddFOp::create(b, x, y); }
  Value minus(Value x, Value y) { return mlir::arith::SubFOp::create(b, x, y); }
  Value opposite(Value condition, Value x) { return select(condition, mlir::arith::NegFOp::create(b, x), x); }
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, Value y) {
    return mlir::arith::CmpFOp::create(b, predicate, x, y);
  }
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, llvm::ArrayRef<double> c) {
    Value result = real(c.back());
    for (double coefficient : llvm::reverse(c.drop_back()))
      result = plus(times(result, x), real(coefficient));
    return result;
  }

  /// The bits of an f32, and the f32 of bits.
  Value bits(Value x) {
    return mlir::arith::ExtUIOp::create(b, b.getI64Type(),
                                        mlir::arith::BitcastOp::create(b, b.getI32Type(), x).getResult());
  }
  Value number(Value bits) {
    return mlir::arith::BitcastOp::create(b, b.getF32Type(),
                                          mlir::arith::TruncIOp::create(b, b.getI32Type(), bits).getResult());
  }
  Value rounded(Value unsignedInteger) { return mlir::arith::UIToFPOp::create(b, b.getF32Type(), unsignedInteger); }
  Value signedRounded(Value integer) { return mlir::arith::SIToFPOp::create(b, b.getF32Type(), integer); }

  mlir::ImplicitLocOpBuilder &b;
};

/// Of f32.
inline constexpr uint64_t mantissaBits = 0x7fffff, hiddenBit = 0x800000, signBit = 0x80000000,
                          infinityBits = 0x7f800000;

} // namespace weft

//===- LoopBuilder.h - index arithmetic, loops and branches ----------------------------------------------*- C++
//-*-===//
// Answers: how is scalar code around a kernel's numbers written so that it reads like the code it becomes?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace weft {

class LoopBuilder {
public:
  explicit LoopBuilder(mlir::ImplicitLocOpBuilder &b) : b(b) {}

  //===-- index arithmetic ----------------------------------------------------------------------------------------===//
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, value); }
  template <typename Op> mlir::Value make(mlir::Value x, mlir::Value y) { return b.createOrFold<Op>(x, y); }
  mlir::Value add(mlir::Value x, mlir::Value y) { return make<mlir::arith::AddIOp>(x, y); }
  mlir::Value add(mlir::Value x, int64_t y) { return y ? add(x, index(y)) : x; }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return make<mlir::arith::SubIOp>(x, y); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return make<mlir::arith::MulIOp>(x, y); }
  mlir::Value mul(mlir::Value x, int64_t y) { return y == 1 ? x : mul(x, index(y)); }
  mlir::Value min(mlir::Value x, mlir::Value y) { return make<mlir::arith::MinSIOp>(x, y); }
  mlir::Value max(mlir::Value x, mlir::Value y) { return make<mlir::arith::MaxSIOp>(x, y); }
  mlir::Value divide(mlir::Value x, mlir::Value y) { return make<mlir::arith::DivUIOp>(x, y); }
  mlir::Value divide(mlir::Value x, int64_t y) { return y == 1 ? x : divide(x, index(y)); }
  mlir::Value remainder(mlir::Value x, mlir::Value y) { return make<mlir::arith::RemUIOp>(x, y); }
  mlir::Value remainder(mlir::Value x, int64_t y) { return remainder(x, index(y)); }
  mlir::Value ceilDivide(mlir::Value x, int64_t y) { return divide(add(x, y - 1), y); }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::CmpIOp>(predicate, x, y);
  }
  mlir::Value less(mlir::Value x, mlir::Value y) { return compare(mlir::arith::CmpIPredicate::slt, x, y); }
  mlir::Value both(mlir::Value x, mlir::Value y) { return make<mlir::arith::AndIOp>(x, y); }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::SelectOp>(condition, x, y);
  }
  mlir::Value sizeOf(mlir::Value memref, int64_t dim) { return b.createOrFold<mlir::memref::DimOp>(memref, dim); }

  //===-- numbers -------------------------------------------------------------------------------------------------===//
  mlir::Value constant(float value) { return mlir::arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }
  mlir::Value load(mlir::Value memref, mlir::ValueRange at) { return mlir::memref::LoadOp::create(b, memref, at); }
  void store(mlir::Value value, mlir::Value memref, mlir::ValueRange at) {
    mlir::memref::StoreOp::create(b, value, memref, at);
  }

  //===-- loops and branches --------------------------------------------------------------------------------------===//
  using Values = llvm::SmallVector<mlir::Value>;
  using LoopBody = llvm::function_ref<Values(mlir::Value, mlir::ValueRange)>;

  /// for (i = from; i < to; i += step), with values carried from one round to the next.
  Values loop(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange carried, LoopBody body) {
    auto emit = [&](mlir::OpBuilder &, mlir::Location, mlir::Value i, mlir::ValueRange state) {
      mlir::scf::YieldOp::create(b, body(i, state));
    };
    return Values(mlir::scf::ForOp::create(b, from, to, step, carried, emit).getResults());
  }
  void loop(mlir::Value from, mlir::Value to, mlir::Value step, llvm::function_ref<void(mlir::Value)> body) {
    loop(from, to, step, {}, [&](mlir::Value i, mlir::ValueRange) {
      body(i);
      return Values();
    });
  }
  /// for (i = 0; i < to; ++i)
  Values loop(mlir::Value to, mlir::ValueRange carried, LoopBody body) {
    return loop(index(0), to, index(1), carried, body);
  }

  void when(mlir::Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = nullptr) {
    auto branch = [&](llvm::function_ref<void()> emit) {
      return [this, emit](mlir::OpBuilder &, mlir::Location) {
        emit();
        mlir::scf::YieldOp::create(b);
      };
    };
    if (otherwise)
      mlir::scf::IfOp::create(b, condition, branch(then), branch(otherwise));
    else
      mlir::scf::IfOp::create(b, condition, branch(then));
  }
  Values choose(mlir::Value condition, llvm::function_ref<Values()> then, llvm::function_ref<Values()> otherwise) {
    auto branch = [&](llvm::function_ref<Values()> emit) {
      return [this, emit](mlir::OpBuilder &, mlir::Location) { mlir::scf::YieldOp::create(b, emit()); };
    };
    return Values(mlir::scf::IfOp::create(b, condition, branch(then), branch(otherwise)).getResults());
  }

  mlir::ImplicitLocOpBuilder &b;
};

} // namespace weft

//===- Closures.h - memrefs as the structures that they become ------------------------------------------*- C++ -*-===//
// Answers: how do values travel through memory before the conversion to the LLVM dialect? As the LLVM types that they
// will have; the casts in between vanish when the rest is converted.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace weft {

inline mlir::Value castTo(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, mlir::Value value) {
  if (value.getType() == type)
    return value;
  return mlir::UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0);
}

/// The value that lies at `pointer`, of `type` after conversion, as a `type`.
inline mlir::Value loadAs(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, mlir::Value pointer,
                          const mlir::LLVMTypeConverter &types) {
  mlir::Value loaded = mlir::LLVM::LoadOp::create(b, loc, types.convertType(type), pointer);
  return castTo(b, loc, type, loaded);
}

} // namespace weft

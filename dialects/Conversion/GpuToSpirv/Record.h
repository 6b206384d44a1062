//===- Record.h - the arguments of a kernel in memory ---------------------------------------------------*- C++ -*-===//
// Answers: where in the record of a dispatch does each argument of a kernel lie?
//
// First what takes 8 bytes: addresses of element 0 of memrefs, and wide numbers; then what takes 4: sizes and strides
// of memrefs that are known only when running, and the other numbers. The host writes it, the kernel reads it.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace weft {

inline constexpr int64_t mostRecordBytes = 1024; // WEFT_ABI_MAX_RECORD

struct RecordField {
  enum Kind { Address, Size, Stride, Number };
  unsigned argument;
  Kind kind;
  int64_t dim;   ///< of a size or a stride
  int64_t bytes; ///< 4 or 8
  int64_t offset;
};

struct Record {
  /// Fails, and says why at `loc`, for an argument that no record can hold, or too many of them.
  static mlir::FailureOr<Record> of(mlir::TypeRange arguments, mlir::Location loc);

  llvm::SmallVector<RecordField> fields;
  int64_t bytes = 0;
};

/// Bytes of an element in memory: i1 takes one, index eight.
int64_t bytesOfElement(mlir::Type element);

} // namespace weft

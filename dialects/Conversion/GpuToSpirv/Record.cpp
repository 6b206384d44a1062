//===- Record.cpp - the arguments of a kernel in memory -----------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/Record.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace weft {

int64_t bytesOfElement(Type element) {
  return element.isIndex() ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

FailureOr<Record> Record::of(TypeRange arguments, Location loc) {
  Record record;
  auto add = [&](unsigned argument, RecordField::Kind kind, int64_t dim, int64_t bytes) {
    record.fields.push_back({argument, kind, dim, bytes, 0});
  };
  for (auto [number, type] : llvm::enumerate(arguments)) {
    if (auto memref = dyn_cast<MemRefType>(type)) {
      auto [strides, offset] = memref.getStridesAndOffset();
      add(number, RecordField::Address, 0, 8);
      for (int64_t d = 0; d < memref.getRank(); ++d) {
        if (memref.isDynamicDim(d))
          add(number, RecordField::Size, d, 4);
        if (ShapedType::isDynamic(strides[d]))
          add(number, RecordField::Stride, d, 4);
      }
    } else if (type.isIndex() || (type.isIntOrFloat() && type.getIntOrFloatBitWidth() <= 32)) {
      add(number, RecordField::Number, 0, 4);
    } else if (type.isIntOrFloat() && type.getIntOrFloatBitWidth() == 64) {
      add(number, RecordField::Number, 0, 8);
    } else {
      return emitError(loc) << "a kernel cannot take a " << type << " as argument " << number;
    }
  }
  llvm::stable_sort(record.fields, [](const RecordField &a, const RecordField &b) { return a.bytes > b.bytes; });
  for (RecordField &field : record.fields) {
    field.offset = record.bytes;
    record.bytes += field.bytes;
  }
  record.bytes = llvm::alignTo(record.bytes, 8);
  if (record.bytes > mostRecordBytes)
    return emitError(loc) << "the arguments of this kernel take " << record.bytes << " bytes, but at most "
                          << mostRecordBytes << " are possible; it reads too many buffers at once";
  return record;
}

} // namespace weft

//===- KernelMemory.cpp - a kernel's memory as addresses ----------------------------------------------------------===//
// Answers: which address does an element of a strided memref have, and which SPIR-V op reads it?
//
// An offset is computed in 32 bits where the buffer is known to be small enough, else in 64. Constant tables become
// arrays of the kernel's own, which drivers keep with its code.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/KernelMemory.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace weft {
namespace {

/// A memref of the kernel: where it begins, and how its elements lie.
struct Buffer {
  Value address; ///< i64, of element 0; null for a constant table
  Value table;   ///< pointer to the array of a constant table
  SmallVector<Value> sizes, strides;
  Type element;
  bool isSmall; ///< offsets in bytes fit 31 bits
};

class KernelMemory {
public:
  KernelMemory(gpu::GPUFuncOp kernel, const Record &record)
      : kernel(kernel), record(record), b(kernel.getLoc(), kernel) {}

  LogicalResult lower() {
    readRecord();
    SmallVector<Operation *> ops;
    kernel.walk([&](Operation *op) {
      auto isMemref = [](Type type) { return isa<MemRefType>(type); };
      if (llvm::any_of(op->getOperandTypes(), isMemref) || llvm::any_of(op->getResultTypes(), isMemref))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      b.setLoc(op->getLoc());
      b.setInsertionPoint(op);
      if (failed(lower(op)))
        return failure();
    }
    for (Operation *op : llvm::reverse(ops)) // but for memory of the workgroup, all have been replaced
      if (op->use_empty() && !isOfWorkgroup(op))
        op->erase();
    Block &entry = kernel.getBody().front();
    entry.eraseArguments(1, arguments);
    kernel.setFunctionType(b.getFunctionType(b.getI64Type(), {}));
    return success();
  }

private:
  Value number(int64_t value) { return arith::ConstantIntOp::create(b, b.getI64Type(), value); }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value toIndex(Value value) { return b.createOrFold<arith::IndexCastOp>(b.getIndexType(), value); }

  //===-- device memory -------------------------------------------------------------------------------------------===//
  Value pointerTo(Type type, Value address) {
    auto pointer = spirv::PointerType::get(type, spirv::StorageClass::PhysicalStorageBuffer);
    return spirv::ConvertUToPtrOp::create(b, pointer, address);
  }
  spirv::MemoryAccessAttr aligned() {
    return spirv::MemoryAccessAttr::get(b.getContext(), spirv::MemoryAccess::Aligned);
  }
  Value loadAt(Type type, Value address, int64_t alignment) {
    return spirv::LoadOp::create(b, pointerTo(type, address), aligned(), b.getI32IntegerAttr(alignment));
  }
  void storeAt(Value value, Value address, int64_t alignment) {
    spirv::StoreOp::create(b, pointerTo(value.getType(), address), value, aligned(), b.getI32IntegerAttr(alignment));
  }

  //===-- arguments -----------------------------------------------------------------------------------------------===//
  void readRecord() {
    Block &entry = kernel.getBody().front();
    arguments = entry.getNumArguments();
    Value base = entry.insertArgument(0u, b.getI64Type(), kernel.getLoc());
    b.setInsertionPointToStart(&entry);
    for (unsigned i = 0; i < arguments; ++i)
      if (auto type = dyn_cast<MemRefType>(entry.getArgument(i + 1).getType()))
        buffers[entry.getArgument(i + 1)] = describe(type);
    for (const RecordField &field : record.fields) {
      Value argument = entry.getArgument(field.argument + 1);
      Value address = arith::AddIOp::create(b, base, number(field.offset));
      auto integer = [&] { return loadAt(b.getIntegerType(field.bytes * 8), address, field.bytes); };
      switch (field.kind) {
      case RecordField::Address:
        buffers[argument].address = integer();
        break;
      case RecordField::Size:
        buffers[argument].sizes[field.dim] = toIndex(integer());
        break;
      case RecordField::Stride:
        buffers[argument].strides[field.dim] = toIndex(integer());
        break;
      case RecordField::Number:
        argument.replaceAllUsesWith(asNumber(argument.getType(), address, field.bytes));
        break;
      }
    }
  }

  Value asNumber(Type type, Value address, int64_t bytes) {
    if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() >= 32)
      return loadAt(type, address, bytes);
    Value word = loadAt(b.getIntegerType(bytes * 8), address, bytes);
    if (type.isIndex())
      return toIndex(word);
    return word.getType() == type ? word : Value(arith::TruncIOp::create(b, type, word));
  }

  /// What the type says; sizes and strides that it does not know are null.
  Buffer describe(MemRefType type) {
    Buffer buffer;
    buffer.element = type.getElementType();
    auto [strides, offset] = type.getStridesAndOffset();
    int64_t span = 1;
    for (int64_t d = 0; d < type.getRank(); ++d) {
      bool isKnown = !type.isDynamicDim(d) && !ShapedType::isDynamic(strides[d]);
      buffer.sizes.push_back(type.isDynamicDim(d) ? Value() : index(type.getDimSize(d)));
      buffer.strides.push_back(ShapedType::isDynamic(strides[d]) ? Value() : index(strides[d]));
      span = span < 0 || !isKnown ? -1 : span + std::max<int64_t>(type.getDimSize(d) - 1, 0) * strides[d];
    }
    buffer.isSmall = span >= 0 && span * bytesOfElement(buffer.element) <= std::numeric_limits<int32_t>::max();
    return buffer;
  }

  //===-- ops -----------------------------------------------------------------------------------------------------===//
  static bool isOfWorkgroup(Operation *op) {
    auto isShared = [](Type type) {
      auto memref = dyn_cast<MemRefType>(type);
      return memref && memref.getMemorySpace();
    };
    return llvm::any_of(op->getOperandTypes(), isShared) || llvm::any_of(op->getResultTypes(), isShared);
  }

  LogicalResult lower(Operation *op) {
    if (isOfWorkgroup(op)) {
      if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
        auto space = spirv::StorageClassAttr::get(b.getContext(), spirv::StorageClass::Workgroup);
        alloc.getResult().setType(MemRefType::Builder(alloc.getType()).setMemorySpace(space));
        return success();
      }
      if (isa<memref::LoadOp, memref::StoreOp, gpu::SubgroupMmaLoadMatrixOp, gpu::SubgroupMmaStoreMatrixOp>(op))
        return success();
    } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
      if (load.getType().isBF16())
        return widen(load, loadAt(b.getI16Type(), addressOf(buffers[load.getMemRef()], load.getIndices()), 2));
      load.replaceAllUsesWith(lowerLoad(load));
      return success();
    } else if (auto store = dyn_cast<memref::StoreOp>(op)) {
      lowerStore(store);
      return success();
    } else if (auto load = dyn_cast<vector::LoadOp>(op)) {
      auto type = load.getVectorType();
      if (type.getElementType().isInteger() && type.getElementTypeBitWidth() < 16)
        return lowerWords(load);
      Value address = addressOf(buffers[load.getBase()], load.getIndices());
      if (type.getElementType().isBF16())
        return widen(load, loadVector(type.clone(b.getI16Type()), address));
      load.replaceAllUsesWith(loadVector(type, address));
      return success();
    } else if (auto rmw = dyn_cast<memref::AtomicRMWOp>(op)) {
      if (rmw.getKind() == arith::AtomicRMWKind::minu) {
        lowerAtomic(rmw);
        return success();
      }
    } else if (auto dim = dyn_cast<memref::DimOp>(op)) {
      if (std::optional<int64_t> d = dim.getConstantIndex()) {
        dim.replaceAllUsesWith(buffers[dim.getSource()].sizes[*d]);
        return success();
      }
    } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
      lowerCollapse(collapse);
      return success();
    } else if (auto global = dyn_cast<memref::GetGlobalOp>(op)) {
      return lowerGlobal(global);
    }
    return op->emitError("a kernel for a GPU cannot hold ") << op->getName();
  }

  /// Vectors of whole numbers of 64 bits come as such: drivers that read memory one number after another then need half
  /// the time or less, and others do the same as before.
  Value loadVector(VectorType type, Value address) {
    int64_t bytes = type.getNumElements() * bytesOfElement(type.getElementType());
    if (bytes % 8)
      return loadAt(type, address, bytes);
    Type wide = b.getI64Type();
    if (bytes > 8)
      wide = VectorType::get({bytes / 8}, wide);
    return spirv::BitcastOp::create(b, type, loadAt(wide, address, bytes));
  }

  /// Integers that lie some to a word of 32 bits come as words, which every device reads.
  LogicalResult lowerWords(vector::LoadOp load) {
    Buffer buffer = buffers[load.getBase()];
    int64_t perWord = 32 / load.getVectorType().getElementTypeBitWidth();
    bool areWords = load.getVectorType().getNumElements() % perWord == 0;
    for (Value &stride : MutableArrayRef(buffer.strides).drop_back()) {
      std::optional<int64_t> known = getConstantIntValue(stride);
      areWords &= known && *known % perWord == 0;
      stride = index(known.value_or(0) / perWord);
    }
    if (!areWords || !matchPattern(load.getIndices().back(), m_Zero()))
      return load.emitError("a kernel for a GPU reads whole words of ") << load.getVectorType().getElementType();
    buffer.element = b.getI32Type();
    auto words = VectorType::get({load.getVectorType().getNumElements() / perWord}, buffer.element);
    Value address = addressOf(buffer, load.getIndices());
    Value loaded = words.getNumElements() > 1
                       ? loadVector(words, address)
                       : Value(vector::FromElementsOp::create(b, words, loadAt(buffer.element, address, 4)));
    for (Operation *user : llvm::make_early_inc_range(load->getUsers())) {
      if (!isa<vector::BitCastOp>(user) || user->getResult(0).getType() != words)
        return user->emitError("a kernel for a GPU can only take words of ") << load.getVectorType().getElementType();
      user->getResult(0).replaceAllUsesWith(loaded);
      user->erase();
    }
    return success();
  }

  Value addressOf(const Buffer &buffer, ValueRange at) {
    if (buffer.isSmall)
      return arith::AddIOp::create(
          b, buffer.address,
          arith::MulIOp::create(b, arith::IndexCastUIOp::create(b, b.getI64Type(), offsetOf(buffer, at)),
                                number(bytesOfElement(buffer.element))));
    Value offset = number(0);
    auto wide = [&](Value x) { return b.createOrFold<arith::IndexCastOp>(b.getI64Type(), x); };
    for (auto [i, stride] : llvm::zip_equal(at, buffer.strides))
      offset = b.createOrFold<arith::AddIOp>(offset, b.createOrFold<arith::MulIOp>(wide(i), wide(stride)));
    offset = arith::MulIOp::create(b, offset, number(bytesOfElement(buffer.element)));
    return arith::AddIOp::create(b, buffer.address, offset);
  }

  Value offsetOf(const Buffer &buffer, ValueRange at) {
    Value offset = index(0);
    for (auto [i, stride] : llvm::zip_equal(at, buffer.strides))
      offset = b.createOrFold<arith::AddIOp>(offset, b.createOrFold<arith::MulIOp>(i, stride));
    return offset;
  }

  Value lowerLoad(memref::LoadOp load) {
    const Buffer &buffer = buffers[load.getMemRef()];
    if (buffer.table) {
      Value offset = arith::IndexCastOp::create(b, b.getI32Type(), offsetOf(buffer, load.getIndices()));
      return spirv::LoadOp::create(b, spirv::AccessChainOp::create(b, buffer.table, offset).getResult());
    }
    Value address = addressOf(buffer, load.getIndices());
    int64_t bytes = bytesOfElement(buffer.element);
    if (buffer.element.isIndex())
      return toIndex(loadAt(b.getI64Type(), address, bytes));
    if (!buffer.element.isInteger(1))
      return loadAt(buffer.element, address, bytes);
    Value byte = arith::ExtUIOp::create(b, b.getI32Type(), loadAt(b.getI8Type(), address, bytes));
    Value zero = arith::ConstantIntOp::create(b, b.getI32Type(), 0);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, byte, zero);
  }

  /// bf16 is the upper half of an f32: few devices have numbers of this type, all have integers.
  LogicalResult widen(Operation *load, Value halves) {
    for (Operation *user : llvm::make_early_inc_range(load->getUsers())) {
      auto extension = dyn_cast<arith::ExtFOp>(user);
      if (!extension)
        return user->emitError("a kernel for a GPU can only widen a bf16 number");
      auto words = isa<VectorType>(halves.getType()) ? cast<VectorType>(halves.getType()).clone(b.getI32Type())
                                                     : Type(b.getI32Type());
      Value word = arith::ExtUIOp::create(b, words, halves);
      Value bits = arith::ConstantOp::create(
          b, isa<VectorType>(words)
                 ? TypedAttr(DenseElementsAttr::get(cast<VectorType>(words), b.getI32IntegerAttr(16)))
                 : TypedAttr(b.getI32IntegerAttr(16)));
      extension.replaceAllUsesWith(
          arith::BitcastOp::create(b, extension.getType(), arith::ShLIOp::create(b, word, bits)).getResult());
      extension.erase();
    }
    return success();
  }

  void lowerStore(memref::StoreOp store) {
    const Buffer &buffer = buffers[store.getMemRef()];
    Value value = store.getValue();
    if (buffer.element.isIndex())
      value = arith::IndexCastOp::create(b, b.getI64Type(), value);
    else if (buffer.element.isInteger(1))
      value = arith::TruncIOp::create(b, b.getI8Type(), arith::ExtUIOp::create(b, b.getI32Type(), value));
    storeAt(value, addressOf(buffer, store.getIndices()), bytesOfElement(buffer.element));
  }

  void lowerAtomic(memref::AtomicRMWOp rmw) {
    Value address = addressOf(buffers[rmw.getMemref()], rmw.getIndices());
    Value before = spirv::AtomicUMinOp::create(b, rmw.getType(), pointerTo(rmw.getType(), address),
                                               spirv::Scope::Device, spirv::MemorySemantics::None, rmw.getValue());
    rmw.replaceAllUsesWith(before);
  }

  void lowerCollapse(memref::CollapseShapeOp collapse) {
    Buffer source = buffers[collapse.getSrc()], buffer = source;
    buffer.sizes.clear();
    buffer.strides.clear();
    for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
      Value size = source.sizes[group.front()];
      for (int64_t d : ArrayRef(group).drop_front())
        size = b.createOrFold<arith::MulIOp>(size, source.sizes[d]);
      buffer.sizes.push_back(size);
      buffer.strides.push_back(source.strides[group.back()]);
    }
    if (collapse.getReassociationIndices().empty()) { // all of it, which has one element
      buffer.sizes.clear();
      buffer.strides.clear();
    }
    buffers[collapse.getResult()] = buffer;
  }

  LogicalResult lowerGlobal(memref::GetGlobalOp op) {
    auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(op, op.getNameAttr());
    auto numbers = global ? dyn_cast_or_null<DenseElementsAttr>(global.getConstantInitValue()) : DenseElementsAttr();
    MemRefType type = op.getType();
    if (!numbers || !type.getLayout().isIdentity() || type.getNumElements() == 0)
      return op.emitError("a kernel for a GPU reads constant tables alone, but '") << op.getName() << "' is none";
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&kernel.getBody().front());
    auto array = spirv::ArrayType::get(type.getElementType(), type.getNumElements());
    auto flat = RankedTensorType::get({type.getNumElements()}, type.getElementType());
    Value content = spirv::ConstantOp::create(b, array, numbers.reshape(flat));
    Buffer buffer = describe(type);
    auto function = spirv::StorageClass::Function;
    buffer.table = spirv::VariableOp::create(b, spirv::PointerType::get(array, function),
                                             spirv::StorageClassAttr::get(b.getContext(), function), content);
    buffers[op.getResult()] = buffer;
    return success();
  }

  gpu::GPUFuncOp kernel;
  const Record &record;
  ImplicitLocOpBuilder b;
  unsigned arguments = 0;
  DenseMap<Value, Buffer> buffers;
};

} // namespace

LogicalResult lowerKernelMemory(gpu::GPUFuncOp kernel, const Record &record) {
  return KernelMemory(kernel, record).lower();
}

} // namespace weft

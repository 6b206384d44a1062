//===- LowerLaunches.cpp - pass weft-lower-launches ---------------------------------------------------------------===//
// Answers: how does the host say what a kernel works on? It writes the kernel's record on its stack and calls
// `weft_dispatch` of abi.h, with addresses of the device as numbers that it computes with but never follows.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/CpuToLLVM/Closures.h"
#include "dialects/Conversion/GpuToSpirv/Barriers.h"
#include "dialects/Conversion/GpuToSpirv/KernelMemory.h"
#include "dialects/Conversion/Passes.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_LOWERLAUNCHESPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

constexpr StringLiteral runtimeCall = "weft_dispatch";
constexpr int64_t needsBarrier = 1, tooLargeShift = 1, callShift = 32; // as abi.h has them

struct Kernel {
  int64_t number;
  Record record;
  SmallVector<bool> written; ///< by argument
};

struct LowerLaunches : impl::LowerLaunchesPassBase<LowerLaunches> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    WalkResult result = module.walk([&](gpu::GPUFuncOp kernel) {
      FailureOr<Record> record = Record::of(kernel.getArgumentTypes(), kernel.getLoc());
      if (failed(record) || failed(checkCounts(kernel)))
        return WalkResult::interrupt();
      int64_t number = kernels.size();
      kernels[kernel] = {number, *record, writtenArguments(kernel)};
      return WalkResult::advance();
    });
    if (result.wasInterrupted() || failed(checkHost()))
      return signalPassFailure();
    SmallVector<gpu::LaunchFuncOp> launches;
    module.walk([&](gpu::LaunchFuncOp launch) { launches.push_back(launch); });
    auto written = [&](gpu::LaunchFuncOp launch) -> ArrayRef<bool> { return factsOf(launch).written; };
    for (auto function : module.getOps<func::FuncOp>())
      waiting.insert_range(waitingLaunches(function, written));
    for (gpu::LaunchFuncOp launch : launches)
      lower(launch);
    for (auto &[kernel, facts] : kernels)
      if (failed(lowerKernelMemory(cast<gpu::GPUFuncOp>(kernel), facts.record)))
        return signalPassFailure();
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
    // Kernels have taken with them what they read.
    for (auto global : llvm::make_early_inc_range(module.getOps<memref::GlobalOp>()))
      if (SymbolTable::symbolKnownUseEmpty(global, module))
        global.erase();
  }

  /// Kernels count in 32 bits, of which the sign is one. What is known when running is checked then.
  static LogicalResult checkCounts(gpu::GPUFuncOp kernel) {
    WalkResult result = kernel.walk([](arith::ConstantIndexOp op) {
      if (llvm::isInt<32>(op.value()))
        return WalkResult::advance();
      op.emitError("a kernel would have to count to ")
          << op.value() << ", and code for Vulkan counts in 31 bits; use smaller sizes";
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  /// Nothing on the host may read or write memory of the device.
  LogicalResult checkHost() {
    WalkResult result = getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<gpu::GPUModuleOp>(op))
        return WalkResult::skip();
      if (!isa<memref::LoadOp, memref::StoreOp, memref::GetGlobalOp, memref::CopyOp>(op))
        return WalkResult::advance();
      op->emitError("this would read or write memory of the device outside of a kernel");
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  const Kernel &factsOf(gpu::LaunchFuncOp launch) {
    return kernels.find(SymbolTable::lookupNearestSymbolFrom(launch, launch.getKernel()))->second;
  }

  void lower(gpu::LaunchFuncOp launch) {
    ImplicitLocOpBuilder b(launch.getLoc(), launch);
    const Kernel &facts = factsOf(launch);
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = b.getI64Type();
    auto integer = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(b, i64, value); };

    Value groups = stack(launch, 3 * 8), record = stack(launch, facts.record.bytes);
    auto put = [&](Value value, Value memory, int64_t offset) {
      Value place =
          LLVM::GEPOp::create(b, pointer, b.getI8Type(), memory, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
      LLVM::StoreOp::create(b, value, place);
    };
    gpu::KernelDim3 sizes = launch.getGridSizeOperandValues();
    for (auto [i, size] : llvm::enumerate(ArrayRef<Value>{sizes.x, sizes.y, sizes.z}))
      put(arith::IndexCastOp::create(b, i64, size), groups, 8 * i);

    Value tooLarge = arith::ConstantIntOp::create(b, false, 1);
    auto putIndex = [&](Value value, const RecordField &field) {
      Type word = b.getIntegerType(field.bytes * 8);
      if (field.bytes < 8 && !getConstantIntValue(value)) {
        // The kernel counts in 32 bits, of which the sign is one.
        Value wide = arith::IndexCastOp::create(b, i64, value), narrow = arith::TruncIOp::create(b, word, wide);
        Value again = arith::ExtSIOp::create(b, i64, narrow);
        Value differs = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, again, wide);
        tooLarge = b.createOrFold<arith::OrIOp>(tooLarge, differs);
      }
      put(arith::IndexCastOp::create(b, word, value), record, field.offset);
    };
    DenseMap<Value, memref::ExtractStridedMetadataOp> described;
    for (const RecordField &field : facts.record.fields) {
      Value argument = launch.getKernelOperand(field.argument);
      Type word = b.getIntegerType(field.bytes * 8);
      if (field.kind == RecordField::Number && argument.getType().isIndex()) {
        putIndex(argument, field);
        continue;
      }
      if (field.kind == RecordField::Number) {
        put(numberOf(b, argument, word), record, field.offset);
        continue;
      }
      auto [found, isNew] = described.try_emplace(argument);
      if (isNew)
        found->second = memref::ExtractStridedMetadataOp::create(b, argument);
      memref::ExtractStridedMetadataOp metadata = found->second;
      Value value = field.kind == RecordField::Size     ? metadata.getSizes()[field.dim]
                    : field.kind == RecordField::Stride ? metadata.getStrides()[field.dim]
                                                        : addressOf(b, argument, metadata);
      putIndex(value, field);
    }
    int64_t flags = waiting.contains(launch) ? needsBarrier : 0;
    if (auto tick = launch->getAttrOfType<IntegerAttr>(contract::tick))
      flags |= tick.getInt() << callShift;
    Value refused = arith::ShLIOp::create(b, arith::ExtUIOp::create(b, i64, tooLarge), integer(tooLargeShift));
    SmallVector<Value> arguments = {integer(facts.number), b.createOrFold<arith::OrIOp>(refused, integer(flags)),
                                    groups, record, integer(facts.record.bytes)};
    func::CallOp::create(b, runtime(), arguments);
    launch.erase();
  }

  /// Of element 0, as an index.
  Value addressOf(ImplicitLocOpBuilder &b, Value memref, memref::ExtractStridedMetadataOp metadata) {
    int64_t bytes = bytesOfElement(cast<MemRefType>(memref.getType()).getElementType());
    Value offset = getValueOrCreateConstantIndexOp(b, b.getLoc(), metadata.getConstifiedMixedOffset());
    offset = b.createOrFold<arith::MulIOp>(offset, arith::ConstantIndexOp::create(b, bytes));
    return b.createOrFold<arith::AddIOp>(memref::ExtractAlignedPointerAsIndexOp::create(b, memref), offset);
  }

  Value numberOf(ImplicitLocOpBuilder &b, Value value, Type word) {
    Type type = value.getType();
    if (type == word || isa<FloatType>(type))
      return value;
    return arith::ExtUIOp::create(b, word, value);
  }

  /// Memory in the frame of the function, however deep in loops the launch is.
  Value stack(gpu::LaunchFuncOp launch, int64_t bytes) {
    auto function = launch->getParentOfType<func::FuncOp>();
    OpBuilder entry = OpBuilder::atBlockBegin(&function.front());
    Value count = LLVM::ConstantOp::create(entry, launch.getLoc(), entry.getI64Type(), std::max<int64_t>(bytes, 8));
    return LLVM::AllocaOp::create(entry, launch.getLoc(), LLVM::LLVMPointerType::get(&getContext()), entry.getI8Type(),
                                  count, /*alignment=*/16);
  }

  func::FuncOp runtime() {
    if (auto known = getOperation().lookupSymbol<func::FuncOp>(runtimeCall))
      return known;
    OpBuilder b(getOperation().getBodyRegion());
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = b.getI64Type();
    auto function = func::FuncOp::create(b, getOperation().getLoc(), runtimeCall,
                                         b.getFunctionType({i64, i64, pointer, pointer, i64}, {}));
    function.setPrivate();
    return function;
  }

  llvm::MapVector<Operation *, Kernel> kernels;
  DenseSet<Operation *> waiting;
};

} // namespace
} // namespace weft

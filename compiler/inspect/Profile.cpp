//===- Profile.cpp - time spent in each kernel --------------------------------------------------------------------===//
// An entry point calls its kernels one after the other, on the thread that runs it: the time of a call is that of all
// threads. Two readings cost some tens of cycles. Launches of a GPU are numbered, and the runtime takes the time.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/Profile.h"
#include "compiler/inspect/Places.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace weft {

static Value readClock(OpBuilder &b, Location loc) {
  return LLVM::CallIntrinsicOp::create(b, loc, b.getI64Type(), b.getStringAttr("llvm.readcyclecounter"), ValueRange{})
      .getResult(0);
}

/// "packed_linear" of the functions packed_linear_3 and packed_linear_3_kernel_0.
static std::string kindOf(StringRef kernel) { return kernel.split("_kernel").first.rsplit('_').first.str(); }

/// An array that the runtime, or code, adds to.
static LLVM::LLVMArrayType addCounts(ModuleOp module, size_t count) {
  module.getContext()->loadDialect<LLVM::LLVMDialect>();
  OpBuilder b(module.getBodyRegion());
  Type i64 = b.getI64Type();
  auto counts = LLVM::LLVMArrayType::get(i64, std::max<size_t>(1, count));
  LLVM::GlobalOp::create(b, module.getLoc(), counts, /*isConstant=*/false, LLVM::Linkage::External, contract::ticks,
                         b.getZeroAttr(RankedTensorType::get({static_cast<int64_t>(counts.getNumElements())}, i64)));
  return counts;
}

static void surround(func::CallOp call, LLVM::LLVMArrayType counts, int32_t number) {
  OpBuilder b(call);
  Location loc = call.getLoc();
  Type i64 = b.getI64Type(), pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value before = readClock(b, loc);
  b.setInsertionPointAfter(call);
  Value spent = LLVM::SubOp::create(b, loc, readClock(b, loc), before);
  Value all = LLVM::AddressOfOp::create(b, loc, pointer, contract::ticks);
  Value place = LLVM::GEPOp::create(b, loc, pointer, counts, all, ArrayRef<LLVM::GEPArg>{0, number});
  Value sum = LLVM::AddOp::create(b, loc, LLVM::LoadOp::create(b, loc, i64, place), spent);
  LLVM::StoreOp::create(b, loc, sum, place);
}

std::vector<ProfiledCall> insertTicks(ModuleOp module) {
  std::vector<ProfiledCall> calls;
  std::vector<Operation *> ops;
  for (auto entry : module.getOps<func::FuncOp>()) {
    if (!entry->hasAttr(contract::entry))
      continue;
    auto add = [&](Operation *op, StringRef kernel) {
      ops.push_back(op);
      calls.push_back({entry.getName().str(), kindOf(kernel), placeOf(op->getLoc())});
    };
    entry.walk([&](func::CallOp call) { add(call, call.getCallee()); });
    entry.walk([&](gpu::LaunchFuncOp launch) { add(launch, launch.getKernelName()); });
  }
  LLVM::LLVMArrayType counts = addCounts(module, ops.size());
  for (auto [number, op] : llvm::enumerate(ops))
    if (auto call = dyn_cast<func::CallOp>(op))
      surround(call, counts, number);
    else
      op->setAttr(contract::tick, IntegerAttr::get(IntegerType::get(module.getContext(), 64), number));
  return calls;
}

} // namespace weft

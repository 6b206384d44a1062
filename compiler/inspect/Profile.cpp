//===- Profile.cpp - time spent in each kernel --------------------------------------------------------------------===//
// An entry point calls its kernels one after the other, on the thread that runs it: the time of a call is that of all
// threads. Two readings cost some tens of cycles.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/Profile.h"
#include "compiler/inspect/Places.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace weft {

static Value readClock(OpBuilder &b, Location loc) {
  return LLVM::CallIntrinsicOp::create(b, loc, b.getI64Type(), b.getStringAttr("llvm.readcyclecounter"), ValueRange{})
      .getResult(0);
}

/// "packed_linear" of the function packed_linear_3.
static std::string kindOf(StringRef kernel) { return kernel.rsplit('_').first.str(); }

std::vector<ProfiledCall> insertTicks(ModuleOp module) {
  std::vector<ProfiledCall> calls;
  std::vector<func::CallOp> ops;
  for (auto entry : module.getOps<func::FuncOp>()) {
    if (!entry->hasAttr(contract::entry))
      continue;
    entry.walk([&](func::CallOp call) {
      ops.push_back(call);
      calls.push_back({entry.getName().str(), kindOf(call.getCallee()), placeOf(call.getLoc())});
    });
  }
  MLIRContext *context = module.getContext();
  OpBuilder b(module.getBodyRegion());
  Type i64 = b.getI64Type(), pointer = LLVM::LLVMPointerType::get(context);
  auto counts = LLVM::LLVMArrayType::get(i64, std::max<size_t>(1, ops.size()));
  LLVM::GlobalOp::create(b, module.getLoc(), counts, /*isConstant=*/false, LLVM::Linkage::External, contract::ticks,
                         b.getZeroAttr(RankedTensorType::get({static_cast<int64_t>(counts.getNumElements())}, i64)));
  for (auto [number, call] : llvm::enumerate(ops)) {
    Location loc = call.getLoc();
    b.setInsertionPoint(call);
    Value before = readClock(b, loc);
    b.setInsertionPointAfter(call);
    Value spent = LLVM::SubOp::create(b, loc, readClock(b, loc), before);
    Value all = LLVM::AddressOfOp::create(b, loc, pointer, contract::ticks);
    Value place =
        LLVM::GEPOp::create(b, loc, pointer, counts, all, ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(number)});
    Value sum = LLVM::AddOp::create(b, loc, LLVM::LoadOp::create(b, loc, i64, place), spent);
    LLVM::StoreOp::create(b, loc, sum, place);
  }
  return calls;
}

} // namespace weft

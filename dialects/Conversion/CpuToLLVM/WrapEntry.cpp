//===- WrapEntry.cpp - entry points get the calling convention of abi.h -----------------------------------------===//
// Answers: how does the runtime call code whose number and kinds of arguments only the model knows? Through one vector
// of pointers: to memref descriptors, and to the number `past`.
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/CpuToLLVM/Closures.h"
#include "dialects/Conversion/Passes.h"
#include "dialects/Weft/IR/ModelContract.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_WRAPENTRYPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

struct WrapEntry : impl::WrapEntryPassBase<WrapEntry> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> entries;
    auto internal = LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal);
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function->hasAttr(contract::entry))
        entries.push_back(function);
      if (!function.isDeclaration())
        function->setAttr("llvm.linkage", internal);
    }
    for (func::FuncOp entry : entries) {
      // Names and axes have done their work.
      SmallVector<DictionaryAttr> none(entry.getNumArguments(), DictionaryAttr::get(&getContext()));
      entry.setAllArgAttrs(none);
      wrap(entry, ("weft_run_" + entry.getName()).str());
      wrap(module.lookupSymbol<func::FuncOp>((entry.getName() + "_arena").str()),
           ("weft_arena_" + entry.getName()).str());
    }
  }

  void wrap(func::FuncOp function, StringRef name) {
    MLIRContext *context = &getContext();
    Location loc = function.getLoc();
    LLVMTypeConverter types(context);
    auto pointer = LLVM::LLVMPointerType::get(context);
    OpBuilder b(function->getBlock(), std::next(function->getIterator()));
    SmallVector<Type> results;
    if (function.getNumResults())
      results.push_back(b.getI64Type());
    auto wrapper = func::FuncOp::create(b, loc, name, b.getFunctionType({pointer}, results));
    Block *body = wrapper.addEntryBlock();
    b.setInsertionPointToStart(body);
    SmallVector<Value> arguments;
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
      Value slot = LLVM::GEPOp::create(b, loc, pointer, pointer, body->getArgument(0),
                                       ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)});
      Value place = LLVM::LoadOp::create(b, loc, pointer, slot);
      arguments.push_back(loadAs(b, loc, type, place, types));
    }
    auto call = func::CallOp::create(b, loc, function, arguments);
    SmallVector<Value> returned;
    for (Value value : call.getResults())
      returned.push_back(arith::IndexCastOp::create(b, loc, b.getI64Type(), value));
    func::ReturnOp::create(b, loc, returned);
  }
};

} // namespace
} // namespace weft

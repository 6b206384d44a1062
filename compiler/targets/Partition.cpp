//===- Partition.cpp - a module of code, cut into modules ---------------------------------------------------------===//
// Answers: which functions are compiled together, where compiling all of them at once would keep one core busy?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Partition.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace weft {
namespace {

/// A part is full at so many ops: beginning one then costs little beside compiling it, and models of one block still
/// keep several cores busy.
constexpr size_t fullPart = 1500;

size_t countOps(Operation *op) {
  size_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count;
}

bool isDeclaration(Operation *symbol) {
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(symbol))
    return function.isExternal();
  auto global = cast<LLVM::GlobalOp>(symbol);
  return !global.getValueOrNull() && !global.getInitializerBlock();
}

/// Neighbours stay together: a kernel and its loop bodies, an entry point and its wrapper.
llvm::Expected<std::vector<SmallVector<Operation *>>> cut(ModuleOp module) {
  std::vector<SmallVector<Operation *>> parts(1);
  size_t count = 0;
  for (Operation &op : *module.getBody()) {
    if (!isa<LLVM::LLVMFuncOp, LLVM::GlobalOp>(op))
      return llvm::createStringError("op '" + op.getName().getStringRef() + "' is no code of phase 'llvm'");
    if (isDeclaration(&op))
      continue;
    if (count >= fullPart) {
      parts.emplace_back();
      count = 0;
    }
    parts.back().push_back(&op);
    count += countOps(&op);
  }
  return parts;
}

/// What a symbol of another part, or of the runtime, looks like.
void declare(OpBuilder &builder, Operation *symbol) {
  Operation *clone = builder.insert(symbol->cloneWithoutRegions());
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(clone)) {
    function.setLinkage(LLVM::Linkage::External);
    return;
  }
  auto global = cast<LLVM::GlobalOp>(clone);
  global.removeValueAttr();
  global.setLinkage(LLVM::Linkage::External);
}

OwningOpRef<ModuleOp> extract(ModuleOp module, const SymbolTable &symbols, ArrayRef<Operation *> part) {
  OwningOpRef<ModuleOp> result = ModuleOp::create(module.getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(result->getBody());
  llvm::SmallSetVector<Operation *, 16> used;
  for (Operation *op : part) {
    builder.clone(*op);
    if (auto uses = SymbolTable::getSymbolUses(op))
      for (const SymbolTable::SymbolUse &use : *uses)
        if (Operation *symbol = symbols.lookup(use.getSymbolRef().getRootReference()))
          used.insert(symbol);
  }
  for (Operation *op : part)
    used.remove(op);
  for (Operation *symbol : used)
    declare(builder, symbol);
  return result;
}

} // namespace

llvm::Expected<std::vector<OwningOpRef<ModuleOp>>> partition(ModuleOp module) {
  auto parts = cut(module);
  if (!parts)
    return parts.takeError();
  SymbolTable symbols(module);
  std::vector<OwningOpRef<ModuleOp>> modules;
  for (ArrayRef<Operation *> part : *parts)
    modules.push_back(extract(module, symbols, part));
  return modules;
}

} // namespace weft

//===- OutlineKernels.cpp - one function for each distinct kernel -----------------------------------------------===//
// Answers: how does the code of twelve equal layers stay the code of one?
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

bool isKernel(Operation &op) {
  if (auto kernel = dyn_cast<KernelOpInterface>(op))
    return !kernel.getDestinations().empty();
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.hasPureBufferSemantics();
  return isa<memref::CopyOp>(op);
}

/// What a function needs for nothing but the text that tells equal kernels from others.
std::string textOf(func::FuncOp function) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  function->print(stream, OpPrintingFlags().useLocalScope().printGenericOpForm());
  return text;
}

struct OutlineKernels : impl::OutlineKernelsPassBase<OutlineKernels> {
  void runOnOperation() override {
    recordLabels();
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(contract::entry))
        entries.push_back(function);
    for (func::FuncOp entry : entries) {
      SmallVector<Operation *> kernels;
      entry.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (!isKernel(*op))
          return WalkResult::advance();
        kernels.push_back(op);
        return WalkResult::skip();
      });
      for (Operation *kernel : kernels)
        outline(kernel);
    }
  }

  /// Generated code reports bad indices to the runtime, by the number of their label.
  void recordLabels() {
    llvm::SetVector<StringRef> labels;
    getOperation().walk([&](LookupOp op) { labels.insert(op.getLabel()); });
    OpBuilder b(getOperation().getBodyRegion());
    getOperation()->setAttr(contract::labels, b.getStrArrayAttr(labels.getArrayRef()));
    if (labels.empty())
      return;
    SmallVector<Type> numbers(4, b.getI64Type()); // label, position, index, bound: see abi.h
    func::FuncOp::create(b, getOperation().getLoc(), "weft_bad_index", b.getFunctionType(numbers, {})).setPrivate();
  }

  void outline(Operation *op) {
    llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), used);
    // Constants move with the kernel: equal kernels then stay equal, and code generation sees them.
    SmallVector<Value> arguments;
    SmallVector<Operation *> constants;
    for (Value value : used) {
      if (Operation *producer = value.getDefiningOp();
          producer && (producer->hasTrait<OpTrait::ConstantLike>() || isa<memref::GetGlobalOp>(producer)))
        constants.push_back(producer);
      else
        arguments.push_back(value);
    }

    OpBuilder b(getOperation().getBodyRegion());
    auto function =
        func::FuncOp::create(b, op->getLoc(), "kernel", b.getFunctionType(ValueRange(arguments).getTypes(), {}));
    function.setPrivate();
    Block *body = function.addEntryBlock();
    IRMapping map;
    map.map(arguments, body->getArguments());
    b.setInsertionPointToStart(body);
    for (Operation *constant : constants)
      b.clone(*constant, map);
    b.clone(*op, map);
    func::ReturnOp::create(b, op->getLoc());

    auto [known, isNew] = kernels.try_emplace(textOf(function), function);
    if (isNew) {
      StringRef kind = op->getName().stripDialect();
      function.setName((kind + "_" + std::to_string(count[kind]++)).str());
      if (last)
        function->moveAfter(last);
      last = function;
    } else {
      function.erase();
    }
    OpBuilder call(op);
    func::CallOp::create(call, op->getLoc(), known->second, arguments);
    op->erase();
  }

  llvm::StringMap<func::FuncOp> kernels;
  func::FuncOp last; ///< kernels stand in the order of their first call
  llvm::StringMap<unsigned> count;
};

} // namespace
} // namespace weft

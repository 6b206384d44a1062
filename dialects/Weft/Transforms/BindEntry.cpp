//===- BindEntry.cpp - entry points work on the caller's memory -------------------------------------------------===//
// Answers: where do inputs come from and results go once there are no tensors? Into memory that the caller owns: dense
// memrefs in the order of abi.h. Written before bufferization, with its own ops for the edge between tensors and
// memory.
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/Transforms/Passes.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_BINDENTRYPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

MemRefType denseMemory(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

MemRefType bytes(MLIRContext *context) { return MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 8)); }

/// An argument becomes memory; its uses go on with the tensor that lies there.
void bindArgument(OpBuilder &b, BlockArgument argument, bool writable) {
  auto tensor = cast<RankedTensorType>(argument.getType());
  argument.setType(denseMemory(tensor));
  auto loaded = bufferization::ToTensorOp::create(b, argument.getLoc(), tensor, argument, /*restrict=*/true, writable);
  argument.replaceAllUsesExcept(loaded.getResult(), loaded);
}

void bindParameters(func::FuncOp function, Value weights) {
  function.walk([&](ParameterOp op) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto tensor = cast<RankedTensorType>(op.getResult().getType());
    Value offset = arith::ConstantIndexOp::create(b, loc, op.getOffset());
    Value view = memref::ViewOp::create(b, loc, denseMemory(tensor), weights, offset, ValueRange());
    Value value = bufferization::ToTensorOp::create(b, loc, tensor, view, /*restrict=*/true, /*writable=*/false);
    op.replaceAllUsesWith(value);
    op.erase();
  });
}

void bindResults(func::FuncOp function) {
  auto ret = cast<func::ReturnOp>(function.front().getTerminator());
  OpBuilder b(ret);
  for (auto [index, value] : llvm::enumerate(ret.getOperands())) {
    Location loc = value.getLoc();
    Value destination = function.front().addArgument(denseMemory(value.getType()), loc);
    bufferization::MaterializeInDestinationOp::create(b, loc, /*result=*/Type(), value, destination, /*restrict=*/true,
                                                      /*writable=*/true);
  }
  ret->setOperands({});
}

struct BindEntry : impl::BindEntryPassBase<BindEntry> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function->hasAttr(contract::entry))
        continue;
      if (!function.getBody().hasOneBlock()) {
        function.emitError("entry point '") << function.getName() << "' must be one block";
        return signalPassFailure();
      }
      OpBuilder b = OpBuilder::atBlockBegin(&function.front());
      for (BlockArgument argument : function.getArguments())
        if (isa<RankedTensorType>(argument.getType()))
          bindArgument(b, argument, static_cast<bool>(function.getArgAttr(argument.getArgNumber(), contract::state)));
      bindResults(function);
      Block &body = function.front();
      Value weights = body.addArgument(bytes(&getContext()), function.getLoc());
      body.addArgument(bytes(&getContext()), function.getLoc()); // the arena, which weft-plan-memory divides
      bindParameters(function, weights);

      SmallVector<DictionaryAttr> attributes;
      function.getAllArgAttrs(attributes);
      attributes.resize(body.getNumArguments(), DictionaryAttr::get(&getContext()));
      function.setType(FunctionType::get(&getContext(), body.getArgumentTypes(), {}));
      function.setAllArgAttrs(attributes);
      function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
    }
  }
};

} // namespace
} // namespace weft

//===- OutlineParallel.cpp - scf.forall becomes a call of the runtime -------------------------------------------===//
// Answers: how do loops in parallel reach the threads? `weft_parallel(body, closure, count)`: the closure is a
// structure on the caller's stack that holds what the body uses from outside.
//===------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/CpuToLLVM/Closures.h"
#include "dialects/Conversion/Passes.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_OUTLINEPARALLELPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

constexpr StringLiteral runtimeCall = "weft_parallel";

struct OutlineParallel : impl::OutlineParallelPassBase<OutlineParallel> {
  void runOnOperation() override {
    SmallVector<scf::ForallOp> loops;
    getOperation().walk([&](scf::ForallOp loop) { loops.push_back(loop); });
    for (scf::ForallOp loop : loops) {
      if (loop.getRank() != 1 || loop->getNumResults() || !isConstantIntValue(loop.getMixedLowerBound()[0], 0) ||
          !isConstantIntValue(loop.getMixedStep()[0], 1)) {
        loop.emitError("only loops of one dimension from 0 in steps of 1, without results, can run in parallel");
        return signalPassFailure();
      }
      outline(loop);
    }
  }

  void outline(scf::ForallOp loop) {
    MLIRContext *context = &getContext();
    Location loc = loop.getLoc();
    LLVMTypeConverter types(context);
    auto pointer = LLVM::LLVMPointerType::get(context);
    auto i64 = IntegerType::get(context, 64);

    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    SmallVector<Value> captured;
    SmallVector<Operation *> constants;
    SmallVector<Type> fields;
    for (Value value : used) {
      if (Operation *op = value.getDefiningOp(); op && op->hasTrait<OpTrait::ConstantLike>()) {
        constants.push_back(op);
        continue;
      }
      captured.push_back(value);
      fields.push_back(types.convertType(value.getType()));
    }
    auto closureType = LLVM::LLVMStructType::getLiteral(context, fields);

    // The body, as a function of the closure and the index.
    auto kernel = loop->getParentOfType<func::FuncOp>();
    OpBuilder b(kernel);
    auto body = func::FuncOp::create(b, loc, (kernel.getName() + "_body_" + Twine(bodies++)).str(),
                                     b.getFunctionType({pointer, i64}, {}));
    body.setPrivate();
    Block *block = body.addEntryBlock();
    b.setInsertionPointToStart(block);
    IRMapping map;
    for (Operation *constant : constants)
      b.clone(*constant, map);
    for (auto [index, value] : llvm::enumerate(captured)) {
      Value field = LLVM::GEPOp::create(b, loc, pointer, closureType, block->getArgument(0),
                                        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
      map.map(value, loadAs(b, loc, value.getType(), field, types));
    }
    map.map(loop.getInductionVars()[0],
            arith::IndexCastOp::create(b, loc, b.getIndexType(), block->getArgument(1)).getResult());
    for (Operation &op : loop.getBody()->without_terminator())
      b.clone(op, map);
    func::ReturnOp::create(b, loc);

    // The call. The closure lives in the frame of the function, however deep the loop is nested.
    OpBuilder entry = OpBuilder::atBlockBegin(&kernel.front());
    Value one = LLVM::ConstantOp::create(entry, loc, i64, 1);
    Value closure = LLVM::AllocaOp::create(entry, loc, pointer, closureType, one, /*alignment=*/64);
    b.setInsertionPoint(loop);
    for (auto [index, value] : llvm::enumerate(captured)) {
      Value field = LLVM::GEPOp::create(b, loc, pointer, closureType, closure,
                                        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
      LLVM::StoreOp::create(b, loc, castTo(b, loc, fields[index], value), field);
    }
    Value function = func::ConstantOp::create(b, loc, body.getFunctionType(), body.getName());
    Value count = getValueOrCreateConstantIndexOp(b, loc, loop.getMixedUpperBound()[0]);
    count = arith::IndexCastOp::create(b, loc, i64, count);
    func::CallOp::create(b, loc, runtime(), ValueRange{castTo(b, loc, pointer, function), closure, count});
    loop.erase();
  }

  func::FuncOp runtime() {
    if (auto known = getOperation().lookupSymbol<func::FuncOp>(runtimeCall))
      return known;
    OpBuilder b(getOperation().getBodyRegion());
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto function = func::FuncOp::create(b, getOperation().getLoc(), runtimeCall,
                                         b.getFunctionType({pointer, pointer, b.getI64Type()}, {}));
    function.setPrivate();
    return function;
  }

  unsigned bodies = 0;
};

} // namespace
} // namespace weft

//===- OutlineMatrixOps.cpp - pass weft-outline-matrix-ops --------------------------------------------------------===//
// Answers: how does the region of an op on a matrix become a function that a shader calls for each element?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/MatrixCalls.h"
#include "dialects/Conversion/Passes.h"
#include "dialects/Matrix/IR/MatrixOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_OUTLINEMATRIXOPSPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

/// What no argument can be, and costs nothing to have once more: constants, and pointers.
bool movesInside(Value value) {
  Operation *source = value.getDefiningOp();
  return source && (matchPattern(source, m_Constant()) || isa<spirv::ConvertUToPtrOp, spirv::VariableOp>(source));
}

/// The region's block as a block of a function: what comes from above becomes arguments, or is made anew.
class Inside {
public:
  explicit Inside(Region &region) : region(region), b(OpBuilder::atBlockBegin(&region.front())) {}

  SmallVector<Value> captured; ///< by the arguments behind the region's own

  void close() {
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(region, used);
    for (Value value : used)
      replaceAllUsesInRegionWith(value, insideOf(value), region);
  }

private:
  Value insideOf(Value value) {
    auto [place, isNew] = known.try_emplace(value);
    if (!isNew)
      return place->second;
    Value inside;
    if (movesInside(value)) {
      Operation *source = value.getDefiningOp();
      IRMapping map;
      for (Value operand : source->getOperands())
        map.map(operand, insideOf(operand));
      inside = b.clone(*source, map)->getResult(0);
    } else {
      captured.push_back(value);
      inside = region.front().addArgument(value.getType(), value.getLoc());
    }
    known[value] = inside;
    return inside;
  }

  Region &region;
  OpBuilder b;
  llvm::DenseMap<Value, Value> known;
};

struct OutlineMatrixOps : impl::OutlineMatrixOpsPassBase<OutlineMatrixOps> {
  void runOnOperation() override {
    count = 0;
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<matrix::MatrixDialect>(op->getDialect()) && !op->hasTrait<OpTrait::IsTerminator>())
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      LogicalResult result = llvm::TypeSwitch<Operation *, LogicalResult>(op)
                                 .Case([&](matrix::MapOp map) { return lower(b, map); })
                                 .Case([&](matrix::ReduceRowsOp reduce) { return lower(b, reduce); })
                                 .Case([&](matrix::ConvertOp convert) { return lower(b, convert); });
      if (failed(result))
        return signalPassFailure();
    }
  }

  LogicalResult lower(ImplicitLocOpBuilder &b, matrix::MapOp op) {
    SmallVector<Value> arguments(op.getInputs());
    FailureOr<StringRef> function = outline(op, op.getFunction(), arguments);
    if (failed(function))
      return failure();
    return replace(b, op, matrix_calls::perElement + *function, arguments, op.getType());
  }

  LogicalResult lower(ImplicitLocOpBuilder &b, matrix::ReduceRowsOp op) {
    SmallVector<Value> arguments = {op.getMatrix()};
    FailureOr<StringRef> function = outline(op, op.getFunction(), arguments);
    if (failed(function))
      return failure();
    return replace(b, op, matrix_calls::reduceRows + *function, arguments, op.getType());
  }

  /// First the element's type, then the use: no instruction does both.
  LogicalResult lower(ImplicitLocOpBuilder &b, matrix::ConvertOp op) {
    gpu::MMAMatrixType from = cast<gpu::MMAMatrixType>(op.getMatrix().getType()),
                       to = cast<gpu::MMAMatrixType>(op.getType());
    Type rounded = gpu::MMAMatrixType::get(from.getShape(), to.getElementType(), from.getOperand());
    Value halves = call(b, matrix_calls::round + next(), op.getMatrix(), rounded);
    return replace(b, op, matrix_calls::changeUse + next(), halves, to);
  }

  /// A function of the module with the op's region for its body. What the region reads from above joins `arguments`.
  FailureOr<StringRef> outline(Operation *op, Region &region, SmallVectorImpl<Value> &arguments) {
    Inside inside(region);
    inside.close();
    for (Value value : inside.captured)
      if (!value.getType().isIntOrIndexOrFloat() && !isa<VectorType>(value.getType()))
        return op->emitOpError("cannot hand a value of type ")
               << value.getType() << " to a function of elements (this is a defect of weft)";
    llvm::append_range(arguments, inside.captured);
    OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
    Type result = cast<gpu::MMAMatrixType>(op->getResult(0).getType()).getElementType();
    auto type = b.getFunctionType(region.front().getArgumentTypes(), result);
    auto function = func::FuncOp::create(b, op->getLoc(), "element" + next(), type);
    function.setPrivate();
    function.getBody().takeBody(region);
    Operation *end = function.front().getTerminator();
    b.setInsertionPoint(end);
    func::ReturnOp::create(b, end->getLoc(), end->getOperands());
    end->erase();
    return function.getName();
  }

  LogicalResult replace(ImplicitLocOpBuilder &b, Operation *op, const Twine &name, ValueRange arguments, Type type) {
    op->getResult(0).replaceAllUsesWith(call(b, name, arguments, type));
    op->erase();
    return success();
  }

  Value call(ImplicitLocOpBuilder &b, const Twine &name, ValueRange arguments, Type type) {
    OpBuilder top = OpBuilder::atBlockBegin(getOperation().getBody());
    auto function =
        func::FuncOp::create(top, b.getLoc(), name.str(), b.getFunctionType(arguments.getTypes(), TypeRange(type)));
    function.setPrivate();
    auto import = spirv::LinkageTypeAttr::get(&getContext(), spirv::LinkageType::Import);
    function->setAttr("linkage_attributes",
                      spirv::LinkageAttributesAttr::get(&getContext(), function.getSymNameAttr(), import));
    return func::CallOp::create(b, function, arguments).getResult(0);
  }

  std::string next() { return std::to_string(count++); }

  int64_t count = 0;
};

} // namespace
} // namespace weft

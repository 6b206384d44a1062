//===- Elements.cpp - formulas, reductions and copies on a GPU ----------------------------------------------------===//
// Answers: which invocation computes what of a structured op?
//
// One for each element of the result; what reduces to it is a loop. Neighbouring invocations have neighbouring elements
// of the first result, so that what they read and write in one step lies side by side.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace weft::grid {
namespace {

class Elements {
public:
  Elements(linalg::LinalgOp op) : op(op), iterators(op.getIteratorTypesArray()), indices(op.getNumLoops()) {}

  void emit(ImplicitLocOpBuilder &b, const GpuLimits &limits) {
    LoopBuilder host(b);
    for (const Range &range : op.createLoopRanges(b, op.getLoc()))
      sizes.push_back(getValueOrCreateConstantIndexOp(b, op.getLoc(), range.size));
    divide();
    Value items = host.index(1);
    SmallVector<Value> box;
    for (unsigned d : own) {
      box.push_back(sizes[d]);
      items = host.mul(items, sizes[d]);
    }
    launchItems(b, items, limits, [&](Kernel &k, Value item) {
      for (auto [d, at] : llvm::zip_equal(own, unflatten(k, item, box)))
        indices[d] = at;
      emitRepeated(k, repeated);
    });
  }

private:
  bool isParallel(unsigned d) const { return iterators[d] == utils::IteratorType::parallel; }

  /// Dimensions by which elements of every result are told apart, outermost first; those that repeat the same elements;
  /// and those that reduce.
  void divide() {
    auto dims = [&](OpOperand &init) {
      llvm::SmallSetVector<unsigned, 4> found;
      for (AffineExpr result : op.getMatchingIndexingMap(&init).getResults())
        if (auto dim = dyn_cast<AffineDimExpr>(result); dim && isParallel(dim.getPosition()))
          found.insert(dim.getPosition());
      return found;
    };
    llvm::SmallSetVector<unsigned, 4> ofFirst = dims(op.getDpsInitsMutable()[0]);
    for (unsigned d : ofFirst)
      if (llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) { return dims(init).contains(d); }))
        own.push_back(d);
    for (unsigned d = 0; d < iterators.size(); ++d)
      if (!isParallel(d))
        reduced.push_back(d);
      else if (!llvm::is_contained(own, d))
        repeated.push_back(d);
  }

  void emitRepeated(Kernel &k, ArrayRef<unsigned> dims) {
    if (dims.empty())
      return emitElement(k);
    k.loop(k.index(0), sizes[dims.front()], k.index(1), [&](Value i) {
      indices[dims.front()] = i;
      emitRepeated(k, dims.drop_front());
    });
  }

  void emitElement(Kernel &k) {
    SmallVector<Value> start;
    for (OpOperand &init : op.getDpsInitsMutable())
      start.push_back(!reduced.empty() || op.payloadUsesValueFromOperand(&init) ? load(k, init) : Value());
    SmallVector<Value> results = emitReduced(k, reduced, start);
    for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), results))
      k.store(value, init.get(), place(k, init));
  }

  SmallVector<Value> emitReduced(Kernel &k, ArrayRef<unsigned> dims, ArrayRef<Value> soFar) {
    if (dims.empty())
      return emitBody(k, soFar);
    return k.loop(sizes[dims.front()], soFar, [&](Value i, ValueRange state) {
      indices[dims.front()] = i;
      return emitReduced(k, dims.drop_front(), SmallVector<Value>(state));
    });
  }

  SmallVector<Value> place(Kernel &k, OpOperand &operand) {
    SmallVector<Value> at;
    for (AffineExpr expression : op.getMatchingIndexingMap(&operand).getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expression))
        at.push_back(indices[dim.getPosition()]);
      else
        at.push_back(affine::expandAffineExpr(k.b, op.getLoc(), expression, indices, {}));
    }
    return at;
  }

  Value load(Kernel &k, OpOperand &operand) {
    return isa<MemRefType>(operand.get().getType()) ? k.load(operand.get(), place(k, operand)) : operand.get();
  }

  SmallVector<Value> emitBody(Kernel &k, ArrayRef<Value> results) {
    Block &body = *op.getBlock();
    IRMapping map;
    for (OpOperand *input : op.getDpsInputOperands())
      if (op.payloadUsesValueFromOperand(input))
        map.map(op.getMatchingBlockArgument(input), load(k, *input));
    for (auto [argument, result] : llvm::zip(op.getRegionOutputArgs(), results))
      if (result)
        map.map(argument, result);
    for (Operation &inner : body.without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        map.map(index.getResult(), indices[index.getDim()]);
      else
        k.b.clone(inner, map);
    }
    return llvm::map_to_vector(body.getTerminator()->getOperands(), [&](Value v) { return map.lookupOrDefault(v); });
  }

  linalg::LinalgOp op;
  SmallVector<utils::IteratorType> iterators;
  SmallVector<unsigned> own, repeated, reduced;
  SmallVector<Value> sizes, indices;
};

} // namespace

void emitLinalg(ImplicitLocOpBuilder &b, linalg::LinalgOp op, const GpuLimits &limits) { Elements(op).emit(b, limits); }

} // namespace weft::grid

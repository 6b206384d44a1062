//===- LowerLinalg.cpp - pass weft-lower-linalg ------------------------------------------------------------------===//
// Answers: how do elementwise formulas, reductions and copies become loops that LLVM vectorises and threads share?
//
// Dimensions that lie one after the other in every operand become one. The innermost loop is the one along which most
// operands are contiguous: a parallel one, or a reduction, which then runs in registers. The parallel dimensions around
// it are the items of chunks.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Passes.h"
#include "dialects/Conversion/WeftToCpu/Emitters.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_LOWERLINALGPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

using linalg::LinalgOp;

//===-- fewer dimensions ------------------------------------------------------------------------------------------===//

/// Neighbouring dimensions that every operand either lacks or has side by side, densely.
SmallVector<ReassociationIndices> mergeableDimensions(LinalgOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<ReassociationIndices> groups;
  for (int64_t d = 0; d < op.getNumLoops(); ++d) {
    if (!groups.empty() && iterators[d] == iterators[d - 1]) {
      ReassociationIndices longer = groups.back();
      longer.push_back(d);
      if (linalg::areDimSequencesPreserved(maps, {longer})) {
        groups.back() = longer;
        continue;
      }
    }
    groups.push_back({d});
  }
  return groups;
}

/// The same op over fewer dimensions where that is possible, else the op itself.
LinalgOp merged(IRRewriter &b, LinalgOp op) {
  bool isDense = llvm::all_of(op->getOperandTypes(), [](Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    return !memref || memref.getLayout().isIdentity();
  });
  bool isPlain = llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) { return map.isProjectedPermutation(); });
  // Where the body sees indices, one dimension would have to be taken apart again for each element.
  if (!isDense || !isPlain || op.hasIndexSemantics())
    return op;
  SmallVector<ReassociationIndices> groups = mergeableDimensions(op);
  if (groups.size() == op.getNumLoops())
    return op;
  b.setInsertionPoint(op);
  FailureOr<linalg::CollapseResult> result = linalg::collapseOpIterationDims(op, groups, b);
  if (failed(result))
    return op;
  b.eraseOp(op);
  return result->collapsedOp;
}

//===-- loops -----------------------------------------------------------------------------------------------------===//

class LoopNest {
public:
  LoopNest(LinalgOp op, OpBuilder &b)
      : op(op), loc(op.getLoc()), maps(op.getIndexingMapsArray()), iterators(op.getIteratorTypesArray()),
        indices(op.getNumLoops()) {
    for (const Range &range : op.createLoopRanges(b, loc))
      sizes.push_back(getValueOrCreateConstantIndexOp(b, loc, range.size));
  }

  void emit(OpBuilder &b) {
    if (sizes.empty())
      return emitElement(b);
    innermost = chooseInnermost();
    SmallVector<unsigned> shared, serial;
    for (unsigned d = 0; d < sizes.size(); ++d)
      (isShareable(d) && d != innermost ? shared : serial).push_back(d);
    // With no other, the innermost dimension itself is divided.
    bool shareInnermost = shared.empty() && isShareable(innermost);
    if (shareInnermost)
      shared = {innermost};
    llvm::erase_if(serial, [&](unsigned d) { return d == innermost; });
    // Reductions go inside of what is parallel but is not shared.
    llvm::stable_sort(serial, [&](unsigned a, unsigned b) { return isParallel(a) && !isParallel(b); });

    auto inner = [&](OpBuilder &b, Value begin, Value end) {
      if (isParallel(innermost))
        emitLoops(b, serial, [&](OpBuilder &b) { emitInnermost(b, begin, end); });
      else
        emitReduction(b, serial);
    };
    if (shared.empty())
      return inner(b, cpu::constantIndex(b, loc, 0), sizes[innermost]);

    Value items = cpu::constantIndex(b, loc, 1), cost = cpu::constantIndex(b, loc, costOfElement());
    for (unsigned d = 0; d < sizes.size(); ++d) {
      Value &product = llvm::is_contained(shared, d) ? items : cost;
      product = b.createOrFold<arith::MulIOp>(loc, product, sizes[d]);
    }
    if (shareInnermost) {
      cpu::parallelRanges(b, loc, items, cost,
                          [&](OpBuilder &b, Location, Value begin, Value end) { inner(b, begin, end); });
      return;
    }
    cpu::parallelChunks(b, loc, items, cost, [&](OpBuilder &b, Location loc, Value item) {
      for (unsigned d : llvm::reverse(shared)) {
        indices[d] = d == shared.front() ? item : b.createOrFold<arith::RemUIOp>(loc, item, sizes[d]);
        item = b.createOrFold<arith::DivUIOp>(loc, item, sizes[d]);
      }
      inner(b, cpu::constantIndex(b, loc, 0), sizes[innermost]);
    });
  }

private:
  bool isParallel(unsigned d) const { return iterators[d] == utils::IteratorType::parallel; }

  /// Different indices of the dimension write different elements of every result.
  bool isShareable(unsigned d) {
    return isParallel(d) && llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
             return llvm::is_contained(op.getMatchingIndexingMap(&init).getResults(),
                                       getAffineDimExpr(d, op.getContext()));
           });
  }

  /// Operands that stay are free, contiguous ones cheap, others cost a cache line for each element.
  unsigned chooseInnermost() {
    unsigned best = 0, bestCost = ~0u;
    for (unsigned d = 0; d < sizes.size(); ++d) {
      unsigned cost = 0;
      for (auto [operand, map] : llvm::zip(op->getOperands(), maps)) {
        auto type = dyn_cast<MemRefType>(operand.getType());
        if (!type || !map.isFunctionOfDim(d))
          continue;
        bool isContiguous = map.getResults().back() == getAffineDimExpr(d, op.getContext()) &&
                            type.isLastDimUnitStride() && !map.dropResult(map.getNumResults() - 1).isFunctionOfDim(d);
        cost += isContiguous ? 1 : 16;
      }
      if (cost <= bestCost) { // the later of equals
        best = d;
        bestCost = cost;
      }
    }
    return best;
  }

  /// f32 operations for one element, roughly.
  int64_t costOfElement() {
    int64_t cost = 1;
    for (Operation &inner : op.getBlock()->without_terminator())
      cost += isa_and_present<math::MathDialect>(inner.getDialect()) ? 16 : 1;
    return cost;
  }

  void emitLoops(OpBuilder &b, ArrayRef<unsigned> dims, llvm::function_ref<void(OpBuilder &)> body) {
    if (dims.empty())
      return body(b);
    scf::ForOp::create(b, loc, cpu::constantIndex(b, loc, 0), sizes[dims.front()], cpu::constantIndex(b, loc, 1),
                       ValueRange{}, [&](OpBuilder &b, Location loc, Value index, ValueRange) {
                         indices[dims.front()] = index;
                         emitLoops(b, dims.drop_front(), body);
                         scf::YieldOp::create(b, loc);
                       });
  }

  void emitInnermost(OpBuilder &b, Value begin, Value end) {
    scf::ForOp::create(b, loc, begin, end, cpu::constantIndex(b, loc, 1), ValueRange{},
                       [&](OpBuilder &b, Location loc, Value index, ValueRange) {
                         indices[innermost] = index;
                         emitElement(b);
                         scf::YieldOp::create(b, loc);
                       });
  }

  /// Reductions around and including the innermost loop, the results in registers meanwhile.
  void emitReduction(OpBuilder &b, ArrayRef<unsigned> serial) {
    auto firstReduction = llvm::find_if(serial, [&](unsigned d) { return !isParallel(d); });
    size_t parallel = firstReduction - serial.begin();
    SmallVector<unsigned> reductions(serial.drop_front(parallel));
    reductions.push_back(innermost);
    emitLoops(b, serial.take_front(parallel), [&](OpBuilder &b) {
      SmallVector<Value> start;
      for (OpOperand &init : op.getDpsInitsMutable())
        start.push_back(load(b, init));
      store(b, emitReductions(b, reductions, start));
    });
  }

  SmallVector<Value> emitReductions(OpBuilder &b, ArrayRef<unsigned> dims, ValueRange start) {
    if (dims.empty())
      return emitBody(b, start, /*inRegisters=*/true);
    auto loop =
        scf::ForOp::create(b, loc, cpu::constantIndex(b, loc, 0), sizes[dims.front()], cpu::constantIndex(b, loc, 1),
                           start, [&](OpBuilder &b, Location loc, Value index, ValueRange soFar) {
                             indices[dims.front()] = index;
                             scf::YieldOp::create(b, loc, emitReductions(b, dims.drop_front(), soFar));
                           });
    return SmallVector<Value>(loop.getResults());
  }

  //===-- one element ---------------------------------------------------------------------------------------------===//

  void emitElement(OpBuilder &b) {
    SmallVector<Value> results;
    for (OpOperand &init : op.getDpsInitsMutable())
      results.push_back(op.payloadUsesValueFromOperand(&init) ? load(b, init) : nullptr);
    store(b, emitBody(b, results, /*inRegisters=*/false));
  }

  SmallVector<Value> elementOf(OpBuilder &b, OpOperand &operand) {
    SmallVector<Value> element;
    for (AffineExpr expression : op.getMatchingIndexingMap(&operand).getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expression))
        element.push_back(indices[dim.getPosition()]);
      else
        element.push_back(affine::expandAffineExpr(b, loc, expression, indices, {}));
    }
    return element;
  }

  Value load(OpBuilder &b, OpOperand &operand) {
    if (!isa<MemRefType>(operand.get().getType()))
      return operand.get();
    return memref::LoadOp::create(b, loc, operand.get(), elementOf(b, operand));
  }

  void store(OpBuilder &b, ValueRange values) {
    for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), values))
      memref::StoreOp::create(b, loc, value, init.get(), elementOf(b, init));
  }

  SmallVector<Value> emitBody(OpBuilder &b, ValueRange results, bool inRegisters) {
    Block &body = *op.getBlock();
    IRMapping map;
    for (OpOperand *input : op.getDpsInputOperands())
      if (op.payloadUsesValueFromOperand(input))
        map.map(op.getMatchingBlockArgument(input), load(b, *input));
    for (auto [argument, result] : llvm::zip(op.getRegionOutputArgs(), results))
      if (result)
        map.map(argument, result);
    for (Operation &inner : body.without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
        map.map(index.getResult(), indices[index.getDim()]);
        continue;
      }
      Operation *copy = b.clone(inner, map);
      if (inRegisters && isSum(&inner))
        copy->setAttr("fastmath", arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::reassoc));
    }
    return llvm::map_to_vector(body.getTerminator()->getOperands(), [&](Value v) { return map.lookupOrDefault(v); });
  }

  /// A sum or product that becomes a result. In one chain of additions it would take their latency for each element;
  /// vectors of sums are as exact.
  bool isSum(Operation *inner) {
    return isa<arith::AddFOp, arith::MulFOp>(inner) &&
           llvm::any_of(inner->getOperands(),
                        [&](Value v) { return llvm::is_contained(op.getRegionOutputArgs(), v); }) &&
           llvm::all_of(inner->getUsers(), [](Operation *user) { return user->hasTrait<OpTrait::IsTerminator>(); });
  }

  LinalgOp op;
  Location loc;
  SmallVector<AffineMap> maps;
  SmallVector<utils::IteratorType> iterators;
  SmallVector<Value> indices, sizes;
  unsigned innermost = 0;
};

struct LowerLinalg : impl::LowerLinalgPassBase<LowerLinalg> {
  void runOnOperation() override {
    IRRewriter b(&getContext());
    // The default lowering of strided copies is a call of a run-time library.
    getOperation().walk([&](memref::CopyOp copy) {
      b.setInsertionPoint(copy);
      linalg::makeMemRefCopyOp(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      b.eraseOp(copy);
    });
    SmallVector<LinalgOp> ops;
    getOperation().walk([&](LinalgOp op) {
      if (op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    for (LinalgOp op : ops) {
      b.setInsertionPoint(op);
      if (!isa<linalg::GenericOp>(op)) {
        FailureOr<linalg::GenericOp> generic = linalg::generalizeNamedOp(b, op);
        if (succeeded(generic))
          op = *generic;
      }
      op = merged(b, op);
      b.setInsertionPoint(op);
      LoopNest(op, b).emit(b);
      b.eraseOp(op);
    }
  }
};

} // namespace
} // namespace weft

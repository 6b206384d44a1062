//===- SumOfProducts.cpp - the factors of a contraction -----------------------------------------------------------===//
#include "dialects/Weft/Transforms/SumOfProducts.h"
#include "dialects/Weft/Transforms/LoopNests.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace weft {

//===-- taking a product apart ------------------------------------------------------------------------------------===//

/// For every value of the body, the loops along which it varies.
static DenseMap<Value, llvm::SmallBitVector> variation(linalg::LinalgOp op) {
  DenseMap<Value, llvm::SmallBitVector> varying;
  for (OpOperand &operand : op->getOpOperands()) {
    llvm::SmallBitVector loops(op.getNumLoops());
    for (AffineExpr position : op.getMatchingIndexingMap(&operand).getResults())
      position.walk([&](AffineExpr part) {
        if (auto dim = dyn_cast<AffineDimExpr>(part))
          loops.set(dim.getPosition());
      });
    varying[op.getMatchingBlockArgument(&operand)] = loops;
  }
  for (Operation &inner : op.getBlock()->without_terminator()) {
    llvm::SmallBitVector loops(op.getNumLoops());
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      loops.set(index.getDim());
    for (Value operand : inner.getOperands())
      if (auto known = varying.find(operand); known != varying.end())
        loops |= known->second;
    varying[inner.getResult(0)] = loops;
  }
  return varying;
}

std::optional<SumOfProducts> SumOfProducts::of(linalg::LinalgOp op) {
  Value product = addedUp(op);
  if (!product || !product.getType().isF32())
    return std::nullopt;
  SumOfProducts sum;
  sum.op = op;
  DenseMap<Value, llvm::SmallBitVector> varying = variation(op);
  SmallVector<std::pair<Value, bool>> work = {{product, false}};
  // Squares of squares have more factors than anyone can count.
  constexpr size_t most = 64;
  while (!work.empty()) {
    auto [value, divides] = work.pop_back_val();
    Operation *made = work.size() + sum.factors.size() < most ? value.getDefiningOp() : nullptr;
    if (made && made->getBlock() != op.getBlock())
      made = nullptr;
    if (FloatAttr number; matchPattern(value, m_Constant(&number))) {
      double factor = number.getValueAsDouble();
      sum.number *= divides ? 1 / factor : factor;
    } else if (isa_and_present<arith::MulFOp, arith::DivFOp>(made)) {
      work.push_back({made->getOperand(1), divides != isa<arith::DivFOp>(made)});
      work.push_back({made->getOperand(0), divides});
    } else if (isa_and_present<arith::NegFOp>(made)) {
      sum.number = -sum.number;
      work.push_back({made->getOperand(0), divides});
    } else {
      auto known = varying.find(value);
      sum.factors.push_back(
          {value, divides, known == varying.end() ? llvm::SmallBitVector(op.getNumLoops()) : known->second});
    }
  }
  return sum;
}

//===-- one side of a product as a tensor -------------------------------------------------------------------------===//

/// The loops of an operand's dimensions, where each is one.
static std::optional<SmallVector<unsigned>> loopsOf(linalg::LinalgOp op, OpOperand *operand) {
  AffineMap map = op.getMatchingIndexingMap(operand);
  if (!map.isProjectedPermutation() || !isa<RankedTensorType>(operand->get().getType()))
    return std::nullopt;
  return llvm::map_to_vector(map.getResults(), [](AffineExpr dim) { return cast<AffineDimExpr>(dim).getPosition(); });
}

/// The ops and operands that the factors of a body need.
static std::pair<SmallVector<Operation *>, SmallVector<OpOperand *>> needsOf(linalg::LinalgOp op,
                                                                             ArrayRef<Factor> factors) {
  SetVector<Value> read;
  for (const Factor &factor : factors)
    read.insert(factor.scalar);
  SmallVector<Operation *> ops = opsFor(*op.getBlock(), read.getArrayRef());
  for (Operation *inner : ops)
    read.insert(inner->operand_begin(), inner->operand_end());
  return {ops, llvm::filter_to_vector(op.getDpsInputOperands(), [&](OpOperand *operand) {
            return read.contains(op.getMatchingBlockArgument(operand));
          })};
}

SmallVector<unsigned> SumOfProducts::orderOf(ArrayRef<Factor> factors) const {
  linalg::LinalgOp source = op;
  llvm::SmallBitVector varying(source.getNumLoops());
  for (const Factor &factor : factors)
    varying |= factor.loops;
  for (OpOperand *operand : needsOf(source, factors).second)
    if (auto loops = loopsOf(source, operand); loops && loops->size() == varying.count())
      return *loops;
  return SmallVector<unsigned>(varying.set_bits().begin(), varying.set_bits().end());
}

LoopedTensor SumOfProducts::tensorOf(OpBuilder &b, ArrayRef<Factor> factors, double number) const {
  linalg::LinalgOp source = op;
  SmallVector<unsigned> order = orderOf(factors);
  if (factors.size() == 1 && number == 1 && !factors.front().divides)
    if (auto argument = dyn_cast<BlockArgument>(factors.front().scalar);
        argument && argument.getOwner() == source.getBlock())
      if (OpOperand *operand = source.getMatchingOpOperand(argument); loopsOf(source, operand))
        return {operand->get(), order};

  SmallVector<Operation *> body;
  SmallVector<OpOperand *> read;
  std::tie(body, read) = needsOf(source, factors);
  SmallVector<int64_t> place(source.getNumLoops(), 0);
  SmallVector<AffineExpr> renamed(source.getNumLoops(), b.getAffineConstantExpr(0));
  SmallVector<OpFoldResult> sizes;
  for (auto [position, loop] : llvm::enumerate(order)) {
    place[loop] = position;
    renamed[loop] = b.getAffineDimExpr(position);
    sizes.push_back(loopSize(b, source, loop));
  }
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (OpOperand *operand : read) {
    inputs.push_back(operand->get());
    maps.push_back(source.getMatchingIndexingMap(operand).replaceDimsAndSymbols(renamed, {}, order.size(), 0));
  }
  maps.push_back(b.getMultiDimIdentityMap(order.size()));
  Location loc = source.getLoc();
  Value init = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
  SmallVector<utils::IteratorType> iterators(order.size(), utils::IteratorType::parallel);
  auto product = [&](OpBuilder &inside, Location at, ValueRange arguments) {
    IRMapping mapping;
    for (auto [operand, argument] : llvm::zip(read, arguments))
      mapping.map(source.getMatchingBlockArgument(operand), argument);
    for (Operation *inner : body) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        mapping.map(index.getResult(), linalg::IndexOp::create(inside, at, place[index.getDim()]).getResult());
      else
        inside.clone(*inner, mapping);
    }
    Value value = arith::ConstantOp::create(inside, at, inside.getF32FloatAttr(static_cast<float>(number)));
    for (const Factor &factor : factors) {
      Value scalar = mapping.lookupOrDefault(factor.scalar);
      value = factor.divides ? inside.createOrFold<arith::DivFOp>(at, value, scalar)
                             : inside.createOrFold<arith::MulFOp>(at, scalar, value);
    }
    linalg::YieldOp::create(inside, at, value);
  };
  return {linalg::GenericOp::create(b, loc, init.getType(), inputs, init, maps, iterators, product)->getResult(0),
          order};
}

} // namespace weft

//===- Lanes.cpp - scalar formulas on vectors --------------------------------------------------------------------===//
// Answers: how does a region written for one element become code for L elements at once?
//
// Every value is uniform (one scalar for all lanes) or varying (a vector of L lanes). An op whose operands are all
// uniform stays scalar; any other is rebuilt on vectors. What has no vector form is computed lane by lane, so that
// every region that is legal for one element is legal for L.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/Emitters.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace weft::cpu {

// Positions and sizes are below 2^31, so an index takes 32 bits in a lane: as many lanes as f32.
static Type laneElement(OpBuilder &b, Type scalar) { return scalar.isIndex() ? b.getI32Type() : scalar; }

VectorType lanesType(OpBuilder &b, const CpuLimits &limits, Type element) {
  return VectorType::get({limits.lanes}, laneElement(b, element ? element : b.getF32Type()));
}

Value splat(OpBuilder &b, Location loc, Value scalar, VectorType type) {
  if (isa<VectorType>(scalar.getType()))
    return scalar;
  if (scalar.getType().isIndex())
    scalar = b.createOrFold<arith::IndexCastOp>(loc, type.getElementType(), scalar);
  return vector::BroadcastOp::create(b, loc, type, scalar);
}

Value constantIndex(OpBuilder &b, Location loc, int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

//===-- loads -----------------------------------------------------------------------------------------------------===//

/// The index kept in [0, size), scalar or in lanes.
static Value clampIndex(OpBuilder &b, Location loc, Value index, Value size) {
  Value zero = constantIndex(b, loc, 0);
  Value last = b.createOrFold<arith::SubIOp>(loc, size, constantIndex(b, loc, 1));
  if (auto type = dyn_cast<VectorType>(index.getType())) {
    last = splat(b, loc, last, type);
    zero = splat(b, loc, zero, type);
  }
  return arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, index, last), zero);
}

/// One gather: offsets in elements from a base whose innermost stride is 1.
static Value gather(OpBuilder &b, Location loc, Value memref, ValueRange indices, VectorType type) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  auto indexType = VectorType::get(type.getShape(), b.getI32Type());
  SmallVector<Value> base;
  Value offsets;
  for (auto [d, index] : llvm::enumerate(indices)) {
    if (!isa<VectorType>(index.getType())) {
      base.push_back(index);
      continue;
    }
    base.push_back(constantIndex(b, loc, 0));
    Value inside = clampIndex(b, loc, index, metadata.getSizes()[d]);
    if (d + 1 != indices.size())
      inside = arith::MulIOp::create(b, loc, inside, splat(b, loc, metadata.getStrides()[d], indexType));
    offsets = offsets ? arith::AddIOp::create(b, loc, offsets, inside).getResult() : inside;
  }
  Value all = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type.clone(b.getI1Type()), true));
  Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::GatherOp::create(b, loc, type, memref, base, offsets, all, none);
}

Value loadOnLanes(OpBuilder &b, Location loc, Value memref, ValueRange indices, unsigned lanes) {
  auto memrefType = cast<MemRefType>(memref.getType());
  Type element = memrefType.getElementType();
  auto type = VectorType::get({lanes}, laneElement(b, element));
  // Narrower elements than 32 bits have no gather in the instruction sets.
  if (element.isIntOrFloat() && element.getIntOrFloatBitWidth() == 32 && memrefType.isLastDimUnitStride())
    return gather(b, loc, memref, indices, type);

  Value result = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  for (unsigned lane = 0; lane < lanes; ++lane) {
    SmallVector<Value> scalars;
    for (auto [d, index] : llvm::enumerate(indices)) {
      scalars.push_back(index);
      if (!isa<VectorType>(index.getType()))
        continue;
      Value scalar = vector::ExtractOp::create(b, loc, index, int64_t(lane));
      scalar = arith::IndexCastOp::create(b, loc, b.getIndexType(), scalar);
      scalars.back() = clampIndex(b, loc, scalar, b.createOrFold<memref::DimOp>(loc, memref, int64_t(d)));
    }
    Value scalar = memref::LoadOp::create(b, loc, memref, scalars);
    if (element.isIndex())
      scalar = arith::IndexCastOp::create(b, loc, b.getI32Type(), scalar);
    result = vector::InsertOp::create(b, loc, scalar, result, int64_t(lane));
  }
  return result;
}

//===-- regions ---------------------------------------------------------------------------------------------------===//

namespace {

class LaneEmitter {
public:
  LaneEmitter(OpBuilder &b, unsigned lanes) : b(b), lanes(lanes) {}

  void set(Value original, Value emitted) { map.map(original, emitted); }
  Value get(Value original) { return map.lookupOrDefault(original); }

  void emit(Operation *op) {
    if (!llvm::any_of(inputsOf(op), [&](Value v) { return varying(v); })) {
      b.clone(*op, map);
      return;
    }
    if (auto cast = dyn_cast<arith::IndexCastOp>(op))
      return castIndex(op, cast.getIn(), /*isSigned=*/true);
    if (auto cast = dyn_cast<arith::IndexCastUIOp>(op))
      return castIndex(op, cast.getIn(), /*isSigned=*/false);
    if (auto load = dyn_cast<memref::LoadOp>(op))
      return set(load, loadOnLanes(b, op->getLoc(), get(load.getMemRef()),
                                   llvm::map_to_vector(load.getIndices(), [&](Value v) { return get(v); }), lanes));
    if (OpTrait::hasElementwiseMappableTraits(op) && op->getNumRegions() == 0)
      return elementwise(op);
    laneByLane(op);
  }

  /// The values an op reads: its operands and what its regions use from outside.
  static SmallVector<Value> inputsOf(Operation *op) {
    SetVector<Value> inputs(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), inputs);
    return inputs.takeVector();
  }

private:
  bool varying(Value original) { return isa<VectorType>(get(original).getType()); }

  VectorType vectorOf(Type scalar) { return VectorType::get({lanes}, laneElement(b, scalar)); }

  Value getVector(Value original, Location loc) { return splat(b, loc, get(original), vectorOf(original.getType())); }

  void elementwise(Operation *op) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(getVector(operand, op->getLoc()));
    SmallVector<Type> types;
    for (Type type : op->getResultTypes())
      types.push_back(vectorOf(type));
    Operation *vectorised = b.create(op->getLoc(), op->getName().getIdentifier(), operands, types, op->getAttrs());
    map.map(op->getResults(), vectorised->getResults());
  }

  // One of the two types is `index`, which is i32 in lanes: what is left is a change of width, or nothing.
  void castIndex(Operation *op, Value input, bool isSigned) {
    Value in = get(input);
    VectorType type = vectorOf(op->getResult(0).getType());
    unsigned from = cast<VectorType>(in.getType()).getElementTypeBitWidth(), to = type.getElementTypeBitWidth();
    if (from < to)
      in = isSigned ? arith::ExtSIOp::create(b, op->getLoc(), type, in).getResult()
                    : arith::ExtUIOp::create(b, op->getLoc(), type, in).getResult();
    else if (from > to)
      in = arith::TruncIOp::create(b, op->getLoc(), type, in);
    set(op->getResult(0), in);
  }

  void laneByLane(Operation *op) {
    Location loc = op->getLoc();
    SmallVector<Value> results;
    for (Type type : op->getResultTypes())
      results.push_back(arith::ConstantOp::create(b, loc, b.getZeroAttr(vectorOf(type))));
    for (unsigned lane = 0; lane < lanes; ++lane) {
      IRMapping scalars;
      for (Value input : inputsOf(op)) {
        Value value = get(input);
        if (isa<VectorType>(value.getType())) {
          value = vector::ExtractOp::create(b, loc, value, int64_t(lane));
          if (input.getType().isIndex())
            value = arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
        }
        scalars.map(input, value);
      }
      Operation *copy = b.clone(*op, scalars);
      for (auto [result, value] : llvm::zip(results, copy->getResults())) {
        Value scalar = value;
        if (scalar.getType().isIndex())
          scalar = arith::IndexCastOp::create(b, loc, b.getI32Type(), scalar);
        result = vector::InsertOp::create(b, loc, scalar, result, int64_t(lane));
      }
    }
    map.map(op->getResults(), results);
  }

  OpBuilder &b;
  unsigned lanes;
  IRMapping map;
};

} // namespace

/// The ops of the block that compute `wanted` from arguments and `known`, in their order.
static SetVector<Operation *> slice(Block &body, ValueRange wanted, const IRMapping &known) {
  DenseSet<Operation *> needed;
  SmallVector<Value> open(wanted);
  while (!open.empty()) {
    Value value = open.pop_back_val();
    Operation *op = known.contains(value) ? nullptr : value.getDefiningOp();
    if (!op || op->getBlock() != &body || !needed.insert(op).second)
      continue;
    SmallVector<Value> inputs = LaneEmitter::inputsOf(op);
    open.append(inputs);
  }
  SetVector<Operation *> inOrder;
  for (Operation &op : body)
    if (needed.contains(&op))
      inOrder.insert(&op);
  return inOrder;
}

SmallVector<Value> emitOnLanes(OpBuilder &b, Block &body, ValueRange arguments, unsigned lanes, ValueRange wanted,
                               const IRMapping &known) {
  LaneEmitter emitter(b, lanes);
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), arguments))
    emitter.set(argument, value);
  for (auto [original, value] : known.getValueMap())
    emitter.set(original, value);
  for (Operation *op : slice(body, wanted, known))
    emitter.emit(op);
  return llvm::map_to_vector(wanted, [&](Value v) { return emitter.get(v); });
}

SmallVector<Value> emitOnLanes(OpBuilder &b, Block &body, ValueRange arguments, unsigned lanes,
                               const IRMapping &known) {
  return emitOnLanes(b, body, arguments, lanes, body.getTerminator()->getOperands(), known);
}

} // namespace weft::cpu

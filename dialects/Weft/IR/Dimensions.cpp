//===- Dimensions.cpp - several dimensions as one, and one as several ---------------------------------------------===//
#include "dialects/Weft/IR/Dimensions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace weft {

/// For each dimension of the shorter shape (those with a count), the dimensions of the longer one: itself and the unit
/// dimensions before it; those at the end go with the last.
static SmallVector<ReassociationIndices> unitDimensions(ArrayRef<unsigned> counts) {
  SmallVector<ReassociationIndices> reassociation;
  ReassociationIndices pending;
  for (auto [index, count] : llvm::enumerate(counts)) {
    pending.push_back(index);
    if (count == 0)
      continue;
    reassociation.push_back(pending);
    pending.clear();
  }
  if (!reassociation.empty())
    reassociation.back().append(pending);
  return reassociation;
}

/// For each dimension with a count, the dimensions that it consists of.
static SmallVector<ReassociationIndices> joinedDimensions(ArrayRef<unsigned> counts) {
  SmallVector<ReassociationIndices> reassociation;
  int64_t next = 0;
  for (unsigned count : counts) {
    if (count == 0)
      continue;
    reassociation.push_back(llvm::to_vector<2>(llvm::seq(next, next + count)));
    next += count;
  }
  return reassociation;
}

/// The static sizes of the joined dimensions, with or without those of size 1.
static SmallVector<int64_t> joinedShape(ArrayRef<unsigned> counts, ArrayRef<OpFoldResult> sizes, bool units) {
  SmallVector<int64_t> shape;
  for (unsigned count : counts) {
    int64_t product = 1;
    for (OpFoldResult size : sizes.take_front(count)) {
      std::optional<int64_t> number = getConstantIntValue(size);
      product = number && !ShapedType::isDynamic(product) ? product * *number : ShapedType::kDynamic;
    }
    sizes = sizes.drop_front(count);
    if (count || units)
      shape.push_back(product);
  }
  return shape;
}

static OpFoldResult productOf(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes) {
  int64_t known = 1;
  Value product;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> number = getConstantIntValue(size))
      known *= *number;
    else
      product = product ? arith::MulIOp::create(b, loc, product, cast<Value>(size)) : cast<Value>(size);
  }
  if (!product)
    return b.getIndexAttr(known);
  if (known != 1)
    product = arith::MulIOp::create(b, loc, product, arith::ConstantIndexOp::create(b, loc, known));
  return product;
}

static bool joins(ArrayRef<unsigned> counts) {
  return llvm::any_of(counts, [](unsigned count) { return count > 1; });
}
static bool hasUnits(ArrayRef<unsigned> counts) { return llvm::is_contained(counts, 0u); }

static Value expand(OpBuilder &b, Location loc, RankedTensorType type, Value tensor,
                    ArrayRef<ReassociationIndices> dimensions, ArrayRef<OpFoldResult> shape) {
  SmallVector<int64_t> known = llvm::map_to_vector(
      shape, [](OpFoldResult size) { return getConstantIntValue(size).value_or(ShapedType::kDynamic); });
  return tensor::ExpandShapeOp::create(b, loc, type.clone(known), tensor, dimensions, shape);
}

Value joinDimensions(OpBuilder &b, Location loc, Value tensor, ArrayRef<unsigned> counts,
                     ArrayRef<OpFoldResult> sizes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (joins(counts))
    tensor = tensor::CollapseShapeOp::create(b, loc, type.clone(joinedShape(counts, sizes, /*units=*/false)), tensor,
                                             joinedDimensions(counts));
  if (hasUnits(counts)) {
    SmallVector<OpFoldResult> shape;
    for (unsigned count : counts) {
      shape.push_back(productOf(b, loc, sizes.take_front(count)));
      sizes = sizes.drop_front(count);
    }
    tensor = expand(b, loc, type, tensor, unitDimensions(counts), shape);
  }
  return tensor;
}

Value splitDimensions(OpBuilder &b, Location loc, Value tensor, ArrayRef<unsigned> counts,
                      ArrayRef<OpFoldResult> sizes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (hasUnits(counts))
    tensor = tensor::CollapseShapeOp::create(b, loc, type.clone(joinedShape(counts, sizes, /*units=*/false)), tensor,
                                             unitDimensions(counts));
  if (joins(counts))
    tensor = expand(b, loc, type, tensor, joinedDimensions(counts), sizes);
  return tensor;
}

} // namespace weft

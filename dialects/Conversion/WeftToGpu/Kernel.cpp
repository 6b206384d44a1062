//===- Kernel.cpp - launches, rows, and what all kernels compute with ---------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include "dialects/Conversion/Common/Buffers.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace weft::grid {

//===-- kernels ---------------------------------------------------------------------------------------------------===//

Value Kernel::shared(ArrayRef<int64_t> shape, Type element) {
  auto space = gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  MemRefLayoutAttrInterface dense;
  auto type = MemRefType::get(shape, element ? element : b.getF32Type(), dense, space);
  return memref::AllocOp::create(b, type);
}

void Kernel::barrier() { gpu::BarrierOp::create(b); }

void launch(ImplicitLocOpBuilder &b, Value groups, int64_t threads, llvm::function_ref<void(Kernel &)> body) {
  LoopBuilder host(b);
  Value one = host.index(1), most = host.index(mostGroups);
  std::optional<int64_t> known = getConstantIntValue(groups);
  bool fits = known && *known <= mostGroups;
  Value x = fits ? groups : host.min(groups, most), y = one;
  if (!fits) // where there is no group, x is 0 and nothing runs
    y = host.divide(host.add(groups, host.sub(host.max(x, one), one)), host.max(x, one));
  auto op = gpu::LaunchOp::create(b, x, y, one, host.index(threads), one, one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&op.getBody().front());
  Value thread = op.getThreadIds().x, group = op.getBlockIds().x;
  if (!fits)
    group = host.add(host.mul(op.getBlockIds().y, op.getGridSize().x), group);
  Kernel kernel(b, group, thread, threads);
  if (fits)
    body(kernel);
  else // the last row of groups may have some too many
    kernel.when(kernel.less(group, groups), [&] { body(kernel); });
  gpu::TerminatorOp::create(b);
}

void launchItems(ImplicitLocOpBuilder &b, Value items, const GpuLimits &limits,
                 llvm::function_ref<void(Kernel &, Value)> body) {
  LoopBuilder host(b);
  launch(b, host.ceilDivide(items, limits.invocations), limits.invocations, [&](Kernel &k) {
    Value item = k.add(k.mul(k.group, k.threads), k.thread);
    k.when(k.less(item, items), [&] { body(k, item); });
  });
}

//===-- rows ------------------------------------------------------------------------------------------------------===//

SmallVector<Value> unflatten(LoopBuilder &k, Value item, ArrayRef<Value> sizes) {
  SmallVector<Value> place(sizes.size());
  for (size_t d = sizes.size(); d-- > 1;) {
    place[d] = k.remainder(item, sizes[d]);
    item = k.divide(item, sizes[d]);
  }
  if (!sizes.empty())
    place[0] = item;
  return place;
}

Rows::Rows(LoopBuilder &k, Value memref, int64_t leading) : total(k.index(1)) {
  for (int64_t d = 0; d < leading; ++d) {
    sizes.push_back(k.sizeOf(memref, d));
    total = k.mul(total, sizes.back());
  }
}

RowView::RowView(LoopBuilder &k, Value memref, int64_t leading) : memref(memref), flat(leading == 1) {
  if (leading < 2)
    return;
  if (Value rows = collapseLeading(k.b, k.b.getLoc(), memref, leading)) {
    this->memref = rows;
    flat = true;
  }
}

SmallVector<Value> RowView::at(Value row, ValueRange coordinates, ValueRange inner) const {
  SmallVector<Value> all;
  if (flat)
    all.push_back(row);
  else
    llvm::append_range(all, coordinates);
  llvm::append_range(all, inner);
  return all;
}

//===-- numbers ---------------------------------------------------------------------------------------------------===//

SmallVector<Value> inlineBlock(LoopBuilder &k, Block &block, ValueRange arguments) {
  IRMapping map;
  map.map(block.getArguments(), arguments);
  for (Operation &op : block.without_terminator())
    k.b.clone(op, map);
  return llvm::map_to_vector(block.getTerminator()->getOperands(), [&](Value v) { return map.lookupOrDefault(v); });
}

Value exponential(LoopBuilder &k, Value x) { return math::ExpOp::create(k.b, x); }
Value fma(LoopBuilder &k, Value x, Value y, Value z) { return math::FmaOp::create(k.b, x, y, z); }
Value plus(LoopBuilder &k, Value x, Value y) { return arith::AddFOp::create(k.b, x, y); }
Value minus(LoopBuilder &k, Value x, Value y) { return arith::SubFOp::create(k.b, x, y); }
Value times(LoopBuilder &k, Value x, Value y) { return arith::MulFOp::create(k.b, x, y); }
Value over(LoopBuilder &k, Value x, Value y) { return arith::DivFOp::create(k.b, x, y); }

Value larger(LoopBuilder &k, Value x, Value y) {
  Value isLarger = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OGT, x, y);
  return arith::SelectOp::create(k.b, isLarger, x, y);
}

} // namespace weft::grid

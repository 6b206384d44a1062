//===- Kernel.cpp - launches, rows, and what all kernels compute with ---------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include "dialects/Conversion/Common/Buffers.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

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

std::pair<Value, Value> foldGroups(LoopBuilder &host, Value groups) {
  Value one = host.index(1), x = host.min(groups, host.index(mostGroups)), atLeastOne = host.max(x, one);
  return {x, host.divide(host.add(groups, host.sub(atLeastOne, one)), atLeastOne)};
}

void launch(ImplicitLocOpBuilder &b, Value groups, int64_t threads, llvm::function_ref<void(Kernel &)> body) {
  LoopBuilder host(b);
  Value one = host.index(1);
  std::optional<int64_t> known = getConstantIntValue(groups);
  bool fits = known && *known <= mostGroups;
  auto [x, y] = fits ? std::pair(groups, one) : foldGroups(host, groups);
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

void launchSubgroups(ImplicitLocOpBuilder &b, Value groups, const GpuLimits &limits,
                     llvm::function_ref<void(Kernel &)> body) {
  launch(b, groups, limits.subgroup, [&](Kernel &k) {
    k.thread = gpu::LaneIdOp::create(b, b.getIndexType(), /*upper_bound=*/nullptr);
    body(k);
  });
}

void launchItems(ImplicitLocOpBuilder &b, Value items, const GpuLimits &limits,
                 llvm::function_ref<void(Kernel &, Value)> body) {
  LoopBuilder host(b);
  launch(b, host.ceilDivide(items, limits.itemsOfGroup), limits.itemsOfGroup, [&](Kernel &k) {
    Value item = k.add(k.mul(k.group, k.threads), k.thread);
    k.when(k.less(item, items), [&] { body(k, item); });
  });
}

//===-- rows ------------------------------------------------------------------------------------------------------===//

SmallVector<Value> unflatten(LoopBuilder &k, Value item, ArrayRef<Value> sizes) {
  if (getConstantIntValue(item) == 0) // no division by what is known only when running
    return SmallVector<Value>(sizes.size(), item);
  SmallVector<Value> place(sizes.size());
  for (size_t d = sizes.size(); d-- > 1;) {
    Value above = k.divide(item, sizes[d]);
    // A remainder by what is known only when running would divide once more, which is dear.
    place[d] = getConstantIntValue(sizes[d]) ? k.remainder(item, sizes[d]) : k.sub(item, k.mul(above, sizes[d]));
    item = above;
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

//===-- neighbours and shares -------------------------------------------------------------------------------------===//

static bool isOfMultiples(MemRefType type, int64_t count) {
  if (type.getLayout().isIdentity())
    return type.getShape().back() % count == 0; // not where that is known only when running: it is negative and odd
  auto [strides, offset] = type.getStridesAndOffset();
  auto isMultiple = [&](int64_t number) { return !ShapedType::isDynamic(number) && number % count == 0; };
  return strides.back() == 1 && isMultiple(offset) && llvm::all_of(ArrayRef(strides).drop_back(), isMultiple);
}

SmallVector<Value> loadNeighbours(LoopBuilder &k, Value memref, ValueRange at, int64_t count) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<Value> numbers;
  if (count > 1 && isOfMultiples(type, count)) {
    Value all = vector::LoadOp::create(k.b, VectorType::get({count}, type.getElementType()), memref, at);
    for (int64_t i = 0; i < count; ++i)
      numbers.push_back(vector::ExtractOp::create(k.b, all, i));
    return numbers;
  }
  SmallVector<Value> place(at);
  for (int64_t i = 0; i < count; ++i) {
    place.back() = k.add(at.back(), i);
    numbers.push_back(k.load(memref, place));
  }
  return numbers;
}

SmallVector<Value> addShares(Kernel &k, Value share, int64_t shares, Value lane, int64_t lanes,
                             ArrayRef<Value> values) {
  // What one tells another goes through memory in vectors, and not too many of them at a time.
  constexpr size_t ofVector = 4, atOnce = bytesToAddShares / sizeof(float);
  SmallVector<Value> sums(values), memory;
  for (size_t begin = 0; begin < sums.size() && shares > 1; begin += atOnce) {
    MutableArrayRef<Value> own = MutableArrayRef(sums).slice(begin, std::min(atOnce, sums.size() - begin));
    if (begin)
      k.barrier();
    for (size_t i = memory.size() * ofVector; i < own.size(); i += ofVector)
      memory.push_back(k.shared({shares, lanes}, VectorType::get({ofVector}, k.b.getF32Type())));
    auto tell = [&] {
      for (size_t i = 0; i < own.size(); i += ofVector) {
        SmallVector<Value> elements(own.drop_front(i).take_front(ofVector));
        elements.resize(ofVector, elements.front());
        auto type = VectorType::get({ofVector}, k.b.getF32Type());
        k.store(vector::FromElementsOp::create(k.b, type, elements), memory[i / ofVector], {share, lane});
      }
    };
    for (int64_t left = shares, half; left > 1; left = half) {
      half = llvm::divideCeil(left, 2);
      // Each has a place of its own, which is written once: nobody waits for it to be read.
      k.when(k.both(k.compare(arith::CmpIPredicate::sge, share, k.index(half)), k.less(share, k.index(left))), tell);
      k.barrier();
      auto listen = [&] {
        SmallVector<Value> next(own);
        Value other = k.add(share, half);
        for (size_t i = 0; i < own.size(); i += ofVector) {
          Value found = k.load(memory[i / ofVector], {other, lane});
          for (size_t j = i; j < std::min(i + ofVector, own.size()); ++j)
            next[j] = plus(k, own[j], vector::ExtractOp::create(k.b, found, j - i));
        }
        return next;
      };
      auto keep = [&] { return SmallVector<Value>(own); };
      llvm::copy(k.choose(k.less(share, k.index(left - half)), listen, keep), own.begin());
    }
  }
  return sums;
}

//===-- subgroups -------------------------------------------------------------------------------------------------===//

static Value shuffle(Kernel &k, gpu::ShuffleMode mode, Value x, int64_t by) {
  auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(k.b, k.b.getI32Type(), value); };
  return gpu::ShuffleOp::create(k.b, x, number(by), number(k.threads), mode).getShuffleResult();
}

Value combineAll(Kernel &k, Value x, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t half = k.threads / 2; half >= 1; half /= 2)
    x = combine(x, shuffle(k, gpu::ShuffleMode::XOR, x, half));
  return x;
}

Value sumOfAll(Kernel &k, Value x) {
  return combineAll(k, x, [&](Value x, Value y) { return plus(k, x, y); });
}

Spread::Spread(Kernel &k, Value memref, int64_t count, llvm::function_ref<SmallVector<Value>(Value)> at)
    : count(count) {
  Value first = k.mul(k.thread, 2);
  if (count % 2 == 0) {
    bool areAll = count == 2 * k.threads;
    own = loadNeighbours(k, memref, at(areAll ? first : k.min(first, k.index(count - 2))), 2);
    return;
  }
  for (int64_t i = 0; i < 2; ++i)
    own.push_back(k.load(memref, at(k.min(k.add(first, i), k.index(count - 1)))));
}

Value Spread::isOwn(Kernel &k, int64_t i) const {
  return count == 2 * k.threads ? Value() : k.less(k.add(k.mul(k.thread, 2), i), k.index(count));
}

SmallVector<Value> Spread::all(Kernel &k) const {
  SmallVector<Value> numbers;
  for (int64_t i = 0; i < count; ++i)
    numbers.push_back(shuffle(k, gpu::ShuffleMode::IDX, own[i % 2], i / 2));
  return numbers;
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

Value inverseRoot(LoopBuilder &k, Value square, const APFloat &eps) {
  Value epsilon = k.constant(static_cast<float>(eps.convertToDouble()));
  return over(k, k.constant(1.0f), math::SqrtOp::create(k.b, plus(k, square, epsilon)));
}

} // namespace weft::grid

//===- DecodeAhead.cpp - attention of few queries: memory is asked for before it is read --------------------------===//
// Answers: at which addresses does what is read now go on, and which lines of it are asked for?
//
// Several rows take longer to compute than to read, so that of each line there is time to ask for it. Rows of keys are
// read one after the other, then as many rows of values, and so on with the next block or the next head: a machine
// foresees that addresses ascend, but not where the next rows begin, and so the last rows ask for those.
//
// What is more than a machine's caches hold comes from memory, and there each line that is asked for is one that the
// machine, which reads ahead by itself, does not ask for: it took 1.3 to 1.8 times as long.
//
// One row alone reads as fast as it can. It asks for one line of each KB or so, from which the machine goes on.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionDecode.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace weft::cpu {

Decode::Rows Decode::rowsOf(HeadView view) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, view);
  Value first = memref::ExtractAlignedPointerAsIndexOp::create(b, metadata.getBaseBuffer());
  Value element = index(sizeof(float));
  return {add(first, mul(metadata.getOffset(), element)), mul(metadata.getStrides().front(), element)};
}

Value Decode::addressOf(const Rows &rows, Value row) { return add(rows.first, mul(row, rows.stride)); }

/// After the last value of an item: its keys where the next part of them begins, or those of the next head, or, after
/// the last, its own once more, which does no harm.
void Decode::findNextKeys(Item &item, Value number, Value part, Value firstOfItem) {
  Value isLast = compare(arith::CmpIPredicate::eq, remainder(number, chunks), add(chunks, -1));
  Value next = min(add(divide(number, chunks), select(isLast, index(1), index(0))), add(mul(batch, index(G)), -1));
  Rows keys = rowsOf(headOf(op.getKey(), divide(next, index(G)), remainder(next, index(G))));
  item.nextKeys = addressOf(keys, firstOfItem);
  if (mayDivide())
    item.nextKeys = select(compare(arith::CmpIPredicate::ult, add(part, 1), parts),
                           addressOf(rowsOf(item.key), item.bounds.end), item.nextKeys);
}

void Decode::lookAhead(Item &item, const KeyBlock &block) {
  Rows keys = rowsOf(item.key), values = rowsOf(item.value);
  auto ahead = [&](const Rows &rows, int64_t width, Value next) {
    Value far = index(rowsAhead(width)), distance = select(isCached, far, index(0)), end = sub(block.end, distance);
    return Ahead{rows.stride, addressOf(rows, far), addressOf(rows, distance), end, sub(next, mul(end, rows.stride))};
  };
  Value isLast = compare(arith::CmpIPredicate::sge, block.end, item.bounds.end);
  item.ofKeys = ahead(keys, D, addressOf(values, block.begin));
  item.ofValues = ahead(values, E, select(isLast, item.nextKeys, addressOf(keys, block.end)));
}

/// From where on memory is asked for while a tile of keys or values from `first` on is read, for some rows.
Value Decode::baseAhead(const Ahead &ahead, Value first, int64_t rows) {
  if (rows == 1)
    return ahead.ofOneRow;
  return select(compare(arith::CmpIPredicate::slt, first, ahead.end), ahead.own, ahead.next);
}

// Two loops in turns, so that there is nothing to decide in them.
Decode::Vectors Decode::eachAhead(const Ahead &ahead, Value from, Value to, ValueRange start, AheadBody body) {
  Value middle = max(from, min(to, ahead.end));
  return loop(index(0), index(2), 1, start, [&](Value part, ValueRange state) {
    Value isFirst = compare(arith::CmpIPredicate::eq, part, index(0));
    return body(select(isFirst, from, middle), select(isFirst, middle, to), select(isFirst, ahead.own, ahead.next),
                state);
  });
}

void Decode::askFor(const Ahead &ahead, Value base, Value row, Value element) {
  Value place = add(add(base, mul(row, ahead.stride)), mul(element, index(sizeof(float))));
  Value address = arith::IndexCastOp::create(b, b.getI64Type(), place);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  LLVM::Prefetch::create(b, LLVM::IntToPtrOp::create(b, pointer, address), /*rw=*/0, uint32_t(Cache::Second),
                         /*cache=*/1);
}

} // namespace weft::cpu

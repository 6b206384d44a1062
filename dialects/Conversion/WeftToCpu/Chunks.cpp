//===- Chunks.cpp - how the work of a kernel is divided among threads --------------------------------------------===//
// Answers: how many pieces does a kernel fall into, and which items belong to which?
//
// Chunks are contiguous and differ by at most one item. Their number depends on the work alone, never on the number of
// threads, and an item is computed the same way whichever chunk holds it: results are the same bits on any machine.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/Emitters.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace weft::cpu {

// Waking a sleeping thread takes 2 to 5 us; this many f32 operations take about as long on one core.
static constexpr int64_t operationsPerChunk = 20000;

void parallelRanges(OpBuilder &b, Location loc, Value items, Value costPerItem,
                    llvm::function_ref<void(OpBuilder &, Location, Value, Value)> body, int64_t maxChunks) {
  Value one = constantIndex(b, loc, 1);
  Value work = b.createOrFold<arith::MulIOp>(loc, items, costPerItem);
  Value worthwhile = b.createOrFold<arith::DivUIOp>(loc, work, constantIndex(b, loc, operationsPerChunk));
  worthwhile = b.createOrFold<arith::MaxUIOp>(loc, worthwhile, one);
  // `items` bounds last: without items there is no chunk, so the division below is by no zero.
  Value count = b.createOrFold<arith::MinUIOp>(loc, worthwhile, constantIndex(b, loc, maxChunks));
  count = b.createOrFold<arith::MinUIOp>(loc, count, items);

  scf::ForallOp::create(b, loc, ArrayRef<OpFoldResult>{count}, ValueRange{}, std::nullopt,
                        [&](OpBuilder &b, Location loc, ValueRange chunks) {
                          auto firstItem = [&](Value chunk) -> Value {
                            Value product = b.createOrFold<arith::MulIOp>(loc, chunk, items);
                            return b.createOrFold<arith::DivUIOp>(loc, product, count);
                          };
                          Value next = b.createOrFold<arith::AddIOp>(loc, chunks[0], constantIndex(b, loc, 1));
                          body(b, loc, firstItem(chunks[0]), firstItem(next));
                          scf::InParallelOp::create(b, loc);
                        });
}

void parallelChunks(OpBuilder &b, Location loc, Value items, Value costPerItem,
                    llvm::function_ref<void(OpBuilder &, Location, Value)> body,
                    llvm::function_ref<void(OpBuilder &, Location)> prologue, int64_t maxChunks) {
  parallelRanges(
      b, loc, items, costPerItem,
      [&](OpBuilder &b, Location loc, Value begin, Value end) {
        if (prologue)
          prologue(b, loc);
        scf::ForOp::create(b, loc, begin, end, constantIndex(b, loc, 1), ValueRange{},
                           [&](OpBuilder &b, Location loc, Value item, ValueRange) {
                             body(b, loc, item);
                             scf::YieldOp::create(b, loc);
                           });
      },
      maxChunks);
}

} // namespace weft::cpu

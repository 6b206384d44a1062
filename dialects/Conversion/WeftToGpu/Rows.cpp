//===- Rows.cpp - softmax, norms and argmax on a GPU --------------------------------------------------------------===//
// Answers: how do the invocations of a workgroup share a row?
//
// A row has as many invocations as it has columns, rounded up to a power of two, and at most a workgroup; where that is
// fewer, a workgroup has several rows. An invocation takes every n-th column, then what they found is combined in
// halves through workgroup memory. The order depends on the number of columns alone. Where subgroups are better off
// alone, a row has at most one of them, and what they found is shuffled.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace weft::grid {
namespace {

using Combine = llvm::function_ref<Value(Value, Value)>;

/// What an invocation knows of its row.
class Row {
public:
  Row(Kernel &k, Value number, Value isInside, Value lane, int64_t lanes, bool isAlone, Value columns,
      SmallVector<Value> coordinates)
      : k(k), number(number), isInside(isInside), lane(lane), lanes(lanes), isAlone(isAlone), columns(columns),
        coordinates(std::move(coordinates)) {}

  /// `visit(column, so far)` over the columns of this invocation, then `combine` over those of the row.
  Value reduce(Value start, llvm::function_ref<Value(Value, Value)> visit, Combine combine) {
    Value mine = k.loop(lane, columns, k.index(lanes), start, [&](Value column, ValueRange state) {
                    return SmallVector<Value>{visit(column, state[0])};
                  }).front();
    if (lanes == 1)
      return mine;
    if (isAlone)
      return combineAll(k, mine, combine);
    Value memory = k.shared({k.threads}, mine.getType());
    k.store(mine, memory, k.thread);
    for (int64_t half = lanes / 2; half >= 1; half /= 2) {
      k.barrier();
      k.when(k.less(lane, k.index(half)), [&] {
        Value other = k.load(memory, k.add(k.thread, half));
        k.store(combine(k.load(memory, k.thread), other), memory, k.thread);
      });
    }
    k.barrier();
    return k.load(memory, k.sub(k.thread, lane));
  }

  Value sum(llvm::function_ref<Value(Value column, Value soFar)> visit) {
    return reduce(k.constant(0.0f), visit, [&](Value x, Value y) { return plus(k, x, y); });
  }

  /// `write(column)` for the columns of this invocation, unless the row is beyond the last.
  void write(llvm::function_ref<void(Value)> body) {
    k.when(isInside, [&] { k.loop(lane, columns, k.index(lanes), body); });
  }

  Kernel &k;
  Value number, isInside, lane;
  int64_t lanes;
  bool isAlone; ///< has a subgroup that is its own workgroup
  Value columns;
  SmallVector<Value> coordinates;
};

/// Rows of the leading dimensions of `like`, of `columns` columns each.
void launchRows(ImplicitLocOpBuilder &b, Value like, int64_t leading, Value columns, const GpuLimits &limits,
                llvm::function_ref<void(Row &)> body) {
  LoopBuilder host(b);
  Rows rows(host, like, leading);
  int64_t lanes = limits.invocations;
  if (std::optional<int64_t> known = getConstantIntValue(columns))
    lanes = std::min<int64_t>(lanes, llvm::PowerOf2Ceil(std::max<int64_t>(*known, 1)));
  // Invocations beyond the last row do its work once more, so that all arrive at every barrier.
  auto emit = [&](Kernel &k, Value number, Value lane, bool isAlone) {
    Value isInside = k.less(number, rows.count());
    number = k.min(number, k.add(rows.count(), -1));
    Row row(k, number, isInside, lane, lanes, isAlone, columns, rows.at(k, number));
    body(row);
  };
  if (limits.subgroupsAlone && lanes >= limits.subgroup) {
    lanes = limits.subgroup;
    return launchSubgroups(b, rows.count(), limits, [&](Kernel &k) { emit(k, k.group, k.thread, /*isAlone=*/true); });
  }
  int64_t perGroup = limits.invocations / lanes;
  launch(b, host.ceilDivide(rows.count(), perGroup), limits.invocations, [&](Kernel &k) {
    Value number = k.add(k.mul(k.group, perGroup), k.divide(k.thread, lanes));
    emit(k, number, k.remainder(k.thread, lanes), /*isAlone=*/false);
  });
}

using OfColumn = llvm::function_ref<Value(Value column)>;
using Write = llvm::function_ref<void(OfColumn)>;

/// Rows of the last dimension that become rows of as many numbers: `body` gets what reads a column of its row and what
/// writes all of them.
void mapRows(ImplicitLocOpBuilder &b, Value in, Value out, const GpuLimits &limits,
             llvm::function_ref<void(Row &, OfColumn load, Write write)> body) {
  int64_t leading = cast<MemRefType>(out.getType()).getRank() - 1;
  launchRows(b, out, leading, LoopBuilder(b).sizeOf(out, leading), limits, [&](Row &row) {
    Kernel &k = row.k;
    RowView input(k, in, leading), output(k, out, leading);
    auto load = [&](Value column) { return k.load(input.memref, input.at(row.number, row.coordinates, column)); };
    auto write = [&](OfColumn number) {
      row.write([&](Value column) {
        k.store(number(column), output.memref, output.at(row.number, row.coordinates, column));
      });
    };
    body(row, load, write);
  });
}

Value meanOf(Kernel &k, Value sum, Value columns) {
  Value count = arith::IndexCastOp::create(k.b, k.b.getI32Type(), columns);
  return over(k, sum, arith::SIToFPOp::create(k.b, k.b.getF32Type(), count));
}

int64_t rankOf(Value memref) { return cast<MemRefType>(memref.getType()).getRank(); }

} // namespace

//===-- softmax ---------------------------------------------------------------------------------------------------===//

// The maximum passes over NaN, which the sum brings back to every element of the row.
void emitSoftmax(ImplicitLocOpBuilder &b, SoftmaxOp op, const GpuLimits &limits) {
  mapRows(b, op.getInput(), op.getOuts(), limits, [&](Row &row, OfColumn load, Write write) {
    Kernel &k = row.k;
    auto largest = [&](Value x, Value y) { return larger(k, x, y); };
    Value lowest = k.constant(-std::numeric_limits<float>::infinity());
    Value maximum =
        row.reduce(lowest, [&](Value column, Value soFar) { return larger(k, load(column), soFar); }, largest);
    auto power = [&](Value column) { return exponential(k, minus(k, load(column), maximum)); };
    Value sum = row.sum([&](Value column, Value soFar) { return plus(k, soFar, power(column)); });
    Value factor = over(k, k.constant(1.0f), sum);
    write([&](Value column) { return times(k, power(column), factor); });
  });
}

//===-- norms -----------------------------------------------------------------------------------------------------===//

void emitRmsNorm(ImplicitLocOpBuilder &b, RmsNormOp op, const GpuLimits &limits) {
  mapRows(b, op.getInput(), op.getOuts(), limits, [&](Row &row, OfColumn load, Write write) {
    Kernel &k = row.k;
    Value columns = row.columns;
    Value squares = row.sum([&](Value column, Value soFar) {
      Value x = load(column);
      return fma(k, x, x, soFar);
    });
    Value factor = inverseRoot(k, meanOf(k, squares, columns), op.getEps());
    write([&](Value column) {
      Value y = times(k, load(column), factor);
      if (op.getScale())
        y = times(k, y, k.load(op.getScale(), column));
      return y;
    });
  });
}

void emitNormedWords(ImplicitLocOpBuilder &b, PackedLinearOp op, const GpuLimits &limits) {
  const int64_t leading = rankOf(op.getInput()) - 1, depth = op.getDepth();
  Value words = arith::ConstantIndexOp::create(b, llvm::divideCeil(depth, 2));
  launchRows(b, op.getWorkspace(), leading, words, limits, [&](Row &row) {
    Kernel &k = row.k;
    RowView input(k, op.getInput(), leading), output(k, op.getWorkspace(), leading);
    auto load = [&](Value word, int64_t i, llvm::function_ref<Value(Value)> from) {
      Value column = k.add(k.mul(word, 2), i);
      if (depth % 2 == 0 || i == 0)
        return from(column);
      Value number = from(k.min(column, k.index(depth - 1)));
      return k.select(k.less(column, k.index(depth)), number, k.constant(0.0f));
    };
    auto number = [&](Value word, int64_t i) {
      return load(word, i,
                  [&](Value column) { return k.load(input.memref, input.at(row.number, row.coordinates, column)); });
    };
    Value squares = row.sum([&](Value word, Value soFar) {
      for (int64_t i = 0; i < 2; ++i) {
        Value x = number(word, i);
        soFar = fma(k, x, x, soFar);
      }
      return soFar;
    });
    Value factor = inverseRoot(k, over(k, squares, k.constant(static_cast<float>(depth))), *op.getNormEps());
    row.write([&](Value word) {
      SmallVector<Value> halves;
      for (int64_t i = 0; i < 2; ++i) {
        Value y = times(k, number(word, i), factor);
        if (op.getNormScale())
          y = times(k, y, load(word, i, [&](Value column) { return k.load(op.getNormScale(), column); }));
        halves.push_back(arith::TruncFOp::create(b, b.getF16Type(), y));
      }
      Value pair = vector::FromElementsOp::create(b, VectorType::get({2}, b.getF16Type()), halves);
      Value bits = vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), pair);
      k.store(vector::ExtractOp::create(b, bits, 0), output.memref, output.at(row.number, row.coordinates, word));
    });
  });
}

void emitLayerNorm(ImplicitLocOpBuilder &b, LayerNormOp op, const GpuLimits &limits) {
  mapRows(b, op.getInput(), op.getOuts(), limits, [&](Row &row, OfColumn load, Write write) {
    Kernel &k = row.k;
    Value columns = row.columns;
    Value mean = meanOf(k, row.sum([&](Value column, Value soFar) { return plus(k, soFar, load(column)); }), columns);
    // What the mean lost in rounding is the mean of the deviations from it.
    Value rests = row.sum([&](Value column, Value soFar) { return plus(k, soFar, minus(k, load(column), mean)); });
    Value lost = meanOf(k, rests, columns);
    auto deviation = [&](Value column) { return minus(k, minus(k, load(column), mean), lost); };
    Value squares = row.sum([&](Value column, Value soFar) {
      Value d = deviation(column);
      return fma(k, d, d, soFar);
    });
    Value factor = inverseRoot(k, meanOf(k, squares, columns), op.getEps());
    write([&](Value column) {
      Value y = times(k, deviation(column), factor);
      if (op.getScale())
        y = times(k, y, k.load(op.getScale(), column));
      if (op.getShift())
        y = plus(k, y, k.load(op.getShift(), column));
      return y;
    });
  });
}

//===-- argmax ----------------------------------------------------------------------------------------------------===//

/// Integers in the order of the numbers, -0 equal to 0 and NaN above all: the first of equals and the first NaN are
/// then simply the first largest key.
static Value orderedKey(Kernel &k, Value x) {
  auto integer = [&](int32_t value) -> Value { return arith::ConstantOp::create(k.b, k.b.getI32IntegerAttr(value)); };
  constexpr int32_t largest = std::numeric_limits<int32_t>::max();
  Value isNaN = arith::CmpFOp::create(k.b, arith::CmpFPredicate::UNO, x, x);
  Value isZero = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, x, k.constant(0.0f));
  Value bits = arith::BitcastOp::create(k.b, k.b.getI32Type(), x);
  Value flips = k.make<arith::AndIOp>(k.make<arith::ShRSIOp>(bits, integer(31)), integer(largest));
  Value key = k.select(isZero, integer(0), k.make<arith::XOrIOp>(bits, flips));
  return k.select(isNaN, integer(largest), key);
}

void emitArgmax(ImplicitLocOpBuilder &b, ArgmaxOp op, const GpuLimits &limits) {
  int64_t leading = rankOf(op.getOuts());
  Value columns = LoopBuilder(b).sizeOf(op.getInput(), leading);
  launchRows(b, op.getOuts(), leading, columns, limits, [&](Row &row) {
    Kernel &k = row.k;
    RowView input(k, op.getInput(), leading), output(k, op.getOuts(), leading);
    auto integer = [&](int32_t value) -> Value { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); };
    auto key = [&](Value column) {
      return orderedKey(k, k.load(input.memref, input.at(row.number, row.coordinates, column)));
    };
    auto most = [&](Value x, Value y) { return k.max(x, y); };
    auto least = [&](Value x, Value y) { return k.min(x, y); };
    Value largest = row.reduce(
        integer(std::numeric_limits<int32_t>::min()),
        [&](Value column, Value soFar) { return most(key(column), soFar); }, most);
    // Then the first column that holds it.
    Value none = integer(std::numeric_limits<int32_t>::max());
    Value first = row.reduce(
        none,
        [&](Value column, Value soFar) {
          Value isLargest = k.compare(arith::CmpIPredicate::eq, key(column), largest);
          Value here = arith::IndexCastOp::create(b, b.getI32Type(), column);
          return least(k.select(isLargest, here, none), soFar);
        },
        least);
    Value isFirst = k.compare(arith::CmpIPredicate::eq, row.lane, k.index(0));
    k.when(k.both(row.isInside, isFirst),
           [&] { k.store(first, output.memref, output.at(row.number, row.coordinates, {})); });
  });
}

} // namespace weft::grid

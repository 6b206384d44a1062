//===- AttentionRows.cpp - what attention knows of a row when all its keys have been seen ------------------------===//
// Answers: how do a row's maximum and sum become probabilities and the log of the sum, with a sink among the keys?
//
// The sink comes last: until then a sum of 0 says that the row has no key to attend to, whatever the sink is.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/WeftToCpu/AttentionNest.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace weft::cpu {

AttentionNest::RowEnd AttentionNest::endOfRow(Value maximum, Value sum, Value head) {
  Value zero = constantLike(maximum, 0.0f), one = constantLike(maximum, 1.0f);
  RowEnd end;
  end.empty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum, zero);
  if (op.getSink()) {
    Value sink = loadScalar(op.getSink(), head), keys = multiply(maximum, constantLike(maximum, exponentFactor()));
    if (isa<VectorType>(maximum.getType()))
      sink = lanesOf(sink);
    sink = multiply(sink, constantLike(maximum, log2OfE));
    end.subtracted = finiteOr0(larger(sink, keys));
    auto less = [&](Value exponent) { return power(arith::SubFOp::create(b, exponent, end.subtracted)); };
    end.factor = less(keys);
    sum = arith::AddFOp::create(b, multiply(sum, end.factor), less(sink));
  } else {
    end.subtracted = toSubtract(maximum);
  }
  end.inverse = arith::DivFOp::create(b, one, sum);
  end.factor = end.factor ? multiply(end.factor, end.inverse) : end.inverse;
  if (op.getLse())
    end.lse = math::FmaOp::create(b, end.subtracted, constantLike(maximum, ln2), math::LogOp::create(b, sum));
  return end;
}

// Rows that are empty have a weight of 0 for every key, whatever `weigh` makes of 0.
Value AttentionNest::probability(Value score, const RowEnd &end, const Position &at) {
  Value p = multiply(exponential(score, end.subtracted), end.inverse);
  if (!op.getWeigh().empty())
    p = lanesOf(emitOnLanes(b, op.getWeigh().front(), {p, at.batch, at.head, at.query, at.key}, L).front());
  return select(end.empty, lanesOf(0.0f), p);
}

void AttentionNest::clearWeights(Value batchIndex, Value query, Value head) {
  loop(index(0), T, L,
       [&](Value key) { storeFirst(lanesOf(0.0f), weightsOut(), {batchIndex, query, head, key}, sub(T, key)); });
}

} // namespace weft::cpu

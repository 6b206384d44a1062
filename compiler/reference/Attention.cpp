//===- Attention.cpp - attention ----------------------------------------------------------------------------------===//
// Answers: what is attention with a mask and a score region? The formulas of the op, one query and head after another,
// with all scores of a row at hand; the largest score is subtracted before exp, which changes nothing but overflow.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Parallel.h"
#include "compiler/reference/Rounding.h"
#include "compiler/reference/ScalarBody.h"
#include "compiler/reference/WeftOps.h"
#include <cmath>

using namespace mlir;

#pragma STDC FP_CONTRACT OFF // a fused multiply-add is better than the naive float result

namespace weft::reference {
namespace {

/// The sizes of the op's text, by their letters there.
struct Sizes {
  int64_t B, S, T, H, G, D, E;
};

struct Regions {
  std::optional<ScalarBody> similarity, mask, score, weigh;
};

/// A region with its slots: what one row after another is computed with.
class Formula {
public:
  explicit Formula(const std::optional<ScalarBody> &body) : body(body) {
    if (body)
      slots = body->slots();
  }
  explicit operator bool() const { return body.has_value(); }

  /// Numbers first, then positions. False where a formula reads outside a tensor: `error` tells.
  template <typename Real> bool execute(ArrayRef<Real> numbers, ArrayRef<int64_t> positions) {
    for (auto [i, number] : llvm::enumerate(numbers))
      body->argument(slots, i).real = number;
    for (auto [i, position] : llvm::enumerate(positions))
      body->argument(slots, numbers.size() + i).integer = position;
    return body->execute(slots);
  }
  llvm::Error error() const { return ScalarBody::error(slots); }
  bool holds() const { return body->result(slots).integer != 0; }
  double number(unsigned i = 0) const { return body->result(slots, i).real; }

private:
  const std::optional<ScalarBody> &body;
  Slots slots;
};

/// What is computed for a row besides its values; null where nobody asked.
struct Results {
  Tensor *values = nullptr, *weights = nullptr, *lse = nullptr;
};

template <typename Real> class Rows {
public:
  Rows(AttentionOp op, const Sizes &sizes, const Regions &regions, const Frame &frame, const Results &results)
      : sizes(sizes), regions(regions), results(results), query(numbers<Real>(frame[op.getQuery()])),
        key(numbers<Real>(frame[op.getKey()])), value(numbers<Real>(frame[op.getValue()])),
        past(op.getPast() ? frame.integer(op.getPast()) : 0), scale(op.getScale().convertToDouble()),
        sums(op.getSums()) {
    if (op.getSink())
      sink = numbers<Real>(frame[op.getSink()]);
    rounds = frame.options.roundActivations && op.getRoundsToF16() && op.getSimilarity().empty() && !op.getWeights() &&
             op.getWeigh().empty() && sizes.S * (sizes.H / sizes.G) >= rowsForMatrices;
    if (rounds)
      for (std::vector<Real> *factors : {&query, &key, &value})
        for (Real &number : *factors)
          number = roundToF16(number);
  }

  /// All queries of batch b and head h.
  llvm::Error run(int64_t b, int64_t h) const {
    auto [B, S, T, H, G, D, E] = sizes;
    std::vector<Real> scores(T);
    std::vector<char> admitted(T);
    Formula similarity(regions.similarity), mask(regions.mask), score(regions.score), weigh(regions.weigh);
    for (int64_t i = 0; i < S; ++i) {
      for (int64_t k = 0; k < T; ++k) {
        std::array<int64_t, 4> position = {b, h, past + i, k};
        if (mask && !mask.execute<Real>({}, position))
          return mask.error();
        admitted[k] = !mask || mask.holds();
        if (!admitted[k])
          continue;
        SmallVector<Real, 2> products(sums, 0);
        if (auto error = addProducts(similarity, b, i, h, k, products))
          return error;
        for (Real &product : products)
          product = scale * product;
        if (score && !score.execute<Real>(products, position))
          return score.error();
        scores[k] = score ? static_cast<Real>(score.number()) : products[0];
      }
      bool attends = normalize(scores, admitted, b, i, h);
      if (weigh && attends)
        for (int64_t k = 0; k < T; ++k) {
          if (!admitted[k])
            continue;
          if (!weigh.execute<Real>({scores[k]}, {b, h, past + i, k}))
            return weigh.error();
          scores[k] = weigh.number();
        }
      write(scores, admitted, attends, b, i, h);
    }
    return llvm::Error::success();
  }

private:
  llvm::Error addProducts(Formula &similarity, int64_t b, int64_t i, int64_t h, int64_t k,
                          MutableArrayRef<Real> products) const {
    auto [B, S, T, H, G, D, E] = sizes;
    const Real *q = &query[((b * S + i) * H + h) * D], *kk = &key[((b * T + k) * G + h / (H / G)) * D];
    for (int64_t d = 0; d < D; ++d) {
      if (!similarity) {
        products[0] += q[d] * kk[d];
        continue;
      }
      if (!similarity.execute<Real>({q[d], kk[d]}, {b, h, d}))
        return similarity.error();
      for (auto [n, product] : llvm::enumerate(products))
        product += static_cast<Real>(similarity.number(n));
    }
    return llvm::Error::success();
  }

  /// Makes probabilities of scores, and the log of their sum. All are zero, and false is returned, where no key is
  /// admitted and where all admitted scores are -inf.
  bool normalize(std::vector<Real> &scores, const std::vector<char> &admitted, int64_t b, int64_t i, int64_t h) const {
    auto [B, S, T, H, G, D, E] = sizes;
    Real largest = sink.empty() ? Real(-INFINITY) : sink[h], sum = 0;
    bool attends = false;
    for (int64_t k = 0; k < T; ++k)
      if (admitted[k]) {
        largest = scores[k] > largest ? scores[k] : largest;
        attends |= scores[k] != Real(-INFINITY);
      }
    // All -inf: nothing to subtract. With a NaN among them the exponentials are NaN, as they should be.
    Real subtracted = largest == Real(-INFINITY) ? Real(0) : largest;
    for (int64_t k = 0; k < T; ++k)
      if (admitted[k])
        sum += scores[k] = std::exp(scores[k] - subtracted);
    if (!sink.empty())
      sum += std::exp(sink[h] - subtracted);
    if (results.lse)
      results.lse->values[(b * S + i) * H + h] = subtracted + std::log(sum);
    for (int64_t k = 0; k < T; ++k)
      scores[k] = admitted[k] && attends ? scores[k] / sum : Real(0);
    return attends;
  }

  /// sum_k p * value[b, k, g, :]
  void write(const std::vector<Real> &p, const std::vector<char> &admitted, bool attends, int64_t b, int64_t i,
             int64_t h) const {
    auto [B, S, T, H, G, D, E] = sizes;
    int64_t row = (b * S + i) * H + h, g = h / (H / G);
    if (results.weights)
      std::copy(p.begin(), p.end(), &results.weights->values[row * T]);
    std::vector<Real> sums(E, 0);
    for (int64_t k = 0; k < T && attends; ++k) // else zero, whatever the values are
      if (admitted[k])
        for (int64_t e = 0; e < E; ++e)
          sums[e] += (rounds ? Real(roundToF16(p[k])) : p[k]) * value[((b * T + k) * G + g) * E + e];
    std::copy(sums.begin(), sums.end(), &results.values->values[row * E]);
  }

  Sizes sizes;
  const Regions &regions;
  Results results;
  std::vector<Real> query, key, value, sink;
  int64_t past;
  Real scale;
  unsigned sums;
  bool rounds; ///< what is multiplied, to f16
};

llvm::Error translate(Region &region, std::optional<ScalarBody> &body, const Frame &frame) {
  if (region.empty())
    return llvm::Error::success();
  auto translated = ScalarBody::translate(region.front(), frame);
  if (!translated)
    return translated.takeError();
  body = std::move(*translated);
  return llvm::Error::success();
}

} // namespace

llvm::Error evaluate(AttentionOp op, Frame &frame) {
  const Tensor &query = frame[op.getQuery()], &key = frame[op.getKey()], &value = frame[op.getValue()];
  Sizes n{query.shape[0], query.shape[1], key.shape[1], query.shape[2], key.shape[2], query.shape[3], value.shape[3]};
  if (auto error = expectShape(op, "key", key, {n.B, n.T, n.G, n.D}))
    return error;
  if (auto error = expectShape(op, "value", value, {n.B, n.T, n.G, n.E}))
    return error;
  if (n.G == 0 || n.H % n.G != 0)
    return failure(op, "has " + Twine(n.H) + " query heads, no multiple of " + Twine(n.G) + " key heads");
  if (op.getSink())
    if (auto error = expectShape(op, "sink", frame[op.getSink()], {n.H}))
      return error;
  Regions regions;
  for (auto [region, body] : {std::pair(&op.getSimilarity(), &regions.similarity),
                              {&op.getMask(), &regions.mask},
                              {&op.getScore(), &regions.score},
                              {&op.getWeigh(), &regions.weigh}})
    if (auto error = translate(*region, *body, frame))
      return error;

  SmallVector<std::vector<int64_t>, 3> shapes = {{n.B, n.S, n.H, n.E}};
  if (op.getWeights())
    shapes.push_back({n.B, n.S, n.H, n.T});
  if (op.getLse())
    shapes.push_back({n.B, n.S, n.H});
  std::vector<Tensor> tensors;
  for (auto &shape : shapes) {
    auto tensor = allocate(op, shape);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
  Results results{&tensors[0], op.getWeights() ? &tensors[op.getWeightsNumber()] : nullptr,
                  op.getLse() ? &tensors[op.getLseNumber()] : nullptr};
  if (auto error = inPrecision(frame, op.getResult(), [&](auto zero) {
        Rows<decltype(zero)> rows(op, n, regions, frame, results);
        return parallelFor(n.B * n.H, [&](size_t i) { return rows.run(i / n.H, i % n.H); });
      }))
    return error;
  for (auto [result, tensor] : llvm::zip_equal(op.getResults(), tensors))
    frame.set(result, std::move(tensor));
  return llvm::Error::success();
}

} // namespace weft::reference

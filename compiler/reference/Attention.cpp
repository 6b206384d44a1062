//===- Attention.cpp - attention ----------------------------------------------------------------------------------===//
// Answers: what is attention with a mask and a score region? The formulas of the op, one query and head after another,
// with all scores of a row at hand; the largest score is subtracted before exp, which changes nothing but overflow.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Parallel.h"
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
  std::optional<ScalarBody> mask, score;
};

/// One region's arguments b, h, q, k, from its argument `first` on.
void setPosition(const ScalarBody &body, Slots &slots, unsigned first, ArrayRef<int64_t> position) {
  for (auto [i, value] : llvm::enumerate(position))
    body.argument(slots, first + i).integer = value;
}

template <typename Real> class Rows {
public:
  Rows(AttentionOp op, const Sizes &sizes, const Regions &regions, const Frame &frame)
      : sizes(sizes), regions(regions), query(numbers<Real>(frame[op.getQuery()])),
        key(numbers<Real>(frame[op.getKey()])), value(numbers<Real>(frame[op.getValue()])),
        past(op.getPast() ? frame.integer(op.getPast()) : 0), scale(op.getScale().convertToDouble()) {}

  /// All queries of batch b and head h.
  llvm::Error run(int64_t b, int64_t h, Tensor &result) const {
    auto [B, S, T, H, G, D, E] = sizes;
    int64_t g = h / (H / G);
    std::vector<Real> scores(T);
    std::vector<char> admitted(T);
    Slots maskSlots, scoreSlots;
    if (regions.mask)
      maskSlots = regions.mask->slots();
    if (regions.score)
      scoreSlots = regions.score->slots();

    for (int64_t i = 0; i < S; ++i) {
      for (int64_t k = 0; k < T; ++k) {
        if (regions.mask) {
          setPosition(*regions.mask, maskSlots, 0, {b, h, past + i, k});
          if (!regions.mask->execute(maskSlots))
            return ScalarBody::error(maskSlots);
        }
        admitted[k] = !regions.mask || regions.mask->result(maskSlots).integer != 0;
        if (!admitted[k])
          continue;
        const Real *q = &query[((b * S + i) * H + h) * D], *kk = &key[((b * T + k) * G + g) * D];
        Real dot = 0;
        for (int64_t d = 0; d < D; ++d)
          dot += q[d] * kk[d];
        scores[k] = scale * dot;
        if (regions.score) {
          regions.score->argument(scoreSlots, 0).real = scores[k];
          setPosition(*regions.score, scoreSlots, 1, {b, h, past + i, k});
          if (!regions.score->execute(scoreSlots))
            return ScalarBody::error(scoreSlots);
          scores[k] = regions.score->result(scoreSlots).real;
        }
      }
      weigh(scores, admitted, b, g, &result.values[((b * S + i) * H + h) * E]);
    }
    return llvm::Error::success();
  }

private:
  /// sum_k p * value[b, k, g, :]; zero where no key is admitted and where all admitted scores are -inf.
  void weigh(std::vector<Real> &scores, const std::vector<char> &admitted, int64_t b, int64_t g, double *out) const {
    auto [B, S, T, H, G, D, E] = sizes;
    Real largest = -INFINITY, sum = 0;
    bool weighs = false; // some admitted score is more than -inf, or NaN
    for (int64_t k = 0; k < T; ++k)
      if (admitted[k] && scores[k] != -INFINITY) {
        weighs = true;
        largest = scores[k] > largest ? scores[k] : largest;
      }
    if (!weighs)
      return;
    for (int64_t k = 0; k < T; ++k)
      if (admitted[k])
        sum += scores[k] = std::exp(scores[k] - largest);
    std::vector<Real> row(E, 0);
    for (int64_t k = 0; k < T; ++k)
      if (admitted[k]) {
        Real p = scores[k] / sum;
        for (int64_t e = 0; e < E; ++e)
          row[e] += p * value[((b * T + k) * G + g) * E + e];
      }
    std::copy(row.begin(), row.end(), out);
  }

  Sizes sizes;
  const Regions &regions;
  std::vector<Real> query, key, value;
  int64_t past;
  Real scale;
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
  Regions regions;
  if (auto error = translate(op.getMask(), regions.mask, frame))
    return error;
  if (auto error = translate(op.getScore(), regions.score, frame))
    return error;

  auto result = allocate(op, {n.B, n.S, n.H, n.E});
  if (!result)
    return result.takeError();
  if (auto error = inPrecision(frame, op.getResult(), [&](auto zero) {
        Rows<decltype(zero)> rows(op, n, regions, frame);
        return parallelFor(n.B * n.H, [&](size_t i) { return rows.run(i / n.H, i % n.H, *result); });
      }))
    return error;
  frame.set(op.getResult(), std::move(*result));
  return llvm::Error::success();
}

} // namespace weft::reference

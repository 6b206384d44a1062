//===- Verify.cpp - is this result as good as float can be? -------------------------------------------------------===//
// Answers: how far is a tested result from the truth, measured by how far a naive float computation is from it?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/inspect/Verify.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cassert>
#include <cmath>

namespace weft {

/// How much worse than naive float a result may be, and the part of the largest element that is always allowed: where
/// the naive result happens to be exact, it is no measure.
static constexpr double naiveFactor = 2, naiveRmsFactor = 1.1, relativeFloor = 1e-6;

static bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

Comparison compare(llvm::ArrayRef<double> truth, llvm::ArrayRef<double> naive, llvm::ArrayRef<double> tested) {
  assert(truth.size() == naive.size() && truth.size() == tested.size());
  Comparison result;
  double largest = 0, sum = 0, squares = 0, naiveSquares = 0, truthSquares = 0;
  size_t finite = 0;
  auto setWorst = [&](size_t i) {
    result.worst = i;
    result.worstTruth = truth[i];
    result.worstTested = tested[i];
  };
  for (size_t i = 0; i < truth.size(); ++i) {
    double t = truth[i], n = naive[i], x = tested[i];
    if (!std::isfinite(t) || !std::isfinite(x)) {
      bool overflowed = std::isfinite(t) && !std::isfinite(n);
      if (!same(t, x) && !overflowed && result.disagreements++ == 0)
        setWorst(i);
      continue;
    }
    double error = x - t;
    largest = std::max(largest, std::fabs(t));
    if (std::isfinite(n)) {
      result.naiveError = std::max(result.naiveError, std::fabs(n - t));
      naiveSquares += (n - t) * (n - t);
    }
    sum += error;
    squares += error * error;
    truthSquares += t * t;
    ++finite;
    if (std::fabs(error) > result.maxError || finite == 1) {
      result.maxError = std::fabs(error);
      if (result.disagreements == 0)
        setWorst(i);
    }
  }
  result.bound = std::max(naiveFactor * result.naiveError, relativeFloor * largest);
  // Without any error of the naive result the ratios are infinite, unless X has none either.
  auto ratio = [](double a, double b) { return a == 0 ? 0 : a / b; };
  if (finite) {
    result.rmsError = std::sqrt(squares / finite);
    result.rmsBound = std::sqrt(
        std::max(naiveRmsFactor * naiveRmsFactor * naiveSquares, relativeFloor * relativeFloor * truthSquares) /
        finite);
    result.rmsRatio = std::sqrt(ratio(squares, naiveSquares));
    result.bias = ratio(sum / finite, std::sqrt(naiveSquares / finite));
  }
  return result;
}

std::string describeChange(llvm::ArrayRef<double> truth, llvm::ArrayRef<double> changed) {
  double largest = 0, squares = 0, error = 0, errorSquares = 0;
  for (auto [t, x] : llvm::zip_equal(truth, changed)) {
    if (!std::isfinite(t) || !std::isfinite(x))
      continue;
    largest = std::max(largest, std::fabs(t));
    error = std::max(error, std::fabs(x - t));
    squares += t * t;
    errorSquares += (x - t) * (x - t);
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("max error %.3g beside numbers of up to %.3g, rms %.3g of theirs",
                                                 error, largest, squares > 0 ? std::sqrt(errorSquares / squares) : 0.0);
  return text;
}

std::string describe(const Comparison &c, llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> index(shape.size());
  size_t rest = c.worst;
  for (size_t dim = shape.size(); dim-- > 0;) {
    index[dim] = shape[dim] ? rest % shape[dim] : 0;
    rest = shape[dim] ? rest / shape[dim] : 0;
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << llvm::format("max error %.3g of %.3g allowed (naive %.3g), rms x%.2f, bias %+.2f", c.maxError, c.bound,
                         c.naiveError, c.rmsRatio, c.bias);
  if (c.disagreements)
    stream << ", " << c.disagreements << " elements that are NaN or infinite in one result alone";
  stream << "; worst at [";
  llvm::interleaveComma(index, stream);
  stream << llvm::format("]: %.9g instead of %.9g", c.worstTested, c.worstTruth);
  return text;
}

} // namespace weft

//===- Verify.h - is this result as good as float can be? -----------------------------------------------*- C++ -*-===//
// Answers: how far is a tested result from the truth, measured by how far a naive float computation is from it?
// Three results of one computation are compared: T in double (the truth), N in naive float, X as tested. X is good when
//     max |X - T| <= max(2 * max |N - T|, 1e-6 * max |T|).
// The bound grows with the conditioning of the problem, as a fixed tolerance does not; two is FlashAttention's factor.
// Where numbers are rounded to 16 bits or fewer, the largest error is mostly that of one rounding, and says little of
// the rest: there X is good when also the root mean square of X - T is at most 1.1 times that of N - T, or 1e-6 of that
// of T.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace weft {

struct Comparison {
  double maxError = 0;   ///< max |X - T|
  double naiveError = 0; ///< max |N - T|
  double bound = 0;      ///< what maxError may be
  double rmsError = 0;   ///< root mean square of X - T
  double rmsBound = 0;   ///< what rmsError may be where numbers are rounded
  double rmsRatio = 0;   ///< rmsError over that of N - T: above 1 where X is worse on the whole
  double bias = 0;       ///< mean of X - T over the root mean square of N - T: a systematic error passes any maximum
  size_t worst = 0;      ///< the element of maxError, or the first that disagrees
  /// Elements where T is NaN or infinite and X is not the same, or where X alone is. An element where N overflowed may
  /// overflow in X, too, and then counts for nothing.
  size_t disagreements = 0;
  double worstTruth = 0, worstTested = 0; ///< T and X there

  bool isWithinBound() const { return disagreements == 0 && maxError <= bound; }
  bool isWithinBoundOfRounded() const { return isWithinBound() && rmsError <= rmsBound; }
};

/// Compares elements in one order; the three have one length.
Comparison compare(llvm::ArrayRef<double> truth, llvm::ArrayRef<double> naive, llvm::ArrayRef<double> tested);

/// One line: how far `changed` is from `truth`, beside the size of the numbers.
std::string describeChange(llvm::ArrayRef<double> truth, llvm::ArrayRef<double> changed);

/// One line: the numbers, with the index of the worst element in `shape`.
std::string describe(const Comparison &comparison, llvm::ArrayRef<int64_t> shape);

} // namespace weft

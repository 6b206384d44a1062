//===- Product.h - the one product of matrices ----------------------------------------------------------*- C++ -*-===//
// Answers: how does the interpreter multiply matrices fast enough for real models without ceasing to be naive?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <cstdint>

namespace weft::reference {

/// out[r, c] = sum over k of x[r, k] * w[k, c], added in the order of k, every operation in the type of the numbers.
/// All three are contiguous: x is [rows, depth], w is [depth, width], out is [rows, width].
void product(const double *x, int64_t rows, int64_t depth, const double *w, int64_t width, double *out);
void product(const float *x, int64_t rows, int64_t depth, const float *w, int64_t width, float *out);

} // namespace weft::reference

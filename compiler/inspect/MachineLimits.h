//===- MachineLimits.h - what this machine can do at best -----------------------------------------------*- C++ -*-===//
// Answers: how many operations and bytes per second are to be had on so many threads?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <cstdint>

namespace weft {

struct MachineLimits {
  int threads = 1;
  double flops = 0;      ///< f32 operations per second; a product and a sum count as two
  double memory = 0;     ///< bytes per second, read from memory
  double cache = 0;      ///< bytes per second, read from what a cache holds
  int64_t cacheSize = 0; ///< of the last cache, in bytes
};

/// Measures for about half a second.
MachineLimits measureMachine(int threads);

} // namespace weft

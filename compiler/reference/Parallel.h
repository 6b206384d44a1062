//===- Parallel.h - loops over threads that can fail ----------------------------------------------------*- C++ -*-===//
// Answers: how do independent parts of one op run on all cores and still report the same error every time?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/Support/Error.h"
#include "llvm/Support/Parallel.h"
#include <mutex>

namespace weft::reference {

/// Calls `body` for 0 ... count - 1 in any order. The error is that of the least index that had one.
inline llvm::Error parallelFor(size_t count, llvm::function_ref<llvm::Error(size_t)> body) {
  std::mutex mutex;
  size_t failed = count;
  llvm::Error first = llvm::Error::success();
  llvm::parallelFor(0, count, [&](size_t i) {
    llvm::Error error = body(i);
    if (!error)
      return;
    std::lock_guard<std::mutex> lock(mutex);
    if (i < failed) {
      failed = i;
      std::swap(first, error);
    }
    llvm::consumeError(std::move(error));
  });
  return first;
}

} // namespace weft::reference

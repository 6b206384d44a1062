//===- WeightsObject.h - an ELF object of bytes ---------------------------------------------------------*- C++ -*-===//
// Answers: how do hundreds of megabytes of weights come into an object file without passing through a compiler?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace weft {

/// A relocatable x86-64 object whose only contents are `bytes` bytes of read-only data, aligned to pages, under the
/// hidden name `symbol`: what comes before the bytes, which the caller writes, and what comes after them.
void beginWeightsObject(llvm::raw_ostream &out, uint64_t bytes);
void endWeightsObject(llvm::raw_ostream &out, llvm::StringRef symbol, uint64_t bytes);

} // namespace weft

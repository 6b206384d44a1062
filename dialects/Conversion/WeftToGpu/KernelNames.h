//===- KernelNames.h - what kernels are called ----------------------------------------------------------*- C++ -*-===//
// Answers: which kernel of Weft became a kernel of a GPU? What the outlining of kernels names "linear_0_kernel_1" is
// one of the ways of linear_0.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/StringRef.h"

namespace weft {

inline llvm::StringRef kernelName(llvm::StringRef symbol) { return symbol.take_front(symbol.rfind("_kernel")); }

} // namespace weft

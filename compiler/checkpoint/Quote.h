//===- Quote.h - names from files, safe to print --------------------------------------------------------*- C++ -*-===//
// Answers: how does a name that a file chose appear in a message?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace weft {

/// 'name' in single quotes. Everything that is not printable (control characters would reach the terminal) is escaped,
/// long names are cut.
std::string quote(llvm::StringRef name);

/// "(2, 3)"
std::string shapeText(llvm::ArrayRef<int64_t> shape);

} // namespace weft

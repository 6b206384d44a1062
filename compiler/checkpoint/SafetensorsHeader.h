//===- SafetensorsHeader.h - the JSON in front of the tensors -------------------------------------------*- C++ -*-===//
// Answers: which tensors does the header of a safetensors file declare, and is every number in it sound?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/checkpoint/Checkpoint.h"

namespace weft {

/// Reads `header`; `data` is what follows it in the file. Every tensor's bytes lie in `data` and have the size that its
/// shape and type need; how tensors lie to each other is not looked at. Memory is bounded by the header's size. Errors
/// do not name the file.
llvm::Expected<std::vector<CheckpointTensor>> readSafetensorsHeader(llvm::StringRef header, llvm::ArrayRef<char> data);

} // namespace weft

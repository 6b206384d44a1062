//===- Descriptor.h - what a compiled model says about itself -------------------------------------------*- C++ -*-===//
// Answers: which constants does the runtime read to know a model's entry points, tensors, weights and code?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/targets/Code.h"
#include "compiler/targets/ModelInterface.h"

namespace weft {

struct WeightsPlace {
  uint64_t hash = 0;
  std::string symbol; ///< of the weights inside the artefact, or
  std::string file;   ///< their path relative to the artefact beside it; both are empty where there are none
};

/// A module with the `weft_abi_module` of abi.h, public under model.symbol(), all that it points to, and for each of
/// `pointers` a public constant of that name that holds its address.
llvm::Expected<std::unique_ptr<llvm::Module>> makeDescriptor(llvm::LLVMContext &context, const ModelInterface &model,
                                                             const Code &code, llvm::ArrayRef<std::string> labels,
                                                             const WeightsPlace &weights,
                                                             llvm::ArrayRef<llvm::StringRef> pointers);

} // namespace weft

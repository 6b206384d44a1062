//===- Bufferization.h - how weft ops meet one-shot bufferization ---------------------------------------*- C++ -*-===//
// Answers: how does a kernel op on tensors become one on buffers?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/DialectRegistry.h"

namespace weft {
void registerBufferizableOpInterfaceModels(mlir::DialectRegistry &registry);
} // namespace weft

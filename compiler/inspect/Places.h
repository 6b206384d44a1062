//===- Places.h - where in a model's text something stands -----------------------------------------------*- C++
//-*-===//
// Answers: how do tables and pictures name an op?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "mlir/IR/Location.h"
#include <string>

namespace weft {

/// "model.weft:14", without folders; empty for what has no place.
std::string placeOf(mlir::Location location);

} // namespace weft

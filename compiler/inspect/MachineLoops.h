//===- MachineLoops.h - loops that nothing but the machine limits ---------------------------------------*- C++ -*-===//
// Answers: which loop keeps the multipliers of a CPU busy, for each type, and which the way from memory?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <string>

namespace weft {

struct Loop {
  void (*run)(int64_t rounds);
  int64_t operations; ///< in each round; a product and a sum count as two
};

/// The widest multiply-adds that this CPU has for "f32", or dot products for "bf16" or "int8"; null where it has none.
const Loop *multiplyAdds(const std::string &type);

constexpr int64_t readBlock = 4096;
/// Reads so many bytes, a multiple of readBlock, with the widest loads.
void readAll(const void *data, int64_t bytes);

} // namespace weft

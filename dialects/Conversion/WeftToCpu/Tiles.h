//===- Tiles.h - register tiles, for people -------------------------------------------------------------*- C++ -*-===//
// Answers: how large is the tile of results that a kernel holds in registers?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToCpu/Emitters.h"
#include <string>

namespace weft::cpu {

/// Rows x columns, for many rows, which `rounds` says to be rounded: "8x32". Linear.cpp
std::string tileOf(PackedLinearOp op, const CpuLimits &limits, bool rounds);
/// Queries x keys, for many queries: "32x8". AttentionNest.cpp
std::string tileOf(AttentionOp op, const CpuLimits &limits);

} // namespace weft::cpu

//===- DeviceLimits.h - what a GPU can do at best ---------------------------------------------------------*- C++
//-*-===//
// Answers: how many operations and bytes per second do our own kernels reach on a device?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/inspect/MachineLimits.h"
#include <string>

namespace weft::driver {

/// Compiles a large matmul and a large copy and measures them, as kernels of the device: that is what its profiles and
/// rooflines rest on. Bytes are those read and written; no cache is told from memory. Returns Done or an exit code,
/// after reporting.
int measureDevice(const std::string &device, MachineLimits &limits);

} // namespace weft::driver

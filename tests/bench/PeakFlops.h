//===- PeakFlops.h - what this machine can do at best ---------------------------------------------------*- C++ -*-===//
// Answers: how many f32 operations per second does one thread do, when nothing but fused multiply-adds keep it busy?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once

namespace weft::bench {

/// The widest fused multiply-adds that this CPU has, for about `seconds`; a product and a sum count as two.
double peakFlops(double seconds);

/// The time that this thread has spent computing: what others do on the machine in the meantime does not count.
double threadSeconds();

} // namespace weft::bench

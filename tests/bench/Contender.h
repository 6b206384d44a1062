//===- Contender.h - a program that is measured beside others -------------------------------------------*- C++ -*-===//
// Answers: how does bench.py ask a program to get ready for a work, to do it, and to show its result?
//
// Each contender is a process of its own, so that thread pools and libraries do not meet. It reads requests from
// standard input and answers on standard output, both one JSON object to a line (protocol.py says which).
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "tests/bench/Numbers.h"
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace weft::bench {

using Json = nlohmann::json;

class Contender {
public:
  virtual ~Contender() = default;
  /// Gets ready for a work, in place of the one before. What it returns is told to the asker. Throws std::runtime_error
  /// where it cannot, with the reason.
  virtual Json prepare(const Json &work) = 0;
  /// Does the work once; that is what is timed.
  virtual void call() = 0;
  /// The seconds of the last call by a clock of the contender's own, a GPU's; less than 0: it has none.
  virtual double seconds() { return -1; }
  /// What the last call gave, where that are numbers.
  virtual Numbers result() { return {}; }
};

/// Answers requests until standard input ends.
int serve(Contender &contender);

/// The bytes of a file from `offset` on, `count` of them or up to its end, as numbers.
Numbers readFloats(const std::string &path, int64_t offset = 0, int64_t count = -1);

} // namespace weft::bench

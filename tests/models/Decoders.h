//===- Decoders.h - trained decoders of which the right answers are known ---------------------------------*- C++
//-*-===//
// Answers: which tokens does float64 choose after these, and which scores does it give?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace weft::test {

/// A prompt and what follows it.
struct Known {
  std::vector<int32_t> tokens; ///< the prompt, then the greedy choices
  size_t prompt = 0;           ///< how many of them are the prompt
  /// Scores in float64, row-major: of the positions from `firstScored` on. May be empty.
  std::vector<double> scores;
  size_t firstScored = 0;
};

/// A model under examples/ with its checkpoint.
struct TrainedModel {
  std::string name, source, weights;
  size_t vocabulary = 0;
  std::vector<Known> known;
};

/// Numbers of a .npy file of doubles; none, with a failure of the test, where there is no such file.
std::vector<double> readDoubles(const std::string &path);

/// karpathy's stories260K with what the original C program and float64 say of it: a folder beside the project, absent
/// in users' clones. `known` is empty there.
TrainedModel stories();
/// The model that ships.
TrainedModel tales();

} // namespace weft::test

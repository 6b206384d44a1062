//===- AttentionPrograms.h - random models of attention -----------------------------------------------------*- C++
//-*-===//
// Answers: which attention does this seed stand for? A program is the text of a model with one `attend` in it - its
// axes, heads, widths, mask, scores and other clauses drawn at random - and how to make inputs that it has an answer
// for.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace weft::test {

/// Numbers that depend on the seed alone, and not on a standard library.
class Dice {
public:
  explicit Dice(uint64_t seed) : engine(seed) {}
  /// In [first, last].
  int64_t number(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(engine() % static_cast<uint64_t>(last - first + 1));
  }
  bool chance(int percent) { return number(1, 100) <= percent; }
  template <typename T> const T &of(const std::vector<T> &list) { return list[number(0, list.size() - 1)]; }
  /// In [0, 1).
  double real() { return static_cast<double>(engine() >> 11) * 0x1p-53; }
  double normal();

private:
  std::mt19937_64 engine;
};

struct ProgramInput {
  enum class Fill {
    Query,     ///< numbers of the call's distribution
    Key,       ///< the same
    Value,     ///< the same
    Bias,      ///< numbers, normally distributed
    Width,     ///< the same, along the width of queries and keys
    Documents, ///< 0, 0, 0, 1, 1, ... along the last axis
    Flags,     ///< 0 or 1
    Lengths    ///< 0 to the size of the keys
  };
  std::string name;
  std::vector<std::string> axes; ///< in the order of the array
  Fill fill;
};

struct AttentionProgram {
  uint64_t seed = 0;
  std::string text;
  std::vector<ProgramInput> inputs;
  std::map<std::string, int64_t> sizes; ///< of the axes that the text fixes
  std::string queries, keys;            ///< the names of the axes of positions; queries is empty where there is one
  int64_t context = 0;                  ///< of a model with caches
  bool multiplies = true;               ///< scores begin with q . k: no score over vectors replaces it
  bool callsFunctions = false;          ///< such as tanh, in scores
  bool isCached() const { return context != 0; }
};

AttentionProgram randomProgram(uint64_t seed);

} // namespace weft::test

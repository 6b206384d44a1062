//===- Named.h - a compiled model on tensors with names -------------------------------------------------*- C++ -*-===//
// Answers: what does a compiled model make of these inputs, and how far is that from what is known?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "tests/models/Compiled.h"
#include <map>

namespace weft::test {

/// Numbers of any type, row-major, as doubles.
struct Numbers {
  std::vector<int64_t> shape;
  std::vector<double> values;
};
using Named = std::map<std::string, Numbers>;

/// Compiles a model under examples/ for a level and loads it; null where this machine cannot run that, or after
/// adding a failure to the test. `axes` are "embed=24", `weights` a checkpoint or "", `library` where the code may lie.
Module compileExample(llvm::StringRef source, llvm::ArrayRef<std::string> axes, const std::string &weights,
                      const std::string &library, int level);

/// The outputs of a whole sequence. Failures are added to the test.
Named run(const Module &module, const Named &inputs);

/// Each number within `absolute` + `relative` * |expected|; infinities equal.
void expectNear(const Numbers &result, const Numbers &expected, double absolute, double relative);

} // namespace weft::test

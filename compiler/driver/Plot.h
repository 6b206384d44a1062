//===- Plot.h - weft run --plot -------------------------------------------------------------------------*- C++ -*-===//
// Answers: how do the attention weights of a model that does not give them become a picture? The front end makes them
// outputs (FrontendOptions::attentionWeights); they are written to files for the moment, as any output may be.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/driver/Artefacts.h"
#include <vector>

namespace weft::driver {

class AttentionPlot {
public:
  AttentionPlot(const RunOptions &options, const TemporaryFolder &folder) : options(options), folder(folder) {}

  /// Takes `--prompt TEXT` from the arguments for the artefact: bytes as tokens, and as labels. Before compiling.
  int takePrompt(std::vector<std::string> &arguments);
  /// Completes the arguments: each attention's weights go to a file, and the prompt comes from one.
  int complete(const weft_module *module, std::vector<std::string> &arguments);
  /// After the run: draws what is in the files.
  int draw();

private:
  bool isSvg() const { return llvm::StringRef(options.plot).ends_with(".svg"); }
  /// An output that holds the weights of an attention.
  struct Weights {
    weft_tensor_info info;
    std::string file;
  };
  int writePrompt(const weft_module *module, std::vector<std::string> &arguments);
  int readLabels();
  std::vector<std::string> labelsOf(int64_t count) const;

  const RunOptions &options;
  const TemporaryFolder &folder;
  std::string prompt;
  std::vector<std::string> labels; ///< of positions; empty: their numbers
  std::vector<Weights> weights;
};

} // namespace weft::driver

//===- Compiled.h - a compiled model through runtime.h ----------------------------------------------------*- C++
//-*-===//
// Answers: what does a compiled decoder say of these tokens, at once or after those before?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "weft/runtime.h"
#include "llvm/ADT/ArrayRef.h"
#include <memory>
#include <string>
#include <vector>

namespace weft::test {

struct ModuleDeleter {
  void operator()(weft_module *module) const { weft_module_destroy(module); }
};
using Module = std::unique_ptr<weft_module, ModuleDeleter>;

/// What code is for, as tests number it: 3 and 4 are x86-64-v3 and -v4.
constexpr int onVulkan = 0;
constexpr int onSubgroups = -1, onParts = -2; ///< Vulkan with kernels of subgroups alone, and for parts of the keys
/// "x86-64-v4", "Vulkan"
std::string levelName(int level);
/// That of a level on Vulkan.
std::string profileOf(int level);
/// The options of `weft compile` for it.
std::vector<std::string> levelOptions(int level);
/// Why this machine has no Vulkan device for models; "" where it has.
std::string missingVulkan();

/// Loads a library with its code for a level; null where this machine cannot run that.
Module load(const std::string &library, int level);

/// Scores of the next token: `vocabulary` numbers for each position of each sequence, in row-major order.
struct Logits {
  std::vector<float> values;
  size_t vocabulary = 0;

  llvm::ArrayRef<float> row(size_t row) const { return llvm::ArrayRef(values).slice(row * vocabulary, vocabulary); }
  /// The token that a row likes best, the first of equals.
  int32_t best(size_t row) const;
  void append(const Logits &more);
};

/// One user of a decoder, whose input is i32[batch, seq] and whose output f32[batch, seq, vocab]. Failures are added to
/// the test and give NaN.
class Decoder {
public:
  explicit Decoder(const Module &module, int threads = 1);
  ~Decoder() { weft_context_destroy(context); }
  Decoder(const Decoder &) = delete;

  /// `tokens` are `batch` sequences of one length, one after another.
  Logits run(llvm::ArrayRef<int32_t> tokens, size_t batch = 1);
  Logits step(llvm::ArrayRef<int32_t> tokens, size_t batch = 1);
  void reset() { weft_reset(context); }

private:
  Logits call(decltype(weft_run) &entry, llvm::ArrayRef<int32_t> tokens, size_t batch);
  weft_context *context = nullptr;
  size_t vocabulary = 0;
};

} // namespace weft::test

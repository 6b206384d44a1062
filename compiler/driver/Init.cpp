//===- Init.cpp - weft init: a checkpoint of random weights -----------------------------------------------------===//
// Answers: how can a model be compiled, run and measured before anyone has trained it?
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/driver/Session.h"
#include "dialects/Weft/IR/WeftOps.h"
#include <cmath>

using namespace mlir;

namespace weft::driver {
namespace {

/// A stream of normally distributed numbers that depends on the seed and the weight's name alone, so that changing one
/// layer of a model leaves the others as they were.
class Normal {
public:
  Normal(uint64_t seed, StringRef name) : state(seed * 0x9e3779b97f4a7c15ull + 1) {
    for (unsigned char c : name)
      state = (state ^ c) * 0x100000001b3ull;
  }
  float operator()() {
    // Box and Muller, 1958, with one of the pair.
    double u = (next() >> 11) * 0x1p-53 + 0x1p-54, v = (next() >> 11) * 0x1p-53;
    return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(2 * M_PI * v));
  }

private:
  uint64_t next() { // splitmix64 (Steele, Lea and Flood, 2014)
    uint64_t z = state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  uint64_t state;
};

} // namespace

int init(const InitOptions &options) {
  Session session;
  if (int code = session.open(options.model))
    return code;
  std::vector<TensorToWrite> tensors;
  std::vector<std::unique_ptr<std::vector<float>>> storage;
  llvm::StringMap<bool> seen;
  session.module().walk([&](WeightOp op) {
    if (!seen.try_emplace(op.getName(), true).second)
      return;
    ArrayRef<int64_t> shape = cast<ShapedType>(op.getResult().getType()).getShape();
    int64_t elements = ShapedType::getNumElements(shape);
    auto values = std::make_unique<std::vector<float>>(elements);
    Normal normal(options.seed, op.getName());
    // Matrices keep the size of what flows through them; scales are near 1, biases near 0.
    bool bias = op.getName().ends_with(".bias");
    float mean = shape.size() == 1 && !bias ? 1.0f : 0.0f;
    float deviation = shape.size() == 1 ? 0.1f : 1.0f / std::sqrt(static_cast<float>(shape.back()));
    for (float &value : *values)
      value = mean + deviation * normal();
    tensors.push_back({op.getName().str(), shape.vec(), *values});
    storage.push_back(std::move(values));
  });
  if (llvm::Error error = writeSafetensors(options.output, tensors))
    return report(std::move(error));
  return Done;
}

} // namespace weft::driver

//===- Weights.cpp - packed weights, as a stream of bytes ---------------------------------------------------------===//
// Answers: in which steps are a module's parameters made from a checkpoint, and what is their hash?
// Memory stays small whatever the model's size: tensors are read where the checkpoint is mapped and leave in pieces.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Weights.h"
#include "compiler/checkpoint/Quote.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace weft {
namespace {

/// Elements that are converted or packed before they are written: a part of the second-level cache.
constexpr int64_t pieceElements = 1 << 16;

llvm::Expected<const CheckpointTensor *> find(const Checkpoint &checkpoint, StringRef name, ArrayRef<int64_t> shape) {
  const CheckpointTensor *tensor = checkpoint.find(name);
  auto message = [&](const llvm::Twine &text) { return llvm::createStringError(checkpoint.path() + ": " + text); };
  if (!tensor) {
    std::string nearest = llvm::join(llvm::map_range(checkpoint.nearest(name), quote), ", ");
    return message("there is no tensor " + quote(name) +
                   (nearest.empty() ? ", since it has none" : "; the nearest are " + nearest));
  }
  if (!isStoredAs(shape, tensor->shape))
    return message("tensor " + quote(name) + " has shape " + shapeText(tensor->shape) + ", but the model needs " +
                   shapeText(shape));
  switch (tensor->type) {
  case StorageType::F64:
  case StorageType::F32:
  case StorageType::F16:
  case StorageType::BF16:
    return tensor;
  default:
    return message("tensor " + quote(name) + " has type " + weft::name(tensor->type) +
                   "; weights are read from F64, F32, F16 and BF16");
  }
}

/// Elements [begin, begin + count) of a tensor as one of rank 1.
CheckpointTensor slice(const CheckpointTensor &tensor, int64_t begin, int64_t count) {
  unsigned width = byteWidth(tensor.type);
  return {tensor.name, tensor.type, {count}, tensor.bytes.slice(begin * width, count * width)};
}

/// A tensor's numbers: where they lie in the checkpoint if they can be used there, else a copy.
class Numbers {
public:
  llvm::Error read(const CheckpointTensor &tensor) {
    auto *data = tensor.bytes.data();
    if (tensor.type == StorageType::F32 && reinterpret_cast<uintptr_t>(data) % alignof(float) == 0) {
      values = ArrayRef(reinterpret_cast<const float *>(data), tensor.elements());
      return llvm::Error::success();
    }
    copy.resize(tensor.elements());
    values = copy;
    return readAsFloat(tensor, copy);
  }
  ArrayRef<float> values;

private:
  std::vector<float> copy;
};

} // namespace

/// The bytes on their way into the file: counted, hashed and reported.
class WeightsWriter {
public:
  WeightsWriter(WholeFile &file, uint64_t total, const std::function<void(uint64_t, uint64_t)> &progress)
      : file(file), total(total), progress(progress) {}

  llvm::Error write(const WeightsPlan::Step &step) {
    pad(step.recipe.offset);
    if (step.recipe.isPacked())
      return pack(step);
    for (const CheckpointTensor *tensor : step.weights)
      if (auto error = copy(*tensor, step.recipe.type))
        return error;
    return llvm::Error::success();
  }
  void pad(uint64_t end) {
    static const char zeros[64] = {};
    while (done < end)
      put({zeros, static_cast<size_t>(std::min<uint64_t>(end - done, sizeof(zeros)))});
  }
  uint64_t hash = 0xcbf29ce484222325u;

private:
  llvm::Error copy(const CheckpointTensor &tensor, WeightType type) {
    for (int64_t begin = 0, end = tensor.elements(); begin < end; begin += pieceElements) {
      int64_t count = std::min(pieceElements, end - begin);
      piece.resize(count);
      if (auto error = readAsFloat(slice(tensor, begin, count), piece))
        return error;
      for (auto [i, number] : llvm::enumerate(piece))
        if (isLost(type, number))
          return llvm::createStringError("tensor %s: element %lld is %g, which is beyond f16, whose largest number is "
                                         "65504; bf16 and f32 keep it",
                                         quote(tensor.name).c_str(), (long long)(begin + i), number);
      if (auto error = type == WeightType::F32 ? flushPiece() : flushHalves(type))
        return error;
    }
    return llvm::Error::success();
  }

  llvm::Error pack(const WeightsPlan::Step &step) {
    const ParameterRecipe &recipe = step.recipe;
    SmallVector<Numbers, 4> numbers(step.weights.size());
    SmallVector<ArrayRef<float>, 4> weights;
    for (auto [tensor, values] : llvm::zip_equal(step.weights, numbers)) {
      if (auto error = values.read(*tensor))
        return error;
      weights.push_back(values.values);
    }
    Numbers scale;
    if (step.scale)
      if (auto error = scale.read(*step.scale))
        return error;

    int64_t panels = recipe.panels(), panelElements = recipe.depth() * recipe.panel;
    int64_t together = std::max<int64_t>(1, pieceElements / std::max<int64_t>(1, panelElements));
    for (int64_t first = 0; first < panels && panelElements > 0; first += together) {
      piece.resize(std::min(together, panels - first) * panelElements);
      packPanels(recipe, weights, scale.values, first, piece);
      if (auto error = recipe.type == WeightType::F32 ? flushPiece() : flushRounded(recipe, first))
        return error;
    }
    return llvm::Error::success();
  }

  llvm::Error flushPiece() {
    return flush({reinterpret_cast<const char *>(piece.data()), piece.size() * sizeof(float)});
  }
  llvm::Error flushHalves(WeightType type) {
    auto halves = llvm::map_to_vector(piece, [&](float number) { return roundToHalf(type, number); });
    return flush({reinterpret_cast<const char *>(halves.data()), halves.size() * sizeof(uint16_t)});
  }
  llvm::Error flushRounded(const ParameterRecipe &recipe, int64_t firstPanel) {
    if (auto error = roundPanels(recipe, firstPanel, piece, rounded))
      return error;
    return flush({rounded.data(), rounded.size()});
  }
  llvm::Error flush(StringRef bytes) {
    put(bytes);
    if (progress)
      progress(done, total);
    return file.check(); // A full disk is noticed now, not after all the work.
  }
  void put(StringRef bytes) {
    file.stream().write(bytes.data(), bytes.size());
    uint64_t h = hash;
    for (unsigned char byte : bytes)
      h = (h ^ byte) * 0x100000001b3u;
    hash = h;
    done += bytes.size();
  }

  WholeFile &file;
  uint64_t done = 0, total;
  const std::function<void(uint64_t, uint64_t)> &progress;
  std::vector<float> piece;
  SmallVector<char, 0> rounded; ///< the piece in a narrower type
};

llvm::Expected<WeightsPlan> WeightsPlan::create(ModuleOp module, const Checkpoint *checkpoint) {
  WeightsPlan plan;
  auto recipes = module->getAttrOfType<ArrayAttr>(contract::parameters);
  auto bytes = module->getAttrOfType<IntegerAttr>(contract::parameterBytes);
  if (!recipes || recipes.empty())
    return plan;
  if (!bytes)
    return llvm::createStringError("the module has '%s' but no '%s'", contract::parameters.data(),
                                   contract::parameterBytes.data());
  if (!checkpoint)
    return llvm::createStringError("the model has weights, but no checkpoint is given");
  plan.totalBytes = bytes.getInt();

  for (Attribute attribute : recipes) {
    auto entry = dyn_cast<DictionaryAttr>(attribute);
    auto recipe = entry ? ParameterRecipe::parse(entry)
                        : llvm::createStringError("'%s' must hold dictionaries", contract::parameters.data());
    if (!recipe)
      return recipe.takeError();
    Step step{std::move(*recipe), {}, nullptr};
    for (auto [name, shape] : llvm::zip_equal(step.recipe.weights, step.recipe.shapes)) {
      auto tensor = find(*checkpoint, name, shape);
      if (!tensor)
        return tensor.takeError();
      step.weights.push_back(*tensor);
    }
    if (!step.recipe.scale.empty()) {
      int64_t depth = step.recipe.depth();
      auto tensor = find(*checkpoint, step.recipe.scale, depth);
      if (!tensor)
        return tensor.takeError();
      step.scale = *tensor;
    }
    plan.steps.push_back(std::move(step));
  }

  // Empty parameters may share their place with what follows.
  llvm::sort(plan.steps, [](auto &a, auto &b) {
    return std::pair(a.recipe.offset, a.recipe.bytes()) < std::pair(b.recipe.offset, b.recipe.bytes());
  });
  int64_t end = 0;
  for (const Step &step : plan.steps) {
    if (step.recipe.offset < end)
      return llvm::createStringError("parameters overlap: %s begins at byte %lld, before the end %lld of another",
                                     quote(step.recipe.weights[0]).c_str(), (long long)step.recipe.offset,
                                     (long long)end);
    end = step.recipe.offset + step.recipe.bytes();
  }
  if (end > bytes.getInt())
    return llvm::createStringError("parameters end at byte %lld, but '%s' is %lld", (long long)end,
                                   contract::parameterBytes.data(), (long long)bytes.getInt());
  return plan;
}

llvm::Expected<uint64_t> WeightsPlan::write(WholeFile &file,
                                            const std::function<void(uint64_t, uint64_t)> &progress) const {
  WeightsWriter writer(file, totalBytes, progress);
  for (const Step &step : steps)
    if (auto error = writer.write(step))
      return std::move(error);
  writer.pad(totalBytes);
  return writer.hash;
}

llvm::Error writeWeights(ModuleOp module, const Checkpoint *checkpoint, StringRef path,
                         const std::function<void(uint64_t, uint64_t)> &progress) {
  auto plan = WeightsPlan::create(module, checkpoint);
  if (!plan)
    return plan.takeError();
  auto file = WholeFile::create(path);
  if (!file)
    return file.takeError();
  if (auto hash = plan->write(*file, progress); !hash)
    return hash.takeError();
  return file->commit();
}

} // namespace weft

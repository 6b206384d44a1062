//===- Parameters.cpp - weight, pack and parameter ----------------------------------------------------------------===//
// Answers: which numbers of the checkpoint are the elements of a weight, before and after it was packed and placed?
// Packing is done here by the op's text, element by element, so that packPanels has something to agree with.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Rounding.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/Weights.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace weft::reference {

static llvm::Expected<Tensor> read(Operation *op, StringRef name, ArrayRef<int64_t> shape, const Frame &frame) {
  const Checkpoint *checkpoint = frame.options.checkpoint;
  if (!checkpoint)
    return failure(op, "needs the weight '" + name + "', but no checkpoint was given");
  const CheckpointTensor *tensor = checkpoint->find(name);
  if (!tensor) {
    std::string nearest = llvm::join(checkpoint->nearest(name), ", ");
    return failure(op, "needs the weight '" + name + "', which " + checkpoint->path() +
                           " does not hold; the nearest names are " + nearest);
  }
  if (!isStoredAs(shape, tensor->shape))
    return failure(op, "needs the weight '" + name + "' with shape " + text(shape) + ", but " + checkpoint->path() +
                           " has " + text(tensor->shape));
  std::vector<float> numbers(tensor->elements());
  if (auto error = readAsFloat(*tensor, numbers))
    return error;
  return Tensor{shape.vec(), std::vector<double>(numbers.begin(), numbers.end())};
}

/// What `weft.pack` says: column c of panel p is column `p * group + c % group` of weight `c / group`, or, for
/// parts = 1, of all weights one after another.
static Tensor pack(const ParameterRecipe &recipe, ArrayRef<const Tensor *> weights, const Tensor *scale, bool single) {
  std::vector<int64_t> shape = {recipe.panels(), recipe.depth(), recipe.panel};
  Tensor result{shape, std::vector<double>(shape[0] * shape[1] * shape[2])};
  int64_t depth = recipe.depth(), group = recipe.panel / recipe.parts, next = 0;
  auto columns = [&](const Tensor &weight) { return weight.shape[recipe.inOut ? 1 : 0]; };
  auto element = [&](int64_t p, int64_t k, int64_t c) -> double {
    size_t weight = c / group;
    int64_t n = p * group + c % group;
    if (recipe.parts == 1)
      while (weight < weights.size() && n >= columns(*weights[weight]))
        n -= columns(*weights[weight++]);
    if (weight == weights.size() || n >= columns(*weights[weight]))
      return 0; // past the last column
    const std::vector<double> &values = weights[weight]->values;
    double value = recipe.inOut ? values[k * columns(*weights[weight]) + n] : values[n * depth + k];
    double scaled = scale ? value * scale->values[k] : value;
    return single ? static_cast<float>(scaled) : scaled;
  };
  for (int64_t p = 0; p < shape[0]; ++p)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t c = 0; c < recipe.panel; ++c)
        result.values[next++] = element(p, k, c);
  return result;
}

/// The two results of `weft.pack`, the second empty where there are no scales.
static llvm::Expected<std::pair<Tensor, Tensor>> packRounded(Operation *op, const ParameterRecipe &recipe,
                                                             ArrayRef<const Tensor *> weights, const Tensor *scale,
                                                             const Frame &frame) {
  bool narrow = recipe.type != WeightType::F32;
  Tensor numbers = pack(recipe, weights, scale, narrow || frame.options.precision == Precision::F32);
  if (!narrow)
    return std::pair(std::move(numbers), Tensor());
  int64_t panels = recipe.panels(), depth = recipe.depth(), panel = recipe.panel, inWord = perWord(recipe.type);
  int64_t words = llvm::divideCeil(depth, inWord), groups = groupsOf(recipe.type, depth);
  Tensor packed{{panels, words, panel, inWord}, std::vector<double>(panels * words * panel * inWord)};
  Tensor scales{{panels, groups, panel}, std::vector<double>(panels * groups * panel)};
  auto element = [&](int64_t p, int64_t k, int64_t c) -> double & {
    return packed.values[((p * words + k / inWord) * panel + c) * inWord + k % inWord];
  };
  for (int64_t p = 0; p < panels; ++p)
    for (int64_t c = 0; c < panel; ++c) {
      auto number = [&](int64_t k) { return numbers.values[(p * depth + k) * panel + c]; };
      for (int64_t k = 0; groups == 0 && k < depth; ++k)
        element(p, k, c) = recipe.type == WeightType::F16 ? roundToF16(number(k)) : roundToBF16(number(k));
      for (int64_t g = 0; g < groups; ++g) {
        int64_t first = g * groupDepth(recipe.type, depth);
        std::vector<double> group;
        for (int64_t k = first; k < std::min(first + groupDepth(recipe.type, depth), depth); ++k)
          group.push_back(number(k));
        auto multiples = quantize(op, recipe.type, group);
        if (!multiples)
          return multiples.takeError();
        scales.values[(p * groups + g) * panel + c] = multiples->scale;
        for (auto [i, integer] : llvm::enumerate(multiples->integers))
          element(p, first + i, c) = integer;
      }
    }
  return std::pair(std::move(packed), std::move(scales));
}

static Tensor roundedTo(Type element, Tensor tensor) {
  if (!element.isF32())
    for (double &value : tensor.values)
      value = element.isF16() ? roundToF16(value) : roundToBF16(value);
  return tensor;
}

llvm::Error evaluate(WeightOp op, Frame &frame) {
  auto weight = read(op, op.getName(), op.getType().getShape(), frame);
  if (!weight)
    return weight.takeError();
  *weight = roundedTo(op.getType().getElementType(), std::move(*weight));
  frame.set(op, std::move(*weight));
  return llvm::Error::success();
}

llvm::Error evaluate(PackOp op, Frame &frame) {
  ParameterRecipe recipe;
  recipe.kind = ParameterRecipe::Kind::Pack;
  recipe.type = *weightTypeOf(getElementTypeOrSelf(op.getResult()));
  recipe.panel = op.getPanel();
  recipe.parts = op.getParts();
  recipe.columns = op.getColumns();
  recipe.inOut = op.getInOut();
  SmallVector<const Tensor *> weights;
  for (Value weight : op.getWeights()) {
    weights.push_back(&frame[weight]);
    recipe.shapes.emplace_back(ArrayRef(weights.back()->shape));
  }
  const Tensor *scale = op.getScale() ? &frame[op.getScale()] : nullptr;
  auto packed = packRounded(op, recipe, weights, scale, frame);
  if (!packed)
    return packed.takeError();
  frame.set(op.getResult(), std::move(packed->first));
  if (op.getScales())
    frame.set(op.getScales(), std::move(packed->second));
  return llvm::Error::success();
}

static llvm::Expected<ParameterRecipe> recipeAt(ParameterOp op) {
  auto module = op->getParentOfType<ModuleOp>();
  auto entries = module ? module->getAttrOfType<ArrayAttr>(contract::parameters) : ArrayAttr();
  for (Attribute entry : entries ? entries.getValue() : ArrayRef<Attribute>()) {
    auto dictionary = dyn_cast<DictionaryAttr>(entry);
    auto offset = dictionary ? dictionary.getAs<IntegerAttr>("offset") : IntegerAttr();
    if (!offset || offset.getInt() != static_cast<int64_t>(op.getOffset()))
      continue;
    auto recipe = ParameterRecipe::parse(dictionary);
    if (!recipe)
      return failure(op, llvm::toString(recipe.takeError()));
    return recipe;
  }
  return failure(op, "has no entry in the module's " + contract::parameters + " for its offset");
}

llvm::Error evaluate(ParameterOp op, Frame &frame) {
  auto recipe = recipeAt(op);
  if (!recipe)
    return recipe.takeError();
  std::vector<Tensor> weights;
  for (auto [name, shape] : llvm::zip_equal(recipe->weights, recipe->shapes)) {
    auto weight = read(op, name, shape, frame);
    if (!weight)
      return weight.takeError();
    weights.push_back(std::move(*weight));
  }

  if (recipe->kind == ParameterRecipe::Kind::Plain) {
    frame.set(op, roundedTo(getElementTypeOrSelf(op.getType()), std::move(weights.front())));
  } else if (recipe->kind == ParameterRecipe::Kind::Concat) {
    Tensor all{{recipe->elements()}, {}};
    for (const Tensor &weight : weights)
      llvm::append_range(all.values, weight.values);
    frame.set(op, std::move(all));
  } else {
    auto parts = llvm::map_to_vector(weights, [](const Tensor &weight) { return &weight; });
    std::optional<Tensor> scale;
    if (!recipe->scale.empty()) {
      auto read = reference::read(op, recipe->scale, {recipe->depth()}, frame);
      if (!read)
        return read.takeError();
      scale = std::move(*read);
    }
    auto packed = packRounded(op, *recipe, parts, scale ? &*scale : nullptr, frame);
    if (!packed)
      return packed.takeError();
    bool isScales = recipe->kind == ParameterRecipe::Kind::Scales;
    frame.set(op, std::move(isScales ? packed->second : packed->first));
  }
  return llvm::Error::success();
}

} // namespace weft::reference

//===- Parameters.cpp - weight, pack and parameter ----------------------------------------------------------------===//
// Answers: which numbers of the checkpoint are the elements of a weight, before and after it was packed and placed?
// Packing is done here by the op's text, element by element, so that packPanels has something to agree with.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/WeftOps.h"
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
  SmallVector<int64_t> shape = recipe.resultShape();
  Tensor result{std::vector<int64_t>(shape.begin(), shape.end()), std::vector<double>(recipe.elements())};
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

llvm::Error evaluate(WeightOp op, Frame &frame) {
  auto weight = read(op, op.getName(), op.getType().getShape(), frame);
  if (!weight)
    return weight.takeError();
  frame.set(op, std::move(*weight));
  return llvm::Error::success();
}

llvm::Error evaluate(PackOp op, Frame &frame) {
  ParameterRecipe recipe;
  recipe.kind = ParameterRecipe::Kind::Pack;
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
  frame.set(op, pack(recipe, weights, scale, frame.isSingle(op.getType())));
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
    frame.set(op, std::move(weights.front()));
  } else if (recipe->kind == ParameterRecipe::Kind::Concat) {
    Tensor all{{recipe->elements()}, {}};
    for (const Tensor &weight : weights)
      llvm::append_range(all.values, weight.values);
    frame.set(op, std::move(all));
  } else {
    auto parts = llvm::map_to_vector(weights, [](const Tensor &weight) { return &weight; });
    if (recipe->scale.empty()) {
      frame.set(op, pack(*recipe, parts, nullptr, frame.isSingle(op.getType())));
    } else {
      auto scale = read(op, recipe->scale, {recipe->depth()}, frame);
      if (!scale)
        return scale.takeError();
      frame.set(op, pack(*recipe, parts, &*scale, frame.isSingle(op.getType())));
    }
  }
  return llvm::Error::success();
}

} // namespace weft::reference

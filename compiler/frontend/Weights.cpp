//===- Weights.cpp - names and shapes of weights ------------------------------------------------------------------===//
// Answers: does the checkpoint hold this weight, and in the shape that the model wants?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Elaborator.h"
#include "compiler/frontend/Sizes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace weft::frontend;

static std::string shapeText(ArrayRef<int64_t> shape) {
  return "[" + join(map_range(shape, [](int64_t size) { return std::to_string(size); }), ", ") + "]";
}

static bool holdsFloats(weft::StorageType type) {
  return type == weft::StorageType::F64 || type == weft::StorageType::F32 || type == weft::StorageType::F16 ||
         type == weft::StorageType::BF16;
}

bool Elaborator::hasWeight(const std::string &name) const { return checkpoint && checkpoint->find(name); }

std::optional<std::string> Elaborator::weightName(const CallArguments &arguments, Scope &scope) {
  // A tied weight is another part's: its name is the whole one.
  std::optional<std::string> name =
      arguments.tied ? expandName(*arguments.name, scope) : nestedPrefix(*arguments.name, scope);
  return name && !arguments.whole ? *name + ".weight" : name;
}

std::optional<std::string> Elaborator::biasName(const CallArguments &arguments, Scope &scope) {
  if (arguments.namedBias)
    return nestedPrefix(*arguments.bias, scope);
  std::optional<std::string> name =
      arguments.tied ? expandName(*arguments.name, scope) : nestedPrefix(*arguments.name, scope);
  return name ? *name + ".bias" : name;
}

/// Whether a file's shape is that of these axes: each group one dimension, or each of its axes one; dimensions of size
/// 1 say nothing.
static bool isShapeOf(ArrayRef<int64_t> stored, ArrayRef<AxisList> groups) {
  auto significant = [](int64_t size) { return size != 1; };
  SmallVector<int64_t> rest;
  copy_if(stored, std::back_inserter(rest), significant);
  ArrayRef<int64_t> left = rest;
  for (const AxisList &group : groups) {
    SmallVector<int64_t> sizes;
    int64_t product = 1;
    for (const Axis *axis : group) {
      product *= *axis->staticSize(); // checked to fit
      if (significant(*axis->staticSize()))
        sizes.push_back(*axis->staticSize());
    }
    if (!left.empty() && left.front() == product)
      left = left.drop_front();
    else if (left.take_front(sizes.size()) == ArrayRef(sizes))
      left = left.drop_front(sizes.size());
    else
      return false;
  }
  return left.empty();
}

Node *Elaborator::weightNode(const std::string &name, ArrayRef<int64_t> shape, AxisList axes, const Ident &place,
                             StringRef construct, ArrayRef<AxisList> groups) {
  Node *node = add(op::Weight{name, SmallVector<int64_t, 2>(shape.begin(), shape.end())}, Element::F32, std::move(axes),
                   {}, place.loc, construct);
  if (standalone)
    return node;
  if (!checkedProduct(shape, sizeof(float))) {
    error(Diag::W025, place.loc, "weight '" + name + "' of shape " + shapeText(shape) + " does not fit in i64 bytes");
    return nullptr;
  }
  auto [known, fresh] = weights.try_emplace(name, KnownWeight{shape.vec(), place.loc});
  if (!fresh) {
    if (ArrayRef<int64_t>(known->second.shape) == shape)
      return node;
    error(Diag::W054, place.loc,
          "weight '" + name + "' is read as " + shapeText(shape) + " here and as " + shapeText(known->second.shape) +
              " elsewhere")
        .note(known->second.loc, "the other place");
    return nullptr;
  }
  if (!checkpoint)
    return node;
  StringRef file = sys::path::filename(checkpoint->path());
  const CheckpointTensor *tensor = checkpoint->find(name);
  if (!tensor) {
    std::vector<std::string> near = checkpoint->nearest(name, 3);
    std::string text = "no weight '" + name + "' in " + file.str();
    if (!near.empty())
      text += "; nearest: " + join(map_range(near, [](const std::string &n) { return "'" + n + "'"; }), ", ");
    error(Diag::W051, place.loc, text);
    return nullptr;
  }
  if (!holdsFloats(tensor->type)) {
    error(Diag::W055, place.loc,
          "weight '" + name + "' in " + file + " holds " + weft::name(tensor->type) +
              ", but F64, F32, F16 or BF16 is needed");
    return nullptr;
  }
  if (ArrayRef<int64_t>(tensor->shape) == shape || isShapeOf(tensor->shape, groups))
    return node;
  std::string text = "weight '" + name + "' is " + shapeText(tensor->shape) + " in " + file.str() +
                     ", but the model needs " + shapeText(shape);
  bool transposed =
      shape.size() == 2 && tensor->shape.size() == 2 && shape[0] == tensor->shape[1] && shape[1] == tensor->shape[0];
  if (transposed && construct == "linear")
    text += "; it is stored the other way round: add or drop 'stored in_out'";
  else if (transposed)
    text += "; it is stored the other way round";
  error(Diag::W052, place.loc, text);
  return nullptr;
}

void Elaborator::reportUnusedWeights() {
  if (!checkpoint)
    return;
  std::vector<StringRef> unused;
  for (const CheckpointTensor &tensor : checkpoint->tensors())
    if (!weights.count(tensor.name))
      unused.push_back(tensor.name);
  if (unused.empty())
    return;
  constexpr size_t shown = 3;
  std::string names;
  for (StringRef name : ArrayRef(unused).take_front(shown))
    names += (names.empty() ? "'" : ", '") + name.str() + "'";
  if (unused.size() > shown)
    names += ", ...";
  std::string text = (Twine(unused.size()) + " of the " + Twine(checkpoint->tensors().size()) + " weights in " +
                      sys::path::filename(checkpoint->path()) + " are not used: " + names)
                         .str();
  if (strict)
    diagnostics.error(Diag::W053, graph.loc, text);
  else
    diagnostics.warning(Diag::W053, graph.loc, text);
}

//===- Weights.cpp - recipes as attributes, and the packing of panels ---------------------------------------------===//
// Answers: how is a recipe written into the module and read again, and how is a matrix packed at memory speed?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/Weights.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cassert>

using namespace mlir;

namespace weft {
namespace {

using Kind = ParameterRecipe::Kind;

StringRef spelling(Kind kind) {
  switch (kind) {
  case Kind::Plain:
    return "plain";
  case Kind::Pack:
    return "pack";
  case Kind::Scales:
    return "scales";
  case Kind::Concat:
    return "concat";
  }
  llvm_unreachable("unknown kind");
}

template <typename... Parts> llvm::Error malformed(const Parts &...parts) {
  std::string text = "entry of weft.parameters: ";
  llvm::raw_string_ostream stream(text);
  (stream << ... << parts);
  return llvm::createStringError(text);
}

llvm::Error readInteger(DictionaryAttr entry, StringRef key, int64_t least, int64_t &value) {
  auto attribute = entry.getAs<IntegerAttr>(key);
  if (!attribute)
    return malformed("'", key, "' must be an integer");
  value = attribute.getInt();
  if (value < least)
    return malformed("'", key, "' is ", value, ", but at least ", least, " is needed");
  return llvm::Error::success();
}

llvm::Error readType(DictionaryAttr entry, ParameterRecipe &recipe) {
  Attribute attribute = entry.get("type");
  if (!attribute)
    return llvm::Error::success();
  auto text = dyn_cast<StringAttr>(attribute);
  std::optional<WeightType> type = text ? weightTypeNamed(text.getValue()) : std::nullopt;
  if (!type)
    return malformed("'type' must be \"f32\", \"f16\", \"bf16\", \"int8\" or \"int4\"");
  recipe.type = *type;
  return llvm::Error::success();
}

llvm::Error readWeights(DictionaryAttr entry, ParameterRecipe &recipe) {
  auto names = entry.getAs<ArrayAttr>("weights");
  auto shapes = entry.getAs<ArrayAttr>("shapes");
  if (!names || !shapes || names.empty() || names.size() != shapes.size())
    return malformed("'weights' and 'shapes' must be arrays of one length, at least 1");
  for (auto [name, shape] : llvm::zip_equal(names, shapes)) {
    auto string = dyn_cast<StringAttr>(name);
    auto sizes = dyn_cast<ArrayAttr>(shape);
    if (!string || !sizes)
      return malformed("'weights' must hold strings and 'shapes' arrays of integers");
    recipe.weights.push_back(string.str());
    auto &result = recipe.shapes.emplace_back();
    for (Attribute size : sizes) {
      auto integer = dyn_cast<IntegerAttr>(size);
      if (!integer || integer.getInt() < 0)
        return malformed("the shape of '", string.getValue(), "' must hold integers of at least 0");
      result.push_back(integer.getInt());
    }
  }
  return llvm::Error::success();
}

llvm::Error readPacking(DictionaryAttr entry, ParameterRecipe &recipe) {
  if (auto error = readInteger(entry, "panel", 1, recipe.panel))
    return error;
  if (auto error = readInteger(entry, "parts", 1, recipe.parts))
    return error;
  if (auto error = readInteger(entry, "columns", 0, recipe.columns))
    return error;
  recipe.inOut = entry.contains("in_out");
  if (Attribute scale = entry.get("scale")) {
    auto name = dyn_cast<StringAttr>(scale);
    if (!name || name.empty())
      return malformed("'scale' must be the name of a weight");
    recipe.scale = name.str();
  }
  return llvm::Error::success();
}

/// What the constraints C1 to C3 of weft.pack say, of the recipe.
llvm::Error checkPacking(const ParameterRecipe &recipe) {
  for (auto [name, shape] : llvm::zip_equal(recipe.weights, recipe.shapes)) {
    if (shape.size() != 2)
      return malformed("'", name, "' has rank ", shape.size(), ", but packed weights have rank 2");
    if (shape[recipe.inOut ? 0 : 1] != recipe.depth())
      return malformed("'", name, "' has depth ", shape[recipe.inOut ? 0 : 1], " and '", recipe.weights[0], "' ",
                       recipe.depth());
  }
  int64_t columns = 0;
  for (auto &shape : recipe.shapes)
    columns += shape[recipe.inOut ? 1 : 0];
  if (recipe.parts > 1) {
    if ((int64_t)recipe.weights.size() != recipe.parts || recipe.panel % recipe.parts != 0)
      return malformed(recipe.parts, " parts need as many weights, not ", recipe.weights.size(),
                       ", and a panel that they divide, not ", recipe.panel);
    if (!llvm::all_equal(recipe.shapes))
      return malformed("interleaved weights must have one shape");
    columns = recipe.shapes[0][recipe.inOut ? 1 : 0];
  }
  if (columns != recipe.columns)
    return malformed("'columns' is ", recipe.columns, ", but the weights have ", columns);
  return llvm::Error::success();
}

} // namespace

llvm::Expected<ParameterRecipe> ParameterRecipe::parse(DictionaryAttr entry) {
  ParameterRecipe recipe;
  if (auto error = readInteger(entry, "offset", 0, recipe.offset))
    return error;
  if (recipe.offset % 64 != 0)
    return malformed("'offset' is ", recipe.offset, ", not a multiple of 64");
  if (auto error = readWeights(entry, recipe))
    return error;
  if (auto error = readType(entry, recipe))
    return error;

  auto kind = entry.getAs<StringAttr>("kind");
  if (kind && kind == spelling(Kind::Plain)) {
    recipe.kind = Kind::Plain;
    if (recipe.weights.size() != 1)
      return malformed("a plain parameter is made of 1 weight, not of ", recipe.weights.size());
    if (bitsOf(recipe.type) < 16)
      return malformed("a plain parameter is f32, f16 or bf16, not ", name(recipe.type));
  } else if (kind && kind == spelling(Kind::Concat)) {
    recipe.kind = Kind::Concat;
    if (!llvm::all_of(recipe.shapes, [](auto &shape) { return shape.size() == 1; }))
      return malformed("concatenated weights must have rank 1");
    if (recipe.type != WeightType::F32)
      return malformed("concatenated weights are f32, not ", name(recipe.type));
  } else if (kind && (kind == spelling(Kind::Pack) || kind == spelling(Kind::Scales))) {
    recipe.kind = kind == spelling(Kind::Pack) ? Kind::Pack : Kind::Scales;
    if (auto error = readPacking(entry, recipe))
      return error;
    if (auto error = checkPacking(recipe))
      return error;
    if (recipe.kind == Kind::Scales && groupsOf(recipe.type, recipe.depth()) == 0)
      return malformed("weights of ", name(recipe.type), " have no scales");
  } else {
    return malformed("'kind' must be \"plain\", \"pack\", \"scales\" or \"concat\"");
  }
  return recipe;
}

DictionaryAttr ParameterRecipe::toAttribute(MLIRContext *context) const {
  Builder b(context);
  SmallVector<StringRef> names(weights.begin(), weights.end());
  SmallVector<Attribute> sizes;
  for (auto &shape : shapes)
    sizes.push_back(b.getI64ArrayAttr(shape));
  SmallVector<NamedAttribute> entries = {
      b.getNamedAttr("offset", b.getI64IntegerAttr(offset)), b.getNamedAttr("kind", b.getStringAttr(spelling(kind))),
      b.getNamedAttr("weights", b.getStrArrayAttr(names)), b.getNamedAttr("shapes", b.getArrayAttr(sizes))};
  if (type != WeightType::F32)
    entries.push_back(b.getNamedAttr("type", b.getStringAttr(name(type))));
  if (isPacked()) {
    entries.push_back(b.getNamedAttr("panel", b.getI64IntegerAttr(panel)));
    entries.push_back(b.getNamedAttr("parts", b.getI64IntegerAttr(parts)));
    entries.push_back(b.getNamedAttr("columns", b.getI64IntegerAttr(columns)));
    if (inOut)
      entries.push_back(b.getNamedAttr("in_out", b.getUnitAttr()));
    if (!scale.empty())
      entries.push_back(b.getNamedAttr("scale", b.getStringAttr(scale)));
  }
  return b.getDictionaryAttr(entries);
}

int64_t ParameterRecipe::depth() const {
  assert(isPacked() && "only packed weights have a depth");
  return shapes[0][inOut ? 0 : 1];
}

int64_t ParameterRecipe::panels() const {
  assert(isPacked() && "only packed weights have panels");
  return llvm::divideCeil((uint64_t)columns, (uint64_t)(panel / parts));
}

unsigned ParameterRecipe::elementBits() const {
  if (kind == Kind::Scales)
    return type == WeightType::Int4 ? 16 : 32;
  return bitsOf(type);
}

SmallVector<int64_t> ParameterRecipe::resultShape() const {
  switch (kind) {
  case Kind::Plain:
    return shapes[0];
  case Kind::Pack:
    return packedShape(type, panels(), depth(), panel);
  case Kind::Scales:
    return {panels(), groupsOf(type, depth()), panel};
  case Kind::Concat: {
    int64_t size = 0;
    for (auto &shape : shapes)
      size += shape[0];
    return {size};
  }
  }
  llvm_unreachable("unknown kind");
}

int64_t ParameterRecipe::elements() const {
  int64_t count = 1;
  for (int64_t size : resultShape())
    count *= size;
  return count;
}

namespace {

/// Input columns that are transposed together: one cache line of each weight row, a few of the panel.
constexpr int64_t blockDepth = 16;

/// panel[k * stride + c] = rows[c][k] for `width` rows that lie `depth` apart.
void transposeRows(const float *rows, int64_t depth, int64_t width, float *panel, int64_t stride) {
  for (int64_t first = 0; first < depth; first += blockDepth) {
    int64_t count = std::min(blockDepth, depth - first);
    for (int64_t c = 0; c < width; ++c) {
      const float *row = rows + c * depth + first;
      float *column = panel + first * stride + c;
      for (int64_t k = 0; k < count; ++k)
        column[k * stride] = row[k];
    }
  }
}

/// Copies columns [first, first + width) of a weight to the panel's columns beginning at `panel`.
void copyColumns(const ParameterRecipe &recipe, ArrayRef<float> weight, int64_t columns, int64_t first, int64_t width,
                 float *panel) {
  int64_t depth = recipe.depth();
  if (!recipe.inOut)
    return transposeRows(weight.data() + first * depth, depth, width, panel, recipe.panel);
  for (int64_t k = 0; k < depth; ++k)
    std::copy_n(weight.data() + k * columns + first, width, panel + k * recipe.panel);
}

/// Fills the columns of one panel that weights stand for; the others stay as they are.
void fillPanel(const ParameterRecipe &recipe, ArrayRef<ArrayRef<float>> weights, int64_t index, float *panel) {
  int64_t group = recipe.panel / recipe.parts, begin = index * group, end = std::min(begin + group, recipe.columns);
  int64_t before = 0; // columns of the weights before this one, where they lie one after another
  for (auto [i, weight] : llvm::enumerate(weights)) {
    int64_t columns = recipe.shapes[i][recipe.inOut ? 1 : 0];
    if (recipe.parts > 1) {
      copyColumns(recipe, weight, columns, begin, end - begin, panel + i * group);
      continue;
    }
    int64_t from = std::max(begin, before), to = std::min(end, before + columns);
    if (from < to)
      copyColumns(recipe, weight, columns, from - before, to - from, panel + (from - begin));
    before += columns;
  }
}

/// Zeroes the columns of the last panel that no weight stands for.
void clearPadding(const ParameterRecipe &recipe, int64_t index, float *panel) {
  int64_t group = recipe.panel / recipe.parts, used = std::min(group, recipe.columns - index * group);
  for (int64_t k = 0, depth = recipe.depth(); k < depth; ++k)
    for (int64_t part = 0; part < recipe.parts; ++part)
      std::fill_n(panel + k * recipe.panel + part * group + used, group - used, 0.0f);
}

} // namespace

void packPanels(const ParameterRecipe &recipe, ArrayRef<ArrayRef<float>> weights, ArrayRef<float> scale,
                int64_t firstPanel, MutableArrayRef<float> out) {
  int64_t depth = recipe.depth(), panelElements = depth * recipe.panel;
  assert(scale.empty() || (int64_t)scale.size() == depth);
  assert(panelElements == 0 || out.size() % panelElements == 0);
  int64_t panels = panelElements == 0 ? 0 : out.size() / panelElements;
  for (int64_t p = 0; p < panels; ++p) {
    float *panel = out.data() + p * panelElements;
    fillPanel(recipe, weights, firstPanel + p, panel);
    for (int64_t k = 0; k < depth && !scale.empty(); ++k)
      for (int64_t c = 0; c < recipe.panel; ++c)
        panel[k * recipe.panel + c] *= scale[k];
    clearPadding(recipe, firstPanel + p, panel);
  }
}

void packPanels(const ParameterRecipe &recipe, ArrayRef<ArrayRef<float>> weights, ArrayRef<float> scale,
                MutableArrayRef<float> out) {
  assert((int64_t)out.size() == recipe.panels() * recipe.depth() * recipe.panel);
  packPanels(recipe, weights, scale, 0, out);
}

} // namespace weft

//===- ModelInterface.cpp - a model's outside, as plain data ------------------------------------------------------===//
// Answers: which entry points, tensors and axes do a module's contract attributes declare?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/ModelInterface.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace weft {
namespace {

template <typename... Parts> llvm::Error malformed(const Parts &...parts) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  (stream << ... << parts);
  return llvm::createStringError(text);
}

llvm::Expected<std::vector<std::string>> strings(Attribute attribute, StringRef key) {
  std::vector<std::string> result;
  auto array = dyn_cast_or_null<ArrayAttr>(attribute);
  if (!array)
    return malformed("attribute '", key, "' must be an array of strings");
  for (Attribute element : array) {
    auto string = dyn_cast<StringAttr>(element);
    if (!string)
      return malformed("attribute '", key, "' must hold strings only");
    result.push_back(string.str());
  }
  return result;
}

std::optional<ElementType> elementType(Type type) {
  if (type.isF32())
    return ElementType::F32;
  if (type.isInteger(32))
    return ElementType::I32;
  if (type.isInteger(1))
    return ElementType::I1;
  return std::nullopt;
}

llvm::Expected<SizeInterface> readSize(StringRef text, const ModelInterface &model) {
  SizeInterface size;
  auto axis = llvm::find(model.axes, text);
  if (axis != model.axes.end())
    size.axis = axis - model.axes.begin();
  else if (text.getAsInteger(10, size.size) || size.size < 0)
    return malformed("size '", text, "' is neither a run-time axis of the module nor a number");
  return size;
}

llvm::Expected<TensorInterface> readTensor(Type type, DictionaryAttr attributes, const ModelInterface &model) {
  TensorInterface tensor;
  auto name = attributes ? attributes.getAs<StringAttr>(contract::name) : StringAttr();
  if (!name)
    return malformed("it has no attribute '", contract::name, "'");
  tensor.name = name.str();
  auto ranked = dyn_cast<RankedTensorType>(type);
  auto element = ranked ? elementType(ranked.getElementType()) : std::nullopt;
  if (!element)
    return malformed("'", tensor.name, "' has type ", type, ", but tensors of f32, i32 or i1 are needed");
  tensor.type = *element;
  auto dims = strings(attributes.get(contract::dims), contract::dims);
  if (!dims)
    return dims.takeError();
  if (static_cast<int64_t>(dims->size()) != ranked.getRank())
    return malformed("'", tensor.name, "' has rank ", ranked.getRank(), " and ", dims->size(), " sizes");
  for (const std::string &dim : *dims) {
    auto size = readSize(dim, model);
    if (!size)
      return size.takeError();
    tensor.sizes.push_back(*size);
  }
  auto names = strings(attributes.get(contract::axisNames), contract::axisNames);
  if (!names)
    return names.takeError();
  if (names->size() != dims->size())
    return malformed("'", tensor.name, "' has ", dims->size(), " sizes and ", names->size(), " axis names");
  tensor.axisNames = std::move(*names);
  return tensor;
}

llvm::Expected<EntryInterface> readEntry(func::FuncOp function, const ModelInterface &model) {
  EntryInterface entry;
  entry.name = function.getName().str();
  auto kind = function->getAttrOfType<StringAttr>(contract::entry);
  if (!kind || (kind != "sequence" && kind != "step"))
    return malformed("attribute '", contract::entry, "' must be \"sequence\" or \"step\"");
  entry.isStep = kind == "step";

  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    if (isa<IndexType>(type)) // `past`
      continue;
    auto tensor = readTensor(type, function.getArgAttrDict(i), model);
    if (!tensor)
      return malformed("argument ", i, ": ", llvm::toString(tensor.takeError()));
    (function.getArgAttr(i, contract::state) ? entry.caches : entry.inputs).push_back(std::move(*tensor));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    auto tensor = readTensor(type, function.getResultAttrDict(i), model);
    if (!tensor)
      return malformed("result ", i, ": ", llvm::toString(tensor.takeError()));
    entry.outputs.push_back(std::move(*tensor));
  }
  if (!entry.isStep)
    return entry;

  auto axis = function->getAttrOfType<StringAttr>(contract::positionAxis);
  auto context = function->getAttrOfType<IntegerAttr>(contract::context);
  auto found = axis ? llvm::find(model.axes, axis.getValue()) : model.axes.end();
  if (found == model.axes.end() || !context)
    return malformed("a step needs '", contract::positionAxis, "', one of the module's axes, and '", contract::context,
                     "'");
  entry.positionAxis = found - model.axes.begin();
  entry.context = context.getInt();
  return entry;
}

} // namespace

std::string cIdentifier(llvm::StringRef name) {
  std::string result = name.str();
  for (char &c : result)
    if (!llvm::isAlnum(c))
      c = '_';
  return result;
}

std::string ModelInterface::symbol() const { return "weft_module_" + cIdentifier(name); }

llvm::Expected<ModelInterface> readModelInterface(ModuleOp module) {
  ModelInterface model;
  auto name = module->getAttrOfType<StringAttr>(contract::model);
  if (!name || name.empty())
    return malformed("the module has no attribute '", contract::model, "'");
  model.name = name.str();
  auto axes = strings(module->getAttr(contract::axes), contract::axes);
  if (!axes)
    return axes.takeError();
  model.axes = std::move(*axes);
  if (auto bytes = module->getAttrOfType<IntegerAttr>(contract::parameterBytes))
    model.weightBytes = bytes.getInt();

  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function->hasAttr(contract::entry))
      continue;
    auto entry = readEntry(function, model);
    if (!entry)
      return malformed("entry point '", function.getName(), "': ", llvm::toString(entry.takeError()));
    model.entries.push_back(std::move(*entry));
  }
  if (model.entries.empty())
    return malformed("model '", model.name, "' has no entry point");
  return model;
}

} // namespace weft

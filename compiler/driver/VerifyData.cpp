//===- VerifyData.cpp - inputs for verification, and results put together ---------------------------------------===//
#include "compiler/driver/VerifyData.h"
#include "compiler/driver/Artefacts.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/WeftOps.h"
#include <random>

extern "C" {
#include "core/npy.h"
}

using namespace mlir;

namespace weft::driver {

//===-- entries -------------------------------------------------------------------------------------------------===//

int Port::dimensionOf(StringRef axis) const {
  for (auto [index, dim] : llvm::enumerate(dims))
    if (dim == axis)
      return static_cast<int>(index);
  return -1;
}

static Port portOf(Type type, DictionaryAttr attributes) {
  Port port;
  port.type = cast<RankedTensorType>(type);
  if (auto name = attributes.getAs<StringAttr>(contract::name))
    port.name = name.str();
  if (auto dims = attributes.getAs<ArrayAttr>(contract::dims))
    for (StringRef dim : dims.getAsValueRange<StringAttr>())
      port.dims.push_back(dim.str());
  return port;
}

Entry entryOf(ModuleOp module, StringRef kind) {
  Entry entry;
  for (auto function : module.getOps<func::FuncOp>()) {
    auto found = function->getAttrOfType<StringAttr>(contract::entry);
    if (!found || found != kind)
      continue;
    entry.function = function;
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
      if (!isa<RankedTensorType>(type))
        continue;
      DictionaryAttr attributes = function.getArgAttrDict(index);
      bool state = attributes && attributes.contains(contract::state);
      (state ? entry.states : entry.inputs).push_back(portOf(type, attributes));
    }
    for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
      entry.outputs.push_back(portOf(type, function.getResultAttrDict(index)));
    if (auto axis = function->getAttrOfType<StringAttr>(contract::positionAxis))
      entry.positionAxis = axis.str();
  }
  return entry;
}

//===-- inputs --------------------------------------------------------------------------------------------------===//

/// Rows of the smallest table that an argument is used to look up; 2 for other integers.
static int64_t boundOf(Value argument) {
  int64_t bound = std::numeric_limits<int64_t>::max();
  SmallVector<Value> values = {argument};
  while (!values.empty()) {
    Value value = values.pop_back_val();
    for (Operation *user : value.getUsers()) {
      if (auto lookup = dyn_cast<LookupOp>(user))
        bound = std::min(bound, cast<ShapedType>(lookup.getTable().getType()).getDimSize(0));
      else if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp, tensor::CastOp>(user))
        llvm::append_range(values, user->getResults());
    }
  }
  return bound == std::numeric_limits<int64_t>::max() ? 2 : bound;
}

static llvm::Expected<Tensor> readInput(StringRef path) {
  weft_error error = {};
  weft_npy npy;
  if (weft_npy_read(path.str().c_str(), nullptr, &npy, &error) != WEFT_OK)
    return llvm::createStringError(error.message);
  bool integer = npy.header.type >= WEFT_NPY_I1;
  weft_view view;
  weft_status status = weft_npy_convert(&npy, integer ? WEFT_I32 : WEFT_F32, &view, &error);
  Tensor tensor;
  if (status == WEFT_OK) {
    tensor.shape.assign(view.shape, view.shape + view.rank);
    for (int64_t i = 0; i < npy.header.elements; ++i)
      tensor.values.push_back(integer ? static_cast<int32_t *>(view.data)[i] : static_cast<float *>(view.data)[i]);
    weft_view_release(nullptr, &view);
  }
  weft_npy_free(&npy);
  if (status != WEFT_OK)
    return llvm::createStringError(error.message);
  return tensor;
}

static bool isInput(const Entry &entry, StringRef name) {
  return llvm::any_of(entry.inputs, [&](const Port &port) { return port.name == name; });
}

llvm::Expected<std::vector<Tensor>> makeInputs(const Entry &entry, ArrayRef<std::string> files,
                                               const llvm::StringMap<int64_t> &sizes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Tensor> inputs;
  llvm::StringMap<StringRef> given;
  for (const std::string &file : files) {
    auto [name, path] = StringRef(file).split('=');
    if (path.empty() || !isInput(entry, name))
      return llvm::createStringError("inputs are given as name=file.npy with a name of the model, but got '" + file + "'");
    given[name] = path;
  }
  for (auto [index, port] : llvm::enumerate(entry.inputs)) {
    if (auto path = given.find(port.name); path != given.end()) {
      auto tensor = readInput(path->second);
      if (!tensor)
        return tensor.takeError();
      inputs.push_back(std::move(*tensor));
      continue;
    }
    Tensor tensor;
    for (auto [dim, size] : llvm::zip(port.dims, port.type.getShape()))
      tensor.shape.push_back(ShapedType::isDynamic(size) ? sizes.lookup(dim) : size);
    tensor.values.resize(tensor.elements());
    if (port.type.getElementType().isF32()) {
      std::normal_distribution<float> normal;
      for (double &value : tensor.values)
        value = normal(random);
    } else {
      int64_t bound = boundOf(const_cast<func::FuncOp &>(entry.function).getArgument(index));
      for (double &value : tensor.values)
        value = static_cast<double>(random() % bound);
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

//===-- steps ---------------------------------------------------------------------------------------------------===//

static std::pair<int64_t, int64_t> around(ArrayRef<int64_t> shape, int dimension) {
  int64_t outer = 1, inner = 1;
  for (auto [index, size] : llvm::enumerate(shape))
    (static_cast<int>(index) < dimension ? outer : inner) *= static_cast<int>(index) == dimension ? 1 : size;
  return {outer, inner};
}

Tensor slice(const Tensor &whole, int dimension, int64_t first, int64_t count) {
  Tensor part;
  part.shape = whole.shape;
  part.shape[dimension] = count;
  auto [outer, inner] = around(whole.shape, dimension);
  for (int64_t o = 0; o < outer; ++o) {
    auto begin = whole.values.begin() + (o * whole.shape[dimension] + first) * inner;
    part.values.insert(part.values.end(), begin, begin + count * inner);
  }
  return part;
}

void append(Tensor &whole, const Tensor &part, int dimension) {
  if (whole.shape.empty()) {
    whole = part;
    return;
  }
  auto [outer, inner] = around(whole.shape, dimension);
  int64_t before = whole.shape[dimension] * inner, added = part.shape[dimension] * inner;
  std::vector<double> values;
  values.reserve(whole.values.size() + part.values.size());
  for (int64_t o = 0; o < outer; ++o) {
    values.insert(values.end(), whole.values.begin() + o * before, whole.values.begin() + (o + 1) * before);
    values.insert(values.end(), part.values.begin() + o * added, part.values.begin() + (o + 1) * added);
  }
  whole.values = std::move(values);
  whole.shape[dimension] += part.shape[dimension];
}

/// Cuts inputs into steps, calls `run` for each, and puts the outputs together.
template <typename Run>
static llvm::Error inSteps(const Entry &step, ArrayRef<Tensor> inputs, int64_t size, std::vector<Tensor> &outputs, Run run) {
  int64_t positions = 0;
  for (auto [port, input] : llvm::zip(step.inputs, inputs))
    if (int dimension = port.dimensionOf(step.positionAxis); dimension >= 0)
      positions = input.shape[dimension];
  outputs.assign(step.outputs.size(), Tensor());
  for (int64_t past = 0; past < positions; past += size) {
    int64_t count = std::min(size, positions - past);
    std::vector<Tensor> parts;
    for (auto [port, input] : llvm::zip(step.inputs, inputs)) {
      int dimension = port.dimensionOf(step.positionAxis);
      parts.push_back(dimension < 0 ? input : slice(input, dimension, past, count));
    }
    auto results = run(parts, past);
    if (!results)
      return results.takeError();
    for (auto [port, whole, part] : llvm::zip(step.outputs, outputs, *results)) {
      int dimension = port.dimensionOf(step.positionAxis);
      if (dimension < 0)
        whole = part;
      else
        append(whole, part, dimension);
    }
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<Tensor>> interpretSteps(const Entry &step, ArrayRef<Tensor> inputs, int64_t size,
                                                   const reference::Options &options) {
  llvm::StringMap<int64_t> sizes;
  for (auto [port, input] : llvm::zip(step.inputs, inputs))
    for (auto [dim, length] : llvm::zip(port.dims, input.shape))
      sizes[dim] = length;
  std::vector<Tensor> states;
  for (const Port &port : step.states) {
    Tensor state;
    for (auto [dim, length] : llvm::zip(port.dims, port.type.getShape()))
      state.shape.push_back(ShapedType::isDynamic(length) ? sizes.lookup(dim) : length);
    state.values.resize(state.elements());
    states.push_back(std::move(state));
  }
  std::vector<Tensor> outputs;
  llvm::Error error = inSteps(step, inputs, size, outputs, [&](std::vector<Tensor> &parts, int64_t past) {
    std::vector<Tensor> arguments = parts;
    Tensor position;
    position.values = {static_cast<double>(past)};
    arguments.push_back(position);
    size_t first = arguments.size();
    for (Tensor &state : states)
      arguments.push_back(std::move(state));
    auto results = reference::run(step.function, arguments, options);
    for (size_t i = 0; i < states.size(); ++i)
      states[i] = std::move(arguments[first + i]);
    return results;
  });
  if (error)
    return std::move(error);
  return outputs;
}

//===-- compiled code -------------------------------------------------------------------------------------------===//

namespace {
/// Numbers in the type of a port, with a view of them.
struct Buffer {
  std::vector<float> floats;
  std::vector<int32_t> integers;
  weft_view view = {};

  Buffer(const Port &port, const Tensor &tensor) {
    view.rank = static_cast<int32_t>(tensor.shape.size());
    std::copy(tensor.shape.begin(), tensor.shape.end(), view.shape);
    if (port.type.getElementType().isF32()) {
      view.type = WEFT_F32;
      floats.assign(tensor.values.begin(), tensor.values.end());
      view.data = floats.data();
    } else {
      view.type = WEFT_I32;
      integers.assign(tensor.values.begin(), tensor.values.end());
      view.data = integers.data();
    }
  }
};
} // namespace

static Tensor tensorOf(const weft_view &view) {
  Tensor tensor;
  tensor.shape.assign(view.shape, view.shape + view.rank);
  int64_t elements = tensor.elements();
  tensor.values.resize(elements);
  for (int64_t i = 0; i < elements; ++i)
    tensor.values[i] = view.type == WEFT_F32   ? static_cast<float *>(view.data)[i]
                       : view.type == WEFT_I32 ? static_cast<int32_t *>(view.data)[i]
                                               : static_cast<uint8_t *>(view.data)[i];
  return tensor;
}

static llvm::Expected<std::vector<Tensor>> call(weft_context *context, const Entry &entry, ArrayRef<Tensor> inputs,
                                                bool step, weft_error &error) {
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<weft_view> views;
  for (auto [port, input] : llvm::zip(entry.inputs, inputs)) {
    buffers.push_back(std::make_unique<Buffer>(port, input));
    views.push_back(buffers.back()->view);
  }
  weft_status status = step ? weft_step(context, views.data(), views.size(), nullptr, 0, &error)
                            : weft_run(context, views.data(), views.size(), nullptr, 0, &error);
  if (status != WEFT_OK)
    return llvm::createStringError(error.message);
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < entry.outputs.size(); ++i)
    outputs.push_back(tensorOf(weft_output(context, i)));
  return outputs;
}

int runCode(weft_module *module, const Entry &entry, ArrayRef<Tensor> inputs, int64_t size, int threads,
            std::vector<Tensor> &outputs) {
  weft_error error = {};
  weft_context *context = nullptr;
  weft_context_options options = {threads};
  if (weft_context_create(module, &options, &context, &error) != WEFT_OK)
    return report(error);
  llvm::Error failed = llvm::Error::success();
  if (size) {
    failed = inSteps(entry, inputs, size, outputs, [&](std::vector<Tensor> &parts, int64_t) {
      return call(context, entry, parts, /*step=*/true, error);
    });
  } else {
    auto results = call(context, entry, inputs, /*step=*/false, error);
    if (results)
      outputs = std::move(*results);
    else
      failed = results.takeError();
  }
  weft_context_destroy(context);
  if (!failed)
    return Done;
  llvm::consumeError(std::move(failed));
  return report(error);
}

} // namespace weft::driver

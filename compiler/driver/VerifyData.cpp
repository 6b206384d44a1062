//===- VerifyData.cpp - inputs for verification, and results put together ---------------------------------------===//
#include "compiler/driver/VerifyData.h"
#include "compiler/driver/Artefacts.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "llvm/ADT/StringExtras.h"
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
    if (auto context = function->getAttrOfType<IntegerAttr>(contract::context))
      entry.context = context.getInt();
  }
  return entry;
}

//===-- inputs --------------------------------------------------------------------------------------------------===//

static weft_type typeOf(const Port &port) {
  Type element = port.type.getElementType();
  return element.isF32() ? WEFT_F32 : element.isInteger(1) ? WEFT_I1 : WEFT_I32;
}

/// What an argument of integers is used for.
struct Use {
  int64_t rows = std::numeric_limits<int64_t>::max(); ///< of the smallest table that is looked up
  bool inFormulas = false;                            ///< of attention: a length, a document, a flag, ...
};

static Use useOf(Value argument) {
  Use use;
  SmallVector<Value> values = {argument};
  while (!values.empty()) {
    Value value = values.pop_back_val();
    for (Operation *user : value.getUsers()) {
      if (auto lookup = dyn_cast<LookupOp>(user))
        use.rows = std::min(use.rows, cast<ShapedType>(lookup.getTable().getType()).getDimSize(0));
      else if (isa<tensor::ExtractOp>(user) && isa<AttentionOp>(user->getParentOp()))
        use.inFormulas = true;
      else if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp, tensor::CastOp>(user))
        llvm::append_range(values, user->getResults());
    }
  }
  return use;
}

/// Integers that may be anything are 0 or 1; those of formulas in attention often, and else any number of positions.
static void randomIntegers(const Use &use, int64_t positions, std::mt19937_64 &random, std::vector<double> &values) {
  bool isIndex = use.rows != std::numeric_limits<int64_t>::max();
  for (double &value : values) {
    bool small = !use.inFormulas || random() % 2 == 0;
    value = static_cast<double>(random() % (isIndex ? use.rows : small ? 2 : positions + 1));
  }
}

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

/// The numbers of a file, as the runtime would hand them to code.
static llvm::Expected<Tensor> readNumbers(StringRef path, weft_type type) {
  weft_error error = {};
  weft_npy npy;
  if (weft_npy_read(path.str().c_str(), nullptr, &npy, &error) != WEFT_OK)
    return llvm::createStringError(error.message);
  weft_view view;
  weft_status status = weft_npy_convert(&npy, type, &view, &error);
  Tensor tensor;
  if (status == WEFT_OK) {
    tensor = tensorOf(view);
    weft_view_release(&npy.allocator, &view);
  }
  weft_npy_free(&npy);
  if (status != WEFT_OK)
    return llvm::createStringError(path + ": " + error.message);
  return tensor;
}

int Sizes::demand(StringRef axis, int64_t size, const llvm::Twine &who) {
  Size &here = known[axis];
  if (!here.demandedBy.empty() && here.size != size)
    return fail(BadInput, who + " has " + axis + " = " + Twine(size) + ", but " + here.demandedBy + " has " + axis +
                              " = " + Twine(here.size));
  here = {size, who.str()};
  return Done;
}

/// Reads an input and compares its shape with what the model says of it.
static int readInput(const Port &port, StringRef path, Sizes &sizes, Tensor &tensor) {
  auto read = readNumbers(path, typeOf(port));
  if (!read)
    return report(read.takeError());
  tensor = std::move(*read);
  ArrayRef<int64_t> wanted = port.type.getShape();
  auto text = [](auto sizes) { return "[" + llvm::join(sizes, ", ") + "]"; };
  auto given = llvm::map_range(tensor.shape, [](int64_t size) { return std::to_string(size); });
  bool fits = tensor.shape.size() == wanted.size();
  for (size_t d = 0; fits && d < wanted.size(); ++d)
    fits = ShapedType::isDynamic(wanted[d]) || wanted[d] == tensor.shape[d];
  if (!fits)
    return fail(BadInput, "input '" + port.name + "' is " + text(port.dims) + ", but '" + path + "' holds " +
                              text(llvm::to_vector(given)));
  for (auto [dim, want, size] : llvm::zip(port.dims, wanted, tensor.shape))
    if (ShapedType::isDynamic(want))
      if (int code = sizes.demand(dim, size, "'" + path + "'"))
        return code;
  return Done;
}

static Tensor randomInput(const Port &port, Value argument, const Sizes &sizes, std::mt19937_64 &random) {
  Tensor tensor;
  for (auto [dim, size] : llvm::zip(port.dims, port.type.getShape()))
    tensor.shape.push_back(ShapedType::isDynamic(size) ? sizes.of(dim) : size);
  tensor.values.resize(tensor.elements());
  if (typeOf(port) == WEFT_F32) {
    std::normal_distribution<float> normal;
    for (double &value : tensor.values)
      value = normal(random);
  } else if (typeOf(port) == WEFT_I1) {
    for (double &value : tensor.values)
      value = static_cast<double>(random() % 2);
  } else {
    randomIntegers(useOf(argument), sizes.largest(), random, tensor.values);
  }
  return tensor;
}

int readInputs(const Entry &entry, ArrayRef<std::string> files, Sizes &sizes,
               std::vector<std::optional<Tensor>> &inputs) {
  inputs.assign(entry.inputs.size(), std::nullopt);
  for (const std::string &file : files) {
    auto [name, path] = StringRef(file).split('=');
    auto port = llvm::find_if(entry.inputs, [name = name](const Port &port) { return port.name == name; });
    if (path.empty() || port == entry.inputs.end()) {
      auto names = llvm::map_range(entry.inputs, [](const Port &port) { return port.name; });
      return fail(Usage, "inputs are given as name=file.npy, but got '" + file + "'; the model has " +
                             llvm::join(names, ", "));
    }
    std::optional<Tensor> &input = inputs[port - entry.inputs.begin()];
    if (input)
      return fail(Usage, "input '" + name + "' is given twice");
    if (int code = readInput(*port, path, sizes, input.emplace()))
      return code;
  }
  return Done;
}

int makeInputs(const Entry &entry, ArrayRef<std::string> files, Sizes &sizes, uint64_t seed,
               std::vector<Tensor> &inputs) {
  std::vector<std::optional<Tensor>> given;
  if (int code = readInputs(entry, files, sizes, given))
    return code;
  std::mt19937_64 random(seed);
  func::FuncOp function = entry.function;
  inputs.clear();
  for (auto [index, port] : llvm::enumerate(entry.inputs))
    inputs.push_back(given[index] ? std::move(*given[index])
                                  : randomInput(port, function.getArgument(index), sizes, random));
  return Done;
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
static llvm::Error inSteps(const Entry &step, ArrayRef<Tensor> inputs, int64_t size, std::vector<Tensor> &outputs,
                           Run run) {
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
  std::vector<uint8_t> flags;
  weft_view view = {};

  Buffer(const Port &port, const Tensor &tensor) {
    view.rank = static_cast<int32_t>(tensor.shape.size());
    std::copy(tensor.shape.begin(), tensor.shape.end(), view.shape);
    view.type = typeOf(port);
    if (view.type == WEFT_F32) {
      floats.assign(tensor.values.begin(), tensor.values.end());
      view.data = floats.data();
    } else if (view.type == WEFT_I1) {
      flags.assign(tensor.values.begin(), tensor.values.end());
      view.data = flags.data();
    } else {
      integers.assign(tensor.values.begin(), tensor.values.end());
      view.data = integers.data();
    }
  }
};
} // namespace

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

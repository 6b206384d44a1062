//===- Descriptor.cpp - what a compiled model says about itself ---------------------------------------------------===//
// Answers: which constants does the runtime read to know a model's entry points, tensors, weights and code?
// Each function below makes one structure of abi.h, field by field in the order of that page.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Descriptor.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "runtime/include/weft/abi.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/GlobalVariable.h"

namespace weft {
namespace {

using llvm::Constant;

class DescriptorBuilder {
public:
  DescriptorBuilder(llvm::Module &module, const ModelInterface &model, const Code &code)
      : module(module), context(module.getContext()), model(model), code(code) {}

  llvm::Expected<Constant *> build(llvm::ArrayRef<std::string> labels, const WeightsPlace &weights);
  /// A constant that other objects see.
  llvm::GlobalVariable *publish(Constant *value, llvm::StringRef name) {
    return new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true, llvm::GlobalValue::ExternalLinkage,
                                    value, name);
  }

private:
  Constant *i32(uint32_t value) { return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value); }
  Constant *i64(uint64_t value) { return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value); }
  Constant *null() { return llvm::ConstantPointerNull::get(llvm::PointerType::get(context, 0)); }
  Constant *structure(llvm::ArrayRef<Constant *> fields) { return llvm::ConstantStruct::getAnon(context, fields); }
  /// The address of a constant of the object's own.
  Constant *place(Constant *value) {
    auto *global = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::PrivateLinkage, value, "");
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }
  Constant *string(llvm::StringRef text) {
    Constant *&known = strings[text];
    return known ? known : known = place(llvm::ConstantDataArray::getString(context, text));
  }
  /// The address of an array, null for none.
  Constant *array(llvm::ArrayRef<Constant *> elements) {
    if (elements.empty())
      return null();
    return place(llvm::ConstantArray::get(llvm::ArrayType::get(elements[0]->getType(), elements.size()), elements));
  }
  template <typename Range, typename Make> Constant *arrayOf(const Range &range, Make make) {
    llvm::SmallVector<Constant *> elements;
    for (const auto &element : range)
      elements.push_back(make(element));
    return array(elements);
  }
  Constant *stringArray(llvm::ArrayRef<std::string> texts) {
    return arrayOf(texts, [&](const std::string &text) { return string(text); });
  }

  /// An axis as the ABI numbers it.
  Constant *axis(std::optional<unsigned> index) { return i64(index ? int64_t(*index) : -1); }
  Constant *dim(const SizeInterface &size) { return structure({axis(size.axis), i64(size.size)}); }
  Constant *tensor(const TensorInterface &tensor);
  Constant *kernel(const Kernel &kernel);
  /// One table for all entry points that share it.
  Constant *kernelTable(llvm::ArrayRef<Kernel> kernels) {
    Constant *&known = tables[kernels.data()];
    return known ? known : known = arrayOf(kernels, [&](const Kernel &kernel) { return this->kernel(kernel); });
  }
  llvm::Expected<Constant *> entry(const EntryInterface &entry);
  /// The address of what a hidden symbol of another object stands for.
  Constant *hidden(llvm::StringRef symbol) {
    llvm::GlobalVariable *global = external(symbol);
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return global;
  }
  /// The same for one that everybody sees.
  llvm::GlobalVariable *external(llvm::StringRef symbol) {
    if (llvm::GlobalVariable *known = module.getNamedGlobal(symbol))
      return known;
    return new llvm::GlobalVariable(module, llvm::Type::getInt8Ty(context), /*isConstant=*/true,
                                    llvm::GlobalValue::ExternalLinkage, nullptr, symbol);
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  const ModelInterface &model;
  const Code &code;
  llvm::StringMap<Constant *> strings;
  llvm::DenseMap<const Kernel *, Constant *> tables;
};

uint32_t abiType(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return WEFT_ABI_F32;
  case ElementType::I32:
    return WEFT_ABI_I32;
  case ElementType::I1:
    return WEFT_ABI_I1;
  }
  llvm_unreachable("unknown type");
}

Constant *DescriptorBuilder::tensor(const TensorInterface &tensor) {
  return structure({string(tensor.name), i32(abiType(tensor.type)), i32(tensor.sizes.size()),
                    arrayOf(tensor.sizes, [&](const SizeInterface &size) { return dim(size); }),
                    stringArray(tensor.axisNames)});
}

Constant *DescriptorBuilder::kernel(const Kernel &kernel) {
  std::vector<uint32_t> words(kernel.spirv.size() / sizeof(uint32_t));
  std::memcpy(words.data(), kernel.spirv.data(), words.size() * sizeof(uint32_t));
  return structure({string(kernel.name), place(llvm::ConstantDataArray::get(context, words)), i64(words.size()),
                    llvm::ConstantDataArray::get(context, kernel.localSize), i32(kernel.subgroupSize),
                    i32(kernel.sharedBytes), i32(kernel.features), i32(kernel.matrix)});
}

llvm::Expected<Constant *> DescriptorBuilder::entry(const EntryInterface &entry) {
  auto codes = code.entry(entry.name);
  if (!codes)
    return codes.takeError();
  auto tensors = llvm::to_vector(llvm::concat<const TensorInterface>(entry.inputs, entry.caches, entry.outputs));
  for (const TensorInterface &tensor : tensors)
    if (tensor.sizes.size() > WEFT_ABI_MAX_RANK)
      return llvm::createStringError("'%s' of entry point '%s' has rank %zu; the greatest allowed is %d",
                                     tensor.name.c_str(), entry.name.c_str(), tensor.sizes.size(), WEFT_ABI_MAX_RANK);
  return structure({string(entry.name), i32(entry.isStep ? WEFT_ABI_STEP : WEFT_ABI_SEQUENCE), i32(entry.inputs.size()),
                    i32(entry.caches.size()), i32(entry.outputs.size()),
                    arrayOf(tensors, [&](const TensorInterface &tensor) { return this->tensor(tensor); }),
                    axis(entry.positionAxis), i64(entry.context), i32(codes->size()), i32(0),
                    arrayOf(*codes, [&](const EntrySymbols &level) {
                      return structure({i32(level.cpuLevel), i32(level.device), hidden(level.run), hidden(level.arena),
                                        i32(level.kernels.size()), i32(level.ticks), kernelTable(level.kernels),
                                        level.ticks ? external(contract::ticks) : null()});
                    })});
}

llvm::Expected<Constant *> DescriptorBuilder::build(llvm::ArrayRef<std::string> labels, const WeightsPlace &weights) {
  llvm::SmallVector<Constant *> entries;
  for (const EntryInterface &interface : model.entries) {
    auto constant = entry(interface);
    if (!constant)
      return constant.takeError();
    entries.push_back(*constant);
  }
  return structure({i32(WEFT_ABI_MAGIC), i32(WEFT_ABI_VERSION), string(model.name), i32(model.axes.size()),
                    i32(entries.size()),
                    arrayOf(model.axes, [&](const std::string &axis) { return structure({string(axis)}); }),
                    array(entries), i64(model.weightBytes), weights.symbol.empty() ? null() : hidden(weights.symbol),
                    weights.file.empty() ? null() : string(weights.file), i64(weights.hash), stringArray(labels),
                    i64(labels.size())});
}

} // namespace

llvm::Expected<std::unique_ptr<llvm::Module>> makeDescriptor(llvm::LLVMContext &context, const ModelInterface &model,
                                                             const Code &code, llvm::ArrayRef<std::string> labels,
                                                             const WeightsPlace &weights,
                                                             llvm::ArrayRef<llvm::StringRef> pointers) {
  auto module = std::make_unique<llvm::Module>(model.name, context);
  DescriptorBuilder builder(*module, model, code);
  auto descriptor = builder.build(labels, weights);
  if (!descriptor)
    return descriptor.takeError();
  llvm::GlobalVariable *global = builder.publish(*descriptor, model.symbol());
  for (llvm::StringRef name : pointers)
    builder.publish(global, name);
  return module;
}

} // namespace weft

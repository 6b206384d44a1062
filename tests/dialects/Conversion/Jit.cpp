//===- Jit.cpp - runs functions of a module in the test's process -----------------------------------------------===//
// Answers: which passes and symbols does a kernel need to run outside of an artefact?
//===------------------------------------------------------------------------------------------------------------===//
#include "tests/dialects/Conversion/Jit.h"
#include "compiler/pipelines/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace weft::test {

int64_t Jit::chunks = 0;
std::vector<BadIndex> Jit::badIndices;
std::vector<KeyBlock> Jit::keyBlocks;

static void runChunksBackwards(void (*body)(void *, int64_t), void *closure, int64_t count) {
  Jit::chunks = count;
  for (int64_t i = count; i-- > 0;)
    body(closure, i);
}

static void recordBadIndex(int64_t label, int64_t position, int64_t index, int64_t bound) {
  Jit::badIndices.push_back({label, position, index, bound});
}

static void recordKeyBlock(int64_t firstQuery, int64_t firstKey, int64_t keys) {
  Jit::keyBlocks.push_back({firstQuery, firstKey, keys});
}

Descriptor::Descriptor(void *data, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> strides) {
  std::vector<int64_t> dense(sizes.size(), 1);
  for (size_t d = sizes.size(); d-- > 1;)
    dense[d - 1] = dense[d] * sizes[d];
  if (strides.empty())
    strides = dense;
  words = {reinterpret_cast<int64_t>(data), reinterpret_cast<int64_t>(data), 0};
  words.insert(words.end(), sizes.begin(), sizes.end());
  words.insert(words.end(), strides.begin(), strides.end());
}

Descriptor Descriptor::number(int64_t value) {
  Descriptor descriptor;
  descriptor.words = {value};
  descriptor.isNumber = true;
  return descriptor;
}

std::string substitute(std::string text, const std::vector<std::pair<std::string, std::string>> &values) {
  for (const auto &[name, value] : values)
    for (size_t at; (at = text.find("$" + name)) != std::string::npos;)
      text.replace(at, name.size() + 1, value);
  return text;
}

std::unique_ptr<Jit> Jit::compile(const std::string &source, unsigned lanes, bool reportKeyBlocks) {
  static bool registered = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    registerWeftPasses();
    registerConversionPasses();
    registerTransformsPasses();
    memref::registerMemRefPasses();
    return true;
  }();
  (void)registered;

  auto jit = std::make_unique<Jit>();
  DialectRegistry registry;
  registerWeft(registry);
  registerAllExtensions(registry);
  jit->context = std::make_unique<MLIRContext>(registry);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, jit->context.get());
  if (!module) {
    ADD_FAILURE() << "does not parse:\n" << source;
    return nullptr;
  }
  PassManager pm(jit->context.get());
  std::string pipeline =
      "func.func(convert-weft-to-cpu{lanes=" + std::to_string(lanes) + (reportKeyBlocks ? " report-key-blocks" : "") +
      "}),canonicalize,cse,func.func(weft-lower-linalg,weft-expand-math{avx512=" +
      (lanes == 16 && llvm::sys::getHostCPUFeatures().lookup("avx512f") ? "true" : "false") +
      "}),canonicalize,cse,weft-outline-parallel,"
      "expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-vector-to-llvm{reassociate-fp-reductions "
      "enable-x86vector},"
      "convert-math-to-llvm,convert-math-to-libm,convert-index-to-llvm,convert-arith-to-llvm,finalize-memref-to-llvm,"
      "convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts";
  if (failed(parsePassPipeline(pipeline, pm)) || failed(pm.run(*module))) {
    ADD_FAILURE() << "does not compile:\n" << source;
    return nullptr;
  }
  auto targetMachine =
      llvm::cantFail(llvm::cantFail(llvm::orc::JITTargetMachineBuilder::detectHost()).createTargetMachine());
  auto optimise = makeOptimizingTransformer(/*optLevel=*/2, /*sizeLevel=*/0, targetMachine.get());
  ExecutionEngineOptions options;
  options.transformer = optimise;
  auto engine = ExecutionEngine::create(*module, options, std::move(targetMachine));
  if (!engine) {
    ADD_FAILURE() << llvm::toString(engine.takeError());
    return nullptr;
  }
  jit->engine = std::move(*engine);
  jit->engine->registerSymbols([](llvm::orc::MangleAndInterner intern) {
    llvm::orc::SymbolMap symbols;
    auto add = [&](StringRef name, auto *function) {
      symbols[intern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported};
    };
    add("weft_parallel", runChunksBackwards);
    add("weft_bad_index", recordBadIndex);
    add("weft_key_block", recordKeyBlock);
    return symbols;
  });
  return jit;
}

void Jit::call(const std::string &function, std::vector<Descriptor> arguments) {
  std::vector<int64_t> words;
  for (Descriptor &argument : arguments)
    words.push_back(argument.word());
  std::vector<void *> slots;
  for (int64_t &word : words)
    slots.push_back(&word);
  if (llvm::Error error = engine->invokePacked("_mlir_ciface_" + function, slots))
    ADD_FAILURE() << llvm::toString(std::move(error));
}

} // namespace weft::test

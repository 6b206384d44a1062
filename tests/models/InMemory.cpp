//===- InMemory.cpp - a text, compiled into this process ----------------------------------------------------------===//
// Answers: which steps of `weft compile` are left where the artefact is memory? All but writing and linking files: the
// same phases, the same objects, and the descriptor that the runtime reads in an artefact.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/models/InMemory.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/pipelines/Pipelines.h"
#include "compiler/targets/Code.h"
#include "compiler/targets/Descriptor.h"
#include "compiler/targets/Machine.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ExecutionEngine/Orc/MapperJITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/TargetSelect.h"

extern "C" {
#include "weft/abi.h"
}

using namespace mlir;

namespace weft::test {
namespace {

/// All of a model lies in one piece, so that 32 bits reach from any of its code to any of its constants.
constexpr size_t reserved = size_t(64) << 20;

llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> makeLinker() {
  llvm::InitializeNativeTarget();
  return llvm::orc::LLJITBuilder()
      .setObjectLinkingLayerCreator(
          [](llvm::orc::ExecutionSession &session) -> llvm::Expected<std::unique_ptr<llvm::orc::ObjectLayer>> {
            auto memory =
                llvm::orc::MapperJITLinkMemoryManager::CreateWithMapper<llvm::orc::InProcessMemoryMapper>(reserved);
            if (!memory)
              return memory.takeError();
            return std::make_unique<llvm::orc::ObjectLinkingLayer>(session, std::move(*memory));
          })
      .create();
}

llvm::Error addRuntime(llvm::orc::LLJIT &jit) {
  llvm::orc::SymbolMap symbols;
  auto add = [&](llvm::StringRef name, auto *function) {
    symbols[jit.mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported};
  };
  add("weft_parallel", weft_parallel);
  add("weft_bad_index", weft_bad_index);
  add("weft_dispatch", weft_dispatch);
  return jit.getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols)));
}

llvm::Error addObject(llvm::orc::LLJIT &jit, llvm::SmallVectorImpl<char> &bytes) {
  return jit.addObjectFile(llvm::MemoryBuffer::getMemBufferCopy({bytes.data(), bytes.size()}, "object"));
}

llvm::Error addCode(llvm::orc::LLJIT &jit, Code &code) {
  for (size_t unit = 0; unit < code.units(); ++unit) {
    llvm::SmallVector<char, 0> bytes;
    llvm::raw_svector_ostream stream(bytes);
    if (auto error = code.compile(unit, /*optimizationLevel=*/3, stream))
      return error;
    if (auto error = addObject(jit, bytes))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error addDescriptor(llvm::orc::LLJIT &jit, const ModelInterface &interface, const Code &code) {
  llvm::LLVMContext context;
  auto module = makeDescriptor(context, interface, code, /*labels=*/{}, WeightsPlace(), /*pointers=*/{});
  if (!module)
    return module.takeError();
  auto machine = Machine::create(0);
  if (!machine)
    return machine.takeError();
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  machine->prepare(**module);
  if (auto error = machine->emit(**module, stream))
    return error;
  return addObject(jit, bytes);
}

/// The module for one level, or null where this machine lacks it.
llvm::Expected<Module> moduleFor(const weft_abi_module *descriptor, int level) {
  weft_load_options options = {};
  options.cpu_level = level <= onVulkan ? 0 : level;
  options.device = level <= onVulkan ? "vulkan" : "cpu";
  weft_error error = {};
  weft_module *module = nullptr;
  weft_status status = weft_module_from_descriptor(descriptor, &options, &module, &error);
  if (status == WEFT_NO_CPU || status == WEFT_NO_DEVICE)
    return Module();
  if (status != WEFT_OK)
    return llvm::createStringError(error.message);
  return Module(module);
}

} // namespace

llvm::Expected<InMemory> InMemory::compile(MLIRContext &context, llvm::StringRef text, llvm::ArrayRef<int> chosen) {
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    stream << diagnostic.getLocation() << ": " << diagnostic.str() << "\n";
    return success();
  });
  auto failed = [&] { return llvm::createStringError(messages.empty() ? "failed without a message" : messages); };

  InMemory result;
  FrontendOptions frontend;
  result.model = compileModel(context, "program.weft", text, frontend, stream);
  if (!result.model)
    return failed();
  result.sequence = driver::entryOf(*result.model, "sequence");
  result.step = driver::entryOf(*result.model, "step");

  std::vector<std::pair<int, TargetLimits>> levels;
  for (int level : chosen)
    levels.emplace_back(level, level <= onVulkan ? vulkanLimits(*gpuProfileNamed(profileOf(level)))
                                                 : *limitsFor(levelName(level)));
  OwningOpRef<ModuleOp> fused = result.model->clone();
  PipelineOptions pipeline;
  pipeline.to = Phase::fused;
  pipeline.limits = levels.back().second;
  if (mlir::failed(runPipeline(*fused, pipeline)))
    return failed();
  std::vector<OwningOpRef<ModuleOp>> lowered;
  std::vector<LoweredCode> parts;
  for (const auto &[level, limits] : levels) {
    pipeline.from = Phase::fused;
    pipeline.to = Phase::llvm;
    pipeline.limits = limits;
    lowered.push_back(fused->clone());
    if (mlir::failed(runPipeline(*lowered.back(), pipeline)))
      return failed();
    parts.push_back({limits, *lowered.back()});
  }

  auto interface = readModelInterface(*fused);
  if (!interface)
    return interface.takeError();
  auto code = weft::Code::create(parts, interface->name);
  if (!code)
    return code.takeError();
  auto jit = makeLinker();
  if (!jit)
    return jit.takeError();
  result.jit = std::move(*jit);
  if (auto error = addRuntime(*result.jit))
    return std::move(error);
  if (auto error = addCode(*result.jit, *code))
    return std::move(error);
  if (auto error = addDescriptor(*result.jit, *interface, *code))
    return std::move(error);
  auto descriptor = result.jit->lookup(interface->symbol());
  if (!descriptor)
    return descriptor.takeError();
  for (const auto &[level, limits] : levels) {
    auto module = moduleFor(descriptor->toPtr<const weft_abi_module *>(), level);
    if (!module)
      return module.takeError();
    if (*module)
      result.codes.push_back({level, std::move(*module)});
  }
  return result;
}

} // namespace weft::test

//===- Machine.cpp - LLVM as a back end ---------------------------------------------------------------------------===//
// Answers: how does an llvm module become an object file for x86-64?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Machine.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"
#include <mutex>

namespace weft {

llvm::Expected<Machine> Machine::create(unsigned optimizationLevel) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return llvm::createStringError(message);
  Machine machine;
  machine.optimizationLevel = std::min(optimizationLevel, 3u);
  llvm::TargetOptions options;
  options.FunctionSections = options.DataSections = true; // for --gc-sections
  machine.target.reset(target->createTargetMachine(triple, "x86-64", "", options, llvm::Reloc::PIC_, std::nullopt,
                                                   *llvm::CodeGenOpt::getLevel(machine.optimizationLevel)));
  return machine;
}

void Machine::prepare(llvm::Module &module) const {
  module.setTargetTriple(target->getTargetTriple());
  module.setDataLayout(target->createDataLayout());
}

void Machine::optimize(llvm::Module &module) const {
  llvm::PipelineTuningOptions tuning;
  // Kernels arrive as vectors, unrolled as far as their registers reach; more copies of them only cost time. What is
  // left for LLVM are the scalar loops of elementwise formulas, which the loop vectoriser unrolls itself.
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(target.get(), tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  const llvm::OptimizationLevel levels[] = {llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
                                            llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  builder.buildPerModuleDefaultPipeline(levels[optimizationLevel]).run(module, modules);
}

llvm::Error Machine::emit(llvm::Module &module, llvm::raw_pwrite_stream &out) const {
  llvm::legacy::PassManager passes;
  if (target->addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("LLVM cannot write object files for this target");
  passes.run(module);
  return llvm::Error::success();
}

} // namespace weft

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

/// What kernels gain from. They arrive as vectors, unrolled as far as their registers reach, canonical and without
/// memory to promote; LLVM's own -O3 takes three times as long, mostly to unroll and to look for what is not there, and
/// its code is no faster. Left to do are address computations, the scalar loops of formulas, and views passed through
/// calls.
constexpr llvm::StringLiteral kernelPasses =
    // Fold what the conversions left behind; then the few calls that are no kernels.
    "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg),cgscc(inline),"
    // Loops in the form that the vectoriser wants, and nothing in them that could be outside.
    "function(early-cse<memssa>,loop-mssa(loop-rotate,licm),loop(indvars,loop-deletion),dse,loop-vectorize,"
    // Its run-time checks and remainders in turn.
    "instcombine<no-verify-fixpoint>,loop-mssa(licm),simplifycfg),globaldce";

void Machine::optimize(llvm::Module &module) const {
  llvm::PassBuilder builder(target.get());
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  llvm::ModulePassManager passes;
  if (optimizationLevel == 0)
    passes = builder.buildO0DefaultPipeline(llvm::OptimizationLevel::O0);
  else
    llvm::cantFail(builder.parsePassPipeline(passes, kernelPasses));
  passes.run(module, modules);
}

llvm::Error Machine::emit(llvm::Module &module, llvm::raw_pwrite_stream &out) const {
  llvm::legacy::PassManager passes;
  if (target->addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("LLVM cannot write object files for this target");
  passes.run(module);
  return llvm::Error::success();
}

} // namespace weft

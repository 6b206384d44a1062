//===- Code.cpp - machine code of entry points --------------------------------------------------------------------===//
// Answers: how do modules in phase `llvm`, one for each CPU level, become objects, on all cores at once?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Code.h"
#include "compiler/targets/Machine.h"
#include "compiler/targets/ModelInterface.h"
#include "compiler/targets/Partition.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "runtime/include/weft/abi.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace weft {
namespace {

struct Level {
  llvm::StringLiteral cpu;
  unsigned number;
  llvm::StringLiteral suffix;
  llvm::StringLiteral vectorWidth; ///< kernels are written for it; LLVM's own choice for v4 would split each vector
  llvm::StringLiteral target = cpu, features = "";
};
constexpr Level knownLevels[] = {
    {"x86-64-v3", WEFT_ABI_CPU_V3, ".v3", "256"},
    {"x86-64-v4", WEFT_ABI_CPU_V4, ".v4", "512"},
    {"x86-64-v4-bf16", WEFT_ABI_CPU_V4_BF16, ".v4-bf16", "512", "x86-64-v4", "+avx512bf16,+avx512vnni"}};

void setTarget(llvm::Function &function, const Level &level) {
  function.addFnAttr("target-cpu", level.target);
  if (!level.features.empty())
    function.addFnAttr("target-features", level.features);
  function.addFnAttr("prefer-vector-width", level.vectorWidth);
  // The ABI has no exceptions; tables for debuggers and profilers stay.
  function.setDoesNotThrow();
  function.setUWTableKind(llvm::UWTableKind::Sync);
}

/// Called from the descriptor.
bool isEntry(StringRef name) { return name.starts_with("weft_run_") || name.starts_with("weft_arena_"); }

/// Makes the units of one level fit to be linked with each other and with those of other levels and models.
void settle(MutableArrayRef<llvm::Module *> units, const Level &level, StringRef prefix) {
  llvm::StringSet<> defined, shared;
  for (llvm::Module *unit : units)
    for (llvm::GlobalObject &object : unit->global_objects())
      if (!object.isDeclaration())
        defined.insert(object.getName());
  for (llvm::Module *unit : units)
    for (llvm::GlobalObject &object : unit->global_objects())
      if (object.isDeclaration() && defined.contains(object.getName()))
        shared.insert(object.getName());

  for (llvm::Module *unit : units)
    for (llvm::GlobalObject &object : unit->global_objects()) {
      std::string name = object.getName().str();
      if (!defined.contains(name) || name == contract::ticks) // the runtime's, or libm's; what the driver looks for
        continue;
      bool hidden = shared.contains(name) || isEntry(name);
      object.setLinkage(hidden ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage);
      object.setVisibility(hidden ? llvm::GlobalValue::HiddenVisibility : llvm::GlobalValue::DefaultVisibility);
      object.setDSOLocal(true);
      object.setName(prefix + name + level.suffix);
      auto *function = dyn_cast<llvm::Function>(&object);
      if (function && !function->isDeclaration())
        setTarget(*function, level);
    }
}

} // namespace

llvm::Expected<Code> Code::create(llvm::ArrayRef<LoweredCode> levels, llvm::StringRef modelName) {
  Code code;
  code.prefix = cIdentifier(modelName) + ".";
  for (const LoweredCode &lowered : levels) {
    const Level *level = llvm::find_if(knownLevels, [&](auto &level) { return level.cpu == lowered.limits.cpu; });
    if (level == std::end(knownLevels))
      return llvm::createStringError(
          "there is no code for CPU '%s'; allowed are x86-64-v3, x86-64-v4 and x86-64-v4-bf16",
          lowered.limits.cpu.c_str());
    if (llvm::any_of(code.levels, [&](auto &limits) { return limits.cpu == level->cpu; }))
      return llvm::createStringError("there are two pieces of code for %s", lowered.limits.cpu.c_str());
    code.levels.push_back(lowered.limits);

    registerBuiltinDialectTranslation(*lowered.module->getContext());
    registerLLVMDialectTranslation(*lowered.module->getContext());
    auto parts = partition(lowered.module);
    if (!parts)
      return parts.takeError();
    SmallVector<llvm::Module *> units;
    for (auto [i, part] : llvm::enumerate(*parts)) {
      Unit &unit = code.all.emplace_back();
      unit.context = std::make_unique<llvm::LLVMContext>();
      unit.module = translateModuleToLLVMIR(*part, *unit.context, modelName);
      if (!unit.module)
        return llvm::createStringError("the code for %s could not be translated to LLVM IR", level->cpu.data());
      units.push_back(unit.module.get());
    }
    settle(units, *level, code.prefix);
  }
  return code;
}

llvm::Error Code::compile(size_t unit, unsigned optimizationLevel, llvm::raw_pwrite_stream &out) {
  auto machine = Machine::create(optimizationLevel);
  if (!machine)
    return machine.takeError();
  llvm::Module &module = *all[unit].module;
  machine->prepare(module);
  machine->optimize(module);
  return machine->emit(module, out);
}

llvm::Expected<llvm::SmallVector<EntrySymbols>> Code::entry(llvm::StringRef name) const {
  llvm::SmallVector<EntrySymbols> entries;
  for (const Level &level : knownLevels) {
    if (llvm::none_of(levels, [&](auto &limits) { return limits.cpu == level.cpu; }))
      continue;
    auto symbol = [&](StringRef kind) { return (prefix + kind + name + level.suffix).str(); };
    EntrySymbols entry{level.number, symbol("weft_run_"), symbol("weft_arena_")};
    for (const std::string &wanted : {entry.run, entry.arena})
      if (llvm::none_of(all, [&](const Unit &unit) {
            llvm::Function *function = unit.module->getFunction(wanted);
            return function && !function->isDeclaration();
          }))
        return llvm::createStringError(
            "the code for %s has no function '%s'", level.cpu.data(),
            StringRef(wanted).drop_front(prefix.size()).drop_back(level.suffix.size()).str().c_str());
    entries.push_back(std::move(entry));
  }
  return entries;
}

} // namespace weft

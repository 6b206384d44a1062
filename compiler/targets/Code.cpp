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
  llvm::StringLiteral cpu; ///< what its functions may use; of a GPU's host it may be any
  unsigned number, device;
  llvm::StringLiteral suffix;
  llvm::StringLiteral vectorWidth; ///< kernels are written for it; LLVM's own choice for v4 would split each vector
  llvm::StringLiteral target = cpu, features = "";
};
constexpr Level knownLevels[] = {{"x86-64-v3", WEFT_ABI_CPU_V3, WEFT_ABI_DEVICE_CPU, ".v3", "256"},
                                 {"x86-64-v4", WEFT_ABI_CPU_V4, WEFT_ABI_DEVICE_CPU, ".v4", "512"},
                                 {"x86-64-v4-bf16", WEFT_ABI_CPU_V4_BF16, WEFT_ABI_DEVICE_CPU, ".v4-bf16", "512",
                                  "x86-64-v4", "+avx512bf16,+avx512vnni"},
                                 {"x86-64", 0, WEFT_ABI_DEVICE_VULKAN, ".vulkan", "128"}};

const Level *levelOf(const TargetLimits &limits) {
  const Level *level = llvm::find_if(knownLevels, [&](const Level &level) {
    return limits.target == Target::Vulkan ? level.device == WEFT_ABI_DEVICE_VULKAN : level.cpu == limits.cpu;
  });
  return level == std::end(knownLevels) ? nullptr : level;
}

void setTarget(llvm::Function &function, const Level &level) {
  function.addFnAttr("target-cpu", level.target);
  if (!level.features.empty())
    function.addFnAttr("target-features", level.features);
  function.addFnAttr("prefer-vector-width", level.vectorWidth);
  // The ABI has no exceptions; tables for debuggers and profilers stay. Where a function calls others, they rest on its
  // frame pointer: without one, each argument that is pushed would have to be followed, in tables as large as the code.
  function.setDoesNotThrow();
  function.setUWTableKind(llvm::UWTableKind::Sync);
  function.addFnAttr("frame-pointer", "non-leaf");
}

/// Called from the descriptor.
bool isEntry(StringRef name) { return name.starts_with("weft_run_") || name.starts_with("weft_arena_"); }

/// Makes the units of one level fit to be linked with each other and with those of other levels and models.
void settle(MutableArrayRef<llvm::Module *> units, const Level &level, StringRef prefix, StringRef suffix) {
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
      object.setName(prefix + name + suffix);
      auto *function = dyn_cast<llvm::Function>(&object);
      if (function && !function->isDeclaration())
        setTarget(*function, level);
    }
}

/// A number of a kernel's description, where it is one that fits.
std::optional<uint32_t> number(DictionaryAttr kernel, StringRef name) {
  auto value = kernel.getAs<IntegerAttr>(name);
  return value && value.getValue().isIntN(32) ? std::optional<uint32_t>(value.getValue().getZExtValue()) : std::nullopt;
}

llvm::Expected<Kernel> kernelOf(Attribute attribute) {
  auto description = dyn_cast<DictionaryAttr>(attribute);
  auto name = description ? description.getAs<StringAttr>("name") : nullptr;
  auto spirv = description ? description.getAs<StringAttr>("spirv") : nullptr;
  auto localSize = description ? description.getAs<ArrayAttr>("local_size") : nullptr;
  if (!name || !spirv || spirv.size() % 4 || !localSize || localSize.size() != 3 ||
      !llvm::all_of(localSize, llvm::IsaPred<IntegerAttr>))
    return llvm::createStringError("'%s' holds a kernel without a name, a size or words", contract::kernels.data());
  auto subgroupSize = number(description, "subgroup_size"), sharedBytes = number(description, "shared_bytes"),
       features = number(description, "features"), matrix = number(description, "matrix");
  if (!subgroupSize || !sharedBytes || !features)
    return llvm::createStringError("kernel '%s' does not say what it needs", name.str().c_str());
  Kernel kernel{name.str(), spirv.str(), {}, *subgroupSize, *sharedBytes, *features, matrix.value_or(0)};
  llvm::copy(llvm::map_range(localSize.getAsRange<IntegerAttr>(), [](IntegerAttr size) { return size.getInt(); }),
             kernel.localSize.begin());
  return kernel;
}

llvm::Expected<std::vector<Kernel>> kernelsOf(ModuleOp module) {
  std::vector<Kernel> kernels;
  if (auto array = module->getAttrOfType<ArrayAttr>(contract::kernels))
    for (Attribute attribute : array) {
      auto kernel = kernelOf(attribute);
      if (!kernel)
        return kernel.takeError();
      kernels.push_back(std::move(*kernel));
    }
  return kernels;
}

} // namespace

std::string describe(const TargetLimits &limits) {
  if (limits.target == Target::Cpu)
    return limits.cpu;
  const GpuProfile &profile = *limits.profile;
  return &profile == &genericProfile() ? "Vulkan" : "Vulkan (" + profile.name.str() + ")";
}

llvm::Expected<Code> Code::create(llvm::ArrayRef<LoweredCode> levels, llvm::StringRef modelName) {
  Code code;
  code.prefix = cIdentifier(modelName) + ".";
  for (const LoweredCode &lowered : levels) {
    const Level *level = levelOf(lowered.limits);
    if (!level)
      return llvm::createStringError(
          "there is no code for CPU '%s'; allowed are x86-64-v3, x86-64-v4 and x86-64-v4-bf16",
          lowered.limits.cpu.c_str());
    Piece piece{static_cast<size_t>(level - knownLevels),
                level->number,
                level->device,
                describe(lowered.limits),
                level->suffix.str(),
                {}};
    if (level->device == WEFT_ABI_DEVICE_VULKAN) {
      auto kernels = kernelsOf(lowered.module);
      if (!kernels)
        return kernels.takeError();
      piece.kernels = std::move(*kernels);
      piece.suffix += ("." + lowered.limits.profile->name).str();
      if (auto ticks = SymbolTable::lookupNearestSymbolFrom<LLVM::GlobalOp>(
              lowered.module, StringAttr::get(lowered.module->getContext(), contract::ticks)))
        piece.ticks = cast<LLVM::LLVMArrayType>(ticks.getType()).getNumElements();
    }
    if (llvm::any_of(code.pieces, [&](const Piece &other) { return other.suffix == piece.suffix; }))
      return llvm::createStringError("there are two pieces of code for %s", piece.what.c_str());

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
        return llvm::createStringError("the code for %s could not be translated to LLVM IR",
                                       describe(lowered.limits).c_str());
      units.push_back(unit.module.get());
    }
    settle(units, *level, code.prefix, piece.suffix);
    code.pieces.push_back(std::move(piece));
  }
  llvm::stable_sort(code.pieces, [](const Piece &a, const Piece &b) { return a.rank < b.rank; });
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
  for (const Piece &piece : pieces) {
    auto symbol = [&](StringRef kind) { return (prefix + kind + name + piece.suffix).str(); };
    EntrySymbols entry{piece.cpuLevel,        piece.device,  symbol("weft_run_"),
                       symbol("weft_arena_"), piece.kernels, piece.ticks};
    for (const std::string &wanted : {entry.run, entry.arena})
      if (llvm::none_of(all, [&](const Unit &unit) {
            llvm::Function *function = unit.module->getFunction(wanted);
            return function && !function->isDeclaration();
          }))
        return llvm::createStringError(
            "the code for %s has no function '%s'", piece.what.c_str(),
            StringRef(wanted).drop_front(prefix.size()).drop_back(piece.suffix.size()).str().c_str());
    entries.push_back(std::move(entry));
  }
  return entries;
}

} // namespace weft

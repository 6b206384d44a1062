//===- Artefact.cpp - one file from code, descriptor and weights --------------------------------------------------===//
// Answers: in which order are the parts of an artefact made, and which files hold them until all of it is there?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/WholeFile.h"
#include "compiler/targets/Code.h"
#include "compiler/targets/Descriptor.h"
#include "compiler/targets/Header.h"
#include "compiler/targets/Link.h"
#include "compiler/targets/Machine.h"
#include "compiler/targets/Targets.h"
#include "compiler/targets/Weights.h"
#include "compiler/targets/WeightsObject.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"
#include <filesystem>

using namespace mlir;

namespace weft {
namespace {
namespace path = llvm::sys::path;

/// Beyond it, code could not reach its constants over the weights (32-bit distances), and loaders copy what they map.
constexpr uint64_t greatestInside = 1'500'000'000;

ArtefactKind kindOf(llvm::StringRef output) {
  if (path::extension(output) == ".o")
    return ArtefactKind::Object;
  return path::extension(output) == ".so" ? ArtefactKind::SharedLibrary : ArtefactKind::Executable;
}

std::string headerPath(llvm::StringRef output) {
  llvm::SmallString<256> header(output);
  path::replace_extension(header, ".h");
  return header.str().str();
}

/// How the artefact will name weights that lie beside it.
std::string relativeTo(llvm::StringRef artefact, llvm::StringRef weights) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path folder = fs::weakly_canonical(fs::absolute(artefact.str(), error).parent_path(), error);
  fs::path file = fs::absolute(weights.str(), error);
  file = fs::weakly_canonical(file.parent_path(), error) / file.filename();
  return file.lexically_relative(folder).string();
}

llvm::Error checkPaths(const PackageOptions &options, const Checkpoint *checkpoint) {
  llvm::SmallVector<std::string> outputs = {options.output};
  if (kindOf(options.output) != ArtefactKind::Executable)
    outputs.push_back(headerPath(options.output));
  if (!options.weightsOut.empty())
    outputs.push_back(options.weightsOut);
  for (auto [i, output] : llvm::enumerate(outputs)) {
    if (checkpoint && llvm::sys::fs::equivalent(output, checkpoint->path()))
      return llvm::createStringError("cannot write " + output + ": it is the checkpoint that is read");
    for (const std::string &other : llvm::ArrayRef(outputs).take_front(i))
      if (other == output || llvm::sys::fs::equivalent(output, other))
        return llvm::createStringError("cannot write " + output + ": two outputs have this name");
  }
  return llvm::Error::success();
}

/// Generated code names things by number; every level and GPU must use the same numbers.
llvm::Expected<std::vector<std::string>> labelsOf(llvm::ArrayRef<LoweredCode> codes) {
  Attribute labels;
  for (const LoweredCode &code : codes) {
    Attribute here = code.module->getAttr(contract::labels);
    if (&code != codes.begin() && here != labels)
      return llvm::createStringError("the code for %s and for %s disagree on '%s'", describe(codes[0].limits).c_str(),
                                     describe(code.limits).c_str(), contract::labels.data());
    labels = here;
  }
  std::vector<std::string> result;
  if (auto array = dyn_cast_or_null<ArrayAttr>(labels))
    for (auto label : array.getAsRange<StringAttr>())
      result.push_back(label.str());
  return result;
}

/// What the artefact runs on: "x86-64-v3, x86-64-v4 and Vulkan".
std::string devicesOf(llvm::ArrayRef<LoweredCode> codes) {
  std::string text;
  for (auto [i, code] : llvm::enumerate(codes))
    text += (i == 0 ? "" : i + 1 == codes.size() ? " and " : ", ") + describe(code.limits);
  return text;
}

/// The files of one artefact while it is made. What is not committed vanishes.
struct Files {
  WholeFile artefact;
  std::optional<WholeFile> header, weights;
  std::optional<WholeFile> weightsObject; ///< where weights go inside
  std::vector<WholeFile> objects;         ///< of code, one for each unit, then the descriptor's

  static llvm::Expected<Files> create(const PackageOptions &options, bool hasWeights, size_t units);

private:
  explicit Files(WholeFile artefact) : artefact(std::move(artefact)) {}
};

llvm::Expected<Files> Files::create(const PackageOptions &options, bool hasWeights, size_t units) {
  unsigned mode = llvm::sys::fs::all_read | llvm::sys::fs::all_write;
  auto artefact = WholeFile::create(
      options.output, kindOf(options.output) == ArtefactKind::Object ? mode : unsigned(llvm::sys::fs::all_all));
  if (!artefact)
    return artefact.takeError();
  Files files(std::move(*artefact));
  auto add = [](std::optional<WholeFile> &file, const std::string &name) -> llvm::Error {
    auto created = WholeFile::create(name);
    if (created)
      file.emplace(std::move(*created));
    return created.takeError();
  };
  if (kindOf(options.output) != ArtefactKind::Executable)
    if (auto error = add(files.header, headerPath(options.output)))
      return std::move(error);
  if (!options.weightsOut.empty())
    if (auto error = add(files.weights, options.weightsOut))
      return std::move(error);
  // Beside the artefact, where there is room for it.
  std::string temporary = files.artefact.temporary().str();
  if (options.weightsOut.empty() && hasWeights)
    if (auto error = add(files.weightsObject, temporary + ".weights.o"))
      return std::move(error);
  for (size_t i = 0; i <= units; ++i) {
    auto object = WholeFile::create(temporary + "." + std::to_string(i) + ".o");
    if (!object)
      return object.takeError();
    files.objects.push_back(std::move(*object));
  }
  return files;
}

llvm::Error flush(WholeFile &file) {
  file.stream().flush();
  return file.check();
}

/// Writes the weights to where they go; returns their hash.
llvm::Expected<uint64_t> writeWeightsTo(Files &files, const WeightsPlan &plan, const std::string &symbol,
                                        const std::function<void(uint64_t, uint64_t)> &progress) {
  if (files.weights)
    return plan.write(*files.weights, progress);
  if (!files.weightsObject)
    return 0;
  beginWeightsObject(files.weightsObject->stream(), plan.bytes());
  auto hash = plan.write(*files.weightsObject, progress);
  if (!hash)
    return hash;
  endWeightsObject(files.weightsObject->stream(), symbol, plan.bytes());
  if (auto error = flush(*files.weightsObject))
    return std::move(error);
  return hash;
}

/// Compiles every unit, and writes the weights at the same time: for large models both take seconds, and neither needs
/// the other. Returns the hash of the weights.
llvm::Expected<uint64_t> compileAndWriteWeights(Files &files, Code &code, const WeightsPlan &plan,
                                                const std::string &weightsSymbol, const PackageOptions &options) {
  auto progress = [&](uint64_t done, uint64_t total) {
    if (options.progress)
      options.progress("writing weights", done, total);
  };
  llvm::Expected<uint64_t> hash = 0;
  llvm::cantFail(hash.takeError()); // it is looked at below
  std::vector<std::string> errors(code.units());
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency());
  pool.async([&] { hash = writeWeightsTo(files, plan, weightsSymbol, progress); });
  for (size_t unit = 0; unit < code.units(); ++unit)
    pool.async([&, unit] {
      WholeFile &object = files.objects[unit];
      llvm::Error error = code.compile(unit, options.optimizationLevel, object.stream());
      errors[unit] = llvm::toString(llvm::joinErrors(std::move(error), flush(object)));
    });
  pool.wait();
  if (!hash)
    return hash;
  for (const std::string &error : errors)
    if (!error.empty()) {
      llvm::consumeError(hash.takeError());
      return llvm::createStringError(error);
    }
  return hash;
}

/// The names under which the descriptor is looked for.
llvm::SmallVector<llvm::StringRef> pointersFor(ArtefactKind kind) {
  switch (kind) {
  case ArtefactKind::Object:
    return {}; // two models can be linked into one program
  case ArtefactKind::SharedLibrary:
    return {"weft_module_descriptor"};
  case ArtefactKind::Executable:
    return {"weft_main_module"};
  }
  llvm_unreachable("unknown kind");
}

llvm::Error writeDescriptor(WholeFile &object, const ModelInterface &interface, const Code &code,
                            llvm::ArrayRef<std::string> labels, const WeightsPlace &place, ArtefactKind kind) {
  llvm::LLVMContext context;
  auto module = makeDescriptor(context, interface, code, labels, place, pointersFor(kind));
  if (!module)
    return module.takeError();
  auto machine = Machine::create(0);
  if (!machine)
    return machine.takeError();
  machine->prepare(**module);
  if (auto error = machine->emit(**module, object.stream()))
    return error;
  return flush(object);
}

llvm::Error linkAll(Files &files, ArtefactKind kind, llvm::StringRef name) {
  std::vector<std::string> objects;
  for (const WholeFile &object : files.objects)
    objects.push_back(object.temporary().str());
  if (files.weightsObject)
    objects.push_back(files.weightsObject->temporary().str());
  auto linker = findLinker();
  if (!linker)
    return linker.takeError();
  if (auto error = link(*linker, kind, objects, files.artefact.temporary(), name))
    return llvm::createStringError("cannot write " + files.artefact.path() + ": " + llvm::toString(std::move(error)));
  return llvm::Error::success();
}

} // namespace

llvm::Error writeArtefact(ModuleOp model, llvm::ArrayRef<LoweredCode> codes, const Checkpoint *checkpoint,
                          const PackageOptions &options) {
  ArtefactKind kind = kindOf(options.output);
  auto interface = readModelInterface(model);
  if (!interface)
    return interface.takeError();
  auto plan = WeightsPlan::create(model, checkpoint);
  if (!plan)
    return plan.takeError();
  auto labels = labelsOf(codes);
  if (!labels)
    return labels.takeError();
  if (options.weightsOut.empty() && plan->bytes() > greatestInside)
    return llvm::createStringError("%llu bytes of weights are too many to lie inside an artefact (%llu at most); "
                                   "let them lie beside it with --weights-out FILE",
                                   (unsigned long long)plan->bytes(), (unsigned long long)greatestInside);
  if (auto error = checkPaths(options, checkpoint))
    return error;
  auto code = Code::create(codes, interface->name);
  if (!code)
    return code.takeError();
  auto files = Files::create(options, plan->bytes() > 0, code->units());
  if (!files)
    return files.takeError();

  std::string weightsSymbol = "weft_weights_" + cIdentifier(interface->name);
  auto hash = compileAndWriteWeights(*files, *code, *plan, weightsSymbol, options);
  if (!hash)
    return hash.takeError();
  WeightsPlace place;
  place.hash = *hash;
  if (files->weightsObject)
    place.symbol = weightsSymbol;
  else if (files->weights)
    place.file = relativeTo(options.output, options.weightsOut);
  if (auto error = writeDescriptor(files->objects.back(), *interface, *code, *labels, place, kind))
    return error;
  if (auto error = linkAll(*files, kind, path::filename(options.output)))
    return error;

  // The artefact comes last: where it is, all that it needs is there.
  if (files->weights)
    if (auto error = files->weights->commit())
      return error;
  if (files->header) {
    files->header->stream() << cHeader(*interface, path::filename(options.output), devicesOf(codes));
    if (auto error = files->header->commit())
      return error;
  }
  return files->artefact.commit();
}

} // namespace weft

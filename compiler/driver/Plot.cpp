//===- Plot.cpp - weft run --plot ---------------------------------------------------------------------------------===//
#include "compiler/driver/Plot.h"
#include "compiler/checkpoint/WholeFile.h"
#include "compiler/driver/Session.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/inspect/HeatMap.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

extern "C" {
#include "core/npy.h"
}

namespace weft::driver {

int AttentionPlot::takePrompt(std::vector<std::string> &arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    llvm::StringRef argument = arguments[i];
    bool apart = argument == "--prompt";
    if (!apart && !argument.consume_front("--prompt="))
      continue;
    if (apart && i + 1 == arguments.size())
      return fail(Usage, "option '--prompt' needs a value");
    prompt = apart ? arguments[i + 1] : argument.str();
    if (prompt.empty())
      return fail(Usage, "--prompt needs one byte at least");
    arguments.erase(arguments.begin() + i, arguments.begin() + i + 1 + apart);
    break;
  }
  return readLabels();
}

int AttentionPlot::readLabels() {
  for (unsigned char c : prompt)
    labels.push_back(c == ' ' ? "␣" : c == '\n' ? "⏎" : std::string(1, c));
  if (options.plotLabels.empty())
    return Done;
  auto file = llvm::MemoryBuffer::getFile(options.plotLabels, /*IsText=*/true);
  if (!file)
    return fail(BadInput, "cannot read '" + options.plotLabels + "': " + file.getError().message());
  llvm::SmallVector<llvm::StringRef> lines;
  (*file)->getBuffer().rtrim('\n').split(lines, '\n');
  labels.assign(lines.begin(), lines.end());
  return Done;
}

int AttentionPlot::complete(const weft_module *module, std::vector<std::string> &arguments) {
  weft_tensor_info info;
  std::string only; // what -o FILE without a name means, where there is one output but for those drawn here
  size_t others = 0;
  for (size_t i = 0; weft_module_tensor(module, WEFT_SEQUENCE, WEFT_OUTPUT, i, &info); ++i) {
    if (llvm::StringRef(info.name).starts_with(attentionOutputPrefix)) {
      weights.push_back({info, folder.file(std::to_string(i) + ".npy")});
      continue;
    }
    only = info.name;
    ++others;
  }
  if (weights.empty())
    return fail(BadInput, "'" + options.compile.model.file + "' has no attention to plot");
  for (size_t i = 0; i + 1 < arguments.size() && others == 1; ++i)
    if ((arguments[i] == "-o" || arguments[i] == "--output") && !llvm::StringRef(arguments[i + 1]).contains('='))
      arguments[i + 1] = only + "=" + arguments[i + 1];
  for (const Weights &one : weights) {
    arguments.push_back("-o");
    arguments.push_back(std::string(one.info.name) + "=" + one.file);
  }
  return prompt.empty() ? Done : writePrompt(module, arguments);
}

int AttentionPlot::writePrompt(const weft_module *module, std::vector<std::string> &arguments) {
  weft_tensor_info info, second;
  bool fits = weft_module_tensor(module, WEFT_SEQUENCE, WEFT_INPUT, 0, &info) &&
              !weft_module_tensor(module, WEFT_SEQUENCE, WEFT_INPUT, 1, &second) && info.type == WEFT_I32 &&
              (info.rank == 1 || info.rank == 2);
  if (!fits)
    return fail(BadInput, "--prompt is for models whose one input is i32[seq] or i32[batch, seq]; give the inputs as "
                          "name=input.npy");
  std::vector<int32_t> tokens;
  for (unsigned char c : prompt)
    tokens.push_back(c);
  weft_view view = {tokens.data(), WEFT_I32, info.rank, {1, 1}};
  view.shape[info.rank - 1] = static_cast<int64_t>(tokens.size());
  std::string file = folder.file("prompt.npy");
  weft_error error = {};
  if (weft_npy_write(file.c_str(), &view, nullptr, &error) != WEFT_OK)
    return report(error);
  arguments.push_back(std::string(info.name) + "=" + file);
  return Done;
}

std::vector<std::string> AttentionPlot::labelsOf(int64_t count) const {
  std::vector<std::string> result;
  bool fit = static_cast<int64_t>(labels.size()) == count;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(fit ? labels[i] : std::to_string(i));
  return result;
}

int AttentionPlot::draw() {
  std::vector<HeatMap> maps;
  for (const Weights &one : weights) {
    weft_error error = {};
    weft_npy npy;
    if (weft_npy_read(one.file.c_str(), nullptr, &npy, &error) != WEFT_OK)
      return report(error);
    llvm::scope_exit release([&] { weft_npy_free(&npy); });
    // Panels by all dimensions but the last two, queries and keys; one query has no dimension.
    const weft_npy_header &header = npy.header;
    bool oneQuery = llvm::StringRef(one.info.name).ends_with(oneQuerySuffix);
    int32_t outer = header.rank - (oneQuery ? 1 : 2);
    int64_t panels = 1;
    HeatMap map;
    map.title = one.info.name;
    for (int32_t d = 0; d < outer; ++d)
      panels *= header.shape[d];
    for (int64_t panel = 0; panel < panels; ++panel) {
      std::string name;
      int64_t rest = panel;
      for (int32_t d = outer - 1; d >= 0; rest /= header.shape[d--])
        if (header.shape[d] > 1)
          name = std::string(one.info.axes[d]) + " " + std::to_string(rest % header.shape[d]) +
                 (name.empty() ? "" : ", ") + name;
      map.panels.push_back(name);
    }
    map.queries = oneQuery ? std::vector<std::string>{"the query"} : labelsOf(header.shape[outer]);
    map.keys = labelsOf(header.shape[header.rank - 1]);
    const float *numbers = static_cast<const float *>(npy.data);
    map.weights.assign(numbers, numbers + header.elements);
    maps.push_back(std::move(map));
  }
  auto file = WholeFile::create(options.plot);
  if (!file)
    return report(file.takeError());
  if (isSvg())
    writeHeatMapsSvg(maps, file->stream());
  else
    writeHeatMaps(llvm::sys::path::filename(options.compile.model.file), maps, file->stream());
  if (llvm::Error error = file->commit())
    return report(std::move(error));
  return Done;
}

} // namespace weft::driver

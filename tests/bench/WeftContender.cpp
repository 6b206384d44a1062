//===- WeftContender.cpp - compiled models among the contenders ---------------------------------------------------===//
// Answers: how long does a library that `weft compile` made take for whole sequences, or for a step after others? One
// that counts the time of its kernels on a GPU (--profile) is asked for that.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/bench/Contender.h"
#include "weft/abi.h"
#include "weft/runtime.h"
#include <algorithm>
#include <dlfcn.h>
#include <numeric>
#include <stdexcept>

namespace weft::bench {
namespace {

/// What the runtime says, as an exception.
void check(weft_status status, const weft_error &error) {
  if (status != WEFT_OK)
    throw std::runtime_error(error.message);
}

class Model : public Contender {
public:
  ~Model() override { close(); }

  Json prepare(const Json &work) override {
    close();
    weft_error error;
    std::string artefact = work.at("artefact");
    std::string device = work.value("device", "cpu");
    weft_load_options where = {};
    where.device = device.c_str();
    check(weft_module_load(artefact.c_str(), &where, &module, &error), error);
    findTicks(artefact);
    weft_context_options options{work.value("threads", 1)};
    check(weft_context_create(module, &options, &context, &error), error);
    isStep = work.contains("past");
    inputs = load(work.at("inputs"), numbers);
    if (isStep) {
      std::vector<Numbers> storage;
      std::vector<weft_view> before = load(work.at("past"), storage);
      check(weft_step(context, before.data(), before.size(), nullptr, 0, &error), error);
      past = weft_past(context);
    }
    call();
    int64_t launches = tickCount - std::count(ticks, ticks + tickCount, 0);
    return {{"weights", weft_module_weights_bytes(module)}, {"launches", launches}};
  }

  void call() override {
    weft_error error;
    std::fill(ticks, ticks + tickCount, 0);
    if (!isStep)
      return check(weft_run(context, inputs.data(), inputs.size(), nullptr, 0, &error), error);
    check(weft_truncate(context, past, &error), error);
    check(weft_step(context, inputs.data(), inputs.size(), nullptr, 0, &error), error);
  }

  double seconds() override { return ticks ? 1e-9 * std::accumulate(ticks, ticks + tickCount, uint64_t(0)) : -1; }

  Numbers result() override {
    weft_view view = weft_output(context, 0);
    int64_t count = 1;
    for (int32_t d = 0; d < view.rank; ++d)
      count *= view.shape[d];
    const float *data = static_cast<const float *>(view.data);
    return {data, data + count};
  }

private:
  /// Inputs by their place: {"file", "type", "shape"} each. All types of inputs have four bytes.
  static std::vector<weft_view> load(const Json &list, std::vector<Numbers> &storage) {
    std::vector<weft_view> views;
    storage.clear();
    for (const Json &input : list) {
      storage.push_back(readFloats(input.at("file")));
      weft_view view{storage.back().data(), input.at("type") == "i32" ? WEFT_I32 : WEFT_F32, 0, {}};
      for (int64_t size : input.at("shape"))
        view.shape[view.rank++] = size;
      views.push_back(view);
    }
    return views;
  }

  /// Where the code for a GPU adds up its time, which all entry points share.
  void findTicks(const std::string &artefact) {
    ticks = nullptr;
    tickCount = 0;
    void *library = dlopen(artefact.c_str(), RTLD_NOW | RTLD_NOLOAD);
    auto *found = library ? static_cast<const weft_abi_module **>(dlsym(library, "weft_module_descriptor")) : nullptr;
    if (found) {
      const weft_abi_entry &entry = (*found)->entry[0];
      ticks = entry.code[entry.codes - 1].ticks;
      tickCount = entry.code[entry.codes - 1].calls;
    }
    if (library)
      dlclose(library);
  }

  void close() {
    weft_context_destroy(context);
    weft_module_destroy(module);
    context = nullptr;
    module = nullptr;
  }

  weft_module *module = nullptr;
  weft_context *context = nullptr;
  std::vector<weft_view> inputs;
  std::vector<Numbers> numbers;
  uint64_t *ticks = nullptr;
  size_t tickCount = 0;
  bool isStep = false;
  int64_t past = 0;
};

} // namespace
} // namespace weft::bench

int main() {
  weft::bench::Model model;
  return weft::bench::serve(model);
}

//===- WeftContender.cpp - compiled models among the contenders ---------------------------------------------------===//
// Answers: how long does a library that `weft compile` made take for whole sequences, or for a step after others?
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/bench/Contender.h"
#include "weft/runtime.h"
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
    check(weft_module_load(artefact.c_str(), nullptr, &module, &error), error);
    weft_context_options options{work.value("threads", 1)};
    check(weft_context_create(module, &options, &context, &error), error);
    isStep = work.contains("past");
    inputs = load(work.at("inputs"), numbers);
    if (isStep) {
      std::vector<std::vector<float>> storage;
      std::vector<weft_view> before = load(work.at("past"), storage);
      check(weft_step(context, before.data(), before.size(), nullptr, 0, &error), error);
      past = weft_past(context);
    }
    return {{"weights", weft_module_weights_bytes(module)}};
  }

  void call() override {
    weft_error error;
    if (!isStep)
      return check(weft_run(context, inputs.data(), inputs.size(), nullptr, 0, &error), error);
    check(weft_truncate(context, past, &error), error);
    check(weft_step(context, inputs.data(), inputs.size(), nullptr, 0, &error), error);
  }

  std::vector<float> result() override {
    weft_view view = weft_output(context, 0);
    int64_t count = 1;
    for (int32_t d = 0; d < view.rank; ++d)
      count *= view.shape[d];
    const float *data = static_cast<const float *>(view.data);
    return {data, data + count};
  }

private:
  /// Inputs by their place: {"file", "type", "shape"} each. All types of inputs have four bytes.
  static std::vector<weft_view> load(const Json &list, std::vector<std::vector<float>> &storage) {
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

  void close() {
    weft_context_destroy(context);
    weft_module_destroy(module);
    context = nullptr;
    module = nullptr;
  }

  weft_module *module = nullptr;
  weft_context *context = nullptr;
  std::vector<weft_view> inputs;
  std::vector<std::vector<float>> numbers;
  bool isStep = false;
  int64_t past = 0;
};

} // namespace
} // namespace weft::bench

int main() {
  weft::bench::Model model;
  return weft::bench::serve(model);
}

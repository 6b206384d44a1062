//===- Decoders.cpp - trained decoders of which the right answers are known ---------------------------------------===//
#include "tests/models/Decoders.h"
#include "tests/models/Tool.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include <gtest/gtest.h>

extern "C" {
#include "core/npy.h"
}

namespace weft::test {

static llvm::json::Value parse(const std::string &path) {
  auto parsed = llvm::json::parse(contents(path));
  if (!parsed) {
    ADD_FAILURE() << path << ": " << llvm::toString(parsed.takeError());
    return nullptr;
  }
  return std::move(*parsed);
}

/// The numbers of a JSON array; none where there is no array.
template <typename T> static std::vector<T> numbers(const llvm::json::Array *array) {
  std::vector<T> values;
  if (array)
    for (const llvm::json::Value &value : *array)
      values.push_back(static_cast<T>(value.getAsNumber().value_or(-1)));
  return values;
}

std::vector<double> readDoubles(const std::string &path) {
  weft_error error = {};
  weft_npy npy;
  if (weft_npy_read(path.c_str(), nullptr, &npy, &error) != WEFT_OK || npy.header.type != WEFT_NPY_F8) {
    ADD_FAILURE() << path << " holds no doubles " << error.message;
    return {};
  }
  auto *data = static_cast<const double *>(npy.data);
  std::vector<double> values(data, data + npy.header.elements);
  weft_npy_free(&npy);
  return values;
}

TrainedModel stories() {
  std::string folder = shared("data/stories260K/");
  TrainedModel model = {"stories", example("llama/stories.weft"), folder + "model_hf.safetensors", 512, {}};
  if (!llvm::sys::fs::exists(model.weights))
    return model;
  llvm::json::Value answers = parse(folder + "tokens_greedy.json");
  const llvm::json::Object *object = answers.getAsObject();
  if (!object)
    return model;
  Known first = {numbers<int32_t>(object->getArray("first_512_greedy_tokens")), 1, {}, 0};
  first.scores = readDoubles(folder + "logits_f64_first64.npy");
  model.known.push_back(first);
  if (const llvm::json::Array *prompts = object->getArray("prompts"))
    for (const llvm::json::Value &value : *prompts)
      if (const llvm::json::Object *prompt = value.getAsObject())
        model.known.push_back({numbers<int32_t>(prompt->getArray("tokens_96")),
                               static_cast<size_t>(prompt->getInteger("n_prompt_tokens").value_or(0)),
                               {},
                               0});
  return model;
}

TrainedModel tales() {
  TrainedModel model = {"tales", example("tales/tales.weft"), example("tales/tales.safetensors"), 256, {}};
  llvm::json::Value answers = parse(example("tales/expected.json"));
  if (const llvm::json::Array *cases = answers.getAsArray())
    for (const llvm::json::Value &value : *cases)
      if (const llvm::json::Object *object = value.getAsObject()) {
        llvm::StringRef prompt = object->getString("prompt").value_or(""),
                        greedy = object->getString("greedy").value_or("");
        Known known = {{}, prompt.size(), numbers<double>(object->getArray("logits_after_prompt")), prompt.size() - 1};
        for (unsigned char byte : (prompt + greedy).str())
          known.tokens.push_back(byte);
        model.known.push_back(known);
      }
  return model;
}

} // namespace weft::test

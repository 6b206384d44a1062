//===- Compiled.cpp - a compiled model through runtime.h ----------------------------------------------------------===//
#include "tests/models/Compiled.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace weft::test {

std::string profileOf(int level) {
  return level == onSubgroups ? "lavapipe-8" : level == onParts ? "nvidia-32" : "generic";
}

std::string levelName(int level) {
  if (level < onVulkan)
    return "Vulkan (" + profileOf(level) + ")";
  return level == onVulkan ? "Vulkan" : "x86-64-v" + std::to_string(level);
}

std::vector<std::string> levelOptions(int level) {
  if (level == onVulkan)
    return {"--target", "vulkan"};
  if (level < onVulkan)
    return {"--target", "vulkan", "--vulkan-profile", profileOf(level)};
  return {"--cpu", levelName(level)};
}

std::string missingVulkan() {
  weft_device_info devices[16];
  size_t count;
  weft_error error;
  weft_list_devices(devices, std::size(devices), &count, &error);
  for (size_t i = 1; i < std::min(count, std::size(devices)); ++i)
    if (!*devices[i].exclusion)
      return "";
  return error.status == WEFT_OK ? "no Vulkan device can run models; see weft devices" : error.message;
}

Module load(const std::string &library, int level) {
  weft_load_options options = {};
  const bool isVulkan = level <= onVulkan;
  options.cpu_level = isVulkan ? 0 : level;
  options.device = isVulkan ? "vulkan" : "cpu";
  weft_error error = {};
  weft_module *module = nullptr;
  weft_status status = weft_module_load(library.c_str(), &options, &module, &error);
  if (status != WEFT_OK) {
    EXPECT_EQ(status, isVulkan ? WEFT_NO_DEVICE : WEFT_NO_CPU) << error.message;
    return nullptr;
  }
  weft_entry_info info;
  EXPECT_TRUE(weft_module_entry(module, WEFT_SEQUENCE, &info));
  Module loaded(module);
  return info.cpu_level == options.cpu_level ? std::move(loaded) : nullptr;
}

int32_t Logits::best(size_t row) const {
  llvm::ArrayRef<float> scores = this->row(row);
  return static_cast<int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

void Logits::append(const Logits &more) {
  values.insert(values.end(), more.values.begin(), more.values.end());
  vocabulary = more.vocabulary;
}

Decoder::Decoder(const Module &module, int threads) {
  weft_error error = {};
  weft_context_options options = {threads};
  EXPECT_EQ(weft_context_create(module.get(), &options, &context, &error), WEFT_OK) << error.message;
  weft_tensor_info output;
  EXPECT_TRUE(weft_module_tensor(module.get(), WEFT_SEQUENCE, WEFT_OUTPUT, 0, &output));
  vocabulary = output.shape[2];
}

Logits Decoder::call(decltype(weft_run) &entry, llvm::ArrayRef<int32_t> tokens, size_t batch) {
  weft_error error = {};
  weft_view input = {const_cast<int32_t *>(tokens.data()),
                     WEFT_I32,
                     2,
                     {static_cast<int64_t>(batch), static_cast<int64_t>(tokens.size() / batch)}};
  Logits logits = {std::vector<float>(tokens.size() * vocabulary, NAN), vocabulary};
  weft_status status = entry(context, &input, 1, nullptr, 0, &error);
  EXPECT_EQ(status, WEFT_OK) << error.message;
  if (status == WEFT_OK)
    std::copy_n(static_cast<const float *>(weft_output(context, 0).data), logits.values.size(), logits.values.begin());
  return logits;
}

Logits Decoder::run(llvm::ArrayRef<int32_t> tokens, size_t batch) { return call(weft_run, tokens, batch); }
Logits Decoder::step(llvm::ArrayRef<int32_t> tokens, size_t batch) { return call(weft_step, tokens, batch); }

} // namespace weft::test

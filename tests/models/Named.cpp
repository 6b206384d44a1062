//===- Named.cpp - a compiled model on tensors with names ---------------------------------------------------------===//
#include "tests/models/Named.h"
#include "tests/models/Tool.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace weft::test {

Module compileExample(llvm::StringRef source, llvm::ArrayRef<std::string> axes, const std::string &weights,
                      const std::string &library, int level) {
  std::vector<std::string> line = {"compile", example(source), "--strict", "-q", "-o", library};
  for (const std::string &option : levelOptions(level))
    line.push_back(option);
  for (const std::string &axis : axes)
    line.insert(line.end(), {"--axis", axis});
  if (!weights.empty())
    line.insert(line.end(), {"--weights", weights});
  return weft(line) ? load(library, level) : nullptr;
}

namespace {

template <typename T> std::vector<char> stored(llvm::ArrayRef<double> values) {
  std::vector<T> converted(values.begin(), values.end());
  std::vector<char> bytes(converted.size() * sizeof(T));
  std::memcpy(bytes.data(), converted.data(), bytes.size());
  return bytes;
}

std::vector<char> stored(weft_type type, llvm::ArrayRef<double> values) {
  return type == WEFT_F32 ? stored<float>(values) : type == WEFT_I32 ? stored<int32_t>(values) : stored<int8_t>(values);
}

Numbers numbers(const weft_view &view) {
  Numbers result = {{view.shape, view.shape + view.rank}, {}};
  int64_t count = 1;
  for (int64_t size : result.shape)
    count *= size;
  auto read = [&](const auto *data) { result.values.assign(data, data + count); };
  if (view.type == WEFT_F32)
    read(static_cast<const float *>(view.data));
  else if (view.type == WEFT_I32)
    read(static_cast<const int32_t *>(view.data));
  else
    read(static_cast<const int8_t *>(view.data));
  return result;
}

} // namespace

Named run(const Module &module, const Named &inputs) {
  std::vector<weft_view> views;
  std::vector<std::vector<char>> bytes;
  weft_tensor_info info;
  for (size_t i = 0; weft_module_tensor(module.get(), WEFT_SEQUENCE, WEFT_INPUT, i, &info); ++i) {
    auto given = inputs.find(info.name);
    if (given == inputs.end()) {
      ADD_FAILURE() << "input '" << info.name << "' is not given";
      return {};
    }
    bytes.push_back(stored(info.type, given->second.values));
    views.push_back({nullptr, info.type, static_cast<int32_t>(given->second.shape.size()), {}});
    llvm::copy(given->second.shape, views.back().shape);
    views.back().data = bytes.back().data();
  }
  EXPECT_EQ(views.size(), inputs.size()) << "the model has fewer inputs than are given";

  Named outputs;
  weft_error error = {};
  weft_context *context = nullptr;
  weft_context_options options = {/*threads=*/2};
  EXPECT_EQ(weft_context_create(module.get(), &options, &context, &error), WEFT_OK) << error.message;
  if (context && weft_run(context, views.data(), views.size(), nullptr, 0, &error) == WEFT_OK)
    for (size_t i = 0; weft_module_tensor(module.get(), WEFT_SEQUENCE, WEFT_OUTPUT, i, &info); ++i)
      outputs[info.name] = numbers(weft_output(context, i));
  else
    ADD_FAILURE() << error.message;
  weft_context_destroy(context);
  return outputs;
}

void expectNear(const Numbers &result, const Numbers &expected, double absolute, double relative) {
  ASSERT_EQ(result.shape, expected.shape);
  ASSERT_EQ(result.values.size(), expected.values.size());
  size_t wrong = 0, worst = 0;
  double most = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    double wanted = expected.values[i], error = std::fabs(result.values[i] - wanted);
    if (result.values[i] == wanted || error <= absolute + relative * std::fabs(wanted))
      continue;
    ++wrong;
    if (!(error <= most)) // a NaN is the worst
      most = error, worst = i;
  }
  EXPECT_EQ(wrong, 0u) << "of " << expected.values.size() << " numbers; number " << worst << " is "
                       << result.values[worst] << " instead of " << expected.values[worst];
}

} // namespace weft::test

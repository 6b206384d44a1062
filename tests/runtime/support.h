//===- support.h - what the tests of the runtime share ------------------------------------------------------------===//
// Owners of C handles, views of vectors, an allocator that fails when told to, folders that vanish, and programs that
// run.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "tests/runtime/toy/toy.h"
#include "weft/runtime.h"
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace weft_test {

struct Destroy {
  void operator()(weft_module *m) const { weft_module_destroy(m); }
  void operator()(weft_context *c) const { weft_context_destroy(c); }
};
using Module = std::unique_ptr<weft_module, Destroy>;
using Context = std::unique_ptr<weft_context, Destroy>;

inline Module load(const weft_abi_module &abi, const char *device = "cpu", const weft_allocator *allocator = nullptr) {
  weft_load_options options{};
  options.allocator = allocator;
  options.device = device;
  weft_module *module = nullptr;
  weft_error error{};
  EXPECT_EQ(weft_module_from_descriptor(&abi, &options, &module, &error), WEFT_OK) << error.message;
  return Module(module);
}

inline Context open(const Module &module, int threads = 1) {
  weft_context_options options{threads};
  weft_context *context = nullptr;
  weft_error error{};
  EXPECT_EQ(weft_context_create(module.get(), &options, &context, &error), WEFT_OK) << error.message;
  return Context(context);
}

/// Why tests cannot use this device; "" where they can.
inline std::string missingDevice(const std::string &name) {
  if (name != "vulkan")
    return "";
  weft_device_info devices[16];
  size_t count;
  weft_error error;
  weft_list_devices(devices, std::size(devices), &count, &error);
  std::string reason = error.message;
  for (size_t i = 1; i < count; ++i) {
    if (!*devices[i].exclusion)
      return "";
    reason += std::string(devices[i].name) + ": " + devices[i].exclusion + "; ";
  }
  return "no Vulkan device: " + reason;
}

inline weft_view view(const std::vector<int32_t> &data, std::vector<int64_t> shape) {
  weft_view v{const_cast<int32_t *>(data.data()), WEFT_I32, static_cast<int32_t>(shape.size()), {}};
  std::copy(shape.begin(), shape.end(), v.shape);
  return v;
}

inline std::vector<float> floats(const weft_view &v) {
  int64_t count = std::accumulate(v.shape, v.shape + v.rank, int64_t(1), std::multiplies<>());
  const float *data = static_cast<const float *>(v.data);
  return std::vector<float>(data, data + count);
}

/// Tokens that differ from place to place.
inline std::vector<int32_t> someTokens(int64_t count, int64_t first = 0) {
  std::vector<int32_t> tokens(count);
  for (int64_t i = 0; i < count; ++i)
    tokens[i] = static_cast<int32_t>((first + i) * 37 % TOY_SYMBOLS);
  return tokens;
}

/// What the toy gives for [batch, seq] tokens.
inline std::vector<float> toyLogits(const std::vector<int32_t> &tokens, int64_t batch, int64_t seq) {
  std::vector<float> logits;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t s = 0, sum = 0; s < seq; ++s) {
      sum += tokens[b * seq + s];
      for (int32_t symbol = 0; symbol < TOY_SYMBOLS; ++symbol)
        logits.push_back(toy_logit(sum, s, symbol));
    }
  return logits;
}

/// Counts what is out, and fails at the n-th request (counted from 1; 0: never).
struct TestAllocator {
  std::atomic<int64_t> requests{0}, out{0};
  int64_t failAt = 0;
  weft_allocator c{allocate, release, this};

  static void *allocate(void *user, size_t bytes, size_t alignment) {
    auto *self = static_cast<TestAllocator *>(user);
    // More than any machine has: refused here, since sanitizers would rather abort.
    if (++self->requests == self->failAt || bytes > size_t(1) << 40)
      return nullptr;
    self->out += static_cast<int64_t>(bytes);
    void *memory = nullptr;
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
  }
  static void release(void *user, void *memory, size_t bytes) {
    static_cast<TestAllocator *>(user)->out -= static_cast<int64_t>(bytes);
    free(memory);
  }
};

/// A folder of its own for each test.
struct Folder {
  std::string path;
  Folder() {
    std::string name = testing::TempDir() + "/weft_XXXXXX";
    path = mkdtemp(name.data());
  }
  ~Folder() { (void)!system(("rm -rf '" + path + "'").c_str()); }
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  /// Names in it, hidden ones included.
  std::string listing() const;
};

inline std::string readFile(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void writeFile(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Outcome {
  int code; ///< the exit status, or 128 + signal
  std::string out, err;
};

/// Runs a shell command.
inline Outcome run(const std::string &command) {
  Folder folder;
  int status = system(("(" + command + ") >" + (folder / "out") + " 2>" + (folder / "err")).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), readFile(folder / "out"),
          readFile(folder / "err")};
}

inline std::string Folder::listing() const { return run("ls -A '" + path + "'").out; }

/// The programs and libraries that are built beside the tests.
inline std::string artefact(const std::string &name) { return std::string(WEFT_BINARY_DIR "/bin/") + name; }

} // namespace weft_test

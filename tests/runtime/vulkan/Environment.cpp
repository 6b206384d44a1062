//===- Environment.cpp - under which conditions do tests use Vulkan? ----------------------------------------------===//
// With the validation layer, any message of which fails the tests; with a cache of pipelines of their own; and, on a
// device in software, with few threads and the vectors that its kernels are tested with.
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/vulkan/instance.h"
#include "tests/runtime/support.h"

namespace weft_test {
namespace {

class Vulkan : public testing::Environment {
  Folder cache;

  void SetUp() override {
    setenv("WEFT_VULKAN_CACHE", cache.path.c_str(), 1);
    setenv("LP_NUM_THREADS", "2", 0);
    setenv("LP_NATIVE_VECTOR_WIDTH", "256", 0);
    setenv("WEFT_VULKAN_VALIDATION", "sync", 0);
    weft_vk_instance instance;
    weft_error error;
    if (weft_vk_instance_open(&instance, &error) == WEFT_OK)
      weft_vk_instance_close(&instance);
    else if (std::string(error.message).find("validationlayers") != std::string::npos)
      setenv("WEFT_VULKAN_VALIDATION", "", 1); // a machine without the layer can run the tests all the same
  }
  void TearDown() override { EXPECT_EQ(weft_vk_messages(), 0u) << "messages of the validation layer, see above"; }
};

[[maybe_unused]] testing::Environment *const environment = testing::AddGlobalTestEnvironment(new Vulkan);

} // namespace
} // namespace weft_test

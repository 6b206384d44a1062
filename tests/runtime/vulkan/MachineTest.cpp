//===- MachineTest.cpp - what is said where Vulkan, a device, or a feature of it is missing?
//-----------------------===//
#include "runtime/core/context.h"
#include "runtime/vulkan/physical.h"
#include "tests/runtime/support.h"
#include <algorithm>
#include <gmock/gmock.h>
#include <optional>

using namespace weft_test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

/// A variable of the environment, for the life of the object.
class Variable {
public:
  Variable(const char *name, const std::string &value) : name(name) {
    if (const char *old = getenv(name))
      before = old;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before)
      setenv(name, before->c_str(), 1);
    else
      unsetenv(name);
  }

private:
  const char *name;
  std::optional<std::string> before;
};

std::string refusal(const char *device, weft_status wanted, const weft_abi_module &abi = weft_module_toy) {
  weft_load_options options{};
  options.device = device;
  weft_module *module = nullptr;
  weft_error error{};
  EXPECT_EQ(weft_module_from_descriptor(&abi, &options, &module, &error), wanted) << error.message;
  EXPECT_EQ(module, nullptr);
  weft_module_destroy(module);
  return error.message;
}

TEST(Machine, MayHaveNoLoader) {
  Variable none("WEFT_VULKAN_LOADER", "/nowhere/libvulkan.so.1");
  EXPECT_THAT(refusal("vulkan", WEFT_NO_DEVICE), StartsWith("there is no Vulkan loader on this machine (/nowhere/"));
  weft_device_info devices[4];
  size_t count;
  weft_error error;
  weft_list_devices(devices, 4, &count, &error);
  EXPECT_EQ(count, 1u);
  EXPECT_STREQ(devices[0].name, "cpu");
  EXPECT_EQ(error.status, WEFT_NO_DEVICE);
  EXPECT_EQ(weft_module_device(load(weft_module_toy, nullptr).get()), std::string("cpu"));
}

TEST(Machine, MayHaveSomethingElseForALoader) {
  Variable other("WEFT_VULKAN_LOADER", "libm.so.6");
  EXPECT_EQ(refusal("vulkan", WEFT_NO_DEVICE), "'libm.so.6' is no Vulkan loader: it has no vkGetInstanceProcAddr");
}

TEST(Machine, MayHaveNoDriver) {
  if (std::string reason = missingDevice("vulkan"); reason.find("loader") != std::string::npos)
    GTEST_SKIP() << reason;
  Variable quiet("WEFT_VULKAN_VALIDATION", ""); // the loader has something to say, too
  Variable icd("VK_ICD_FILENAMES", "/nowhere/icd.json"), drivers("VK_DRIVER_FILES", "/nowhere/icd.json");
  EXPECT_THAT(refusal("vulkan", WEFT_NO_DEVICE), HasSubstr("but no driver"));
}

TEST(Machine, DevicesHaveNumbers) {
  if (std::string reason = missingDevice("vulkan"); !reason.empty())
    GTEST_SKIP() << reason;
  EXPECT_THAT(refusal("vulkan:99", WEFT_NO_DEVICE), StartsWith("there is no device vulkan:99; Vulkan has "));
  for (const char *wrong : {"vulkan:", "vulkan:-1", "vulkan:x", "vulkan:0x"})
    EXPECT_EQ(refusal(wrong, WEFT_MISUSE),
              "'" + std::string(wrong) + "' is no device; write vulkan, or vulkan:0 and so on");
  EXPECT_THAT(refusal("cpu:0", WEFT_MISUSE), StartsWith("there is no device 'cpu:0'"));
  EXPECT_THAT(refusal("vulkanic", WEFT_MISUSE), StartsWith("there is no device 'vulkanic'"));
  Module module = load(weft_module_toy, "vulkan");
  EXPECT_THAT(weft_module_device(module.get()), StartsWith("vulkan:"));
  weft_entry_info info;
  ASSERT_TRUE(weft_module_entry(module.get(), WEFT_STEP, &info));
  EXPECT_EQ(info.cpu_level, 0);
}

TEST(Machine, ListsWhatThereIs) {
  weft_device_info devices[16];
  size_t count, again;
  weft_list_devices(devices, 16, &count, nullptr);
  ASSERT_GE(count, 1u);
  EXPECT_THAT(devices[0].description, HasSubstr("x86-64-v"));
  for (size_t i = 1; i < count; ++i) {
    EXPECT_EQ(devices[i].name, "vulkan:" + std::to_string(i - 1));
    EXPECT_THAT(devices[i].description, HasSubstr(" MiB, Vulkan 1."));
  }
  weft_list_devices(nullptr, 0, &again, nullptr);
  EXPECT_EQ(again, count);
}

/// The toy, whose code can be replaced.
struct Changed {
  weft_abi_module module = weft_module_toy;
  std::vector<weft_abi_entry> entries{weft_module_toy.entry, weft_module_toy.entry + 2};
  std::vector<weft_abi_code> code{entries[0].code, entries[0].code + 3};
  std::vector<weft_abi_kernel> kernels{toy_kernels, toy_kernels + TOY_KERNELS};
  Changed() {
    code[2].kernel = kernels.data();
    for (weft_abi_entry &entry : entries)
      entry.code = code.data();
    module.entry = entries.data();
    module.entries = 1;
  }
};

TEST(Machine, ModelsSayForWhichDevicesTheyAre) {
  Changed c;
  c.entries[0].codes = 2;
  EXPECT_EQ(refusal("vulkan", WEFT_MISUSE, c.module),
            "model 'toy' holds no code for Vulkan; compile it with --target vulkan");
  c.entries[0].code = &c.code[2];
  c.entries[0].codes = 1;
  EXPECT_EQ(refusal("cpu", WEFT_MISUSE, c.module), "entry 'toy' holds no code for CPUs; compile the model for cpu too");
  if (missingDevice("vulkan").empty())
    EXPECT_THAT(weft_module_device(load(c.module, nullptr).get()), StartsWith("vulkan:"));
}

TEST(Machine, DevicesMayLackWhatAKernelNeeds) {
  if (std::string reason = missingDevice("vulkan"); !reason.empty())
    GTEST_SKIP() << reason;
  Changed c;
  c.kernels[1].features |= 1u << 31;
  EXPECT_THAT(refusal("vulkan", WEFT_NO_DEVICE, c.module),
              StartsWith("no Vulkan device can run model 'toy': vulkan:0 ("));
  EXPECT_THAT(refusal("vulkan:0", WEFT_NO_DEVICE, c.module),
              HasSubstr("kernel 'row' needs a feature that this runtime does not know"));
  c.kernels[1].features = 0;
  c.kernels[1].local_size[1] = 1u << 20;
  EXPECT_THAT(refusal("vulkan:0", WEFT_NO_DEVICE, c.module),
              HasSubstr("kernel 'row' needs workgroups of 64 x 1048576 x 1"));
  c.kernels[1].local_size[1] = 1;
  c.kernels[1].shared_bytes = 1u << 30;
  EXPECT_THAT(refusal("vulkan:0", WEFT_NO_DEVICE, c.module), HasSubstr("1073741824 bytes of workgroup memory"));
  c.kernels[1].shared_bytes = 0;
  c.kernels[1].subgroup_size = 1024;
  EXPECT_THAT(refusal("vulkan:0", WEFT_NO_DEVICE, c.module), HasSubstr("needs subgroups of 1024 (it has "));
}

TEST(Physical, NamesAllThatAKernelLacks) {
  weft_vk_physical device{};
  weft_abi_kernel kernel{"k", nullptr, 0, {1, 1, 1}, 0, 0, WEFT_ABI_VK_FLOAT16 | WEFT_ABI_VK_COOPMAT, 0};
  char missing[128];
  EXPECT_FALSE(weft_vk_can_run(&device, &kernel, missing, sizeof missing));
  EXPECT_STREQ(missing, "16-bit floats, VK_KHR_cooperative_matrix");
  for (uint32_t bit = WEFT_ABI_VK_INT64; bit <= WEFT_ABI_VK_FLOAT64; bit <<= 1)
    EXPECT_NE(weft_vk_feature_name(bit), nullptr) << bit;
}

/// What becomes an operand of the next product has been a matrix of sums in f16.
TEST(Physical, ReducedMatricesAreSummedUpInBothTypes) {
  constexpr uint32_t size = 8 | 8 << 8 | 8 << 16, features = WEFT_ABI_VK_COOPMAT | WEFT_ABI_VK_COOPMAT2;
  weft_vk_physical device{};
  device.properties.limits.maxComputeWorkGroupInvocations = 64;
  for (uint32_t &most : device.properties.limits.maxComputeWorkGroupSize)
    most = 64;
  weft_abi_kernel kernel{"k", nullptr, 0, {64, 1, 1}, 0, 0, features, size};
  char missing[128];
  device.features = WEFT_ABI_VK_COOPMAT;
  EXPECT_FALSE(weft_vk_can_run(&device, &kernel, missing, sizeof missing));
  EXPECT_STREQ(missing, "VK_NV_cooperative_matrix2");
  device.features = features;
  EXPECT_FALSE(weft_vk_can_run(&device, &kernel, missing, sizeof missing));
  EXPECT_STREQ(missing, "cooperative matrices of f16 of 8 x 8 x 8");
  device.matrices = {{size}, 1};
  EXPECT_FALSE(weft_vk_can_run(&device, &kernel, missing, sizeof missing));
  EXPECT_STREQ(missing, "cooperative matrices of f16 of 8 x 8 x 8, summed up in f16");
  device.half_matrices = {{size}, 1};
  EXPECT_TRUE(weft_vk_can_run(&device, &kernel, missing, sizeof missing)) << missing;
}

TEST(Physical, DiscreteGpusComeFirst) {
  weft_vk_physical discrete{}, integrated{}, software{};
  discrete.properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  integrated.properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
  software.properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_CPU;
  EXPECT_GT(weft_vk_rank(&discrete), weft_vk_rank(&integrated));
  EXPECT_GT(weft_vk_rank(&integrated), weft_vk_rank(&software));
}

/// With a kernel that does not declare what it uses.
[[noreturn]] void loadInvalidKernel() {
  Changed c;
  std::vector<uint32_t> words(toy_kernels[1].spirv, toy_kernels[1].spirv + toy_kernels[1].words);
  const uint32_t int64[] = {2u << 16 | 17, 11}; // OpCapability Int64
  auto at = std::search(words.begin(), words.end(), std::begin(int64), std::end(int64));
  at[1] = 1; // Shader, once more
  c.kernels[1].spirv = words.data();
  fputs(refusal("vulkan", WEFT_SYSTEM, c.module).c_str(), stderr);
  _exit(42);
}

TEST(Validation, FailsTheCallThatItComplainsAbout) {
  if (std::string reason = missingDevice("vulkan"); !reason.empty())
    GTEST_SKIP() << reason;
  if (!*getenv("WEFT_VULKAN_VALIDATION"))
    GTEST_SKIP() << "the validation layer is not installed";
  GTEST_FLAG_SET(death_test_style, "threadsafe"); // in a process of its own: any message fails this one
  EXPECT_EXIT(loadInvalidKernel(), testing::ExitedWithCode(42),
              "the validation layer gave [1-9][0-9]* messages; the first of all: ");
}

TEST(PipelineCache, IsWrittenOnceAndSurvivesDamage) {
  if (std::string reason = missingDevice("vulkan"); !reason.empty())
    GTEST_SKIP() << reason;
  Folder folder;
  Variable cache("WEFT_VULKAN_CACHE", folder / "deep/er");
  load(weft_module_toy, "vulkan");
  std::string listing = run("ls -A '" + (folder / "deep/er") + "'").out;
  ASSERT_THAT(listing, StartsWith("vulkan-"));
  std::string file = (folder / "deep/er/") + listing.substr(0, listing.find('\n')), whole = readFile(file);
  EXPECT_EQ(whole.substr(0, 8), "weftvkpc");
  load(weft_module_toy, "vulkan");
  EXPECT_EQ(readFile(file), whole);
  for (const std::string &damaged : {std::string(), whole.substr(0, 20), whole.substr(0, whole.size() - 1),
                                     whole.substr(0, 30) + "x" + whole.substr(31), whole + "x"}) {
    writeFile(file, damaged);
    load(weft_module_toy, "vulkan");
    EXPECT_EQ(readFile(file).size(), whole.size()) << damaged.size();
  }
  Variable nowhere("WEFT_VULKAN_CACHE", "/dev/null/cache");
  load(weft_module_toy, "vulkan");
}

} // namespace

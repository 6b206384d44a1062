//===- ModuleTest.cpp - which modules are refused, and how? -------------------------------------------------------===//
// Wrong magic and version, damaged descriptors, CPUs that lack instructions, weights that are missing or wrong.
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/core/weights.h"
#include "tests/runtime/support.h"
#include <functional>

using namespace weft_test;

namespace {

/// A copy of the toy's descriptor that can be damaged.
struct Damaged {
  weft_abi_module module = weft_module_toy;
  std::vector<weft_abi_entry> entries{weft_module_toy.entry, weft_module_toy.entry + 2};
  std::vector<weft_abi_tensor> tensors{entries[1].tensors, entries[1].tensors + 3};
  std::vector<weft_abi_dim> dims{tensors[2].dims, tensors[2].dims + 3};
  std::vector<weft_abi_code> code{entries[1].code, entries[1].code + 2};
  const uint32_t spirv[6] = {0x07230203};
  weft_abi_kernel kernel = {"rows", spirv, 6, {1, 1, 1}, 0, 0, 0, 0};
  /// Makes the second code one for Vulkan.
  weft_abi_code &vulkan() {
    code[1] = {0, WEFT_ABI_DEVICE_VULKAN, code[0].run, code[0].arena, 1, 0, &kernel, nullptr};
    return code[1];
  }
  Damaged() {
    tensors[2].dims = dims.data();
    entries[1].tensors = tensors.data();
    entries[1].code = code.data();
    entries[1].codes = 2; // those for CPUs
    module.entry = entries.data();
  }
};

std::string refusal(const weft_abi_module &abi, const weft_load_options *options = nullptr,
                    weft_status wanted = WEFT_BAD_MODULE) {
  weft_module *module = nullptr;
  weft_error error{};
  EXPECT_EQ(weft_module_from_descriptor(&abi, options, &module, &error), wanted) << error.message;
  EXPECT_EQ(module, nullptr);
  weft_module_destroy(module);
  return error.message;
}

TEST(Module, OtherVersionsAreRefusedByName) {
  Damaged d;
  d.module.version = 7;
  EXPECT_EQ(refusal(d.module),
            "the model was compiled for version 7 of the runtime, but this is version 3; compile it again");
  d.module.magic = 0x46454c45;
  EXPECT_EQ(refusal(d.module), "this is no compiled model: it begins with 46454c45, not 54464557");
}

TEST(Module, DamageIsRefused) {
  struct Case {
    const char *message;
    std::function<void(Damaged &)> damage;
  };
  const Case cases[] = {
      {"it has no name", [](Damaged &d) { d.module.name = nullptr; }},
      {"it has no entry", [](Damaged &d) { d.module.entries = 0; }},
      {"its axes are not described", [](Damaged &d) { d.module.axis = nullptr; }},
      {"its labels are missing", [](Damaged &d) { d.module.labels = nullptr; }},
      {"its weights are not aligned to 64 bytes",
       [](Damaged &d) { d.module.weights = static_cast<const char *>(d.module.weights) + 4; }},
      {"its 4096 bytes of weights are nowhere", [](Damaged &d) { d.module.weights = nullptr; }},
      {"an entry has no name", [](Damaged &d) { d.entries[1].name = nullptr; }},
      {"entry 'toy_step' is of the unknown kind 2", [](Damaged &d) { d.entries[1].kind = 2; }},
      {"it has two entries like 'toy'", [](Damaged &d) { d.entries[1] = d.entries[0]; }},
      {"entry 'toy_step' has no code", [](Damaged &d) { d.entries[1].codes = 0; }},
      {"entry 'toy_step' has no code for CPU level 4", [](Damaged &d) { d.code[1].run = nullptr; }},
      {"the CPU levels of entry 'toy_step' do not rise", [](Damaged &d) { d.code[1].cpu_level = 3; }},
      {"entry 'toy_step' has code for the unknown device 2", [](Damaged &d) { d.code[1].device = 2; }},
      {"the code of entry 'toy_step' for CPUs does not come first",
       [](Damaged &d) { d.code[0].device = WEFT_ABI_DEVICE_VULKAN; }},
      {"entry 'toy_step' has no code for Vulkan", [](Damaged &d) { d.vulkan().kernel = nullptr; }},
      {"a kernel of entry 'toy_step' has no name", [](Damaged &d) { d.vulkan(), d.kernel.name = nullptr; }},
      {"kernel 'rows' is no SPIR-V", [](Damaged &d) { d.vulkan(), d.kernel.words = 5; }},
      {"kernel 'rows' has an empty workgroup", [](Damaged &d) { d.vulkan(), d.kernel.local_size[1] = 0; }},
      {"entry 'toy_step' does not describe its tensors", [](Damaged &d) { d.entries[1].tensors = nullptr; }},
      {"entry 'toy_step' has caches but is no step", [](Damaged &d) { d.entries[1].kind = WEFT_ABI_SEQUENCE; }},
      {"step 'toy_step' does not say which axis its cache holds", [](Damaged &d) { d.entries[1].position_axis = -1; }},
      {"the cache of step 'toy_step' holds 0 positions", [](Damaged &d) { d.entries[1].context = 0; }},
      {"a tensor has no name", [](Damaged &d) { d.tensors[2].name = nullptr; }},
      {"'logits' has the unknown element type 4", [](Damaged &d) { d.tensors[2].type = 4; }},
      {"'logits' has rank 9, more than 8", [](Damaged &d) { d.tensors[2].rank = 9; }},
      {"'logits' has no sizes", [](Damaged &d) { d.tensors[2].dims = nullptr; }},
      {"size 1 of 'logits' is neither a number nor an axis", [](Damaged &d) { d.dims[1].axis = 2; }},
      {"size 2 of 'logits' is neither a number nor an axis", [](Damaged &d) { d.dims[2].size = -5; }},
  };
  for (const Case &c : cases) {
    Damaged d;
    c.damage(d);
    EXPECT_EQ(refusal(d.module), std::string("the module is damaged: ") + c.message);
  }
}

TEST(Module, EveryAxisComesFromAnInput) {
  Damaged d;
  const weft_abi_axis axes[] = {{"batch"}, {"seq"}, {"key"}};
  d.module.axis = axes;
  d.module.axes = 3;
  d.dims[1].axis = 2;
  EXPECT_EQ(refusal(d.module), "the module is damaged: no input gives the size of axis 'key' of 'logits'");
}

TEST(Module, TakesTheBestCodeThatIsAllowed) {
  weft_load_options options{};
  options.cpu_level = 3;
  weft_module *module = nullptr;
  weft_error error;
  ASSERT_EQ(weft_module_from_descriptor(&weft_module_toy, &options, &module, &error), WEFT_OK) << error.message;
  weft_entry_info info;
  weft_module_entry(module, WEFT_STEP, &info);
  EXPECT_EQ(info.cpu_level, 3);
  weft_module_destroy(module);
}

TEST(Module, CodeForOtherCpusIsRefused) {
  Damaged d;
  d.entries[1].code = &d.code[1];
  d.entries[1].codes = 1;
  weft_load_options options{};
  options.cpu_level = 3;
  EXPECT_EQ(refusal(d.module, &options, WEFT_NO_CPU),
            "the code needs CPU level 4 at least, but level 3 at most is allowed");
  d.code[1].cpu_level = 99;
  EXPECT_EQ(refusal(d.module, nullptr, WEFT_NO_CPU),
            "the code needs a CPU of level unknown; this CPU lacks level 99, which this runtime does not know");
}

TEST(Weights, AreHashedOnRequest) {
  Damaged d;
  weft_load_options options{};
  options.verify_weights = 1;
  weft_module *module = nullptr;
  weft_error error;
  ASSERT_EQ(weft_module_from_descriptor(&d.module, &options, &module, &error), WEFT_OK) << error.message;
  weft_module_destroy(module);
  d.module.weights_hash ^= 1;
  load(d.module);
  EXPECT_NE(refusal(d.module, &options).find("the weights of 'toy' are not those it was compiled with"),
            std::string::npos);
  EXPECT_EQ(weft_hash("", 0), 0xcbf29ce484222325u);
  EXPECT_EQ(weft_hash("foobar", 6), 0x85944171f73967e8u);
}

TEST(Weights, MayLieInAnyFile) {
  Folder folder;
  std::string path = folder / "w.bin";
  weft_load_options options{};
  options.weights = path.c_str();
  EXPECT_EQ(refusal(weft_module_toy, &options), "weights '" + path + "' cannot be opened: No such file or directory");
  writeFile(path, std::string(TOY_WEIGHTS - 1, 1));
  EXPECT_EQ(refusal(weft_module_toy, &options),
            "weights '" + path + "' have 4095 bytes but the model was compiled with 4096");
  writeFile(path, std::string(TOY_WEIGHTS, 2));
  weft_module *module = nullptr;
  weft_error error;
  ASSERT_EQ(weft_module_from_descriptor(&weft_module_toy, &options, &module, &error), WEFT_OK) << error.message;
  Module owner(module);
  Context context = open(owner);
  std::vector<int32_t> tokens = someTokens(1);
  weft_view input = view(tokens, {1, 1});
  ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK);
  EXPECT_EQ(floats(weft_output(context.get(), 0))[toy_next(0, 0)], 20) << "not scaled by the weights of the file";
  options.verify_weights = 1;
  EXPECT_NE(refusal(weft_module_toy, &options).find("hash"), std::string::npos);
  options.weights = folder.path.c_str();
  EXPECT_EQ(refusal(weft_module_toy, &options), "weights '" + folder.path + "' are not a regular file");
}

TEST(Weights, BesideAProgramAreLookedForThere) {
  static weft_abi_module module; // where a descriptor lies tells which program it belongs to
  module = weft_module_toy;
  module.weights = nullptr;
  module.weights_file = "no_such.weights";
  std::string message = refusal(module);
  EXPECT_EQ(message.find("weights '/"), 0u) << message;
  EXPECT_NE(message.find("/no_such.weights' cannot be opened"), std::string::npos) << message;
}

} // namespace

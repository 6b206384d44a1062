//===- VulkanExamplesTest.cpp - every example as compute kernels --------------------------------------------------===//
// Answers: does each example become valid SPIR-V that keeps to what the devices of each profile grant, can its phases
// be read again, and do its kernels agree with the launches of the host?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Frontend.h"
#include "compiler/pipelines/Pipelines.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "runtime/include/weft/abi.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace weft {
namespace {

const std::string folder = std::string(WEFT_SOURCE_DIR) + "/examples/";

std::vector<std::string> examples() {
  std::vector<std::string> found;
  std::error_code error;
  for (llvm::sys::fs::recursive_directory_iterator i(folder, error), end; i != end && !error; i.increment(error))
    if (llvm::sys::path::extension(i->path()) == ".weft")
      found.push_back(i->path());
  std::sort(found.begin(), found.end());
  return found;
}

std::string nameOf(const ::testing::TestParamInfo<std::string> &info) {
  llvm::StringRef path = info.param;
  path.consume_front(folder);
  path.consume_back(".weft");
  std::string name = path.str();
  std::replace_if(name.begin(), name.end(), [](char c) { return !llvm::isAlnum(c); }, '_');
  return name;
}

class VulkanExamples : public ::testing::TestWithParam<std::string> {
protected:
  VulkanExamples() : context(registry()) {}

  static DialectRegistry registry() {
    DialectRegistry registry;
    registerWeft(registry);
    return registry;
  }

  OwningOpRef<ModuleOp> read() {
    auto text = llvm::MemoryBuffer::getFile(GetParam());
    std::string errors;
    llvm::raw_string_ostream stream(errors);
    OwningOpRef<ModuleOp> module = compileModel(context, GetParam(), (*text)->getBuffer(), FrontendOptions(), stream);
    EXPECT_TRUE(module) << errors;
    return module;
  }

  /// The module after the phase, having been printed and read once more.
  OwningOpRef<ModuleOp> lower(OwningOpRef<ModuleOp> module, Phase from, Phase to) {
    PipelineOptions options;
    options.limits = vulkanLimits();
    options.from = from;
    options.to = to;
    if (failed(runPipeline(*module, options)))
      return nullptr;
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream, OpPrintingFlags().useLocalScope());
    return parseSourceString<ModuleOp>(text, &context);
  }

  /// Every launch is of a kernel that is there.
  static void expectKnownKernels(ModuleOp module) {
    auto kernels = llvm::range_size(module.getOps<spirv::ModuleOp>());
    module.walk([&](func::CallOp call) {
      APInt kernel;
      if (call.getCallee() != "weft_dispatch")
        return;
      ASSERT_TRUE(matchPattern(call.getOperand(0), m_ConstantInt(&kernel)));
      EXPECT_LT(kernel.getZExtValue(), static_cast<uint64_t>(kernels));
    });
  }

  /// Calls would hide launches from who decides which of them wait.
  static void expectLaunchesInEntries(ModuleOp module) {
    module.walk([](func::CallOp call) { ADD_FAILURE() << "a call of " << call.getCallee().str(); });
  }

  MLIRContext context;
};

int64_t number(DictionaryAttr kernel, StringRef name) { return kernel.getAs<IntegerAttr>(name).getInt(); }

/// What the validator of the variable WEFT_SPIRV_VAL says against the binary: one that knows more than the library
/// does.
std::string objections(StringRef binary) {
  const char *validator = std::getenv("WEFT_SPIRV_VAL");
  llvm::SmallString<64> file, said;
  if (!validator || llvm::sys::fs::createTemporaryFile("kernel", "spv", file) ||
      llvm::sys::fs::createTemporaryFile("kernel", "txt", said))
    return "";
  llvm::FileRemover removeFile(file), removeSaid(said);
  std::error_code error;
  llvm::raw_fd_ostream(file, error) << binary;
  std::string command =
      std::string(validator) + " --target-env vulkan1.3 " + file.c_str() + " >" + said.c_str() + " 2>&1";
  if (std::system(command.c_str()) == 0)
    return "";
  auto text = llvm::MemoryBuffer::getFile(said);
  return text && !(*text)->getBuffer().empty() ? (*text)->getBuffer().str() : command + " failed";
}

/// Every kernel keeps to what the profile says, and to features that its devices have.
void expectWithin(ModuleOp module, const GpuProfile &profile) {
  auto kernels = module->getAttrOfType<ArrayAttr>(contract::kernels);
  ASSERT_TRUE(kernels);
  ASSERT_FALSE(kernels.empty());
  constexpr int64_t always = WEFT_ABI_VK_INT64 | WEFT_ABI_VK_INT8 | WEFT_ABI_VK_STORAGE8 | WEFT_ABI_VK_INT64_ATOMICS |
                             WEFT_ABI_VK_INT16 | WEFT_ABI_VK_STORAGE16 | WEFT_ABI_VK_FLOAT16;
  constexpr int64_t ofMatrices = WEFT_ABI_VK_COOPMAT | WEFT_ABI_VK_MEMORY_MODEL;
  for (auto kernel : kernels.getAsRange<DictionaryAttr>()) {
    SCOPED_TRACE(kernel.getAs<StringAttr>("name").str());
    int64_t invocations = 1;
    for (auto size : kernel.getAs<ArrayAttr>("local_size").getAsRange<IntegerAttr>())
      invocations *= size.getInt();
    EXPECT_LE(number(kernel, "shared_bytes"), profile.sharedBytes);
    int64_t features = number(kernel, "features"), matrix = number(kernel, "matrix");
    if (features & WEFT_ABI_VK_COOPMAT) {
      ASSERT_TRUE(profile.matrix);
      EXPECT_EQ(features & ofMatrices, ofMatrices);
      EXPECT_EQ(features & ~(always | ofMatrices | (profile.reducesMatrices ? WEFT_ABI_VK_COOPMAT2 : 0)), 0);
      EXPECT_EQ(number(kernel, "subgroup_size"), profile.subgroup);
      EXPECT_EQ(invocations % profile.subgroup, 0);
      EXPECT_EQ(matrix, profile.matrix.rows | profile.matrix.columns << 8 | profile.matrix.depth << 16);
    } else if (features & WEFT_ABI_VK_SUBGROUP_SHUFFLE) {
      EXPECT_TRUE(profile.subgroupsAlone);
      EXPECT_EQ(features & ~(always | WEFT_ABI_VK_SUBGROUP_SHUFFLE), 0);
      EXPECT_EQ(number(kernel, "subgroup_size"), profile.subgroup);
      EXPECT_EQ(invocations, profile.subgroup);
      EXPECT_EQ(number(kernel, "shared_bytes"), 0);
    } else {
      if (!profile.itemsOfGroup || invocations != profile.itemsOfGroup || number(kernel, "shared_bytes"))
        EXPECT_EQ(invocations, profile.invocations);
      EXPECT_EQ(number(kernel, "subgroup_size"), 0);
      EXPECT_EQ(features & ~always, 0);
      EXPECT_EQ(matrix, 0);
    }
    StringRef binary = kernel.getAs<StringAttr>("spirv").getValue();
    ASSERT_GT(binary.size(), 20u);
    EXPECT_EQ(llvm::support::endian::read32le(binary.data()), 0x07230203u);
    EXPECT_EQ(llvm::support::endian::read32le(binary.data() + 4),
              features & WEFT_ABI_VK_COOPMAT2 ? 0x00010600u : 0x00010500u);
    EXPECT_EQ(objections(binary), "");
  }
}

TEST_P(VulkanExamples, BecomeKernelsThatEveryDeviceCanRun) {
  OwningOpRef<ModuleOp> module = read();
  ASSERT_TRUE(module);
  Phase from = Phase::model;
  for (Phase to : {Phase::gpu, Phase::spirv, Phase::llvm}) {
    module = lower(std::move(module), from, to);
    ASSERT_TRUE(module) << name(to).str();
    if (to == Phase::gpu)
      expectLaunchesInEntries(*module);
    if (to == Phase::spirv)
      expectKnownKernels(*module);
    from = to;
  }
  EXPECT_EQ(genericProfile().invocations, 128);
  EXPECT_LE(genericProfile().sharedBytes, 16384);
  expectWithin(*module, genericProfile());
}

/// Types of weights that kernels for a profile are tested with: f16 where matrices multiply them, else f32, of which
/// the test above has tested the first profile; and narrow types with one profile of each way to share the work.
bool isTested(WeightType type, const GpuProfile &profile) {
  switch (type) {
  case WeightType::F32:
    return !profile.matrix && &profile != &genericProfile();
  case WeightType::F16:
    return bool(profile.matrix);
  case WeightType::BF16:
  case WeightType::Int8:
    return &profile == &genericProfile();
  case WeightType::Int4:
    return profile.subgroupsAlone && !profile.matrix;
  }
  llvm_unreachable("unknown type of weights");
}

TEST_P(VulkanExamples, KeepToEachProfile) {
  OwningOpRef<ModuleOp> model = read();
  ASSERT_TRUE(model);
  for (WeightType type : {WeightType::F32, WeightType::F16, WeightType::BF16, WeightType::Int8, WeightType::Int4}) {
    PipelineOptions options;
    options.limits = vulkanLimits();
    options.types.weights = type;
    options.to = Phase::fused;
    OwningOpRef<ModuleOp> fused = model->clone();
    ASSERT_TRUE(succeeded(runPipeline(*fused, options)));
    options.from = Phase::fused;
    options.to = Phase::llvm;
    for (const GpuProfile &profile : gpuProfiles()) {
      if (!isTested(type, profile))
        continue;
      SCOPED_TRACE(name(type).str() + " for " + profile.name.str());
      OwningOpRef<ModuleOp> module = fused->clone();
      options.limits = vulkanLimits(profile);
      ASSERT_TRUE(succeeded(runPipeline(*module, options)));
      expectWithin(*module, profile);
    }
  }
}

/// The validator in the compiler passes over modules that it cannot know.
TEST(VulkanValidator, KnowsCooperativeMatrices) {
  std::string binary;
  for (uint32_t word : {0x07230203u, 0x00010500u, 0u, 1u, 0u, 0x00020011u, 6022u}) // OpCapability CooperativeMatrixKHR
    binary.append(reinterpret_cast<const char *>(&word), sizeof word);
  if (!std::getenv("WEFT_SPIRV_VAL"))
    GTEST_SKIP()
        << "kernels with cooperative matrices are not validated: the SPIRV-Tools of Debian 12 do not know them; "
           "./dev test --vulkan-coop fetches some that do";
  EXPECT_EQ(objections(binary).find("Invalid capability operand"), std::string::npos);
}

/// Nor would it be seen if no example's attention stayed in matrices.
TEST(VulkanAttention, StaysInMatricesWhereTheProfileReducesThem) {
  DialectRegistry registry;
  registerWeft(registry);
  MLIRContext context(registry);
  auto text = llvm::MemoryBuffer::getFile(folder + "attention/heads.weft");
  std::string errors;
  llvm::raw_string_ostream stream(errors);
  for (const GpuProfile &profile : gpuProfiles()) {
    OwningOpRef<ModuleOp> module = compileModel(context, "heads", (*text)->getBuffer(), FrontendOptions(), stream);
    ASSERT_TRUE(module) << errors;
    PipelineOptions options;
    options.limits = vulkanLimits(profile);
    options.types.weights = WeightType::F16;
    options.to = Phase::llvm;
    ASSERT_TRUE(succeeded(runPipeline(*module, options)));
    auto kernels = (*module)->getAttrOfType<ArrayAttr>(contract::kernels).getAsRange<DictionaryAttr>();
    auto has = [&](int64_t feature) {
      return llvm::any_of(kernels, [&](DictionaryAttr kernel) { return number(kernel, "features") & feature; });
    };
    EXPECT_EQ(has(WEFT_ABI_VK_COOPMAT), static_cast<bool>(profile.matrix)) << profile.name.str();
    EXPECT_EQ(has(WEFT_ABI_VK_COOPMAT2), profile.reducesMatrices) << profile.name.str();
  }
}

INSTANTIATE_TEST_SUITE_P(Examples, VulkanExamples, ::testing::ValuesIn(examples()), nameOf);

} // namespace
} // namespace weft

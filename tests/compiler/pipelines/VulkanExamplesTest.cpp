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

  MLIRContext context;
};

int64_t number(DictionaryAttr kernel, StringRef name) { return kernel.getAs<IntegerAttr>(name).getInt(); }

/// Every kernel keeps to what the profile says, and to features that its devices have.
void expectWithin(ModuleOp module, const GpuProfile &profile) {
  auto kernels = module->getAttrOfType<ArrayAttr>(contract::kernels);
  ASSERT_TRUE(kernels);
  ASSERT_FALSE(kernels.empty());
  for (auto kernel : kernels.getAsRange<DictionaryAttr>()) {
    SCOPED_TRACE(kernel.getAs<StringAttr>("name").str());
    int64_t invocations = 1;
    for (auto size : kernel.getAs<ArrayAttr>("local_size").getAsRange<IntegerAttr>())
      invocations *= size.getInt();
    EXPECT_EQ(invocations, profile.invocations);
    EXPECT_LE(number(kernel, "shared_bytes"), profile.sharedBytes);
    EXPECT_EQ(number(kernel, "subgroup_size"), 0);
    int64_t known =
        WEFT_ABI_VK_INT64 | WEFT_ABI_VK_INT8 | WEFT_ABI_VK_STORAGE8 | WEFT_ABI_VK_INT64_ATOMICS | WEFT_ABI_VK_FLOAT64;
    EXPECT_EQ(number(kernel, "features") & ~known, 0);
    StringRef binary = kernel.getAs<StringAttr>("spirv").getValue();
    ASSERT_GT(binary.size(), 20u);
    EXPECT_EQ(llvm::support::endian::read32le(binary.data()), 0x07230203u);
  }
}

TEST_P(VulkanExamples, BecomeKernelsThatEveryDeviceCanRun) {
  OwningOpRef<ModuleOp> module = read();
  ASSERT_TRUE(module);
  Phase from = Phase::model;
  for (Phase to : {Phase::gpu, Phase::spirv, Phase::llvm}) {
    module = lower(std::move(module), from, to);
    ASSERT_TRUE(module) << name(to).str();
    if (to == Phase::spirv)
      expectKnownKernels(*module);
    from = to;
  }
  EXPECT_EQ(genericProfile().invocations, 128);
  EXPECT_LE(genericProfile().sharedBytes, 16384);
  expectWithin(*module, genericProfile());
}

TEST_P(VulkanExamples, KeepToEachProfile) {
  OwningOpRef<ModuleOp> model = read();
  ASSERT_TRUE(model);
  PipelineOptions options;
  options.limits = vulkanLimits();
  options.to = Phase::fused;
  ASSERT_TRUE(succeeded(runPipeline(*model, options)));
  options.from = Phase::fused;
  options.to = Phase::llvm;
  for (const GpuProfile &profile : gpuProfiles()) {
    SCOPED_TRACE(profile.name.str());
    OwningOpRef<ModuleOp> module = model->clone();
    options.limits = vulkanLimits(profile);
    ASSERT_TRUE(succeeded(runPipeline(*module, options)));
    expectWithin(*module, profile);
  }
}

INSTANTIATE_TEST_SUITE_P(Examples, VulkanExamples, ::testing::ValuesIn(examples()), nameOf);

} // namespace
} // namespace weft

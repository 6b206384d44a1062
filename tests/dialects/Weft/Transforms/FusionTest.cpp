//===- FusionTest.cpp - fusions change what is computed at once, never what is computed ---------------------------===//
// Runs each function of Inputs/*.mlir in the reference interpreter as written, and again after each pass of the fusion
// phase. The first pass after which a number differs is the one at fault.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/reference/Interpreter.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using weft::reference::Tensor;
namespace {

struct Case {
  const char *file;
  int64_t batch, sequence;
};

class Fusion : public ::testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    DialectRegistry registry;
    registry.insert<weft::WeftDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                    tensor::TensorDialect>();
    tensor::registerInferTypeOpInterfaceExternalModels(registry);
    context.appendDialectRegistry(registry);
    std::string path = std::string(WEFT_SOURCE_DIR "/tests/dialects/Weft/Transforms/Inputs/") + GetParam().file;
    module = parseSourceFile<ModuleOp>(path, &context);
    ASSERT_TRUE(module);
    makeCheckpoint();
  }
  void TearDown() override { llvm::sys::fs::remove(checkpointPath); }

  float random() { return std::uniform_real_distribution<float>(-1, 1)(generator); }

  /// Random numbers for every weight that the module names.
  void makeCheckpoint() {
    std::vector<weft::TensorToWrite> tensors;
    llvm::StringMap<std::vector<float>> values;
    module->walk([&](weft::WeightOp weight) {
      auto type = cast<RankedTensorType>(weight.getType());
      auto [entry, isNew] = values.try_emplace(weight.getName(), type.getNumElements());
      if (!isNew)
        return;
      for (float &value : entry->second)
        value = random();
      tensors.push_back({weight.getName().str(), {type.getShape().begin(), type.getShape().end()}, entry->second});
    });
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("weft-fusion", "safetensors", checkpointPath));
    ASSERT_FALSE(llvm::errorToBool(weft::writeSafetensors(checkpointPath, tensors)));
    auto opened = weft::Checkpoint::open(checkpointPath);
    ASSERT_TRUE(static_cast<bool>(opened)) << llvm::toString(opened.takeError());
    checkpoint = std::move(*opened);
  }

  /// The first run-time size of an argument is the batch, the others are the sequence's length.
  std::vector<Tensor> makeArguments(func::FuncOp function) {
    std::vector<Tensor> arguments;
    for (Type type : function.getArgumentTypes()) {
      auto tensorType = cast<RankedTensorType>(type);
      Tensor &tensor = arguments.emplace_back();
      int64_t elements = 1;
      for (auto [dim, size] : llvm::enumerate(tensorType.getShape())) {
        tensor.shape.push_back(!ShapedType::isDynamic(size) ? size : dim == 0 ? GetParam().batch : GetParam().sequence);
        elements *= tensor.shape.back();
      }
      for (int64_t i = 0; i < elements; ++i)
        tensor.values.push_back(tensorType.getElementType().isF32() ? random() : i % 20);
    }
    return arguments;
  }

  std::vector<Tensor> run(StringRef name, std::vector<Tensor> arguments) {
    auto results = weft::reference::run(module->lookupSymbol<func::FuncOp>(name), arguments,
                                        {weft::reference::Precision::F64, checkpoint.get(), {}});
    EXPECT_TRUE(static_cast<bool>(results)) << llvm::toString(results.takeError());
    return results ? std::move(*results) : std::vector<Tensor>();
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::mt19937 generator{1};
  llvm::SmallString<128> checkpointPath;
  std::unique_ptr<weft::Checkpoint> checkpoint;
};

struct Step {
  std::unique_ptr<Pass> pass;
  bool onModule = false;
};

std::vector<Step> fusions() {
  std::vector<Step> steps;
  steps.push_back({weft::createFuseAttentionPass()});
  steps.push_back({createLinalgElementwiseOpFusionPass()});
  steps.push_back({weft::createFuseGatePass()});
  steps.push_back({weft::createFuseProjectionsPass()});
  steps.push_back({weft::createPackWeightsPass()});
  steps.push_back({weft::createFuseEpiloguePass()});
  steps.push_back({weft::createFuseNormPass()});
  steps.push_back({weft::createPlaceWeightsPass(), true});
  return steps;
}

TEST_P(Fusion, KeepsEveryNumber) {
  struct Expected {
    std::string function;
    std::vector<Tensor> arguments, results;
  };
  std::vector<Expected> all;
  for (auto function : module->getOps<func::FuncOp>()) {
    std::vector<Tensor> arguments = makeArguments(function);
    all.push_back({function.getName().str(), arguments, run(function.getName(), arguments)});
  }
  for (Step &step : fusions()) {
    std::string name = step.pass->getArgument().str();
    PassManager passes(&context);
    if (step.onModule)
      passes.addPass(std::move(step.pass));
    else
      passes.addNestedPass<func::FuncOp>(std::move(step.pass));
    ASSERT_TRUE(succeeded(passes.run(*module))) << name;
    for (Expected &expected : all) {
      std::vector<Tensor> results = run(expected.function, expected.arguments);
      ASSERT_EQ(results.size(), expected.results.size()) << name;
      for (auto [result, reference] : llvm::zip_equal(results, expected.results)) {
        ASSERT_EQ(result.shape, reference.shape) << name;
        double largest = 0, error = 0;
        for (auto [a, b] : llvm::zip_equal(result.values, reference.values)) {
          largest = std::max(largest, std::abs(b));
          error = std::max(error, std::abs(a - b));
        }
        ASSERT_GT(largest, 0) << name;
        EXPECT_LE(error, 1e-12 * largest) << "after " << name << " in @" << expected.function;
      }
    }
  }
  // Had nothing been fused, all of the above would hold as well.
  module->walk([](Operation *op) { EXPECT_FALSE((isa<weft::LinearOp, weft::PackOp, weft::WeightOp>(op))); });
  module->walk([](weft::RmsNormOp norm) { EXPECT_FALSE(norm.getScale()); });
}

std::string nameOf(const ::testing::TestParamInfo<Case> &info) {
  std::string name = llvm::sys::path::stem(info.param.file).str();
  std::replace(name.begin(), name.end(), '-', '_');
  return name + "_" + std::to_string(info.param.batch) + "x" + std::to_string(info.param.sequence);
}

INSTANTIATE_TEST_SUITE_P(Models, Fusion,
                         ::testing::Values(Case{"decoder-block.mlir", 1, 1}, Case{"decoder-block.mlir", 3, 5},
                                           Case{"cross-attention.mlir", 1, 1}, Case{"cross-attention.mlir", 2, 7}),
                         nameOf);

} // namespace

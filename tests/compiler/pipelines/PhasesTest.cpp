//===- PhasesTest.cpp - the table of phases and the check after each --------------------------------------------===//
#include "compiler/pipelines/PhaseChecks.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace weft;

TEST(Phases, EveryNameLeadsBackToItsPhase) {
  for (Phase phase : allPhases())
    EXPECT_EQ(phaseNamed(name(phase)), phase);
  EXPECT_EQ(phaseNamed("object"), std::nullopt);
}

TEST(Phases, AreInTheOrderOfTheStory) {
  EXPECT_LT(Phase::model, Phase::fused);
  EXPECT_LT(Phase::fused, Phase::tiled);
  EXPECT_LT(Phase::tiled, Phase::vectorized);
  EXPECT_LT(Phase::vectorized, Phase::llvm);
  EXPECT_LT(Phase::fused, Phase::gpu);
  EXPECT_LT(Phase::gpu, Phase::spirv);
  EXPECT_LT(Phase::spirv, Phase::llvm);
}

TEST(Phases, BelongToTheirTargets) {
  for (Target target : {Target::Cpu, Target::Vulkan})
    for (Phase phase : {Phase::model, Phase::fused, Phase::llvm})
      EXPECT_TRUE(isPhaseOf(phase, target)) << name(phase).str();
  EXPECT_TRUE(isPhaseOf(Phase::tiled, Target::Cpu));
  EXPECT_FALSE(isPhaseOf(Phase::tiled, Target::Vulkan));
  EXPECT_TRUE(isPhaseOf(Phase::spirv, Target::Vulkan));
  EXPECT_FALSE(isPhaseOf(Phase::spirv, Target::Cpu));
}

TEST(Phases, LegalityNamesThePhaseAndTheOp) {
  DialectRegistry registry;
  registerWeft(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(R"(
    func.func @m(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = weft.softmax %x : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    })",
                                            &context);
  ASSERT_TRUE(module);
  EXPECT_TRUE(succeeded(checkLegality(*module, Phase::model)));
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  EXPECT_TRUE(failed(checkLegality(*module, Phase::tiled)));
  EXPECT_NE(message.find("phase 'tiled' leaked weft.softmax"), std::string::npos) << message;
}

TEST(Phases, OfAnotherTargetAreRefused) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  PipelineOptions options;
  options.to = Phase::spirv;
  EXPECT_TRUE(failed(runPipeline(*module, options)));
  EXPECT_EQ(message, "'spirv' is no phase of code for cpu");
}

TEST(Limits, KnowTheLevelsAndNoOther) {
  ASSERT_TRUE(limitsFor("x86-64-v3"));
  EXPECT_EQ(limitsFor("x86-64-v3")->lanes, 8u);
  ASSERT_TRUE(limitsFor("x86-64-v4"));
  EXPECT_EQ(limitsFor("x86-64-v4")->lanes, 16u);
  EXPECT_FALSE(limitsFor("x86-64-v4")->dots);
  ASSERT_TRUE(limitsFor("x86-64-v4-bf16"));
  EXPECT_TRUE(limitsFor("x86-64-v4-bf16")->dots);
  EXPECT_TRUE(limitsFor("native"));
  EXPECT_FALSE(limitsFor("z80"));
  // One set of packed weights serves all.
  EXPECT_EQ(limitsFor("x86-64-v3")->panel, limitsFor("x86-64-v4")->panel);
  EXPECT_EQ(limitsFor("x86-64-v4-bf16")->panel, limitsFor("x86-64-v4")->panel);
  EXPECT_EQ(limitsFor("x86-64-v3")->panel, vulkanLimits().panel);
  EXPECT_EQ(vulkanLimits().target, Target::Vulkan);
  EXPECT_EQ(vulkanLimits().profile, &genericProfile());
}

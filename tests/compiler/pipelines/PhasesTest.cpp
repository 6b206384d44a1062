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

TEST(Limits, KnowTheTwoLevelsAndNoOther) {
  ASSERT_TRUE(limitsFor("x86-64-v3"));
  EXPECT_EQ(limitsFor("x86-64-v3")->lanes, 8u);
  ASSERT_TRUE(limitsFor("x86-64-v4"));
  EXPECT_EQ(limitsFor("x86-64-v4")->lanes, 16u);
  EXPECT_TRUE(limitsFor("native"));
  EXPECT_FALSE(limitsFor("z80"));
  // One set of packed weights serves both.
  EXPECT_EQ(limitsFor("x86-64-v3")->panel, limitsFor("x86-64-v4")->panel);
}

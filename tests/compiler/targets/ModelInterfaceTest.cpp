//===- ModelInterfaceTest.cpp - contract attributes, and the C header made from them ------------------------------===//
// Answers: is a model's outside read whole, is each fault in it named, and what does a C programmer get to read?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Header.h"
#include "tests/compiler/targets/Adder.h"
#include <gmock/gmock.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ModelInterfaceTest : public test::AdderTest {
protected:
  std::string refusal(llvm::StringRef text) {
    auto module = parse(text);
    auto interface = readModelInterface(*module);
    return interface ? "accepted" : llvm::toString(interface.takeError());
  }
};

TEST_F(ModelInterfaceTest, ReadsEverything) {
  auto module = model();
  auto interface = readModelInterface(*module);
  ASSERT_TRUE(bool(interface)) << llvm::toString(interface.takeError());
  EXPECT_EQ(interface->name, "adder");
  EXPECT_EQ(interface->symbol(), "weft_module_adder");
  EXPECT_EQ(interface->weightBytes, 192u);
  EXPECT_THAT(interface->axes, ElementsAre("n"));
  ASSERT_EQ(interface->entries.size(), 2u);

  const EntryInterface &step = interface->entries[1];
  EXPECT_TRUE(step.isStep);
  EXPECT_EQ(step.context, 8);
  EXPECT_EQ(step.positionAxis, 0u);
  ASSERT_EQ(step.inputs.size(), 1u);
  ASSERT_EQ(step.caches.size(), 1u);
  EXPECT_EQ(step.inputs[0].type, ElementType::I32);
  EXPECT_EQ(step.inputs[0].sizes[0].axis, 0u);
  EXPECT_EQ(step.caches[0].name, "c");
  EXPECT_EQ(step.caches[0].sizes[1].size, 8);
}

TEST_F(ModelInterfaceTest, HeaderSaysWhatGoesInAndComesOut) {
  auto module = model();
  auto interface = readModelInterface(*module);
  ASSERT_TRUE(bool(interface));
  interface->entries[0].inputs[0].name = "x */ int y; /*";
  std::string header = cHeader(*interface, "adder.so", "x86-64-v3 and Vulkan");
  EXPECT_THAT(header, HasSubstr("compiled by Weft into adder.so,\n * for x86-64-v3 and Vulkan; see"));
  EXPECT_THAT(header, HasSubstr("extern const weft_abi_module weft_module_adder;"));
  EXPECT_THAT(header, HasSubstr("input  0  x * / int y; /*: f32 (n, width = 4)"));
  EXPECT_THAT(header, HasSubstr("weft_step: continues axis n, up to 8 positions"));
  EXPECT_THAT(header, HasSubstr("output 0  y: i32 (n)"));
}

TEST_F(ModelInterfaceTest, FaultsAreNamed) {
  EXPECT_THAT(refusal("module {}"), HasSubstr("no attribute 'weft.model'"));
  EXPECT_THAT(refusal(R"(module attributes {weft.model = "m"} {})"), HasSubstr("'weft.axes' must be an array"));
  EXPECT_THAT(refusal(R"(module attributes {weft.model = "m", weft.axes = []} {})"), HasSubstr("no entry point"));
  auto entry = [](std::string type, std::string attributes) {
    return R"(module attributes {weft.model = "m", weft.axes = ["n"]} { func.func private @f()" + type +
           ") attributes {" + attributes + "} }";
  };
  EXPECT_THAT(refusal(entry("", "weft.entry = \"loop\"")), HasSubstr("must be \"sequence\" or \"step\""));
  EXPECT_THAT(refusal(entry("", "weft.entry = \"step\"")), HasSubstr("a step needs 'weft.position_axis'"));
  EXPECT_THAT(refusal(entry("tensor<2xf32>", "weft.entry = \"sequence\"")),
              HasSubstr("entry point 'f': argument 0: it has no attribute 'weft.name'"));
  EXPECT_THAT(refusal(entry("tensor<2xf64> {weft.name = \"x\"}", "weft.entry = \"sequence\"")),
              HasSubstr("'x' has type tensor<2xf64>, but tensors of f32, i32 or i1 are needed"));
  EXPECT_THAT(refusal(entry("tensor<2xf32> {weft.name = \"x\", weft.dims = [\"seq\"], weft.axis_names = [\"\"]}",
                            "weft.entry = \"sequence\"")),
              HasSubstr("size 'seq' is neither a run-time axis of the module nor a number"));
  EXPECT_THAT(refusal(entry("tensor<2xf32> {weft.name = \"x\", weft.dims = [], weft.axis_names = []}",
                            "weft.entry = \"sequence\"")),
              HasSubstr("'x' has rank 1 and 0 sizes"));
}

} // namespace
} // namespace weft

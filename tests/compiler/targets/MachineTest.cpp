//===- MachineTest.cpp - LLVM as a back end -----------------------------------------------------------------------===//
// Answers: do plain loops become vectors of the width that a function asks for, and is a vector kernel left as it is?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Machine.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/SourceMgr.h"
#include <gmock/gmock.h>

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string optimized(llvm::StringRef text, unsigned level) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseAssemblyString(text, diagnostic, context);
  EXPECT_TRUE(module) << diagnostic.getMessage().str();
  auto machine = Machine::create(level);
  if (!module || !machine)
    return "";
  machine->prepare(*module);
  machine->optimize(*module);
  std::string result;
  llvm::raw_string_ostream(result) << *module;
  return result;
}

/// y[i] = x[i] + 1, as it comes from memref and scf.
std::string scalarLoop(llvm::StringRef cpu, llvm::StringRef width) {
  return (R"(
define void @f(ptr noalias %x, ptr noalias %y, i64 %n) #0 {
  br label %head
head:
  %i = phi i64 [ 0, %0 ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %end
body:
  %xi = getelementptr float, ptr %x, i64 %i
  %v = load float, ptr %xi
  %sum = fadd float %v, 1.0
  %yi = getelementptr float, ptr %y, i64 %i
  store float %sum, ptr %yi
  %next = add nsw i64 %i, 1
  br label %head
end:
  ret void
}
attributes #0 = { nounwind "target-cpu"=")" +
          cpu + "\" \"prefer-vector-width\"=\"" + width + "\" }\n")
      .str();
}

TEST(Machine, LoopsBecomeNativeVectors) {
  EXPECT_THAT(optimized(scalarLoop("x86-64-v4", "512"), 3), HasSubstr("fadd <16 x float>"));
  std::string v3 = optimized(scalarLoop("x86-64-v3", "256"), 3);
  EXPECT_THAT(v3, HasSubstr("fadd <8 x float>"));
  EXPECT_THAT(v3, Not(HasSubstr("<16 x float>")));
}

TEST(Machine, LevelZeroLeavesTheCode) {
  EXPECT_THAT(optimized(scalarLoop("x86-64-v4", "512"), 0), Not(HasSubstr("x float>")));
}

/// More copies of a loop that is a kernel already would fill the instruction cache.
TEST(Machine, KernelsAreNotUnrolled) {
  std::string text = optimized(R"(
define <16 x float> @f(ptr %x, i64 %n) #0 {
  br label %body
body:
  %i = phi i64 [ 0, %0 ], [ %next, %body ]
  %sum = phi <16 x float> [ zeroinitializer, %0 ], [ %add, %body ]
  %xi = getelementptr float, ptr %x, i64 %i
  %v = load <16 x float>, ptr %xi
  %add = fadd <16 x float> %sum, %v
  %next = add nuw nsw i64 %i, 16
  %more = icmp ult i64 %next, 64
  br i1 %more, label %body, label %end
end:
  ret <16 x float> %add
}
attributes #0 = { nounwind "target-cpu"="x86-64-v4" "prefer-vector-width"="512" })",
                               3);
  EXPECT_EQ(llvm::StringRef(text).count("fadd <16 x float>"), 1u) << text;
}

} // namespace
} // namespace weft

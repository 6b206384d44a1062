//===- PartitionTest.cpp - code in parts --------------------------------------------------------------------------===//
// Answers: is every function in one part, declared where others use it, and can the parts be joined again?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Partition.h"
#include "compiler/targets/Code.h"
#include "compiler/targets/Link.h"
#include "mlir/IR/Verifier.h"
#include "tests/compiler/targets/Adder.h"
#include <gmock/gmock.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PartitionTest : public test::AdderTest {
protected:
  /// f0 to f2, each `ops` multiplications long; each calls the one before it, and f0 reads a constant.
  mlir::OwningOpRef<mlir::ModuleOp> chain(int ops) {
    std::string text = "llvm.mlir.global internal constant @seven(7 : i64) : i64\n";
    for (int f = 0; f < 3; ++f) {
      text += "llvm.func internal @f" + std::to_string(f) + "(%v0: i64) -> i64 attributes {no_inline} {\n";
      for (int i = 0; i < ops; ++i)
        text += "  %v" + std::to_string(i + 1) + " = llvm.mul %v" + std::to_string(i) + ", %v0 : i64\n";
      std::string last = "%v" + std::to_string(ops);
      if (f == 0)
        text += "  %at = llvm.mlir.addressof @seven : !llvm.ptr\n  %other = llvm.load %at : !llvm.ptr -> i64\n";
      else
        text += "  %other = llvm.call @f" + std::to_string(f - 1) + "(%v0) : (i64) -> i64\n";
      text += "  %sum = llvm.add " + last + ", %other : i64\n  llvm.return %sum : i64\n}\n";
    }
    return parse(text + R"(
llvm.func @weft_run_m(%p: !llvm.ptr) {
  %v = llvm.load %p : !llvm.ptr -> i64
  %r = llvm.call @f2(%v) : (i64) -> i64
  llvm.store %r, %p : i64, !llvm.ptr
  llvm.return
}
llvm.func @weft_arena_m(%p: !llvm.ptr) -> i64 {
  %zero = llvm.mlir.constant(0 : i64) : i64
  llvm.return %zero : i64
})");
  }
  static std::vector<std::string> defined(mlir::ModuleOp part) {
    std::vector<std::string> names;
    for (auto function : part.getOps<mlir::LLVM::LLVMFuncOp>())
      if (!function.isExternal())
        names.push_back(function.getName().str());
    return names;
  }
};

TEST_F(PartitionTest, SmallModulesStayWhole) {
  auto module = chain(10);
  auto parts = partition(*module);
  ASSERT_TRUE(bool(parts));
  ASSERT_EQ(parts->size(), 1u);
  EXPECT_THAT(defined(*parts->front()), ElementsAre("f0", "f1", "f2", "weft_run_m", "weft_arena_m"));
}

TEST_F(PartitionTest, LargeOnesAreCutBetweenFunctions) {
  auto module = chain(2000);
  auto parts = partition(*module);
  ASSERT_TRUE(bool(parts));
  ASSERT_EQ(parts->size(), 4u);
  for (auto &part : *parts)
    EXPECT_TRUE(mlir::succeeded(mlir::verify(*part)));
  EXPECT_THAT(defined(*(*parts)[1]), ElementsAre("f1"));
  EXPECT_TRUE((*parts)[1]->lookupSymbol<mlir::LLVM::LLVMFuncOp>("f0").isExternal());
  EXPECT_FALSE((*parts)[1]->lookupSymbol("seven"));
  EXPECT_THAT(defined(*(*parts)[3]), ElementsAre("weft_run_m", "weft_arena_m"));
}

TEST_F(PartitionTest, OnlyCodeCanBeCut) {
  auto module = parse("func.func private @f()");
  EXPECT_THAT(llvm::toString(partition(*module).takeError()), HasSubstr("op 'func.func' is no code of phase 'llvm'"));
}

TEST_F(PartitionTest, PartsFitTogether) {
  auto module = chain(2000);
  LoweredCode lowered{{"x86-64-v3", 8, 32}, *module};
  auto code = Code::create(lowered, "a-model");
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  ASSERT_EQ(code->units(), 4u);
  auto symbols = code->entry("m");
  ASSERT_TRUE(bool(symbols)) << llvm::toString(symbols.takeError());
  EXPECT_EQ(symbols->front().run, "a_model.weft_run_m.v3");

  std::vector<std::string> objects;
  for (size_t unit = 0; unit < 4; ++unit) {
    std::error_code error;
    objects.push_back(in(std::to_string(unit) + ".o"));
    llvm::raw_fd_ostream out(objects.back(), error);
    ASSERT_FALSE(bool(code->compile(unit, 3, out)));
  }
  EXPECT_THAT(llvm::toString(code->entry("n").takeError()), HasSubstr("has no function 'weft_run_n'"));
  auto linker = findLinker();
  ASSERT_TRUE(bool(linker));
  // A library may leave nothing undefined.
  llvm::Error error = link(*linker, ArtefactKind::SharedLibrary, objects, in("all.so"), "all.so");
  EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

} // namespace
} // namespace weft

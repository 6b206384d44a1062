//===- LinkTest.cpp - linkers and how they are run ----------------------------------------------------------------===//
// Answers: is every kind of linker good for every kind of artefact, and what is said where there is none?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/Link.h"
#include "compiler/targets/Program.h"
#include "compiler/targets/WeightsObject.h"
#include "tests/compiler/checkpoint/Files.h"
#include "llvm/Support/Program.h"
#include <dlfcn.h>
#include <gmock/gmock.h>

namespace weft {
namespace {

using ::testing::HasSubstr;

class LinkTest : public test::FolderTest {
protected:
  /// An object that holds bytes and nothing else.
  std::string bytesObject(llvm::StringRef symbol, llvm::StringRef bytes) {
    std::string text;
    llvm::raw_string_ostream out(text);
    beginWeightsObject(out, bytes.size());
    out << bytes;
    endWeightsObject(out, symbol, bytes.size());
    return write((symbol + ".o").str(), text);
  }
};

TEST_F(LinkTest, SaysWhatToInstall) {
  llvm::StringRef empty = folder;
  EXPECT_THAT(llvm::toString(findLinker(empty).takeError()), HasSubstr("no linker was found: install lld-22"));
}

TEST_F(LinkTest, PrefersLld) {
  write("ld.lld", "");
  write("cc", "");
  for (const char *name : {"ld.lld", "cc"})
    ASSERT_FALSE(llvm::sys::fs::setPermissions(in(name), llvm::sys::fs::all_all));
  llvm::StringRef here = folder;
  auto linker = findLinker(here);
  ASSERT_TRUE(bool(linker));
  EXPECT_THAT(linker->path, HasSubstr("ld.lld"));
  EXPECT_FALSE(linker->isCompiler);
  ASSERT_FALSE(llvm::sys::fs::remove(in("ld.lld")));
  linker = findLinker(here);
  ASSERT_TRUE(bool(linker));
  EXPECT_TRUE(linker->isCompiler);
}

TEST_F(LinkTest, EveryLinkerMakesEveryKind) {
  std::vector<Linker> linkers;
  if (auto found = findLinker())
    linkers.push_back(*found);
  for (const char *name : {"cc", "clang-22"})
    if (auto path = llvm::sys::findProgramByName(name))
      linkers.push_back({*path, true});
  ASSERT_FALSE(linkers.empty());
  // A library needs nothing but bytes; for a program, `weft_main_module` can be any.
  std::string first = bytesObject("weft_main_module", std::string(5000, 'a')), second = bytesObject("other", "bc");
  for (const Linker &linker : linkers) {
    SCOPED_TRACE(linker.path);
    for (auto [kind, name] : {std::pair(ArtefactKind::Object, "out.o"),
                              {ArtefactKind::SharedLibrary, "out.so"},
                              {ArtefactKind::Executable, "out"}}) {
      llvm::Error error = link(linker, kind, {first, second}, in(name), name);
      EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
      EXPECT_TRUE(llvm::sys::fs::exists(in(name)));
    }
    void *library = dlopen(in("out.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_TRUE(library) << dlerror();
    EXPECT_TRUE(dlsym(library, "weft_module_load"));
    EXPECT_FALSE(dlsym(library, "other")); // hidden
    dlclose(library);
  }
}

TEST_F(LinkTest, ComplaintsOfTheLinkerAreTold) {
  auto linker = findLinker();
  ASSERT_TRUE(bool(linker));
  EXPECT_THAT(llvm::toString(link(*linker, ArtefactKind::Object, {in("absent.o")}, in("out.o"), "out.o")),
              ::testing::AllOf(HasSubstr("failed: "), HasSubstr("absent.o")));
}

TEST_F(LinkTest, ProgramsThatFailAreTold) {
  EXPECT_FALSE(bool(runProgram({"/bin/sh", "-c", "exit 0"})));
  EXPECT_EQ(llvm::toString(runProgram({"/bin/sh", "-c", "echo why >&2; exit 3"})), "sh failed: why");
  EXPECT_EQ(llvm::toString(runProgram({"/bin/sh", "-c", "kill -9 $$"})), "sh was ended by signal 9");
  EXPECT_THAT(llvm::toString(runProgram({in("absent")})), HasSubstr("absent failed: it cannot be started"));
  // More than a pipe holds.
  EXPECT_LT(llvm::toString(runProgram({"/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; exit 1"})).size(),
            3000u);
}

} // namespace
} // namespace weft

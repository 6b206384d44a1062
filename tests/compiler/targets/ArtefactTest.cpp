//===- ArtefactTest.cpp - artefacts that load and run -------------------------------------------------------------===//
// Answers: does what the compiler writes do what runtime.h and abi.h say, in each of its forms?
//===--------------------------------------------------------------------------------------------------------------===//
#include "runtime/include/weft/abi.h"
#include "runtime/include/weft/runtime.h"
#include "tests/compiler/targets/Adder.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Program.h"
#include <csignal>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ArtefactTest : public test::AdderTest {
protected:
  PackageOptions options(llvm::StringRef output, llvm::StringRef weights = "") {
    PackageOptions options;
    options.output = in(output);
    options.weightsOut = weights.empty() ? "" : in(weights);
    return options;
  }
  void make(llvm::StringRef output, llvm::StringRef weights = "") {
    llvm::Error error = write(options(output, weights));
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  }
  std::string refusal(const PackageOptions &options) { return llvm::toString(write(options)); }

  /// Runs a program through the shell; what it printed.
  std::string output(const std::string &command) {
    FILE *pipe = popen((command + " 2>&1").c_str(), "r");
    std::string text;
    char piece[256];
    while (size_t count = fread(piece, 1, sizeof(piece), pipe))
      text.append(piece, count);
    int status = pclose(pipe);
    return text + (status ? "exit " + std::to_string(WEXITSTATUS(status)) : "");
  }
};

/// The functions of the runtime that a library carries.
struct Library {
  explicit Library(const std::string &path) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle)
      ADD_FAILURE() << dlerror();
  }
  ~Library() {
    if (handle)
      dlclose(handle);
  }
  template <typename T> T *get(const char *name) {
    T *found = reinterpret_cast<T *>(dlsym(handle, name));
    EXPECT_TRUE(found) << name;
    return found;
  }
  void *handle;
};

/// add(x) through runtime.h.
void expectSums(Library &library, const weft_abi_module *descriptor, weft_load_options options) {
  weft_error error = {};
  weft_module *module;
  weft_context *context;
  ASSERT_EQ(library.get<decltype(weft_module_from_descriptor)>("weft_module_from_descriptor")(descriptor, &options,
                                                                                              &module, &error),
            WEFT_OK)
      << error.message;
  ASSERT_EQ(library.get<decltype(weft_context_create)>("weft_context_create")(module, nullptr, &context, &error),
            WEFT_OK)
      << error.message;
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  weft_view input = {x, WEFT_F32, 2, {2, 4}};
  ASSERT_EQ(library.get<decltype(weft_run)>("weft_run")(context, &input, 1, nullptr, 0, &error), WEFT_OK)
      << error.message;
  weft_view output = library.get<decltype(weft_output)>("weft_output")(context, 0);
  ASSERT_EQ(output.rank, 2);
  EXPECT_THAT(llvm::ArrayRef(static_cast<float *>(output.data), 8), ElementsAre(11, 22, 33, 44, 15, 26, 37, 48));
  library.get<decltype(weft_context_destroy)>("weft_context_destroy")(context);
  library.get<decltype(weft_module_destroy)>("weft_module_destroy")(module);
}

TEST_F(ArtefactTest, LibraryDescribesItself) {
  make("adder.so");
  EXPECT_THAT(names(), ElementsAre("adder.h", "adder.safetensors", "adder.so"));
  Library library(in("adder.so"));
  auto *module = library.get<const weft_abi_module>("weft_module_adder");
  ASSERT_TRUE(module);
  EXPECT_EQ(*library.get<const weft_abi_module *const>("weft_module_descriptor"), module);

  EXPECT_EQ(module->magic, WEFT_ABI_MAGIC);
  EXPECT_EQ(module->version, WEFT_ABI_VERSION);
  EXPECT_STREQ(module->name, "adder");
  ASSERT_EQ(module->axes, 1u);
  EXPECT_STREQ(module->axis[0].name, "n");
  EXPECT_EQ(module->weights_bytes, 192u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(module->weights) % 4096, 0u);
  EXPECT_EQ(static_cast<const float *>(module->weights)[3], 40);
  EXPECT_EQ(module->weights_file, nullptr);
  ASSERT_EQ(module->label_count, 2u);
  EXPECT_STREQ(module->labels[1], "ids");

  ASSERT_EQ(module->entries, 2u);
  const weft_abi_entry &add = module->entry[0], &step = module->entry[1];
  EXPECT_STREQ(add.name, "add");
  EXPECT_EQ(add.kind, unsigned(WEFT_ABI_SEQUENCE));
  EXPECT_EQ(add.position_axis, -1);
  ASSERT_EQ(add.codes, 2u);
  EXPECT_EQ(add.code[0].cpu_level, unsigned(WEFT_ABI_CPU_V3));
  EXPECT_EQ(add.code[1].cpu_level, unsigned(WEFT_ABI_CPU_V4));
  EXPECT_EQ(add.code[0].arena(nullptr), 64);

  EXPECT_EQ(step.kind, unsigned(WEFT_ABI_STEP));
  EXPECT_EQ(step.position_axis, 0);
  EXPECT_EQ(step.context, 8);
  ASSERT_EQ(step.inputs + step.caches + step.outputs, 3u);
  const weft_abi_tensor &cache = step.tensors[1];
  EXPECT_STREQ(cache.name, "c");
  EXPECT_EQ(cache.type, unsigned(WEFT_ABI_F32));
  ASSERT_EQ(cache.rank, 2u);
  EXPECT_EQ(cache.dims[1].axis, -1);
  EXPECT_EQ(cache.dims[1].size, 8);
  EXPECT_STREQ(cache.axis_names[0], "");
  EXPECT_STREQ(cache.axis_names[1], "n");
}

TEST_F(ArtefactTest, HoldsCodeForGpusWithItsKernels) {
  auto fused = model(), v4 = code(), gpu = gpuCode();
  LoweredCode codes[] = {{vulkanLimits(), *gpu}, {*limitsFor("x86-64-v4"), *v4}};
  PackageOptions options;
  options.output = in("adder.so");
  ASSERT_FALSE(bool(writeArtefact(*fused, codes, checkpoint.get(), options)));
  Library library(in("adder.so"));
  auto *module = library.get<const weft_abi_module>("weft_module_adder");
  ASSERT_TRUE(module);
  for (unsigned i : {0, 1}) {
    const weft_abi_entry &entry = module->entry[i];
    ASSERT_EQ(entry.codes, 2u);
    EXPECT_EQ(entry.code[0].device, unsigned(WEFT_ABI_DEVICE_CPU)) << "code for CPUs comes first";
    EXPECT_EQ(entry.code[0].kernels, 0u);
    const weft_abi_code &host = entry.code[1];
    EXPECT_EQ(host.device, unsigned(WEFT_ABI_DEVICE_VULKAN));
    EXPECT_EQ(host.cpu_level, 0u);
    EXPECT_EQ(host.arena(nullptr), 32);
    ASSERT_EQ(host.kernels, 2u);
    EXPECT_EQ(host.kernel, module->entry[0].code[1].kernel) << "one table for both";
    const weft_abi_kernel &rows = host.kernel[0], &copy = host.kernel[1];
    EXPECT_STREQ(rows.name, "rows");
    ASSERT_EQ(rows.words, 3u);
    EXPECT_EQ(rows.spirv[0], 0x07230203u);
    EXPECT_EQ(rows.spirv[2], 0x04030201u);
    EXPECT_THAT(rows.local_size, ElementsAre(64, 2, 1));
    EXPECT_EQ(rows.shared_bytes, 1024u);
    EXPECT_EQ(rows.features, 3u);
    EXPECT_EQ(copy.words, 1u);
    EXPECT_EQ(copy.subgroup_size, 32u);
  }
  EXPECT_NE(read("adder.h").find(" * for Vulkan and x86-64-v4; see"), std::string::npos) << read("adder.h");
}

TEST_F(ArtefactTest, KernelsMustSayWhatTheyNeed) {
  const std::pair<const char *, const char *> cases[] = {
      {R"([{name = "rows", local_size = [1, 1, 1], spirv = "12345678"}])", "kernel 'rows' does not say what it needs"},
      {R"([{name = "rows", local_size = [1, 1], spirv = "12345678"}])",
       "'weft.kernels' holds a kernel without a name, a size or words"},
      {R"([{name = "rows", local_size = [1, 1, 1], spirv = "123"}])",
       "'weft.kernels' holds a kernel without a name, a size or words"}};
  for (auto [kernels, message] : cases) {
    auto fused = model(), gpu = gpuCode(kernels);
    LoweredCode codes[] = {{vulkanLimits(), *gpu}};
    PackageOptions options;
    options.output = in("adder.so");
    EXPECT_EQ(llvm::toString(writeArtefact(*fused, codes, checkpoint.get(), options)), message);
    EXPECT_THAT(names(), ElementsAre("adder.safetensors"));
  }
}

TEST_F(ArtefactTest, LibraryRuns) {
  make("adder.so");
  Library library(in("adder.so"));
  weft_load_options load = {};
  load.verify_weights = 1;
  load.cpu_level = 3;
  expectSums(library, library.get<const weft_abi_module>("weft_module_adder"), load);
}

TEST_F(ArtefactTest, WeightsLieBesideIt) {
  ASSERT_FALSE(llvm::sys::fs::create_directory(in("data")));
  make("adder.so", "data/adder.weights");
  EXPECT_EQ(read("data/adder.weights").size(), 192u);
  // Both may move together.
  ASSERT_FALSE(llvm::sys::fs::create_directory(in("moved")));
  for (const char *name : {"adder.so", "data"})
    ASSERT_FALSE(llvm::sys::fs::rename(in(name), in(std::string("moved/") + name)));
  Library library(in("moved/adder.so"));
  auto *module = library.get<const weft_abi_module>("weft_module_adder");
  EXPECT_EQ(module->weights, nullptr);
  EXPECT_STREQ(module->weights_file, "data/adder.weights");
  weft_load_options load = {};
  load.verify_weights = 1;
  expectSums(library, module, load);
}

TEST_F(ArtefactTest, ProgramRunsAndNeedsLibcAndLibmAtMost) {
  make("adder");
  EXPECT_THAT(names(), ElementsAre("adder", "adder.safetensors"));
  EXPECT_THAT(output(in("adder") + " --info --verify-weights"), HasSubstr("adder: 192 bytes of weights"));
  std::string listed = output("ldd " + in("adder"));
  for (llvm::StringRef line : llvm::split(llvm::StringRef(listed).trim(), '\n'))
    EXPECT_TRUE(line.contains("libc.so.6") || line.contains("libm.so.6") || line.contains("linux-vdso") ||
                line.contains("ld-linux"))
        << line.str();
  struct stat status;
  ASSERT_EQ(stat(in("adder").c_str(), &status), 0);
  EXPECT_TRUE(status.st_mode & S_IXUSR);
}

TEST_F(ArtefactTest, ObjectLinksIntoAProgram) {
  auto compiler = llvm::sys::findProgramByName("cc");
  if (!compiler)
    GTEST_SKIP() << "there is no cc to link the program with";
  for (const char *weights : {"", "adder.weights"}) {
    make("adder.o", weights);
    FolderTest::write("main.c", R"(#include "adder.h"
#include <stdio.h>
int main(void) {
  weft_error error;
  weft_module *module;
  weft_load_options options = {.verify_weights = 1};
  if (weft_module_from_descriptor(&weft_module_adder, &options, &module, &error)) return puts(error.message), 1;
  puts(weft_module_name(module));
  weft_module_destroy(module);
})");
    EXPECT_EQ(output(*compiler + " -I" WEFT_SOURCE_DIR "/runtime/include -o " + in("program") + " " + in("main.c") +
                     " " + in("adder.o") + " " WEFT_BINARY_DIR "/lib/libweft_runtime.a && " + in("program")),
              "adder\n");
  }
}

/// Two models in one program must not meet: an object defines its descriptor, and beside it hidden names with the
/// model's own in them.
TEST_F(ArtefactTest, ObjectKeepsItsNamesToItself) {
  make("adder.o");
  auto binary = llvm::object::ObjectFile::createObjectFile(in("adder.o"));
  ASSERT_TRUE(bool(binary)) << llvm::toString(binary.takeError());
  for (const llvm::object::SymbolRef &symbol : binary->getBinary()->symbols()) {
    uint32_t flags = llvm::cantFail(symbol.getFlags());
    if (!(flags & llvm::object::SymbolRef::SF_Global) || (flags & llvm::object::SymbolRef::SF_Undefined))
      continue;
    std::string name = llvm::cantFail(symbol.getName()).str();
    bool hidden = llvm::object::ELFSymbolRef(symbol).getOther() == llvm::ELF::STV_HIDDEN;
    EXPECT_EQ(hidden, name != "weft_module_adder") << name;
    EXPECT_THAT(name, HasSubstr("adder"));
  }
}

TEST_F(ArtefactTest, SameInputsGiveTheSameBytes) {
  for (const char *name : {"adder.so", "adder.o", "adder"}) {
    make(name);
    std::string first = read(name);
    make(name);
    EXPECT_EQ(read(name), first) << name;
  }
}

TEST_F(ArtefactTest, NothingIsLeftOfWhatFails) {
  FolderTest::write("adder.so", "old");
  PackageOptions packaging = options("adder.so");
  auto fused = model(), lowered = code();
  LoweredCode known{{"x86-64-v3", 8, 32}, *lowered}, unknown{{"i386", 1, 1}, *lowered};
  auto failure = [&](std::vector<LoweredCode> codes) {
    return llvm::toString(writeArtefact(*fused, codes, checkpoint.get(), packaging));
  };
  EXPECT_THAT(failure({unknown}),
              HasSubstr("there is no code for CPU 'i386'; allowed are x86-64-v3, x86-64-v4 and x86-64-v4-bf16"));
  EXPECT_THAT(failure({known, known}), HasSubstr("two pieces of code for x86-64-v3"));
  lowered->lookupSymbol("weft_run_add_step")->erase();
  EXPECT_THAT(failure({known}), HasSubstr("the code for x86-64-v3 has no function 'weft_run_add_step'"));
  EXPECT_EQ(read("adder.so"), "old");
  EXPECT_THAT(names(), ElementsAre("adder.safetensors", "adder.so"));
}

/// Interrupted at any point, alone (as by `kill`), the compiler leaves the old artefact or the new one, and no
/// temporary; nor does its linker, which ends a moment after it.
TEST_F(ArtefactTest, InterruptsLeaveNoHalves) {
  make("adder.so");
  std::string whole = read("adder.so");
  for (int delay = 0; delay < 200; delay += 12) {
    FolderTest::write("adder.so", "old");
    pid_t child = fork();
    if (child == 0) {
      llvm::consumeError(write(options("adder.so")));
      _exit(0);
    }
    usleep(delay * 1000);
    kill(child, SIGINT);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) || WTERMSIG(status) == SIGINT) << status;
    std::vector<std::string> wanted = {"adder.h", "adder.safetensors", "adder.so"};
    for (int wait = 0; wait < 200 && names() != wanted; ++wait)
      usleep(10'000);
    EXPECT_EQ(names(), wanted) << "after " << delay << " ms";
    std::string now = read("adder.so");
    EXPECT_TRUE(now == "old" || now == whole) << "after " << delay << " ms";
  }
}

TEST_F(ArtefactTest, OutputsThatCannotBeAreRefused) {
  EXPECT_THAT(refusal(options("")), HasSubstr("it is a directory"));
  EXPECT_THAT(refusal(options("absent/adder")), HasSubstr("does not exist"));
  EXPECT_THAT(refusal(options("adder.safetensors")), HasSubstr("it is the checkpoint that is read"));
  EXPECT_THAT(refusal(options("adder.so", "adder.so")), HasSubstr("two outputs have this name"));
  EXPECT_THAT(refusal(options("adder.so", "adder.h")), HasSubstr("two outputs have this name"));
  PackageOptions full;
  full.output = "/dev/full";
  EXPECT_THAT(refusal(full), HasSubstr("No space left on device"));
  EXPECT_THAT(names(), ElementsAre("adder.safetensors"));
}

TEST_F(ArtefactTest, HugeWeightsMustLieBesideIt) {
  auto fused = model(R"([{offset = 0 : i64, kind = "plain", weights = ["w"], shapes = [[4]]}])", 1'500'000'064);
  auto lowered = code();
  LoweredCode codes[] = {{{"x86-64-v3", 8, 32}, *lowered}};
  EXPECT_THAT(llvm::toString(writeArtefact(*fused, codes, checkpoint.get(), options("adder"))),
              HasSubstr("1500000064 bytes of weights are too many to lie inside an artefact (1500000000 at most); let "
                        "them lie beside it with --weights-out FILE"));
}

} // namespace
} // namespace weft

//===- LibraryTest.cpp - can a program with its own copy of the runtime use a compiled library? -------------------===//
// The library libweft_toy.so holds a copy too; its code must run on this program's threads and report to its contexts.
//===--------------------------------------------------------------------------------------------------------------===//
#include "tests/runtime/support.h"
#include <dlfcn.h>
#include <gmock/gmock.h>

using namespace weft_test;

namespace {

weft_status loadLibrary(const std::string &path, Module &module, weft_error &error) {
  weft_module *raw = nullptr;
  weft_status status = weft_module_load(path.c_str(), nullptr, &raw, &error);
  module.reset(raw);
  return status;
}

TEST(Library, RunsAndFindsItsWeights) {
  Module module;
  weft_error error{};
  ASSERT_EQ(loadLibrary(artefact("libweft_toy.so"), module, error), WEFT_OK) << error.message;
  std::vector<int32_t> tokens = someTokens(40);
  for (int threads : {1, 3}) {
    Context context = open(module, threads);
    weft_view input = view(tokens, {2, 20});
    ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK) << error.message;
    EXPECT_EQ(floats(weft_output(context.get(), 0)), toyLogits(tokens, 2, 20));
  }
}

TEST(Library, ReportsReachTheContextThatRuns) {
  Module module;
  weft_error error{};
  ASSERT_EQ(loadLibrary(artefact("libweft_toy.so"), module, error), WEFT_OK) << error.message;
  for (int threads : {1, 2}) {
    Context context = open(module, threads);
    weft_view input = view({1, 300}, {2, 1});
    std::vector<int32_t> tokens = {1, 300};
    input.data = tokens.data();
    ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_BAD_INPUT) << threads << " threads";
    EXPECT_STREQ(error.message, "tokens[1, 0] is 300, which is not in 0 .. 255");
  }
}

TEST(Library, MayBeLoadedTwice) {
  Module first, second;
  weft_error error{};
  ASSERT_EQ(loadLibrary(artefact("libweft_toy.so"), first, error), WEFT_OK) << error.message;
  ASSERT_EQ(loadLibrary(artefact("libweft_toy.so"), second, error), WEFT_OK) << error.message;
  first.reset();
  EXPECT_STREQ(weft_module_name(second.get()), "toy");
}

// As for a library that is linked to the program, where the descriptor is all that is known.
TEST(Library, MayBeUsedThroughItsDescriptor) {
  void *library = dlopen(artefact("libweft_toy.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  {
    Module module = load(*static_cast<const weft_abi_module *>(dlsym(library, "weft_module_toy")));
    Context context = open(module, 2);
    std::vector<int32_t> tokens = {1, 300};
    weft_view input = view(tokens, {2, 1});
    weft_error error{};
    EXPECT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_BAD_INPUT) << "the report was lost";
  }
  dlclose(library);
}

TEST(Library, DispatchesThroughTheCopyThatRunsIt) {
  if (std::string reason = missingDevice("vulkan"); !reason.empty())
    GTEST_SKIP() << reason;
  weft_load_options options{};
  options.device = "vulkan";
  weft_module *loaded = nullptr;
  weft_error error{};
  ASSERT_EQ(weft_module_load(artefact("libweft_toy.so").c_str(), &options, &loaded, &error), WEFT_OK) << error.message;
  Module module(loaded);
  Context context = open(module);
  std::vector<int32_t> tokens = someTokens(6);
  weft_view input = view(tokens, {2, 3});
  ASSERT_EQ(weft_run(context.get(), &input, 1, nullptr, 0, &error), WEFT_OK) << error.message;
  EXPECT_EQ(floats(weft_output(context.get(), 0)), toyLogits(tokens, 2, 3));
}

// As ctypes and the like use it: through the API that the library itself exports, while this program's copy uses it
// too.
TEST(Library, CanBeUsedThroughItsOwnRuntime) {
  Module bound;
  weft_error error{};
  ASSERT_EQ(loadLibrary(artefact("libweft_toy.so"), bound, error), WEFT_OK) << error.message;
  void *library = dlopen(artefact("libweft_toy.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  auto load = reinterpret_cast<decltype(&weft_module_load)>(dlsym(library, "weft_module_load"));
  auto create = reinterpret_cast<decltype(&weft_context_create)>(dlsym(library, "weft_context_create"));
  auto run = reinterpret_cast<decltype(&weft_run)>(dlsym(library, "weft_run"));
  auto output = reinterpret_cast<decltype(&weft_output)>(dlsym(library, "weft_output"));
  auto destroyContext = reinterpret_cast<decltype(&weft_context_destroy)>(dlsym(library, "weft_context_destroy"));
  auto destroyModule = reinterpret_cast<decltype(&weft_module_destroy)>(dlsym(library, "weft_module_destroy"));
  ASSERT_TRUE(load && create && run && output && destroyContext && destroyModule);
  ASSERT_NE(load, &weft_module_load) << "the program's own copy was found";

  weft_module *module = nullptr;
  weft_context *context = nullptr;
  weft_context_options options{2};
  ASSERT_EQ(load(artefact("libweft_toy.so").c_str(), nullptr, &module, &error), WEFT_OK) << error.message;
  ASSERT_EQ(create(module, &options, &context, &error), WEFT_OK) << error.message;
  std::vector<int32_t> tokens = someTokens(40);
  weft_view input = view(tokens, {2, 20});
  ASSERT_EQ(run(context, &input, 1, nullptr, 0, &error), WEFT_OK) << error.message;
  EXPECT_EQ(floats(output(context, 0)), toyLogits(tokens, 2, 20));
  tokens[0] = -1;
  EXPECT_EQ(run(context, &input, 1, nullptr, 0, &error), WEFT_BAD_INPUT);
  destroyContext(context);
  destroyModule(module);
  dlclose(library);
}

TEST(Library, IsBoundToOneOtherCopyOnly) {
  void *library = dlopen(artefact("libweft_toy.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  auto bind = reinterpret_cast<decltype(&weft_runtime_bind)>(dlsym(library, "weft_runtime_bind"));
  static const weft_abi_services other = {WEFT_ABI_VERSION, 0, nullptr, nullptr, nullptr},
                                 old = {0, 0, nullptr, nullptr, nullptr};
  EXPECT_FALSE(bind(&old));
  Module module;
  weft_error error{};
  ASSERT_EQ(loadLibrary(artefact("libweft_toy.so"), module, error), WEFT_OK) << error.message;
  EXPECT_FALSE(bind(&other));
  dlclose(library);
}

TEST(Library, WhatIsNoModelIsRefused) {
  Folder folder;
  Module module;
  weft_error error{};
  EXPECT_EQ(loadLibrary(folder / "none.so", module, error), WEFT_BAD_MODULE);
  EXPECT_EQ(std::string(error.message), "there is no file '" + (folder / "none.so") + "'");
  writeFile(folder / "text.so", "not a library");
  EXPECT_EQ(loadLibrary(folder / "text.so", module, error), WEFT_BAD_MODULE);
  EXPECT_NE(std::string(error.message).find("cannot be loaded"), std::string::npos) << error.message;
  EXPECT_EQ(loadLibrary("libm.so.6", module, error), WEFT_BAD_MODULE) << "a name is a path here, not a search";
  Dl_info info;
  ASSERT_TRUE(dladdr(reinterpret_cast<void *>(&malloc), &info));
  EXPECT_EQ(loadLibrary(info.dli_fname, module, error), WEFT_BAD_MODULE);
  EXPECT_NE(std::string(error.message).find("is no compiled model"), std::string::npos) << error.message;
}

TEST(Library, NeedsLibcAndLibmAlone) {
  for (const char *name : {"libweft_toy.so", "weft_toy"}) {
    Outcome needed = run("readelf -d '" + artefact(name) + "' | grep NEEDED");
    EXPECT_EQ(needed.code, 0);
    std::istringstream lines(needed.out);
    for (std::string line; std::getline(lines, line);) // ld-linux is the part of libc that starts programs
      EXPECT_THAT(line, testing::ContainsRegex("\\[(libc|libm|ld-linux)[.-]")) << name;
  }
}

} // namespace

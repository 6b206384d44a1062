//===- MalformedTest.cpp - the collection of malformed files ------------------------------------------------------===//
// Answers: does every safetensors file of ../shared/data/malformed get the answer that its manifest wants?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "llvm/ADT/StringExtras.h"
#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace weft {
namespace {

TEST(Malformed, EveryFileGetsTheWantedAnswer) {
  std::string folder = WEFT_SOURCE_DIR "/../shared/data/malformed/";
  std::ifstream stream(folder + "manifest.json");
  if (!stream)
    GTEST_SKIP() << "the collection lies in " << folder << ", which is not here";
  auto manifest = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
  ASSERT_FALSE(manifest.is_discarded());

  int files = 0;
  for (const auto &entry : manifest["files"]) {
    if (entry["format"] != "safetensors")
      continue;
    ++files;
    std::string path = folder + entry["file"].get<std::string>(), expected = entry["expect"];
    SCOPED_TRACE(path);
    auto begin = std::chrono::steady_clock::now();
    auto checkpoint = Checkpoint::open(path);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    if (checkpoint) {
      EXPECT_NE(expected, "reject");
      continue;
    }
    std::string message = llvm::toString(checkpoint.takeError());
    EXPECT_NE(expected, "accept") << message;
    EXPECT_NE(message.find(entry["error_should_mention"]), std::string::npos) << message;
    EXPECT_TRUE(llvm::all_of(message, llvm::isPrint)) << message;
    EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
  }
  EXPECT_GT(files, 0);
}

} // namespace
} // namespace weft

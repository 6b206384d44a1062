//===- ExamplesTest.cpp - every example, at every phase -----------------------------------------------------------===//
// Answers: is each phase of each example there, can it be read again, and does its IR still know the text it came from?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Parser/Parser.h"
#include "tests/models/Tool.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace weft::test {
namespace {

std::vector<std::string> examples() {
  std::vector<std::string> found;
  std::error_code error;
  for (llvm::sys::fs::recursive_directory_iterator i(example(""), error), end; i != end && !error; i.increment(error))
    if (llvm::sys::path::extension(i->path()) == ".weft")
      found.push_back(i->path());
  std::sort(found.begin(), found.end());
  return found;
}

/// A place in a file, and what is there.
struct Place {
  std::string name; ///< of what the op was made for; empty where the location has none
  FileLineColLoc file;
};

std::optional<Place> placeOf(Location location) {
  std::optional<Place> place;
  location->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner))
      if (auto file = dyn_cast<FileLineColLoc>(named.getChildLoc())) {
        place = {named.getName().str(), file};
        return WalkResult::interrupt();
      }
    if (auto file = dyn_cast<FileLineColLoc>(inner))
      place = {"", file};
    return WalkResult::advance();
  });
  return place;
}

/// An example, and the level that it is lowered for.
using Parameter = std::tuple<std::string, int>;

std::string exampleName(const Parameter &parameter) {
  llvm::StringRef path = std::get<0>(parameter);
  path.consume_front(example(""));
  path.consume_back(".weft");
  std::string name = path.str();
  std::replace_if(name.begin(), name.end(), [](char c) { return !llvm::isAlnum(c); }, '_');
  // What is true for one level is mostly true for the other.
  return name + (std::get<1>(parameter) == 4 ? "_v4" : "_v3_slow");
}

class ExamplesTest : public ::testing::TestWithParam<Parameter> {
protected:
  ExamplesTest() : scratch("phases." + exampleName(GetParam())), context(registry()) {
    llvm::StringRef(text).split(lines, '\n');
  }

  static DialectRegistry registry() {
    DialectRegistry registry;
    registerWeft(registry);
    return registry;
  }

  std::string dump(Phase phase) const {
    auto isBefore = [&](Phase other) { return other <= phase && isPhaseOf(other, Target::Cpu); };
    return scratch(std::to_string(llvm::count_if(allPhases(), isBefore)) + "-" + name(phase).str() + ".mlir");
  }

  /// The text of the example from a place on; empty where that is not in it.
  llvm::StringRef textAt(FileLineColLoc place) const {
    if (place.getFilename() != file || place.getLine() < 1 || place.getLine() > lines.size())
      return "";
    llvm::StringRef line = lines[place.getLine() - 1];
    return place.getColumn() < 1 ? "" : line.drop_front(std::min<size_t>(place.getColumn() - 1, line.size()));
  }

  /// Every op of `model` is where its text is.
  void expectPlaces(ModuleOp module) {
    unsigned checked = 0;
    module->walk<WalkOrder::PreOrder>([&](Operation *op) {
      std::optional<Place> place = placeOf(op->getLoc());
      llvm::StringRef text = place ? textAt(place->file) : "";
      std::string shown;
      llvm::raw_string_ostream(shown) << op->getName() << " at " << op->getLoc();
      EXPECT_FALSE(text.empty()) << shown;
      ++checked;
      // What a model names itself is pointed at exactly: a weight at the quoted end of its name, an op at its own.
      if (auto weight = dyn_cast<WeightOp>(op)) {
        EXPECT_TRUE(text.consume_front("\"")) << shown << " points at " << text.str();
        EXPECT_TRUE(weight.getName().contains(text.take_until([](char c) { return c == '"' || c == '{'; })))
            << shown << " points at " << text.str();
      } else if (isa<LookupOp, LinearOp, LayerNormOp, RmsNormOp, RotaryOp, SoftmaxOp, AttentionOp, CacheOp>(op)) {
        EXPECT_TRUE(place && text.starts_with(place->name)) << shown << " points at " << text.str();
      }
      // What a fill or a transpose does is not in the file; the parser makes it anew, without a place.
      return isa<linalg::FillOp, linalg::TransposeOp>(op) ? WalkResult::skip() : WalkResult::advance();
    });
    EXPECT_GT(checked, 0u);
  }

  /// Every function of a later phase still has ops of the example.
  void expectSomePlaces(ModuleOp module, Phase phase) {
    module->walk([&](FunctionOpInterface function) {
      if (function.isExternal())
        return;
      bool known = false;
      function->walk([&](Operation *op) {
        std::optional<Place> place = op == function ? std::nullopt : placeOf(op->getLoc());
        known |= place && !textAt(place->file).empty();
      });
      EXPECT_TRUE(known) << name(phase).str() << ": no op of '" << function.getName().str() << "' has a place";
    });
  }

  std::string file = std::get<0>(GetParam()), text = contents(file);
  llvm::SmallVector<llvm::StringRef> lines;
  Scratch scratch;
  MLIRContext context;
};

TEST_P(ExamplesTest, CanBeReadAgainAtEveryPhaseAndKnowsItsText) {
  std::string cpu = "x86-64-v" + std::to_string(std::get<1>(GetParam()));
  ASSERT_TRUE(weft({"inspect", file, "--cpu", cpu, "--dump-phases", scratch("")}));
  for (Phase phase : allPhases()) {
    if (!isPhaseOf(phase, Target::Cpu))
      continue;
    SCOPED_TRACE(dump(phase));
    Finished finished = tool("weft-opt", {dump(phase), "-o", "/dev/null"});
    EXPECT_EQ(finished.code, 0) << finished.errors;
    auto module = parseSourceFile<ModuleOp>(dump(phase), &context);
    ASSERT_TRUE(module);
    if (phase == Phase::model)
      expectPlaces(*module);
    expectSomePlaces(*module, phase);
  }
}

INSTANTIATE_TEST_SUITE_P(Phases, ExamplesTest,
                         ::testing::Combine(::testing::ValuesIn(examples()), ::testing::Values(4, 3)),
                         [](const auto &info) { return exampleName(info.param); });

} // namespace
} // namespace weft::test

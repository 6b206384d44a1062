//===- DocumentationTest.cpp - is what docs/language.md says true? ------------------------------------------------===//
// Answers: does every fenced example compile, and is every word, function and formula of the language described?
//===--------------------------------------------------------------------------------------------------------------===//
#include "Compile.h"
#include "compiler/frontend/Parser.h"
#include "compiler/frontend/Program.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace weft;
using namespace weft::test;

namespace {

TEST(LanguageDocumentation, EveryExampleCompiles) {
  std::string page = readSource("docs/language.md");
  llvm::StringRef rest = page;
  unsigned examples = 0;
  for (size_t at = rest.find("```weft\n"); at != llvm::StringRef::npos; at = rest.find("```weft\n")) {
    size_t line = llvm::StringRef(page).drop_back(rest.size() - at).count('\n') + 2;
    rest = rest.substr(at + 8);
    llvm::StringRef example = rest.take_front(rest.find("```"));
    Compiled compiled = compile(example);
    EXPECT_TRUE(compiled.module) << "docs/language.md:" << line << "\n" << compiled.messages;
    EXPECT_EQ(compiled.messages, "") << "docs/language.md:" << line;
    rest = rest.substr(example.size() + 3);
    ++examples;
  }
  EXPECT_GE(examples, 15u);
}

// Their text and that of the page are compared by the test of what docs/generate.py writes.
TEST(AttentionDocumentation, EveryExampleIsShown) {
  std::string page = readSource("docs/attention.md");
  unsigned examples = 0;
  std::error_code failure;
  for (llvm::sys::fs::directory_iterator it(WEFT_SOURCE_DIR "/examples/attention", failure), end; it != end && !failure;
       it.increment(failure), ++examples) {
    std::string name = llvm::sys::path::filename(it->path()).str();
    EXPECT_NE(page.find("examples/attention/" + name + " -->\n```weft\n"), std::string::npos) << name;
  }
  EXPECT_GE(examples, 14u);
}

TEST(LanguageDocumentation, NothingIsLeftOut) {
  std::string page = readSource("docs/language.md");
  auto mentioned = [&](llvm::StringRef word) {
    EXPECT_NE(page.find(("`" + word).str()), std::string::npos) << word.str() << " is not described";
  };
#define KEYWORD(word) mentioned(#word);
#include "compiler/frontend/Tokens.def"
#define BUILTIN(name, usage) mentioned(#name);
#define MATH(name, arity, formula, description) mentioned(#name);
#define REDUCTION(name, description) mentioned(#name);
#define LATER(name) mentioned(#name);
#include "compiler/frontend/Builtins.def"
  frontend::Source prelude("std.weft", frontend::preludeText());
  frontend::Diagnostics diagnostics(1);
  frontend::Ast ast;
  frontend::Parser(prelude, diagnostics).parseFile(ast);
  EXPECT_GT(ast.formulas.size(), 10u);
  for (const frontend::FormulaDecl &formula : ast.formulas)
    mentioned(formula.name.text);
}

} // namespace

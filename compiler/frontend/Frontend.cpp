//===- Frontend.cpp - from the text of a model to IR --------------------------------------------------------------===//
// Answers: in which order do the stages of the front end run, and when does one not run because of another's errors?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Elaborator.h"
#include "compiler/frontend/Emitter.h"
#include "compiler/frontend/Parser.h"

using namespace mlir;
using namespace weft;
using namespace weft::frontend;

static void parse(const Source &source, Diagnostics &diagnostics, Ast &ast) {
  Parser(source, diagnostics).parseFile(ast);
}

/// Every declaration by itself, used or not, so that all errors of a file come at once.
static void checkDeclarations(const Program &program, Diagnostics &diagnostics) {
  for (const FormulaDecl &formula : program.file.formulas) {
    Graph scratch;
    Elaborator(program, nullptr, diagnostics, scratch, /*standalone=*/true).checkFormula(formula);
  }
  for (const BlockDecl &block : program.file.blocks) {
    if (block.isModel)
      continue;
    Graph scratch;
    Elaborator(program, nullptr, diagnostics, scratch, /*standalone=*/true).checkBlock(block);
  }
}

static bool analyse(const Source &source, Program &program, const FrontendOptions &options, Diagnostics &diagnostics,
                    Graph &graph) {
  parse(source, diagnostics, program.file);
  // What is missing from a tree that did not parse would be reported as unknown.
  if (diagnostics.hasErrors())
    return false;
  if (!resolveDeclarations(program, options.axes, diagnostics))
    return false;
  checkDeclarations(program, diagnostics);
  if (!program.model)
    diagnostics.error(Diag::W008, Loc{&source, source.text().size(), source.text().size()},
                      "this file describes no model");
  else
    Elaborator(program, options.checkpoint, diagnostics, graph, /*standalone=*/false, options.strict)
        .elaborateModel(*program.model);
  if (diagnostics.hasErrors())
    return false;
  if (options.attentionWeights)
    exposeAttentionWeights(graph);
  return true;
}

OwningOpRef<ModuleOp> weft::compileModel(MLIRContext &context, llvm::StringRef path, llvm::StringRef text,
                                         const FrontendOptions &options, llvm::raw_ostream &errors) {
  Diagnostics diagnostics(options.errorLimit);
  Source source(path.str(), text), prelude("std.weft", preludeText());
  Program program;
  Graph graph;
  parse(prelude, diagnostics, program.prelude);
  bool sound = checkCharacters(source, diagnostics) && analyse(source, program, options, diagnostics, graph);
  diagnostics.print(errors);
  if (!sound)
    return nullptr;
  return emit(context, graph, source);
}

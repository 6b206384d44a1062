//===- Program.cpp - the declarations of a file and of the prelude ------------------------------------------------===//
// Answers: which axes, blocks and formulas are there, and what are the axes' sizes?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Program.h"
#include "compiler/frontend/CallGraph.h"
#include "compiler/frontend/Sizes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace weft::frontend;

StringRef weft::frontend::preludeText() {
  static const char text[] =
#include "compiler/frontend/Prelude.inc"
      ;
  return StringRef(text, sizeof(text) - 1);
}

bool weft::frontend::isBuiltin(StringRef name) {
  return StringSwitch<bool>(name)
#define BUILTIN(name, usage) .Case(#name, true)
#define MATH(name, arity, formula, description) .Case(#name, true)
#define REDUCTION(name, description) .Case(#name, true)
#define LATER(name) .Case(#name, true)
#include "compiler/frontend/Builtins.def"
      .Case("attend", true)
      .Default(false);
}

std::vector<StringRef> weft::frontend::callableNames(const Program &program) {
  std::vector<StringRef> names = {
      "attend",
#define BUILTIN(name, usage) #name,
#define MATH(name, arity, formula, description) #name,
#include "compiler/frontend/Builtins.def"
  };
  for (const auto &entry : program.blocks)
    names.push_back(entry.getKey());
  for (const auto &entry : program.formulas)
    names.push_back(entry.getKey());
  return names;
}

namespace {
class Resolver {
public:
  Resolver(Program &program, const StringMap<int64_t> &sizes, Diagnostics &diagnostics)
      : program(program), given(sizes), diagnostics(diagnostics) {}

  bool run() {
    for (const FormulaDecl &formula : program.prelude.formulas)
      program.formulas[formula.name.text] = &formula;
    collectAxes();
    collectCallables();
    for (size_t i = 0; i < program.axes.size(); ++i)
      sizeOf(i);
    for (const auto &entry : given)
      checkGiven(entry.getKey());
    for (Axis *axis : axesInWeights())
      axis->inWeights = true;
    return checkRecursion(program, diagnostics);
  }

private:
  enum class State { Untouched, Busy, Done };

  void collectAxes() {
    for (const AxisDecl &decl : program.file.axes) {
      auto [it, fresh] = axisIndex.try_emplace(decl.name.text, program.axes.size());
      if (!fresh) {
        diagnostics.error(Diag::W011, decl.name.loc, "axis '" + decl.name.text + "' is declared twice")
            .note(program.axes[it->second].loc, "the first declaration");
        continue;
      }
      program.axes.push_back({decl.name.text.str(), std::nullopt, decl.name.loc, false, nullptr, nullptr});
      program.axisNames[decl.name.text] = &program.axes.back();
      decls.push_back(&decl);
      states.push_back(State::Untouched);
    }
  }

  /// False where the declaration has to be ignored.
  bool declare(const Ident &name, StringMap<Loc> &taken) {
    if (isBuiltin(name.text) && name.text != "unit") { // which is a formula, but for its axis
      diagnostics.error(Diag::W011, name.loc, "'" + name.text + "' is built in and cannot be declared");
      return false;
    }
    auto [it, fresh] = taken.try_emplace(name.text, name.loc);
    if (!fresh)
      diagnostics.error(Diag::W011, name.loc, "'" + name.text + "' is declared twice")
          .note(it->second, "the first declaration");
    return fresh;
  }

  void collectCallables() {
    StringMap<Loc> taken;
    for (const FormulaDecl &formula : program.file.formulas)
      if (declare(formula.name, taken))
        program.formulas[formula.name.text] = &formula; // may replace one of the prelude's
    for (const BlockDecl &block : program.file.blocks) {
      if (!declare(block.name, taken))
        continue;
      program.formulas.erase(block.name.text);
      if (!block.isModel) {
        program.blocks[block.name.text] = &block;
      } else if (program.model) {
        diagnostics
            .error(Diag::W009, block.name.loc, "a file describes one model, but '" + block.name.text + "' is another")
            .note(program.model->name.loc, "the first model");
      } else {
        program.model = &block;
      }
    }
  }

  std::optional<int64_t> sizeOf(size_t index) {
    Axis &axis = program.axes[index];
    const AxisDecl &decl = *decls[index];
    if (states[index] == State::Done)
      return axis.size;
    if (states[index] == State::Busy) {
      diagnostics.error(Diag::W012, decl.name.loc, "the size of axis '" + axis.name + "' depends on itself");
      return std::nullopt;
    }
    // Sizes that refer to sizes recurse; a chain of axes as long as this is no model.
    if (++depth > 256) {
      diagnostics.error(Diag::W006, decl.name.loc, "sizes refer to each other more than 256 deep");
      --depth;
      return std::nullopt;
    }
    states[index] = State::Busy;
    std::optional<int64_t> size;
    if (auto it = given.find(axis.name); it != given.end()) {
      size = it->second;
    } else if (decl.size) {
      SizeEvaluator evaluator(diagnostics, [&](const NameExpr &name) { return sizeOf(name, decl); });
      size = evaluator.evaluate(*decl.size);
    }
    if (size && *size <= 0) {
      diagnostics.error(Diag::W024, decl.size ? decl.size->loc : decl.name.loc,
                        "axis '" + axis.name + "' needs a positive size, but has " + Twine(*size));
      size = 1; // a size that lets everything else be checked
    } else if (!size && decl.size) {
      size = 1;
    }
    axis.size = size;
    states[index] = State::Done;
    --depth;
    return size;
  }

  std::optional<int64_t> sizeOf(const NameExpr &name, const AxisDecl &user) {
    auto it = axisIndex.find(name.name);
    if (it == axisIndex.end()) {
      std::vector<StringRef> names;
      for (const Axis &axis : program.axes)
        names.push_back(axis.name);
      diagnostics.error(Diag::W020, name.loc, "unknown axis '" + name.name + "'" + didYouMean(name.name, names));
      return std::nullopt;
    }
    std::optional<int64_t> size = sizeOf(it->second);
    if (!size && states[it->second] == State::Done)
      diagnostics
          .error(Diag::W026, name.loc,
                 "the size of '" + user.name.text + "' needs that of '" + name.name +
                     "', which is known only when running; give it here or with '--axis " + name.name + "=n'")
          .note(decls[it->second]->name.loc, "'" + name.name + "' is declared without a size");
    return size;
  }

  void checkGiven(StringRef name) {
    if (axisIndex.count(name))
      return;
    std::vector<StringRef> names;
    for (const Axis &axis : program.axes)
      names.push_back(axis.name);
    diagnostics.error(Diag::W039, Loc(), "'--axis " + name + "' names no axis of this file" + didYouMean(name, names));
  }

  std::vector<Axis *> axesInWeights() {
    std::vector<Axis *> axes;
    forEachCall(program.file, [&](const CallExpr &call) {
      bool matrix = call.callee.text == "linear";
      if (!matrix && call.callee.text != "lookup" && call.callee.text != "weight")
        return;
      for (const Argument &argument : call.arguments)
        for (const auto *list : {&argument.from, &argument.to})
          for (const Ident &name : *list)
            // A table's entries may be positions: learned ones.
            if (auto it = axisIndex.find(name.text); it != axisIndex.end() && (matrix || list == &argument.to))
              axes.push_back(&program.axes[it->second]);
    });
    return axes;
  }

  Program &program;
  const StringMap<int64_t> &given;
  Diagnostics &diagnostics;
  StringMap<size_t> axisIndex;
  std::vector<const AxisDecl *> decls;
  std::vector<State> states;
  unsigned depth = 0;
};
} // namespace

bool weft::frontend::resolveDeclarations(Program &program, const StringMap<int64_t> &sizes, Diagnostics &diagnostics) {
  return Resolver(program, sizes, diagnostics).run();
}

//===- CallGraph.cpp - who calls whom -----------------------------------------------------------------------------===//
// Answers: does a block or formula, through any chain of calls, need itself?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/CallGraph.h"

using namespace llvm;
using namespace weft::frontend;

namespace {
/// Calls `visit` for each call, and for each plain name where masks and scores stand: without arguments they are called
/// by their names. Elsewhere a name is a value's.
struct Walker {
  function_ref<void(const Ident &, const CallExpr *)> visit;
  bool inClause = false;

  void walk(const Expr *expr) {
    if (!expr)
      return;
    switch (expr->kind) {
    case Expr::Kind::Number:
      return;
    case Expr::Kind::Name:
      return inClause ? visit({cast<NameExpr>(expr)->name, expr->loc}, nullptr) : void();
    case Expr::Kind::Unary:
      return walk(cast<UnaryExpr>(expr)->operand);
    case Expr::Kind::Binary:
      walk(cast<BinaryExpr>(expr)->left);
      return walk(cast<BinaryExpr>(expr)->right);
    case Expr::Kind::If:
      walk(cast<IfExpr>(expr)->condition);
      walk(cast<IfExpr>(expr)->then);
      return walk(cast<IfExpr>(expr)->otherwise);
    case Expr::Kind::Call: {
      const auto *call = cast<CallExpr>(expr);
      visit(call->callee, call);
      // The block that a scan applies is named, not called.
      if (const auto *name = call->callee.text == "scan" && !call->arguments.empty()
                                 ? dyn_cast_or_null<NameExpr>(call->arguments.front().value)
                                 : nullptr)
        visit({name->name, name->loc}, nullptr);
      bool outside = std::exchange(inClause, false);
      for (const Argument &argument : call->arguments)
        walk(argument.value);
      inClause = outside;
      return;
    }
    case Expr::Kind::Index:
      walk(cast<IndexExpr>(expr)->base);
      for (const IndexExpr::Entry &entry : cast<IndexExpr>(expr)->entries) {
        walk(entry.value);
        walk(entry.end);
      }
      return;
    case Expr::Kind::Reduce:
      return walk(cast<ReduceExpr>(expr)->operand);
    case Expr::Kind::Attend: {
      const auto *attend = cast<AttendExpr>(expr);
      walk(attend->call);
      walk(attend->scale);
      walk(attend->sink);
      bool outside = std::exchange(inClause, true);
      walk(attend->where);
      for (const std::vector<Expr *> *chain : {&attend->scores, &attend->weighs})
        for (const Expr *use : *chain)
          walk(use);
      inClause = outside;
      return;
    }
    }
  }
  void walk(ArrayRef<Statement> body) {
    for (const Statement &statement : body) {
      for (const Expr *value : statement.values)
        walk(value);
      walk(statement.body);
    }
  }
};

struct Edge {
  Ident callee;
  size_t target;
};
struct Function {
  StringRef name;
  std::vector<Edge> edges;
};
} // namespace

void weft::frontend::forEachCall(const Ast &ast, function_ref<void(const CallExpr &)> visit) {
  auto calls = [&](const Ident &, const CallExpr *call) {
    if (call)
      visit(*call);
  };
  Walker walker{calls};
  for (const BlockDecl &block : ast.blocks)
    walker.walk(block.body);
  for (const FormulaDecl &formula : ast.formulas)
    walker.walk(formula.body);
}

static std::vector<Function> callGraph(const Program &program) {
  std::vector<Function> functions;
  StringMap<size_t> index;
  std::vector<std::function<void(Walker &)>> walks;
  // In the order of the file; of names declared twice, one is in the tables.
  for (const FormulaDecl &formula : program.file.formulas)
    if (index.try_emplace(formula.name.text, functions.size()).second) {
      functions.push_back({formula.name.text, {}});
      walks.push_back([&formula](Walker &walker) { walker.walk(formula.body); });
    }
  for (const BlockDecl &block : program.file.blocks)
    if (!block.isModel && index.try_emplace(block.name.text, functions.size()).second) {
      functions.push_back({block.name.text, {}});
      walks.push_back([&block](Walker &walker) { walker.walk(block.body); });
    }
  for (size_t i = 0; i < functions.size(); ++i) {
    auto connect = [&](const Ident &name, const CallExpr *) {
      if (auto it = index.find(name.text); it != index.end())
        functions[i].edges.push_back({name, it->second});
    };
    Walker walker{connect};
    walks[i](walker);
  }
  return functions;
}

bool weft::frontend::checkRecursion(const Program &program, Diagnostics &diagnostics) {
  std::vector<Function> functions = callGraph(program);
  enum class State { Untouched, Busy, Done };
  std::vector<State> states(functions.size(), State::Untouched);
  bool sound = true;
  // Depth first with a stack of our own: chains of calls are as long as a file is.
  for (size_t root = 0; root < functions.size(); ++root) {
    if (states[root] != State::Untouched)
      continue;
    std::vector<std::pair<size_t, size_t>> stack = {{root, 0}};
    states[root] = State::Busy;
    while (!stack.empty()) {
      auto &[function, next] = stack.back();
      if (next == functions[function].edges.size()) {
        states[function] = State::Done;
        stack.pop_back();
        continue;
      }
      const Edge &edge = functions[function].edges[next++];
      if (states[edge.target] == State::Untouched) {
        states[edge.target] = State::Busy;
        stack.push_back({edge.target, 0});
      } else if (states[edge.target] == State::Busy) {
        sound = false;
        size_t first = 0;
        while (stack[first].first != edge.target)
          ++first;
        // A cycle through a whole file is told by its ends.
        constexpr size_t longest = 8;
        std::string cycle;
        for (size_t i = first; i < stack.size() && i < first + longest; ++i)
          cycle += (functions[stack[i].first].name + " -> ").str();
        if (stack.size() - first > longest)
          cycle += "... -> ";
        diagnostics.error(Diag::W012, edge.callee.loc,
                          "'" + edge.callee.text + "' calls itself: " + cycle + edge.callee.text);
      }
    }
  }
  return sound;
}

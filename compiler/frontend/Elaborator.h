//===- Elaborator.h - from what is written to what is computed ------------------------------------------*- C++ -*-===//
// Answers: what does this model compute once every block is applied, every loop unrolled, every name resolved and every
// axis checked? The result is a Graph; nothing past this point reports an error in the text.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/checkpoint/Checkpoint.h"
#include "compiler/frontend/Diagnostics.h"
#include "compiler/frontend/Program.h"
#include <map>

namespace weft::frontend {

/// What a name stands for while a body is read.
struct Scope {
  std::vector<llvm::StringMap<Node *>> layers{1}; ///< a null node: the error is reported already
  std::string prefix;                             ///< of the names of weights
  AxisList lifted;                                ///< axes that the block does not mention
  AxisList bound;                                 ///< the axes that its parameters' names stand for
  // Inside a formula:
  const FormulaDecl *formula = nullptr;
  op::Attention *attention = nullptr;
  struct Tensor {
    Node *node;
    AxisList indexed; ///< the axes that the formula gives positions for
  };
  llvm::StringMap<Tensor> tensors;
  std::vector<Node *> *captured = nullptr; ///< tensors that the formula reads
  llvm::StringRef vectorAxis;              ///< what a score over vectors calls attention's width

  Node **find(llvm::StringRef name);
};

/// The arguments of a built-in call by their form; see sortArguments.
struct CallArguments {
  llvm::SmallVector<const Expr *, 3> values;
  const Ident *name = nullptr;
  bool tied = false;
  bool whole = false;     ///< `name` is that of the tensor itself: weight "in_proj_weight"
  bool namedBias = false; ///< and so is `bias`: bias "in_proj_bias"
  const Argument *arrow = nullptr;
  const Ident *over = nullptr, *overKeys = nullptr; ///< of `over tgt src`, the second
  const Ident *stored = nullptr, *bias = nullptr, *noBias = nullptr;
  llvm::StringMap<const Expr *> options;
  llvm::StringMap<Loc> flags;
};
/// Which forms a call takes. `usage` is what Builtins.def says.
struct Signature {
  unsigned values = 1;
  bool more = false; ///< that many values or more
  enum class Use { No, May, Must } name = Use::No, arrow = Use::No;
  bool tied = false, over = false, overTwo = false, stored = false, bias = false, noBias = false;
  std::vector<llvm::StringRef> options, flags;
};

class Elaborator {
public:
  /// Checks of a declaration by itself go to a graph that is thrown away; `standalone` then leaves weights alone and
  /// takes other blocks by their declared results.
  Elaborator(const Program &program, const Checkpoint *checkpoint, Diagnostics &diagnostics, Graph &graph,
             bool standalone, bool strict = false);

  void elaborateModel(const BlockDecl &model);
  void checkBlock(const BlockDecl &block);
  void checkFormula(const FormulaDecl &formula);

private:
  using Values = llvm::SmallVector<Node *, 2>;

  // Elaborator.cpp: graph, errors, axes.
  template <typename T>
  Node *add(T what, Element element, AxisList axes, llvm::ArrayRef<Node *> operands, Loc loc,
            llvm::StringRef construct);
  Diagnostics::Report error(Diag id, Loc loc, const llvm::Twine &text);
  const Axis *axisNamed(const Ident &name, const Scope &scope, const Node *value = nullptr);
  bool axesNamed(llvm::ArrayRef<Ident> names, const Scope &scope, AxisList &axes, const Node *value = nullptr);
  std::optional<int64_t> staticSize(const Axis *axis, Loc loc);
  std::optional<int64_t> staticProduct(llvm::ArrayRef<const Axis *> axes, Loc loc);
  bool knownWhenRunning(const Axis *axis, Loc loc);
  void seesWhole(const Axis *axis, Loc loc, const llvm::Twine &what);
  std::string describe(const Node *value) const;
  std::optional<AxisList> unite(llvm::ArrayRef<Node *> nodes, Loc loc);

  // Blocks.cpp: bodies and blocks.
  bool body(llvm::ArrayRef<Statement> statements, Scope &scope, Values *returned, Loc end);
  void statement(const Statement &statement, Scope &scope, Values *returned);
  void assign(const Statement &statement, Scope &scope);
  void loop(const Statement &statement, Scope &scope);
  std::optional<std::string> expandName(const Ident &pattern, Scope &scope);
  std::optional<std::string> nestedPrefix(const Ident &pattern, Scope &scope);
  bool returnValues(const BlockDecl &block, const Statement &statement, Scope &scope, Values &returned);
  Values callBlock(const BlockDecl &block, const CallExpr &call, Scope &scope);
  Values results(const Statement &statement, Scope &scope);
  Values applyBlock(const BlockDecl &block, llvm::ArrayRef<Node *> arguments, llvm::ArrayRef<Loc> places,
                    const std::string &prefix, Loc loc);
  std::optional<Element> elementOf(const Parameter &parameter);
  bool parameterAxes(const Parameter &parameter, AxisList &axes);
  bool passes(const Parameter &parameter, const AxisList &axes, Node *argument, Loc loc, Scope &inner);
  /// The value in the order of axes that a parameter states, after those that the block is lifted over.
  Node *asStated(llvm::ArrayRef<const Axis *> stated, Node *value, Loc loc);

  // Expressions.cpp
  Node *value(const Expr &expr, Scope &scope);
  Node *valueImpl(const Expr &expr, Scope &scope);
  Node *name(const NameExpr &expr, Scope &scope);
  Node *call(const CallExpr &call, Scope &scope);
  Node *def(const FormulaDecl &formula, const CallExpr &call, Scope &scope);
  Node *index(const IndexExpr &expr, Scope &scope);
  Node *pick(Node *node, const Axis *axis, const IndexExpr::Entry &entry, Loc loc, Scope &scope);
  Node *reduce(const ReduceExpr &expr, Scope &scope);
  Node *count(llvm::ArrayRef<const Axis *> axes, Loc loc); ///< of the positions of all together
  std::optional<double> number(const Expr &expr, Scope &scope, llvm::StringRef what);
  std::optional<int64_t> integer(const Expr &expr, Scope &scope, llvm::StringRef what);
  Diagnostics::Report wrongCount(llvm::StringRef callee, size_t wanted, size_t given, Loc loc);
  void unknownName(const Ident &name, llvm::ArrayRef<llvm::StringRef> candidates, llvm::StringRef kind);

  // Formulas.cpp: numbers, element by element.
  Node *constant(double value, Element element, Loc loc);
  Node *convert(Node *node, Element element);
  Node *map(MapOp op, Element element, llvm::ArrayRef<Node *> operands, Loc loc, llvm::StringRef construct);
  Node *binary(Operator op, Node *left, Node *right, Loc loc);
  Node *arithmetic(MapOp op, Node *left, Node *right, Loc loc, llvm::StringRef construct);
  Node *logic(MapOp op, llvm::ArrayRef<Node *> operands, Loc loc, llvm::StringRef construct);
  Node *unary(Operator op, Node *operand, Loc loc);
  Node *select(Node *condition, Node *then, Node *otherwise, bool positions, Loc loc);
  Node *math(MapOp op, llvm::StringRef name, llvm::ArrayRef<Node *> operands, Loc loc);
  bool wantNumber(Node *node, Loc loc, const llvm::Twine &what);
  Node *wantF32(Node *node, Loc loc, const llvm::Twine &what);

  // Builtins.cpp: calls with rules of their own.
  bool sortArguments(const CallExpr &call, const Signature &signature, llvm::StringRef usage, CallArguments &sorted);
  /// The operand and the arrow of a call that takes nothing else; null where it is wrong.
  Node *operandAndArrow(const CallExpr &call, llvm::StringRef use, Scope &scope, const Argument *&arrow);
#define BUILTIN(name, usage) Node *builtin_##name(const CallExpr &call, llvm::StringRef use, Scope &scope);
#include "compiler/frontend/Builtins.def"
  const Axis *otherName(const Axis *from, const Axis *to, Loc loc);
  const Axis *normAxis(Node *x, const CallArguments &arguments, const CallExpr &call, Scope &scope);
  Node *linearOf(Node *x, const CallArguments &arguments, const CallExpr &call, Scope &scope);

  // Axes.cpp: axes made of other axes.
  struct Length {
    llvm::SmallVector<const Axis *, 2> parts; ///< known when running
    int64_t plus = 0;
  };
  static Length lengthOf(const Axis *axis);
  static int64_t leastSize(const Axis *axis); ///< positions below it may be picked
  const Axis *aliasOf(const Axis *name, const Axis *root);
  const Axis *axisOfLength(const Ident &name, const Length &length, Scope &scope);
  Node *renameSeveral(Node *x, const Argument &arrow, Loc loc, Scope &scope);
  Node *slice(Node *node, const Axis *axis, const IndexExpr::Entry &entry, Loc loc, Scope &scope);
  bool boundOf(const Expr &expr, const Axis *axis, Scope &scope, Length &bound);

  // Scan.cpp: recurrences.
  struct Recurrence {
    const BlockDecl *block;
    llvm::SmallVector<unsigned, 2> states, inputs; ///< parameters
    llvm::SmallVector<unsigned, 2> results;        ///< of each state
  };
  std::optional<Recurrence> recurrence(const CallExpr &call, llvm::StringRef use);
  const Axis *scannedAxis(const Ident &over, llvm::ArrayRef<Node *> inputs, Scope &scope);
  Values scan(const CallExpr &call, Scope &scope);
  bool stateNodes(const Recurrence &recurrence, const CallArguments &arguments, const Axis *axis, Loc loc, Scope &bound,
                  Scope &scope, op::Scan &scan, Values &first, llvm::MutableArrayRef<Node *> inner);
  void hoistInputs(const op::Scan &scan, size_t begin);
  const Loop *outerLoop(const op::Scan &scan, llvm::ArrayRef<Node *> first) const;

  // Weights.cpp
  /// Each of `groups` is a dimension of `shape`, and may be several in the file, one for each axis.
  Node *weightNode(const std::string &name, llvm::ArrayRef<int64_t> shape, AxisList axes, const Ident &place,
                   llvm::StringRef construct, llvm::ArrayRef<AxisList> groups = {});
  std::optional<std::string> weightName(const CallArguments &arguments, Scope &scope);
  std::optional<std::string> biasName(const CallArguments &arguments, Scope &scope);
  bool hasWeight(const std::string &name) const;
  void reportUnusedWeights();

  // Attend.cpp and AttendFormulas.cpp: roles of axes, results, and the formulas of clauses.
  const Axis *positionAxis(const Node *value, const Axis *width, const Ident *over, llvm::StringRef what, Loc loc,
                           const Scope &scope);
  void split(const Node *value, const Axis *position, const Axis *width, const Scope &scope, AxisList &batch,
             AxisList &heads) const;
  Values attend(const AttendExpr &expr, Scope &scope);
  Node *single(const AttendExpr &expr, Scope &scope); ///< attention where one value is needed
  bool attendRoles(const AttendExpr &expr, Node *q, Node *k, Node *v, const CallArguments &arguments, Scope &scope,
                   op::Attention &roles);
  bool matchHeads(const AttendExpr &expr, AxisList qHeads, AxisList kHeads, op::Attention &roles);
  bool attendScale(const AttendExpr &expr, Scope &scope, op::Attention &roles);
  bool attendFormulas(const AttendExpr &expr, Scope &scope, op::Attention &roles, std::vector<Node *> &captured);
  bool attendSink(const Expr &expr, Scope &scope, op::Attention &roles);
  bool weightsAxes(const AttendExpr &expr, const op::Attention &roles, llvm::ArrayRef<const Axis *> perQuery,
                   AxisList &axes);
  Node *mask(const Expr &expr, Scope &scope, op::Attention &roles, std::vector<Node *> &captured);
  const FormulaDecl *declared(const Expr &use, FormulaDecl::Kind kind) const;
  Node *formula(const Expr &expr, FormulaDecl::Kind kind, Node *number, Scope &scope, op::Attention &roles,
                std::vector<Node *> &captured);
  bool bindFormula(const FormulaDecl &formula, const Expr &use, Node *number, Scope &outer, Scope &inner);
  bool bindParameter(const FormulaDecl &formula, const Parameter &parameter, Loc use, Node *number, Scope &inner);
  bool bindTensor(const FormulaDecl &formula, const Parameter &parameter, Loc loc, Node *node, Scope &inner);
  bool isFormulaResult(const FormulaDecl &formula, const Node *result);
  Node *formal(char name, Loc loc, Scope &inner);
  Node *read(llvm::ArrayRef<IndexExpr::Entry> entries, const Scope::Tensor &tensor, Loc loc, Scope &scope);
  void wrongFormula(const Expr &expr, const Ident &name, FormulaDecl::Kind wanted, const Scope &scope);

  // AttendVectors.cpp: scores of vectors themselves.
  bool vectorAxisOf(const FormulaDecl &formula, llvm::StringRef &axis);
  Node *sumOverWidth(const ReduceExpr &expr, Scope &scope);
  Node *sumOfTerm(Node *term, Loc loc, llvm::StringRef construct, op::Attention &roles);

  const Program &program;
  const Checkpoint *checkpoint;
  Diagnostics &diagnostics;
  Graph &graph;
  bool standalone;
  bool strict;                  ///< unused weights are an error
  const Loop *around = nullptr; ///< the loop of the scan whose block is being applied

  unsigned depth = 0;       ///< of evaluation, blocks and formulas included
  unsigned expression = 0;  ///< number of the expression being evaluated
  unsigned expressions = 0; ///< numbers given so far
  size_t steps = 0;         ///< work done, for the limit
  bool exhausted = false;
  bool lenient = false;   ///< types and axes of a def's arguments are not known yet
  std::vector<Loc> sites; ///< calls of the formulas that are being expanded

  struct KnownWeight {
    std::vector<int64_t> shape;
    Loc loc;
  };
  llvm::StringMap<KnownWeight> weights;
  struct WholeUse {
    const Axis *axis;
    Loc loc;
    std::string what;
  };
  std::vector<WholeUse> wholeUses; ///< of axes that a step with a cache sees only in part
  llvm::DenseMap<const Axis *, const Axis *> cacheAxes;
  llvm::DenseMap<std::pair<const Axis *, const Axis *>, const Axis *> aliases; ///< by new name and root
  std::map<std::tuple<const Axis *, std::vector<const Axis *>, int64_t>, const Axis *> lengths; ///< by name and length
};

/// Nodes beyond this are refused: no model that fits a machine has as many, but loops and blocks multiply.
inline constexpr size_t stepLimit = 100000;

//===-- templates -------------------------------------------------------------------------------------------------===//

template <typename T>
Node *Elaborator::add(T what, Element element, AxisList axes, llvm::ArrayRef<Node *> operands, Loc loc,
                      llvm::StringRef construct) {
  // The body of a formula is placed where it is used: that is the line a reader looks for.
  Loc place = sites.empty() ? loc : sites.front();
  const Loop *loop = nullptr;
  for (const Node *operand : operands)
    if (operand && operand->loop && (!loop || operand->loop->depth > loop->depth))
      loop = operand->loop;
  graph.nodes.push_back({std::move(what), element, std::move(axes),
                         llvm::SmallVector<Node *, 3>(operands.begin(), operands.end()), place, construct.str(),
                         expression, loop});
  return &graph.nodes.back();
}

} // namespace weft::frontend

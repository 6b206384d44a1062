//===- Graph.h - what a model computes, checked ---------------------------------------------------------*- C++ -*-===//
// Answers: which values does the model consist of, over which named axes, once blocks are applied, loops unrolled and
// names resolved? Axes have names and no order that means anything; the emitter chooses layouts.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Ast.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <deque>
#include <memory>
#include <string>
#include <variant>

namespace weft::frontend {

struct Axis {
  std::string name;
  std::optional<int64_t> size; ///< none: known when running
  Loc loc;
  /// Part of a weight: such an axis is never taken for one of positions.
  bool inWeights = false;
  /// The positions of a cache: all those of the calls before and then those of this axis.
  const Axis *cacheOf = nullptr;
  /// The same positions under another name (`rename`). Such an axis and a declared one may share a name; they never
  /// meet in one value.
  const Axis *aliasOf = nullptr;
  /// A length that is known when running and made of others: the sum of the sizes of `parts` and `plus`, 0 where that
  /// is negative (of joined axes, and parts of one).
  llvm::SmallVector<const Axis *, 2> parts = {};
  int64_t plus = 0;

  const Axis *root() const { return aliasOf ? aliasOf->root() : this; }
  std::optional<int64_t> staticSize() const { return root()->size; }
};
using AxisList = llvm::SmallVector<const Axis *, 4>;

bool contains(llvm::ArrayRef<const Axis *> axes, const Axis *axis);
/// The axis of that name, or null.
const Axis *named(llvm::ArrayRef<const Axis *> axes, llvm::StringRef name);
/// "[batch, seq, embed]"
std::string toString(llvm::ArrayRef<const Axis *> axes);

/// Integer is the type of numbers that are known now and may still become any other; Index that of positions.
enum class Element { F32, I32, Bool, Index, Integer };
llvm::StringRef spelling(Element element);

/// Operations on numbers, element by element. MATH adds the functions of Builtins.def.
enum class MapOp {
  Add,
  Sub,
  Mul,
  Div,
  FloorDiv,
  Mod,
  Neg,
  Lt,
  Le,
  Gt,
  Ge,
  Eq,
  Ne,
  And,
  Or,
  Not,
  Select,
  ToF32,
  ToIndex,
  ToI32,
#define MATH(name, arity, formula, description) Math_##name,
#include "compiler/frontend/Builtins.def"
};

struct Node;

/// What is computed anew at each position of an axis: the body of a `scan`.
struct Loop {
  const Loop *outer = nullptr;
  unsigned depth = 1;
};

//===-- the kinds of nodes ----------------------------------------------------------------------------------------===//
namespace op {
struct Input {
  std::string name;
};
struct Constant {
  double value;
};
/// The size of an axis that is known when running; an Index.
struct AxisSize {
  const Axis *axis;
};
/// The positions along an axis, 0, 1, ...; in a step of a model with a cache they go on where the cache ends.
struct Position {
  const Axis *axis;
};
struct Weight {
  std::string name;
  llvm::SmallVector<int64_t, 2> shape;
};
struct Map {
  MapOp op;
};
/// Operands: value. sum, max or min over `axes`.
struct Reduce {
  enum class Kind { Sum, Max, Min } kind;
  AxisList axes;
};
/// Operands: value. Over one axis.
struct Softmax {
  const Axis *axis;
};
struct Argmax {
  const Axis *axis;
};
/// Operands: value, weight, bias or null.
struct Linear {
  AxisList from, to;
  bool inOut;
};
/// Operands: indices, table.
struct Lookup {
  AxisList to;
  std::string label;
};
/// Operands: value, scale or null, shift or null.
struct Norm {
  bool rms;
  const Axis *axis;
  double eps;
};
/// Operands: value. Pairs of the first `width` elements of `axis` are turned by angles.
struct Rotary {
  const Axis *position, *axis;
  AxisList batch, heads;
  int64_t width;
  double base;
  bool interleaved;
};
struct Sinusoid {
  const Axis *position, *axis;
  double base;
  bool halves;
};
/// Operands: value.
struct Rename {
  AxisList from, to; ///< the same elements, in the order of the axes, outermost first
};
/// Operands: value. `index` of -1 is the last.
struct Pick {
  const Axis *axis;
  int64_t index;
};
/// Operands: value. Positions of `axis` from `first` on, as many as `to` has.
struct Slice {
  const Axis *axis, *to;
  int64_t first;
};
/// Operands: values. `joined[i]` is the axis of value i that becomes a part of `to`; null for one position.
struct Concat {
  AxisList joined;
  const Axis *to;
};
/// Operands: value. `positions` is the axis that results; its cacheOf the one that is cached.
struct Cache {
  const Axis *positions, *context;
  AxisList batch, rest;
};
/// Operands: query, key, value, the sink where there is one, then the tensors that formulas read.
struct Attention {
  AxisList batch;
  const Axis *queryPosition; ///< null: one query
  const Axis *keyPosition;
  AxisList queryHeads, keyHeads;
  const Axis *width, *valueWidth;
  double scale;
  Node *mask, *score, *weigh; ///< roots of formulas, or null
  Node *sink;                 ///< over none or some of the query heads' axes, or null
  /// What is summed along the width, one for each sum of a score over vectors; none: the products.
  std::vector<Node *> terms;
  Node *weights, *lse; ///< further results, null where they are not asked for
};
/// Operands: attention. One of its further results, which the attention points at.
struct AttentionExtra {};

// Inside of a scan.
/// What the position before has left of a state.
struct State {};
/// Operands: value. What it is at the position, `axis` gone.
struct At {
  const Axis *axis;
};
/// Operands: the states' first values. No value itself: a ScanResult is.
struct Scan {
  const Loop *loop;
  const Axis *axis;
  bool backwards;
  llvm::SmallVector<Node *, 2> states;  ///< op::State
  llvm::SmallVector<Node *, 2> results; ///< of the body: the states' next values, then what else it gives
  AxisList lifted;
};
/// Operands: scan. A result at all positions, or a state behind the last one.
struct ScanResult {
  unsigned index;
  bool isFinal;
};

// Leaves of a formula inside attention.
struct Formal {
  char name; ///< b, h, q, k; s or p, the number so far; x or y, an element of the query's or the key's vector
};
/// One of the sums over the width.
struct WidthSum {
  unsigned term;
};
/// Where on an axis of the batch, the heads or the vectors the formula is evaluated.
struct AxisIndex {
  const Axis *axis;
};
/// Operands: tensor, one index for each of its axes. `exact[i]`: index i is a position on that very axis.
struct Read {
  llvm::SmallVector<bool, 4> exact;
};
} // namespace op

struct Node {
  std::variant<op::Input, op::Constant, op::AxisSize, op::Position, op::Weight, op::Map, op::Reduce, op::Softmax,
               op::Argmax, op::Linear, op::Lookup, op::Norm, op::Rotary, op::Sinusoid, op::Rename, op::Pick, op::Slice,
               op::Concat, op::Cache, std::shared_ptr<const op::Attention>, op::AttentionExtra, op::State, op::At,
               std::shared_ptr<const op::Scan>, op::ScanResult, op::Formal, op::WidthSum, op::AxisIndex, op::Read>
      what;
  Element element = Element::F32;
  AxisList axes;
  llvm::SmallVector<Node *, 3> operands;
  Loc loc;
  std::string construct;      ///< what the source calls it, for locations in the IR
  unsigned expression = 0;    ///< nodes of one expression may share a loop nest
  const Loop *loop = nullptr; ///< of whose position it depends

  template <typename T> const T *as() const {
    // The largest kinds by far, and rare ones, lie outside the node.
    if constexpr (std::is_same_v<T, op::Attention> || std::is_same_v<T, op::Scan>) {
      const auto *outside = std::get_if<std::shared_ptr<const T>>(&what);
      return outside ? outside->get() : nullptr;
    } else {
      return std::get_if<T>(&what);
    }
  }
  bool isScalar() const { return axes.empty(); }
  bool isConstant() const { return as<op::Constant>() != nullptr; }
  double constant() const { return as<op::Constant>()->value; }
};

/// An input or output of the model: its axes in the order of the declaration.
struct Port {
  std::string name;
  Node *node;
  Element element;
  AxisList axes;
  Loc loc;
};

struct Graph {
  std::string name;
  Loc loc;
  std::deque<Node> nodes; ///< operands before users
  std::vector<Port> inputs, outputs;
  std::vector<Node *> caches;         ///< in the order of appearance
  const Axis *positionAxis = nullptr; ///< of the caches
  const Axis *context = nullptr;
  std::vector<const Axis *> runtimeAxes; ///< of inputs, in the order of declaration
  std::deque<Loop> loops;
  std::deque<Axis> derived; ///< axes that no declaration makes: of caches, and renamed ones
};

/// FrontendOptions::attentionWeights. AttentionOutputs.cpp
void exposeAttentionWeights(Graph &graph);

} // namespace weft::frontend

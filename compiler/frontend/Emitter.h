//===- Emitter.h - from the graph to IR -----------------------------------------------------------------*- C++ -*-===//
// Answers: which ops, in which layouts, say what the graph says? Axes get an order here: each value keeps the order it
// was made in, and is brought into another only where an op wants it.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/frontend/Graph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/DenseSet.h"
#include <map>

namespace weft {
class AttentionOp;
}

namespace weft::frontend {

/// The module of a checked graph, verified.
mlir::OwningOpRef<mlir::ModuleOp> emit(mlir::MLIRContext &context, const Graph &graph, const Source &source);

/// A tensor and the axes of its dimensions, outermost first.
struct Emitted {
  mlir::Value value;
  AxisList axes;
};
/// Axes that are one dimension together; an empty one is a dimension of size 1.
using Groups = llvm::SmallVector<AxisList, 4>;
/// Each axis a dimension of its own.
Groups singles(llvm::ArrayRef<const Axis *> axes);

/// Which nodes are computed inside the loop nest of their user (Fusion.cpp).
class Fusion {
public:
  explicit Fusion(const Graph &graph);
  bool isLive(const Node *node) const { return live.count(node); }
  /// Computed where it is used, never a tensor of its own.
  bool isInlined(const Node *node) const { return inlined.count(node); }

private:
  llvm::DenseSet<const Node *> live, inlined;
};

/// Emits one function: the whole-sequence form, or the step that works on caches.
class FunctionEmitter {
public:
  FunctionEmitter(mlir::OpBuilder &builder, const Graph &graph, const Fusion &fusion, const Source &source, bool step);
  void emit();

private:
  // Emitter.cpp: the function and its outside.
  mlir::func::FuncOp createFunction();
  void bindArguments(mlir::func::FuncOp function);
  mlir::DictionaryAttr portAttributes(llvm::StringRef name, llvm::ArrayRef<const Axis *> axes, bool state);
  mlir::Location location(Loc loc, llvm::StringRef construct);
  void emitNode(const Node &node);
  /// What is computed once, or once for each position of a loop.
  void emitNodes(const Loop *loop);
  /// Moves to where a loop does not repeat what is made next.
  void leaveLoops();

  // Layout.cpp
  mlir::OpFoldResult extent(const Axis *axis);
  mlir::Value extentValue(const Axis *axis);
  int64_t dimension(const Axis *axis);
  mlir::RankedTensorType typeOf(llvm::ArrayRef<const Axis *> axes, mlir::Type element);
  mlir::Type elementType(Element element);
  llvm::SmallVector<mlir::OpFoldResult> extents(llvm::ArrayRef<const Axis *> axes);
  mlir::Value empty(llvm::ArrayRef<const Axis *> axes, mlir::Type element, mlir::Location loc);
  mlir::RankedTensorType typeOf(const Groups &groups, mlir::Type element);
  mlir::Value ordered(const Emitted &from, llvm::ArrayRef<const Axis *> order, mlir::Location loc);
  mlir::Value arrange(const Emitted &from, const Groups &groups, mlir::Location loc);
  Emitted restore(mlir::Value value, const Groups &groups, mlir::Location loc);
  /// The position of the first element along an axis: not 0 in a step; null for 0.
  mlir::Value firstPosition(const Axis *axis);

  // Maps.cpp: loop nests over elements.
  Emitted emitMap(const Node &root);
  Emitted emitReduce(const Node &node, const op::Reduce &reduce);
  void collectLeaves(const Node *node, llvm::SmallVectorImpl<const Node *> &leaves);
  using Computed = llvm::DenseMap<const Node *, mlir::Value>;
  mlir::Value compute(const Node *node, llvm::ArrayRef<const Axis *> order, Computed &computed, mlir::OpBuilder &body,
                      mlir::Location loc);
  AxisList iterationOrder(const Node &node, llvm::ArrayRef<const Node *> leaves);

  // EmitOps.cpp
  Emitted emitOp(const Node &node, const op::Input &op);
  Emitted emitOp(const Node &node, const op::Constant &op);
  Emitted emitOp(const Node &node, const op::Position &op);
  Emitted emitOp(const Node &node, const op::Weight &op);
  Emitted emitOp(const Node &node, const op::Map &op) { return emitMap(node); }
  Emitted emitOp(const Node &node, const op::Reduce &op) { return emitReduce(node, op); }
  Emitted emitOp(const Node &node, const op::Softmax &op);
  Emitted emitOp(const Node &node, const op::Argmax &op);
  Emitted emitOp(const Node &node, const op::Linear &op);
  Emitted emitOp(const Node &node, const op::Lookup &op);
  Emitted emitOp(const Node &node, const op::Norm &op);
  // EmitAxes.cpp
  Emitted emitOp(const Node &node, const op::Rename &op);
  Emitted emitOp(const Node &node, const op::Pick &op);
  Emitted emitOp(const Node &node, const op::Slice &op);
  Emitted emitOp(const Node &node, const op::Concat &op);
  // EmitScan.cpp
  Emitted emitOp(const Node &node, const op::State &op) { return {}; }
  Emitted emitOp(const Node &node, const op::At &op);
  Emitted emitOp(const Node &node, const std::shared_ptr<const op::Scan> &op);
  Emitted emitOp(const Node &node, const op::ScanResult &op);
  // EmitPositions.cpp
  Emitted emitOp(const Node &node, const op::Rotary &op);
  Emitted emitOp(const Node &node, const op::Sinusoid &op);
  Emitted emitOp(const Node &node, const op::Cache &op);
  mlir::Value rotaryTable(const op::Rotary &op, mlir::Location loc);
  mlir::Value angle(mlir::OpBuilder &body, mlir::Location loc, mlir::Value first, mlir::Value frequency);
  // EmitAttention.cpp
  Emitted emitOp(const Node &node, const std::shared_ptr<const op::Attention> &op);
  void emitRegions(AttentionOp attention, const op::Attention &op);
  void emitSimilarity(mlir::Region &region, const op::Attention &op, mlir::Location loc);
  void emitFormula(mlir::Region &region, const Node *root, mlir::TypeRange numbers, const op::Attention &op,
                   mlir::Location loc);
  struct RegionScope;
  mlir::Value computeFormula(const Node *node, RegionScope &scope);
  mlir::Value readTensor(const Node *node, const op::Read &read, RegionScope &scope);
  // The attention makes them.
  Emitted emitOp(const Node &node, const op::AttentionExtra &op) { return {}; }
  // Leaves of formulas are no values of their own.
  Emitted emitOp(const Node &node, const op::AxisSize &op) { return {}; }
  Emitted emitOp(const Node &node, const op::Formal &op) { return {}; }
  Emitted emitOp(const Node &node, const op::WidthSum &op) { return {}; }
  Emitted emitOp(const Node &node, const op::AxisIndex &op) { return {}; }
  Emitted emitOp(const Node &node, const op::Read &op) { return {}; }

  const Emitted &get(const Node *node) { return values.find(node)->second; }
  mlir::Value weightOf(const Node *node) { return node ? get(node).value : mlir::Value(); }

  mlir::OpBuilder &b;
  const Graph &graph;
  const Fusion &fusion;
  const Source &source;
  bool step;

  mlir::Block *entry = nullptr;
  mlir::Operation *prologue = nullptr; ///< the last op at the function's start that computes sizes
  mlir::Value past;
  llvm::DenseMap<const Node *, Emitted> values;
  llvm::DenseMap<const Axis *, mlir::OpFoldResult> sizes; ///< of axes known when running
  llvm::StringMap<mlir::Value> weights;
  std::map<std::tuple<const Axis *, int64_t, double>, mlir::Value> tables; ///< of rotary: shared by all layers
  llvm::DenseMap<const Node *, Emitted> states;

  struct ScanValues {
    llvm::SmallVector<Emitted, 2> states; ///< behind the last position
    llvm::DenseMap<unsigned, Emitted> results;
  };
  mlir::Operation *outermost = nullptr; ///< the loop that is being emitted
  llvm::DenseMap<const Loop *, std::vector<const Node *>> bodies;
  llvm::DenseMap<const Node *, llvm::SmallVector<const Node *, 2>> scanResults; ///< that are needed
  llvm::DenseMap<const Loop *, mlir::Value> scanIndices;
  llvm::DenseMap<const Node *, ScanValues> scans;
};

/// One operation on scalars of the right types, in any region.
mlir::Value emitScalar(mlir::OpBuilder &b, mlir::Location loc, MapOp op, mlir::ValueRange operands);

} // namespace weft::frontend

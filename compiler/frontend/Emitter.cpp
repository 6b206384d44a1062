//===- Emitter.cpp - the module and its functions -----------------------------------------------------------------===//
// Answers: which entry points does a model have, and what do their arguments and results tell about themselves?
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/frontend/Emitter.h"
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace weft;
using namespace weft::frontend;

FunctionEmitter::FunctionEmitter(OpBuilder &builder, const Graph &graph, const Fusion &fusion, const Source &source,
                                 bool step)
    : b(builder), graph(graph), fusion(fusion), source(source), step(step) {}

Location FunctionEmitter::location(Loc loc, StringRef construct) {
  LineColumn at = loc.source->position(loc.begin);
  return NameLoc::get(b.getStringAttr(construct),
                      FileLineColLoc::get(b.getContext(), loc.source->path(), at.line, at.column));
}

DictionaryAttr FunctionEmitter::portAttributes(StringRef name, ArrayRef<const Axis *> axes, bool state) {
  SmallVector<StringRef> names;
  SmallVector<std::string> dims;
  for (const Axis *axis : axes) {
    names.push_back(axis->name);
    std::optional<int64_t> size = axis->staticSize();
    dims.push_back(size ? std::to_string(*size) : axis->root()->name);
  }
  SmallVector<StringRef> dimRefs(dims.begin(), dims.end());
  NamedAttrList attributes;
  attributes.set(contract::name, b.getStringAttr(name));
  attributes.set(contract::dims, b.getStrArrayAttr(dimRefs));
  attributes.set(contract::axisNames, b.getStrArrayAttr(names));
  if (state)
    attributes.set(contract::state, b.getUnitAttr());
  return attributes.getDictionary(b.getContext());
}

/// The axes of a cache's state as the caller sees it.
static AxisList stateAxes(const op::Cache &cache) {
  AxisList axes = cache.batch;
  axes.push_back(cache.context);
  axes.append(cache.rest);
  return axes;
}

func::FuncOp FunctionEmitter::createFunction() {
  SmallVector<Type> arguments, results;
  SmallVector<Attribute> argumentAttributes, resultAttributes;
  auto outside = [&](ArrayRef<const Axis *> axes, Element element) {
    SmallVector<int64_t> shape;
    for (const Axis *axis : axes)
      shape.push_back(axis->staticSize().value_or(ShapedType::kDynamic));
    return RankedTensorType::get(shape, elementType(element));
  };
  for (const Port &port : graph.inputs) {
    arguments.push_back(outside(port.axes, port.element));
    argumentAttributes.push_back(portAttributes(port.name, port.axes, false));
  }
  if (step) {
    arguments.push_back(b.getIndexType());
    argumentAttributes.push_back(b.getDictionaryAttr(b.getNamedAttr(contract::name, b.getStringAttr("past"))));
    for (auto [index, cache] : llvm::enumerate(graph.caches)) {
      AxisList axes = stateAxes(*cache->as<op::Cache>());
      arguments.push_back(outside(axes, Element::F32));
      argumentAttributes.push_back(portAttributes("cache." + std::to_string(index), axes, true));
    }
  }
  for (const Port &port : graph.outputs) {
    results.push_back(outside(port.axes, port.element));
    resultAttributes.push_back(portAttributes(port.name, port.axes, false));
  }
  auto function = func::FuncOp::create(b, location(graph.loc, "model"), graph.name + (step ? "_step" : ""),
                                       b.getFunctionType(arguments, results));
  function.setAllArgAttrs(argumentAttributes);
  function.setAllResultAttrs(resultAttributes);
  function->setAttr(contract::entry, b.getStringAttr(step ? "step" : "sequence"));
  if (step) {
    function->setAttr(contract::positionAxis, b.getStringAttr(graph.positionAxis->name));
    function->setAttr(contract::context, b.getI64IntegerAttr(*graph.context->staticSize()));
  }
  return function;
}

void FunctionEmitter::bindArguments(func::FuncOp function) {
  entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  unsigned next = 0;
  for (const Port &port : graph.inputs) {
    BlockArgument argument = entry->getArgument(next++);
    argument.setLoc(location(port.loc, port.name));
    values[port.node] = {argument, port.axes};
  }
  if (!step)
    return;
  past = entry->getArgument(next++);
  for (const Node *cache : graph.caches)
    states[cache] = {entry->getArgument(next++), stateAxes(*cache->as<op::Cache>())};
}

void FunctionEmitter::emitNode(const Node &node) {
  if (values.count(&node))
    return;
  Emitted emitted = std::visit([&](const auto &op) { return emitOp(node, op); }, node.what);
  if (emitted.value)
    values[&node] = emitted;
}

void FunctionEmitter::emitNodes(const Loop *loop) {
  // Operands come before users in the graph, so one pass over it is enough.
  for (const Node *node : bodies.lookup(loop)) // a copy: loops inside may be added meanwhile
    emitNode(*node);
}

void FunctionEmitter::leaveLoops() {
  if (outermost)
    b.setInsertionPoint(outermost);
}

void FunctionEmitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  func::FuncOp function = createFunction();
  bindArguments(function);
  for (const Node &node : graph.nodes) {
    if (!fusion.isLive(&node))
      continue;
    if (!fusion.isInlined(&node))
      bodies[node.loop].push_back(&node);
    if (node.as<op::ScanResult>())
      scanResults[node.operands[0]].push_back(&node);
  }
  emitNodes(nullptr);
  SmallVector<Value> results;
  for (const Port &port : graph.outputs)
    results.push_back(ordered(get(port.node), port.axes, location(port.loc, port.name)));
  func::ReturnOp::create(b, location(graph.loc, "model"), results);
}

OwningOpRef<ModuleOp> weft::frontend::emit(MLIRContext &context, const Graph &graph, const Source &source) {
  context.loadDialect<WeftDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect, linalg::LinalgDialect,
                      tensor::TensorDialect, scf::SCFDialect>();
  OpBuilder b(&context);
  LineColumn at = source.position(graph.loc.begin);
  OwningOpRef<ModuleOp> module = ModuleOp::create(FileLineColLoc::get(&context, source.path(), at.line, at.column));
  (*module)->setAttr(contract::model, b.getStringAttr(graph.name));
  SmallVector<StringRef> axes;
  for (const Axis *axis : graph.runtimeAxes)
    axes.push_back(axis->name);
  (*module)->setAttr(contract::axes, b.getStrArrayAttr(axes));

  Fusion fusion(graph);
  b.setInsertionPointToEnd(module->getBody());
  FunctionEmitter(b, graph, fusion, source, /*step=*/false).emit();
  if (!graph.caches.empty())
    FunctionEmitter(b, graph, fusion, source, /*step=*/true).emit();
  if (failed(verify(*module)))
    return nullptr;
  return module;
}

//===- PlaceWeights.cpp - every weight's place in the artefact ----------------------------------------------------===//
// Answers: which numbers of the checkpoint lie where in the weights that generated code reads, and in which layout?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/IR/ModelContract.h"
#include "dialects/Weft/IR/Weights.h"
#include "dialects/Weft/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_PLACEWEIGHTSPASS
#include "dialects/Weft/Transforms/Passes.h.inc"

namespace {

constexpr int64_t alignment = 64; // a cache line, and the widest vector

/// Biases of merged projections. Other concatenations are computed when running, like anything else.
bool isBiasConcat(Operation *op) {
  auto concat = dyn_cast<tensor::ConcatOp>(op);
  return concat && concat.getResultType().getRank() == 1 &&
         llvm::all_of(concat.getInputs(), [](Value input) { return input.getDefiningOp<WeightOp>(); });
}

/// Ops that say how a parameter is made. They run when the weights are written, never in the model.
bool isRecipe(Operation *op) { return op && (isa<WeightOp, PackOp>(op) || isBiasConcat(op)); }

LogicalResult addWeight(Operation *user, Value value, ParameterRecipe &recipe) {
  auto weight = value.getDefiningOp<WeightOp>();
  if (!weight) {
    InFlightDiagnostic error = user->emitOpError("packs what is computed, but only a 'weft.weight' can be packed");
    error.attachNote(value.getLoc()) << "computed here";
    return error;
  }
  auto type = cast<RankedTensorType>(weight.getType());
  if (!type.getElementType().isF32() && user != weight)
    return weight.emitOpError("cannot be packed: it is ") << type << ", but what is packed is f32 before";
  recipe.weights.push_back(weight.getName().str());
  recipe.shapes.emplace_back(type.getShape());
  return success();
}

/// What a result is made of: the panels or the scales of a `weft.pack`, or the only result of another op.
FailureOr<ParameterRecipe> recipeOf(OpResult result) {
  Operation *op = result.getOwner();
  ParameterRecipe recipe;
  if (isa<WeightOp>(op)) {
    recipe.kind = ParameterRecipe::Kind::Plain;
    recipe.type = *weightTypeOf(getElementTypeOrSelf(result));
    if (failed(addWeight(op, op->getResult(0), recipe)))
      return failure();
    return recipe;
  }
  auto pack = dyn_cast<PackOp>(op);
  for (Value weight : pack ? ValueRange(pack.getWeights()) : op->getOperands())
    if (failed(addWeight(op, weight, recipe)))
      return failure();
  recipe.kind = ParameterRecipe::Kind::Concat;
  if (!pack)
    return recipe;
  recipe.kind = result == pack.getResult() ? ParameterRecipe::Kind::Pack : ParameterRecipe::Kind::Scales;
  recipe.type = *weightTypeOf(getElementTypeOrSelf(pack.getResult()));
  recipe.panel = pack.getPanel();
  recipe.parts = pack.getParts();
  recipe.columns = pack.getColumns();
  recipe.inOut = pack.getInOut();
  if (Value scale = pack.getScale()) {
    ParameterRecipe vector;
    if (failed(addWeight(op, scale, vector)))
      return failure();
    recipe.scale = vector.weights.front();
  }
  return recipe;
}

struct PlaceWeightsPass : impl::PlaceWeightsPassBase<PlaceWeightsPass> {
  /// The places given so far, by recipe with offset 0, in the order of their first use.
  llvm::MapVector<Attribute, ParameterRecipe> places;
  int64_t end = 0;

  /// The offset of a result: a new one, or that of the same thing in another place of the module.
  FailureOr<int64_t> place(OpResult result) {
    FailureOr<ParameterRecipe> recipe = recipeOf(result);
    if (failed(recipe))
      return failure();
    auto [entry, isNew] = places.try_emplace(recipe->toAttribute(&getContext()), *recipe);
    if (isNew) {
      entry->second.offset = end;
      end += llvm::alignTo(recipe->bytes(), alignment);
      ++numPlaced;
    }
    return entry->second.offset;
  }

  /// Replaces what the model reads of `op`; other recipes go on reading it until they are gone too.
  LogicalResult replaceUses(Operation *op) {
    for (OpResult result : op->getResults()) {
      FailureOr<int64_t> offset = place(result);
      if (failed(offset))
        return failure();
      OpBuilder builder(op);
      auto parameter = ParameterOp::create(builder, op->getLoc(), result.getType(), *offset);
      result.replaceUsesWithIf(parameter, [](OpOperand &use) { return !isRecipe(use.getOwner()); });
    }
    return success();
  }

  void runOnOperation() override {
    if (getOperation()->hasAttr(contract::parameters)) {
      getOperation()->emitError("weights have their places already: the module has '") << contract::parameters << "'";
      return signalPassFailure();
    }
    places.clear();
    end = 0;
    // In the order of first use, so that a forward pass walks through memory.
    llvm::SetVector<Operation *> used, recipes;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isRecipe(op))
        recipes.insert(op);
      else
        for (Value operand : op->getOperands())
          if (isRecipe(operand.getDefiningOp()))
            used.insert(operand.getDefiningOp());
    });
    for (Operation *op : used)
      if (failed(replaceUses(op)))
        return signalPassFailure();
    // From users to weights: only then is each without a use.
    for (Operation *op : llvm::reverse(recipes))
      op->erase();

    Builder b(&getContext());
    SmallVector<Attribute> entries;
    for (auto &[key, recipe] : places)
      entries.push_back(recipe.toAttribute(&getContext()));
    getOperation()->setAttr(contract::parameters, b.getArrayAttr(entries));
    getOperation()->setAttr(contract::parameterBytes, b.getI64IntegerAttr(end));
  }
};

} // namespace
} // namespace weft

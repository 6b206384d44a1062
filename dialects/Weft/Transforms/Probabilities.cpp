//===- Probabilities.cpp - a softmax, however it is written -------------------------------------------------------===//
#include "dialects/Weft/Transforms/Probabilities.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;

namespace weft {

void takeApart(Value product, bool divides, unsigned owner, SmallVectorImpl<FormulaFactor> &factors, double &number) {
  SmallVector<std::pair<Value, bool>> work = {{product, divides}};
  constexpr size_t most = 64;
  while (!work.empty()) {
    auto [value, divides] = work.pop_back_val();
    Operation *op = factors.size() + work.size() < most ? value.getDefiningOp() : nullptr;
    if (FloatAttr constant; matchPattern(value, m_Constant(&constant))) {
      number *= divides ? 1 / constant.getValueAsDouble() : constant.getValueAsDouble();
    } else if (isa_and_present<arith::MulFOp, arith::DivFOp>(op)) {
      work.push_back({op->getOperand(1), divides != isa<arith::DivFOp>(op)});
      work.push_back({op->getOperand(0), divides});
    } else {
      factors.push_back({value, divides, owner});
    }
  }
}

/// The softmax that a formula reads at the position of `key`.
static SoftmaxOp softmaxAt(Value formula, Value key) {
  auto extract = formula.getDefiningOp<tensor::ExtractOp>();
  auto softmax = extract ? extract.getTensor().getDefiningOp<SoftmaxOp>() : SoftmaxOp();
  return softmax && extract.getIndices().back() == key && llvm::count(extract.getIndices(), key) == 1 ? softmax
                                                                                                      : SoftmaxOp();
}

Operation *softmaxInside(ElementFormula &formulas, Value formula, Value key) {
  for (Operation *op : formulas.opsOf(formula))
    if (SoftmaxOp softmax = softmaxAt(op->getResult(0), key))
      return softmax;
  return nullptr;
}

namespace {

/// A softmax that is written out.
class Quotient {
public:
  Quotient(ElementFormula &formulas, Value key) : formulas(formulas), key(key) {}

  /// The factors that are, divided by `divisor`, the share of each key in the sum over all.
  std::optional<Probabilities> match(ArrayRef<FormulaFactor> factors, unsigned divisor) {
    auto [sum, share] = reduction(factors[divisor].value, addedUp);
    if (!sum)
      return std::nullopt;
    Probabilities found;
    found.normalizer = sum;
    found.factors.push_back(divisor);
    SmallVector<FormulaFactor> wanted;
    double number = 1;
    takeApart(share, /*divides=*/false, 0, wanted, number);
    for (const FormulaFactor &part : wanted) {
      auto it = llvm::find_if(factors, [&](const FormulaFactor &factor) {
        return factor.value == part.value && factor.divides == part.divides &&
               !llvm::is_contained(found.factors, &factor - factors.begin());
      });
      if (it == factors.end())
        return std::nullopt;
      found.factors.push_back(it - factors.begin());
    }
    found.number = 1 / number;
    found.score = logarithm(share);
    return found.score ? std::optional(found) : std::nullopt;
  }

private:
  /// The op that combines something over all keys to give `formula`, and what it combines.
  std::pair<Operation *, Value> reduction(Value formula, Value (*combinedBy)(linalg::LinalgOp)) {
    auto extract = formula.getDefiningOp<tensor::ExtractOp>();
    auto op = extract ? extract.getTensor().getDefiningOp<linalg::LinalgOp>() : linalg::LinalgOp();
    Value inside = op ? combinedBy(op) : Value();
    if (!inside || op.getNumReductionLoops() != 1 || formulas.dependsOn(formula, key))
      return {};
    SmallVector<Value> position(op.getNumLoops());
    position[reductionLoops(op).front()] = key;
    for (auto [dim, index] :
         llvm::zip_equal(op.getMatchingIndexingMap(op.getDpsInitOperand(0)).getResults(), extract.getIndices()))
      position[cast<AffineDimExpr>(dim).getPosition()] = index;
    if (llvm::is_contained(position, Value()))
      return {};
    return {op, formulas.inside(op, inside, position)};
  }

  /// The score whose exponential a formula is, but for a factor that is the same for all keys.
  Value logarithm(Value formula, unsigned depth = 0) {
    constexpr unsigned deepest = 16;
    Operation *op = formula.getDefiningOp();
    if (!op || depth > deepest)
      return {};
    Location loc = op->getLoc();
    if (isa<math::ExpOp>(op)) {
      Value score = op->getOperand(0);
      auto difference = score.getDefiningOp<arith::SubFOp>();
      auto [largest, of] = difference ? reduction(difference.getRhs(), largestOf) : std::pair<Operation *, Value>();
      return largest && of == difference.getLhs() ? difference.getLhs() : score;
    }
    if (FloatAttr number; matchPattern(formula, m_Constant(&number)))
      return number.getValue().isNegative() || number.getValue().isNaN()
                 ? Value()
                 : formulas.number(loc, std::log(number.getValueAsDouble()));
    if (!isa<arith::SelectOp, arith::MulFOp>(op))
      return {};
    unsigned count = op->getNumOperands();
    Value a = logarithm(op->getOperand(count - 2), depth + 1);
    Value b = a ? logarithm(op->getOperand(count - 1), depth + 1) : Value();
    if (!b)
      return {};
    return count == 3 ? formulas.create<arith::SelectOp>(loc, op->getOperand(0), a, b)
                      : formulas.create<arith::AddFOp>(loc, a, b);
  }

  ElementFormula &formulas;
  Value key;
};

} // namespace

std::optional<Probabilities> findProbabilities(ElementFormula &formulas, ArrayRef<FormulaFactor> factors, Value key) {
  for (auto [number, factor] : llvm::enumerate(factors)) {
    if (factor.divides) {
      if (auto found = Quotient(formulas, key).match(factors, number))
        return found;
    } else if (SoftmaxOp softmax = softmaxAt(factor.value, key)) {
      auto extract = factor.value.getDefiningOp<tensor::ExtractOp>();
      return Probabilities{
          formulas.element(softmax.getInput(), llvm::to_vector(extract.getIndices())), 1, {unsigned(number)}, softmax};
    }
  }
  return std::nullopt;
}

} // namespace weft

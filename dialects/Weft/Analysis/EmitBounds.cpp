//===- EmitBounds.cpp - bounds as IR ------------------------------------------------------------------------------===//
// Answers: which scalar operations compute a BoundExpr, and which of them may stand before a loop over keys?
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Weft/Analysis/BoundNode.h"

using namespace mlir;

namespace weft {

class BoundExpr::Emission {
public:
  Emission(OpBuilder &b, Location loc, const Values &values, Emitted emitted)
      : b(b), loc(loc), values(values), type(values.type ? values.type : b.getIndexType()),
        emitted(std::move(emitted)) {}

  Value emit(const BoundExpr &expr) {
    return Node::visit<Value>(expr, emitted.values,
                              [&](const Node &node, ArrayRef<Value> in) { return compute(node, in); });
  }

  /// What is left of `expr` when a block of keys is not known yet: its largest parts without one.
  void emitForAllKeys(const BoundExpr &expr, DenseSet<const Node *> &seen) {
    if (!expr.node->ofKeyBlock) {
      emit(expr);
      return;
    }
    if (seen.insert(expr.node.get()).second)
      for (const BoundExpr &operand : expr.node->operands)
        emitForAllKeys(operand, seen);
  }

  Emitted take() { return std::move(emitted); }

private:
  Value number(int64_t value) { return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value)); }
  template <typename Op> Value make(Value x, Value y) { return b.createOrFold<Op>(loc, x, y); }

  Value asNumber(Value value) {
    Type given = value.getType();
    if (given == type)
      return value;
    bool isFlag = given.isInteger(1);
    if (!given.isIndex() && !type.isIndex())
      return isFlag ? b.createOrFold<arith::ExtUIOp>(loc, type, value)
                    : b.createOrFold<arith::ExtSIOp>(loc, type, value);
    return isFlag ? b.createOrFold<arith::IndexCastUIOp>(loc, type, value)
                  : b.createOrFold<arith::IndexCastOp>(loc, type, value);
  }

  // In operations that every target has: a shift, or a division between two flips of all bits where x is negative.
  Value floorDiv(Value x, int64_t divisor, bool negative) {
    if (llvm::isPowerOf2_64(divisor))
      return make<arith::ShRSIOp>(x, number(llvm::Log2_64(divisor)));
    if (!negative)
      return make<arith::DivSIOp>(x, number(divisor));
    Value sign = make<arith::ShRSIOp>(x, number(63));
    return make<arith::XOrIOp>(make<arith::DivSIOp>(make<arith::XOrIOp>(x, sign), number(divisor)), sign);
  }

  Value entry(const Node &node, ArrayRef<Value> in) {
    auto [found, isNew] = emitted.tables.try_emplace(node.load);
    if (isNew) {
      SmallVector<Value> first, last;
      for (size_t i = 0; i < in.size(); i += 2) {
        first.push_back(in[i]);
        last.push_back(in[i + 1]);
      }
      found->second = values.table(node.load, first, last);
    }
    return node.kind == Kind::Least ? found->second.first : found->second.second;
  }

  Value compute(const Node &node, ArrayRef<Value> in) {
    switch (node.kind) {
    case Kind::Constant:
      return number(node.number);
    case Kind::FirstQuery:
      return values.firstQuery;
    case Kind::LastQuery:
      return values.lastQuery;
    case Kind::FirstKey:
      return values.firstKey;
    case Kind::LastKey:
      return values.lastKey;
    case Kind::FirstHead:
      return values.firstHead;
    case Kind::LastHead:
      return values.lastHead;
    case Kind::Keys:
      return values.keys;
    case Kind::Uniform:
      return asNumber(values.uniform(node.value));
    case Kind::Add:
      return make<arith::AddIOp>(in[0], in[1]);
    case Kind::Scale:
      return make<arith::MulIOp>(in[0], number(node.number));
    case Kind::Multiply:
      return make<arith::MulIOp>(in[0], in[1]);
    case Kind::FloorDiv:
      return floorDiv(in[0], node.number, node.operands[0].lower() < 0);
    case Kind::Quotient:
      return make<arith::DivSIOp>(in[0], in[1]);
    case Kind::Min:
      return make<arith::MinSIOp>(in[0], in[1]);
    case Kind::Max:
      return make<arith::MaxSIOp>(in[0], in[1]);
    case Kind::Choose: {
      Value holds = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sge, in[0], number(0));
      return b.createOrFold<arith::SelectOp>(loc, holds, in[1], in[2]);
    }
    case Kind::Least:
    case Kind::Most:
      return entry(node, in);
    }
    llvm_unreachable("every kind is listed");
  }

  OpBuilder &b;
  Location loc;
  const Values &values;
  Type type;
  Emitted emitted;
};

SmallVector<Value> BoundExpr::emit(OpBuilder &b, Location loc, ArrayRef<BoundExpr> exprs, const Values &values,
                                   Emitted emitted) {
  Emission emission(b, loc, values, std::move(emitted));
  return llvm::map_to_vector(exprs, [&](const BoundExpr &expr) { return emission.emit(expr); });
}

BoundExpr::Emitted BoundExpr::emitForAllKeys(OpBuilder &b, Location loc, ArrayRef<BoundExpr> exprs,
                                             const Values &values) {
  Emission emission(b, loc, values, Emitted());
  DenseSet<const Node *> seen;
  for (const BoundExpr &expr : exprs)
    emission.emitForAllKeys(expr, seen);
  return emission.take();
}

} // namespace weft

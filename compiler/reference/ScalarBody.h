//===- ScalarBody.h - straight-line code on numbers -----------------------------------------------------*- C++ -*-===//
// Answers: how are the bodies of linalg.generic, epilogues, masks and scores evaluated for millions of elements?
// A body is translated once into a list of steps over numbered slots, then executed as often as there are elements.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/reference/Frame.h"

namespace weft::reference {

/// A number inside a body. Integers of any width and `index` are held sign-extended, i1 as 0 or 1.
union Number {
  double real;
  int64_t integer;
};

Number toNumber(double value, mlir::Type type);
double toDouble(Number number, mlir::Type type);

/// What the steps of one execution work on.
struct Slots {
  std::vector<Number> numbers;
  llvm::ArrayRef<int64_t> indices;   ///< what linalg.index reads
  std::string problem;               ///< set by a step that has no answer, such as a division by zero
  mlir::Operation *failed = nullptr; ///< the op of that step
};
using Step = std::function<void(Slots &)>;

/// Translates one op of arith or math; an error when it is none that is known. `slot` gives a value's place.
llvm::Expected<Step> translateScalar(mlir::Operation *op, const Frame &frame,
                                     llvm::function_ref<unsigned(mlir::Value)> slot);

class ScalarBody {
public:
  /// Translates a block; its arguments are the code's, its terminator's operands the results. Values from above the
  /// block are read from the frame now, tensors among them again by every tensor.extract.
  static llvm::Expected<ScalarBody> translate(mlir::Block &block, const Frame &frame);
  /// A single op: its operands are the arguments.
  static llvm::Expected<ScalarBody> translate(mlir::Operation *op, const Frame &frame);

  Slots slots() const; ///< one per thread; constants and values from above are in place
  Number &argument(Slots &slots, unsigned i) const { return slots.numbers[arguments[i]]; }
  /// False when a step had a problem, which `error` then words.
  bool execute(Slots &slots) const;
  Number result(const Slots &slots, unsigned i = 0) const { return slots.numbers[results[i]]; }
  static llvm::Error error(const Slots &slots) { return failure(slots.failed, slots.problem); }

private:
  unsigned slotOf(mlir::Value value, const Frame &frame);
  llvm::Error append(mlir::Operation *op, const Frame &frame);

  std::vector<Number> initial;
  llvm::DenseMap<mlir::Value, unsigned> places;
  std::vector<std::pair<mlir::Operation *, Step>> steps;
  llvm::SmallVector<unsigned> arguments, results;
};

} // namespace weft::reference

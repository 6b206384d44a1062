//===- InterpreterTest.cpp - arguments, states, precision and errors of the reference interpreter -----------------===//
#include "compiler/reference/Interpreter.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace weft::reference;

namespace {

class Interpreter : public ::testing::Test {
protected:
  Interpreter() {
    context.loadDialect<weft::WeftDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                        math::MathDialect, tensor::TensorDialect>();
  }

  /// Runs @f of the IR.
  llvm::Expected<std::vector<Tensor>> interpret(const char *ir, MutableArrayRef<Tensor> arguments) {
    module = parseSourceString<ModuleOp>(ir, &context);
    return run(module->lookupSymbol<func::FuncOp>("f"), arguments, options);
  }

  std::string errorOf(const char *ir, std::vector<Tensor> arguments) {
    auto results = interpret(ir, arguments);
    return results ? "no error" : llvm::toString(results.takeError());
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  Options options;
};

constexpr const char *addOne = R"(func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %dynamic = tensor.cast %one : tensor<2xf32> to tensor<?xf32>
  %y = arith.addf %x, %dynamic : tensor<?xf32>
  return %y : tensor<?xf32>
})";

TEST_F(Interpreter, DoublesInF64AndFloatsInF32) {
  std::vector<Tensor> arguments = {{{2}, {0x1p-40, 2}}};
  auto exact = interpret(addOne, arguments);
  ASSERT_TRUE(bool(exact));
  EXPECT_EQ((*exact)[0].values, (std::vector<double>{1 + 0x1p-40, 3}));
  options.precision = Precision::F32;
  auto rounded = interpret(addOne, arguments);
  ASSERT_TRUE(bool(rounded));
  EXPECT_EQ((*rounded)[0].values, (std::vector<double>{1, 3}));
}

// The naive float sum stalls at 2^24; a sum in double, or in any other order, does not.
TEST_F(Interpreter, SumsAreSequentialInF32) {
  const char *sum = R"(func.func @f(%x: tensor<1x3xf32>, %w: tensor<1x3xf32>) -> tensor<1x1xf32> {
    %y = weft.linear %x, %w : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x1xf32>
    return %y : tensor<1x1xf32>
  })";
  std::vector<Tensor> arguments = {{{1, 3}, {0x1p24, 1, 1}}, {{1, 3}, {1, 1, 1}}};
  auto exact = interpret(sum, arguments);
  ASSERT_TRUE(bool(exact));
  EXPECT_EQ((*exact)[0].values[0], 0x1p24 + 2);
  options.precision = Precision::F32;
  auto naive = interpret(sum, arguments);
  ASSERT_TRUE(bool(naive));
  EXPECT_EQ((*naive)[0].values[0], 0x1p24);
}

// Sizes around the tiles of the product: every element against a sum of its own.
TEST_F(Interpreter, LinearOfAnySize) {
  const char *linear = R"(func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
    %y = weft.linear %x, %w : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
    return %y : tensor<?x?xf32>
  })";
  for (auto precision : {Precision::F64, Precision::F32})
    for (auto [rows, depth, columns] :
         {std::tuple(1, 1, 1), {3, 7, 9}, {4, 5, 32}, {5, 3, 40}, {9, 2, 67}, {4, 0, 3}}) {
      options.precision = precision;
      Tensor x{{rows, depth}, {}}, w{{columns, depth}, {}};
      for (int i = 0; i < rows * depth; ++i)
        x.values.push_back(i % 7 - 3);
      for (int i = 0; i < columns * depth; ++i)
        w.values.push_back(i % 11 - 5);
      std::vector<Tensor> arguments = {x, w};
      auto y = interpret(linear, arguments);
      ASSERT_TRUE(bool(y)) << llvm::toString(y.takeError());
      ASSERT_EQ((*y)[0].shape, (std::vector<int64_t>{rows, columns}));
      for (int r = 0; r < rows; ++r)
        for (int n = 0; n < columns; ++n) {
          double sum = 0;
          for (int k = 0; k < depth; ++k)
            sum += x.values[r * depth + k] * w.values[n * depth + k];
          ASSERT_EQ((*y)[0].values[r * columns + n], sum) << rows << 'x' << depth << 'x' << columns;
        }
    }
}

// What code rounds on the way into a matmul, and the truth does not.
TEST_F(Interpreter, ActivationsAreRoundedWhenAsked) {
  auto linear = [&](const char *packed, const char *operands, const char *attributes, int64_t rows) {
    std::string ir = (llvm::Twine("func.func @f(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {\n"
                                  "  %w = arith.constant dense<127.0> : tensor<1x1xf32>\n") +
                      packed + "  %y = weft.packed_linear %x, %p " + operands + " attributes {" + attributes +
                      "columns = 1 : i64} {\n  ^bb0(%a: f32):\n    weft.yield %a : f32\n  } : (tensor<?x1xf32>, ")
                         .str();
    bool isInt8 = *operands;
    ir += isInt8 ? "tensor<1x1x1x4xi8>, tensor<1x1x1xf32>) -> tensor<?x1xf32>\n"
                 : "tensor<1x1x1x2xbf16>) -> tensor<?x1xf32>\n";
    ir += "  return %y : tensor<?x1xf32>\n}";
    std::vector<Tensor> arguments = {{{rows, 1}, std::vector<double>(rows, 1 + 0x1p-9)}};
    auto results = interpret(ir.c_str(), arguments);
    EXPECT_TRUE(bool(results));
    return results ? (*results)[0].values[0] : 0;
  };
  const char *bf16 = "  %p = weft.pack %w {panel = 1 : i64} : (tensor<1x1xf32>) -> tensor<1x1x1x2xbf16>\n";
  const char *int8 = "  %p, %s = weft.pack %w {panel = 1 : i64} : (tensor<1x1xf32>) -> (tensor<1x1x1x4xi8>, "
                     "tensor<1x1x1xf32>)\n";
  EXPECT_EQ(linear(bf16, "", "", 8), 127 * (1 + 0x1p-9));
  EXPECT_EQ(linear(int8, "scales %s", "activations = i8, ", 1), 127 * (1 + 0x1p-9));
  options.roundActivations = true;
  EXPECT_EQ(linear(bf16, "", "", 8), 127);
  EXPECT_EQ(linear(bf16, "", "", 7), 127 * (1 + 0x1p-9)); // few rows keep them
  EXPECT_NEAR(linear(int8, "scales %s", "activations = i8, ", 1), 127 * (1 + 0x1p-9), 1e-4);
}

TEST_F(Interpreter, StatesAreUpdatedInTheArguments) {
  const char *append = R"(
    func.func private @inner(%state: tensor<1x3xf32>, %x: tensor<1x1xf32>, %past: index) -> tensor<1x?xf32> {
      %all = weft.cache %x into %state at %past : tensor<1x1xf32> into tensor<1x3xf32> -> tensor<1x?xf32>
      return %all : tensor<1x?xf32>
    }
    func.func @f(%x: tensor<1x1xf32>, %past: index, %state: tensor<1x3xf32>) -> tensor<1x?xf32> {
      %all = call @inner(%state, %x, %past) : (tensor<1x3xf32>, tensor<1x1xf32>, index) -> tensor<1x?xf32>
      return %all : tensor<1x?xf32>
    })";
  std::vector<Tensor> arguments = {{{1, 1}, {9}}, {{}, {1}}, {{1, 3}, {5, 6, 7}}};
  auto all = interpret(append, arguments);
  ASSERT_TRUE(bool(all));
  EXPECT_EQ((*all)[0].shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ((*all)[0].values, (std::vector<double>{5, 9}));
  EXPECT_EQ(arguments[2].values, (std::vector<double>{5, 9, 7}));

  arguments[1].values[0] = 3;
  EXPECT_NE(errorOf(append, arguments).find("puts 1 positions at 3 into a state of 3"), std::string::npos);
}

TEST_F(Interpreter, ArgumentsComeBackAfterAnError) {
  std::vector<Tensor> arguments = {{{3}, {1, 2, 3}}};
  auto results = interpret(addOne, arguments);
  ASSERT_FALSE(bool(results));
  EXPECT_NE(llvm::toString(results.takeError()).find("'arith.addf' combines shapes [3] and [2]"), std::string::npos);
  EXPECT_EQ(arguments[0].values.size(), 3u);
}

TEST_F(Interpreter, ObserverSeesEveryTensorInOrder) {
  std::vector<std::string> seen;
  options.observe = [&](Operation *op, llvm::ArrayRef<Tensor> results) {
    seen.push_back(op->getName().getStringRef().str() + " " + std::to_string(results[0].values[0]));
  };
  std::vector<Tensor> arguments = {{{2}, {1, 2}}};
  ASSERT_TRUE(bool(interpret(addOne, arguments)));
  EXPECT_EQ(seen, (std::vector<std::string>{"arith.constant 1.000000", "tensor.cast 1.000000", "arith.addf 2.000000"}));
}

TEST_F(Interpreter, WrongArgumentsAreErrors) {
  EXPECT_NE(errorOf(addOne, {}).find("'f' takes 1 arguments, but was given 0"), std::string::npos);
  EXPECT_NE(errorOf(addOne, {{{2, 1}, {1, 2}}}).find("has shape [2, 1] and 2 elements, which is no tensor<?xf32>"),
            std::string::npos);
  EXPECT_NE(errorOf(addOne, {{{2}, {1}}}).find("has shape [2] and 1 elements"), std::string::npos);
  EXPECT_NE(errorOf(addOne, {{{-2}, {}}}).find("has shape [-2]"), std::string::npos);
}

TEST_F(Interpreter, BuffersAndRecursionAreErrors) {
  EXPECT_NE(errorOf("func.func @f(%m: memref<2xf32>) { return }", {{{2}, {1, 2}}}).find("neither a ranked tensor nor"),
            std::string::npos);
  EXPECT_NE(errorOf("func.func @f() { call @f() : () -> () return }", {}).find("models do not call themselves"),
            std::string::npos);
  EXPECT_NE(errorOf("func.func private @f()", {}).find("needs a body of one block"), std::string::npos);
}

} // namespace

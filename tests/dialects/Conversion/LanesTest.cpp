//===- LanesTest.cpp - scalar regions on vectors, run -----------------------------------------------------------===//
// Answers: does a region give in every lane what it gives for one element, whatever operations it holds?
//===------------------------------------------------------------------------------------------------------------===//
#include "compiler/pipelines/Pipelines.h"
#include "dialects/Conversion/WeftToCpu/Emitters.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "tests/dialects/Conversion/Jit.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;

namespace weft::test {
namespace {

constexpr int64_t count = 64; // a multiple of every number of lanes

/// The kernel y[i] = f(i, h, t...), with f on lanes: `source` holds @f(index, index, memrefs...) -> f32.
std::string onLanes(const std::string &source, unsigned lanes) {
  DialectRegistry registry;
  registerWeft(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, &context);
  if (!module)
    return "";
  auto f = module->lookupSymbol<func::FuncOp>("f");
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  Location loc = f.getLoc();
  SmallVector<Type> types(f.getArgumentTypes().drop_front());
  types.push_back(MemRefType::get({count}, b.getF32Type()));
  auto kernel = func::FuncOp::create(b, loc, "kernel", b.getFunctionType(types, {}));
  kernel->setAttr("llvm.emit_c_interface", b.getUnitAttr());
  Block *body = kernel.addEntryBlock();
  b.setInsertionPointToStart(body);
  auto index = [&](int64_t value) { return cpu::constantIndex(b, loc, value); };
  scf::ForOp::create(b, loc, index(0), index(count), index(lanes), ValueRange{},
                     [&](OpBuilder &b, Location loc, Value first, ValueRange) {
                       auto i32 = cpu::lanesType(b, {lanes}, b.getIndexType());
                       Value steps = vector::StepOp::create(b, loc, VectorType::get({lanes}, b.getIndexType()));
                       steps = arith::IndexCastOp::create(b, loc, i32, steps);
                       SmallVector<Value> arguments{
                           arith::AddIOp::create(b, loc, steps, cpu::splat(b, loc, first, i32))};
                       llvm::append_range(arguments, body->getArguments().drop_back());
                       Value y = cpu::emitOnLanes(b, f.front(), arguments, lanes).front();
                       y = cpu::splat(b, loc, y, cpu::lanesType(b, {lanes}));
                       vector::StoreOp::create(b, loc, y, body->getArguments().back(), first);
                       scf::YieldOp::create(b, loc);
                     });
  func::ReturnOp::create(b, loc);
  f.erase();
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  return text;
}

class LanesOf : public testing::TestWithParam<unsigned> {
protected:
  /// Runs f for i in [0, count) with h = 3.
  std::vector<float> run(const std::string &f, std::vector<Descriptor> tables, std::string *text = nullptr) {
    std::string source = onLanes(f, GetParam());
    if (text)
      *text = source;
    EXPECT_FALSE(source.empty());
    std::unique_ptr<Jit> jit = Jit::compile(source);
    std::vector<float> y(count, -1);
    if (!jit)
      return y;
    int64_t h = 3;
    tables.insert(tables.begin(), Descriptor::number(h));
    tables.push_back(Descriptor(y.data(), {count}));
    jit->call("kernel", tables);
    return y;
  }
};

TEST_P(LanesOf, IndicesAreIntegersOf32Bits) {
  std::string text;
  std::vector<float> y = run(R"(func.func @f(%i: index, %h: index) -> f32 {
      %c5 = arith.constant 5 : index
      %c2 = arith.constant 2 : index
      %u = arith.muli %h, %c2 : index
      %0 = arith.divsi %i, %c5 : index
      %1 = arith.remsi %i, %c5 : index
      %2 = arith.muli %0, %u : index
      %3 = arith.addi %2, %1 : index
      %4 = arith.index_cast %3 : index to i64
      %5 = arith.sitofp %4 : i64 to f32
      %6 = arith.cmpi slt, %i, %u : index
      %7 = arith.index_cast %i : index to i32
      %8 = arith.index_cast %7 : i32 to index
      %9 = arith.index_cast %8 : index to i32
      %10 = arith.sitofp %9 : i32 to f32
      %11 = arith.select %6, %10, %5 : f32
      func.return %11 : f32
    })",
                             {}, &text);
  for (int64_t i = 0; i < count; ++i)
    EXPECT_EQ(y[i], i < 6 ? i : i / 5 * 6 + i % 5) << i;
  // What depends on h alone is one number.
  EXPECT_NE(text.find("arith.muli %arg0, %c2 : index"), std::string::npos) << text;
}

TEST_P(LanesOf, LoadsFromTablesAreGathers) {
  std::vector<float> line(count), plane(7 * 40);
  for (int64_t i = 0; i < count; ++i)
    line[i] = 1000 + i;
  for (size_t i = 0; i < plane.size(); ++i)
    plane[i] = i;
  std::string text;
  // Lane i reads plane[i % 7][i], which ends at 39: beyond, any element will do, but none outside.
  std::vector<float> y =
      run(R"(func.func @f(%i: index, %h: index, %line: memref<?xf32>, %plane: memref<7x?xf32>) -> f32 {
      %c7 = arith.constant 7 : index
      %0 = memref.load %line[%i] : memref<?xf32>
      %1 = memref.load %line[%h] : memref<?xf32>
      %2 = arith.remui %i, %c7 : index
      %3 = memref.load %plane[%2, %i] : memref<7x?xf32>
      %4 = arith.addf %0, %1 : f32
      %5 = arith.addf %4, %3 : f32
      func.return %5 : f32
    })",
          {Descriptor(line.data(), {count}), Descriptor(plane.data(), {7, 40})}, &text);
  for (int64_t i = 0; i < 40; ++i)
    EXPECT_EQ(y[i], 1000 + i + 1003 + (i % 7 * 40 + i)) << i;
  EXPECT_NE(text.find("vector.gather"), std::string::npos);
}

// Bits take a byte in memory and have no gather; a branch has no vector form.
TEST_P(LanesOf, WhatHasNoVectorFormGoesLaneByLane) {
  std::vector<char> admitted(count);
  for (int64_t i = 0; i < count; ++i)
    admitted[i] = i % 3 == 0;
  std::vector<float> y = run(R"(func.func @f(%i: index, %h: index, %admitted: memref<?xi1>) -> f32 {
      %0 = memref.load %admitted[%i] : memref<?xi1>
      %1 = scf.if %0 -> f32 {
        %2 = arith.addi %i, %h : index
        %3 = arith.index_cast %2 : index to i32
        %4 = arith.sitofp %3 : i32 to f32
        scf.yield %4 : f32
      } else {
        %5 = arith.constant -1.0 : f32
        scf.yield %5 : f32
      }
      func.return %1 : f32
    })",
                             {Descriptor(admitted.data(), {count})});
  for (int64_t i = 0; i < count; ++i)
    EXPECT_EQ(y[i], i % 3 == 0 ? i + 3 : -1) << i;
}

TEST_P(LanesOf, FunctionsOfOneElementWorkOnAll) {
  std::vector<float> y = run(R"(func.func @f(%i: index, %h: index) -> f32 {
      %0 = arith.index_cast %i : index to i32
      %1 = arith.sitofp %0 : i32 to f32
      %scale = arith.constant -0.125 : f32
      %2 = arith.mulf %1, %scale : f32
      %3 = math.exp %2 : f32
      %4 = math.tanh %3 : f32
      func.return %4 : f32
    })",
                             {});
  for (int64_t i = 0; i < count; ++i)
    EXPECT_NEAR(y[i], std::tanh(std::exp(-0.125 * i)), 5e-7) << i;
}

INSTANTIATE_TEST_SUITE_P(Lanes, LanesOf, testing::Values(8u, 16u));

} // namespace
} // namespace weft::test

//===- Adder.h - a model small enough to write by hand ----------------------------------------------------*- C++
//-*-===//
// Answers: what does the smallest artefact look like that has weights, a run-time axis, a cache and two CPU levels?
// `add` gives y = x + w for rows of 4; `add_step` is there for its description. The weights are packed with padding.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/targets/Targets.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "tests/compiler/checkpoint/Files.h"

namespace weft::test {

class AdderTest : public FolderTest {
protected:
  void SetUp() override {
    FolderTest::SetUp();
    context.loadDialect<mlir::func::FuncDialect, mlir::LLVM::LLVMDialect, WeftDialect>();
    std::vector<float> w = {10, 20, 30, 40}, bias = {1, 2}, matrix = {1, 2, 3, 4, 5, 6};
    std::vector<TensorToWrite> tensors = {{"w", {4}, w}, {"b", {2}, bias}, {"m", {3, 2}, matrix}};
    ASSERT_FALSE(bool(writeSafetensors(in("adder.safetensors"), tensors)));
    auto opened = Checkpoint::open(in("adder.safetensors"));
    ASSERT_TRUE(bool(opened));
    checkpoint = std::move(*opened);
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module;
  }

  mlir::OwningOpRef<mlir::ModuleOp> model(llvm::StringRef parameters = defaultParameters, int64_t bytes = 192) {
    return parse((R"(
module attributes {weft.model = "adder", weft.axes = ["n"], weft.parameters = )" +
                  parameters + ", weft.parameter_bytes = " + llvm::Twine(bytes) + R"( : i64} {
  func.func @add(%x: tensor<?x4xf32> {weft.name = "x", weft.dims = ["n", "4"], weft.axis_names = ["n", "width"]})
      -> (tensor<?x4xf32> {weft.name = "y", weft.dims = ["n", "4"], weft.axis_names = ["n", "width"]})
      attributes {weft.entry = "sequence"} {
    return %x : tensor<?x4xf32>
  }
  func.func @add_step(%x: tensor<?xi32> {weft.name = "x", weft.dims = ["n"], weft.axis_names = ["n"]}, %past: index,
                      %c: tensor<2x8xf32> {weft.name = "c", weft.dims = ["2", "8"], weft.axis_names = ["", "n"],
                                           weft.state})
      -> (tensor<?xi32> {weft.name = "y", weft.dims = ["n"], weft.axis_names = ["n"]})
      attributes {weft.entry = "step", weft.position_axis = "n", weft.context = 8 : i64} {
    return %x : tensor<?xi32>
  }
})")
                     .str());
  }

  /// As the pipeline leaves it; memref descriptors are {allocated, aligned, offset, sizes and strides}.
  mlir::OwningOpRef<mlir::ModuleOp> code() {
    return parse(R"(
module attributes {weft.labels = ["x", "ids"]} {
  llvm.func @weft_run_add(%args: !llvm.ptr) {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %three = llvm.mlir.constant(3 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %px = llvm.load %args : !llvm.ptr -> !llvm.ptr
    %py_at = llvm.getelementptr %args[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %py = llvm.load %py_at : !llvm.ptr -> !llvm.ptr
    %pw_at = llvm.getelementptr %args[16] : (!llvm.ptr) -> !llvm.ptr, i8
    %pw = llvm.load %pw_at : !llvm.ptr -> !llvm.ptr
    %x_at = llvm.getelementptr %px[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %x = llvm.load %x_at : !llvm.ptr -> !llvm.ptr
    %y_at = llvm.getelementptr %py[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %y = llvm.load %y_at : !llvm.ptr -> !llvm.ptr
    %w_at = llvm.getelementptr %pw[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %w = llvm.load %w_at : !llvm.ptr -> !llvm.ptr
    %n_at = llvm.getelementptr %px[24] : (!llvm.ptr) -> !llvm.ptr, i8
    %n = llvm.load %n_at : !llvm.ptr -> i64
    %count = llvm.mul %n, %four : i64
    llvm.br ^head(%zero : i64)
  ^head(%i: i64):
    %more = llvm.icmp "slt" %i, %count : i64
    llvm.cond_br %more, ^body, ^end
  ^body:
    %xi = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %yi = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %j = llvm.and %i, %three : i64
    %wj = llvm.getelementptr %w[%j] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %a = llvm.load %xi : !llvm.ptr -> f32
    %b = llvm.load %wj : !llvm.ptr -> f32
    %sum = llvm.call @plus(%a, %b) : (f32, f32) -> f32
    llvm.store %sum, %yi : f32, !llvm.ptr
    %next = llvm.add %i, %one : i64
    llvm.br ^head(%next : i64)
  ^end:
    llvm.return
  }
  llvm.func internal @plus(%a: f32, %b: f32) -> f32 attributes {passthrough = ["noinline"]} {
    %sum = llvm.fadd %a, %b : f32
    llvm.return %sum : f32
  }
  llvm.func @weft_arena_add(%args: !llvm.ptr) -> i64 {
    %bytes = llvm.mlir.constant(64 : i64) : i64
    llvm.return %bytes : i64
  }
  llvm.func @weft_parallel(!llvm.ptr, !llvm.ptr, i64)
  llvm.func internal @nothing(%closure: !llvm.ptr, %i: i64) {
    llvm.return
  }
  llvm.func @weft_run_add_step(%args: !llvm.ptr) {
    %body = llvm.mlir.addressof @nothing : !llvm.ptr
    %two = llvm.mlir.constant(2 : i64) : i64
    llvm.call @weft_parallel(%body, %args, %two) : (!llvm.ptr, !llvm.ptr, i64) -> ()
    llvm.return
  }
  llvm.func @weft_arena_add_step(%args: !llvm.ptr) -> i64 {
    %bytes = llvm.mlir.constant(0 : i64) : i64
    llvm.return %bytes : i64
  }
})");
  }

  /// Code of a GPU's host, which launches nothing, with two kernels of which only the headers are there.
  mlir::OwningOpRef<mlir::ModuleOp> gpuCode(llvm::StringRef kernels = defaultKernels) {
    std::string text = ("module attributes {weft.labels = [\"x\", \"ids\"], weft.kernels = " + kernels + "} {\n").str();
    for (llvm::StringRef entry : {"add", "add_step"})
      text += ("llvm.func @weft_run_" + entry + "(%args: !llvm.ptr) { llvm.return }\nllvm.func @weft_arena_" + entry +
               "(%args: !llvm.ptr) -> i64 { %bytes = llvm.mlir.constant(32 : i64) : i64 llvm.return %bytes : i64 }\n")
                  .str();
    return parse(text + "}");
  }

  /// For both CPU levels.
  llvm::Error write(const PackageOptions &options) {
    auto fused = model(), v3 = code(), v4 = code();
    LoweredCode codes[] = {{{"x86-64-v4", 16, 32}, *v4}, {{"x86-64-v3", 8, 32}, *v3}};
    return writeArtefact(*fused, codes, checkpoint.get(), options);
  }

  /// w at 0; after a gap, b twice; a matrix of 3 columns in panels of 2, scaled.
  static constexpr llvm::StringLiteral defaultParameters =
      R"([{offset = 64 : i64, kind = "concat", weights = ["b", "b"], shapes = [[2], [2]]},
          {offset = 0 : i64, kind = "plain", weights = ["w"], shapes = [[4]]},
          {offset = 128 : i64, kind = "pack", weights = ["m"], shapes = [[3, 2]], panel = 2 : i64, parts = 1 : i64,
           columns = 3 : i64, scale = "b"}])";

  static constexpr llvm::StringLiteral defaultKernels =
      R"([{name = "rows", local_size = [64 : i32, 2 : i32, 1 : i32], subgroup_size = 0 : i32, shared_bytes = 1024 : i32,
           features = 3 : i32, spirv = "\03\02#\07\00\06\01\00\01\02\03\04"},
          {name = "copy", local_size = [32 : i32, 1 : i32, 1 : i32], subgroup_size = 32 : i32, shared_bytes = 0 : i32,
           features = 0 : i32, spirv = "\03\02#\07"}])";

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED}; // so that a test may fork
  std::unique_ptr<Checkpoint> checkpoint;
};

} // namespace weft::test

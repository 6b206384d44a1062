//===- weft-interpret.cpp - runs the reference interpreter on a file of IR ----------------------------------------===//
// For tests: evaluates every function without arguments, in both precisions; their check ops say what is expected.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/checkpoint/Checkpoint.h"
#include "compiler/reference/Interpreter.h"
#include "dialects/Check/IR/CheckOps.h"
#include "dialects/Weft/IR/WeftOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;

static llvm::cl::opt<std::string> file(llvm::cl::Positional, llvm::cl::desc("FILE.mlir"), llvm::cl::Required);
static llvm::cl::opt<std::string> weights("weights", llvm::cl::desc("the checkpoint that weft.weight reads"));

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::ParseCommandLineOptions(argc, argv, "interprets every function without arguments\n");
  llvm::ExitOnError orExit("weft-interpret: error: ");

  DialectRegistry registry;
  registry.insert<weft::WeftDialect, weft::check::CheckDialect, arith::ArithDialect, func::FuncDialect,
                  linalg::LinalgDialect, math::MathDialect, scf::SCFDialect, tensor::TensorDialect>();
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(file, &context);
  if (!module)
    return 1;
  std::unique_ptr<weft::Checkpoint> checkpoint;
  if (!weights.empty())
    checkpoint = orExit(weft::Checkpoint::open(weights));

  unsigned ran = 0, failed = 0;
  for (auto function : module->getOps<func::FuncOp>()) {
    if (function.getNumArguments() != 0 || function.isExternal())
      continue;
    for (auto precision : {weft::reference::Precision::F64, weft::reference::Precision::F32}) {
      weft::reference::Options options{precision, checkpoint.get(), {}};
      ++ran;
      if (auto results = weft::reference::run(function, {}, options); !results) {
        ++failed;
        llvm::WithColor::error(llvm::errs(), function.getName())
            << llvm::toString(results.takeError())
            << (precision == weft::reference::Precision::F64 ? " (in f64)\n" : " (in f32)\n");
      }
    }
  }
  if (ran == 0)
    orExit(llvm::createStringError(file + " holds no function without arguments"));
  return failed ? 1 : 0;
}

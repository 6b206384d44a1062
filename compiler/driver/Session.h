//===- Session.h - a model being compiled ---------------------------------------------------------------*- C++ -*-===//
// Answers: what do all subcommands do first? Read the model and its checkpoint, and report what is wrong with them.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "compiler/checkpoint/Checkpoint.h"
#include "compiler/driver/Commands.h"
#include "compiler/pipelines/Pipelines.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringSet.h"
#include <chrono>
#include <memory>

namespace weft::driver {

/// Prints "weft: error: ..." and gives the exit code that fits: the machine's fault when memory or disk ran out.
int report(llvm::Error error);
int fail(ExitCode code, const llvm::Twine &message);
/// The phase of this name, or Usage after reporting which there are, or that code for the target has no such phase.
int findPhase(llvm::StringRef name, Phase &phase, std::optional<Target> target = std::nullopt);

/// The targets that are asked for; where none is, the one that the device (which may be none) needs.
std::vector<std::string> targetsFor(llvm::ArrayRef<std::string> targets, llvm::StringRef device);

/// One line on a terminal's stderr that says what is going on, once it has taken half a second.
class Progress {
public:
  explicit Progress(bool enabled);
  ~Progress();
  void step(llvm::StringRef what, uint64_t done = 0, uint64_t total = 0);

private:
  bool enabled, shown = false;
  std::chrono::steady_clock::time_point start, last;
};

class Session {
public:
  Session();
  /// Reads the model (phase `options.from`) and its checkpoint. Returns Done or an exit code, after reporting.
  int open(const ModelOptions &options);
  /// The limits for targets (none: cpu), CPU names and profiles of Vulkan devices (none: generic), reported when one is
  /// unknown: CPUs in rising order, then GPUs as they are named.
  static int limits(llvm::ArrayRef<std::string> targets, llvm::ArrayRef<std::string> cpus,
                    llvm::ArrayRef<std::string> profiles, std::vector<TargetLimits> &limits);

  /// The types of numbers, for code of these levels; reported where they do not go together, or not with the phase that
  /// the model is in.
  int types(const TypeOptions &options, llvm::ArrayRef<TargetLimits> limits, NumberTypes &types) const;

  /// Prints what passes remark, too: what was fused, and what was not, for which reason.
  void showRemarks() { remarks = true; }

  mlir::ModuleOp module() { return *parsed; }
  const Checkpoint *checkpoint() const { return weights.get(); }
  Phase phase() const { return from; }
  mlir::MLIRContext context;

private:
  mlir::OwningOpRef<mlir::ModuleOp> parsed;
  std::unique_ptr<Checkpoint> weights;
  Phase from = Phase::model;
  bool remarks = false;
  llvm::StringSet<> remarked; ///< what was printed
};

/// Parses "seq=128"; an error names the text, and the option that it was given to.
llvm::Expected<std::pair<std::string, int64_t>> parseAxis(llvm::StringRef text, llvm::StringRef option = "--axis");

} // namespace weft::driver

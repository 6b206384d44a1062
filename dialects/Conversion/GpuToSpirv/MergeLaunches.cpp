//===- MergeLaunches.cpp - pass weft-merge-launches ---------------------------------------------------------------===//
// Answers: which kernels need no dispatch of their own, because they may run beside another?
//
// A merged kernel has the workgroups of all its parts, one part after the other; a workgroup finds by its number which
// part it belongs to, and its place in that part's grid.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/Common/LoopBuilder.h"
#include "dialects/Conversion/GpuToSpirv/Barriers.h"
#include "dialects/Conversion/GpuToSpirv/Record.h"
#include "dialects/Conversion/Passes.h"
#include "dialects/Conversion/WeftToGpu/Kernel.h"
#include "dialects/Conversion/WeftToGpu/KernelNames.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace weft {
#define GEN_PASS_DEF_MERGELAUNCHESPASS
#include "dialects/Conversion/Passes.h.inc"

namespace {

using Launches = SmallVector<gpu::LaunchFuncOp>;

/// How far back company is looked for.
constexpr size_t mostStepsBack = 32;

bool isOne(Value value) { return matchPattern(value, m_One()); }

/// Whether a part may hold the op: one that needs no other invocation, nor asks more of its grid than emitPart answers.
bool isOfOneInvocation(Operation *op) {
  if (auto size = dyn_cast<gpu::GridDimOp>(op))
    return size.getDimension() == gpu::Dimension::x;
  if (isa<gpu::GPUDialect>(op->getDialect()))
    return isa<gpu::BlockIdOp, gpu::ThreadIdOp, gpu::ReturnOp>(op);
  return !isa<memref::AllocOp>(op); // memory of the workgroup
}

/// Whether the workgroups of a kernel are nothing but many invocations. Such kernels are small, and a part that uses
/// much of a workgroup would leave less of the device to the others.
bool isOfInvocations(gpu::GPUFuncOp kernel) {
  auto visit = [](Operation *op) {
    return isa<gpu::GPUFuncOp>(op) || isOfOneInvocation(op) ? WalkResult::advance() : WalkResult::interrupt();
  };
  return llvm::hasSingleElement(kernel.getBody()) && kernel.getKnownBlockSize() && !kernel.walk(visit).wasInterrupted();
}

struct MergeLaunches : impl::MergeLaunchesPassBase<MergeLaunches> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    module.walk([&](gpu::GPUFuncOp kernel) { written[kernel] = writtenArguments(kernel); });
    SmallVector<Block *> blocks;
    for (auto function : module.getOps<func::FuncOp>())
      function.walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      if (failed(mergeIn(*block)))
        return signalPassFailure();
    for (auto kernels : llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>()))
      if (SymbolTable::symbolKnownUseEmpty(kernels, module))
        kernels.erase();
  }

private:
  /// An op of a block that launches something, and the launches that it became the first of.
  struct Step {
    Operation *op;
    Launches all;   ///< what it launches, in regions as well
    Launches parts; ///< none where it cannot be merged
    int64_t bytes;  ///< of the parts' records
  };

  gpu::GPUFuncOp kernelOf(gpu::LaunchFuncOp launch) {
    return SymbolTable::lookupNearestSymbolFrom<gpu::GPUFuncOp>(launch, launch.getKernel());
  }

  bool canMerge(gpu::LaunchFuncOp launch) {
    return isOne(launch.getGridSizeZ()) && isOfInvocations(kernelOf(launch)) && launch.getAsyncDependencies().empty() &&
           !launch.getDynamicSharedMemorySize();
  }

  bool meets(const Step &step, gpu::LaunchFuncOp launch) {
    return llvm::any_of(step.all, [&](gpu::LaunchFuncOp other) {
      return meet(other, written[kernelOf(other)], launch, written[kernelOf(launch)]);
    });
  }

  LogicalResult mergeIn(Block &block) {
    SmallVector<Step> steps;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isa<CallOpInterface>(op))
        steps.push_back({}); // may launch anything: no step before it can be reached
      Step step = {&op, {}, {}, 0};
      op.walk([&](gpu::LaunchFuncOp launch) { step.all.push_back(launch); });
      if (step.all.empty())
        continue;
      auto launch = dyn_cast<gpu::LaunchFuncOp>(op);
      if (launch && canMerge(launch)) {
        FailureOr<Record> record = Record::of(launch.getKernelOperands().getTypes(), launch.getLoc());
        if (failed(record))
          return failure();
        step.parts.push_back(launch);
        step.bytes = record->bytes + 16; // and the part's grid
        if (Step *earlier = findCompany(steps, step)) {
          earlier->all.push_back(launch);
          earlier->parts.push_back(launch);
          earlier->bytes += step.bytes;
          continue;
        }
      }
      steps.push_back(std::move(step));
    }
    for (Step &step : steps)
      if (step.parts.size() > 1)
        merge(step.parts);
    return success();
  }

  /// The earliest step that the launch may be part of: it meets nothing from there on, and what it needs is known
  /// there.
  Step *findCompany(MutableArrayRef<Step> steps, const Step &own) {
    gpu::LaunchFuncOp launch = own.parts.front();
    SmallVector<Step *> found;
    for (Step &step : llvm::reverse(steps.take_back(std::min(steps.size(), mostStepsBack)))) {
      if (!step.op || meets(step, launch))
        break;
      if (!step.parts.empty() && step.bytes + own.bytes <= mostRecordBytes &&
          kernelOf(step.parts.front()).getKnownBlockSize() == kernelOf(launch).getKnownBlockSize())
        found.push_back(&step);
    }
    IRRewriter rewriter(&getContext());
    for (Step *step : llvm::reverse(found))
      if (succeeded(moveOperationDependencies(rewriter, launch, step->op)))
        return step;
    return nullptr;
  }

  /// Where the first of them is.
  void merge(ArrayRef<gpu::LaunchFuncOp> parts) {
    gpu::LaunchFuncOp first = parts.front();
    ImplicitLocOpBuilder b(first.getLoc(), first);
    LoopBuilder host(b);
    llvm::SetVector<Value> operands;
    SmallVector<SmallVector<unsigned>> arguments; ///< of each part, as numbers of operands
    std::string key;
    llvm::raw_string_ostream text(key);
    auto use = [&](Value value) {
      operands.insert(value);
      unsigned number = llvm::find(operands, value) - operands.begin();
      text << ' ' << number;
      return number;
    };
    Value end = host.index(0);
    SmallVector<Grid> grids;
    for (gpu::LaunchFuncOp part : parts) {
      text << part.getKernel();
      Grid grid;
      grid.isLine = isOne(part.getGridSizeY());
      text << (grid.isLine ? '-' : '+');
      end = host.add(end, host.mul(part.getGridSizeX(), part.getGridSizeY()));
      grid.x = use(part.getGridSizeX());
      grid.end = use(end);
      grids.push_back(grid);
      arguments.push_back(llvm::map_to_vector(part.getKernelOperands(), use));
    }

    gpu::GPUFuncOp &kernel = merged[key];
    if (!kernel) {
      kernel = build(parts, operands.getArrayRef(), grids, arguments);
      written[kernel] = writtenArguments(kernel); // the block around this one may ask
    }
    auto [x, y] = grid::foldGroups(host, end);
    gpu::LaunchFuncOp::create(b, kernel, gpu::KernelDim3{x, y, host.index(1)}, first.getBlockSizeOperandValues(),
                              /*dynamicSharedMemorySize=*/Value(), operands.getArrayRef());
    for (gpu::LaunchFuncOp part : parts)
      part.erase();
  }

  /// Which operands say how many workgroups a part has along x, and where those of all parts up to it end.
  struct Grid {
    unsigned x, end;
    bool isLine; ///< has no others along y
  };

  gpu::GPUFuncOp build(ArrayRef<gpu::LaunchFuncOp> parts, ArrayRef<Value> operands, ArrayRef<Grid> grids,
                       ArrayRef<SmallVector<unsigned>> arguments) {
    gpu::LaunchFuncOp first = parts.front();
    gpu::GPUFuncOp like = kernelOf(first);
    auto outer = like->getParentOfType<gpu::GPUModuleOp>();
    ImplicitLocOpBuilder b(first.getLoc(), outer);
    auto module = gpu::GPUModuleOp::create(b, nameOf(parts));
    SymbolTable(getOperation()).insert(module); // which may rename it
    StringRef name = module.getName();
    for (gpu::LaunchFuncOp part : parts)
      takeGlobals(kernelOf(part), module);
    b.setInsertionPointToStart(module.getBody());
    auto kernel = gpu::GPUFuncOp::create(b, name, b.getFunctionType(ValueRange(operands).getTypes(), {}));
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    kernel.setKnownBlockSize(*like.getKnownBlockSize());
    Block &body = kernel.getBody().front();
    b.setInsertionPointToStart(&body);
    LoopBuilder k(b);
    auto indexOf = [&](auto op) -> Value { return op.getResult(); };
    Value across = indexOf(gpu::GridDimOp::create(b, gpu::Dimension::x));
    Value group = k.add(k.mul(indexOf(gpu::BlockIdOp::create(b, gpu::Dimension::y)), across),
                        indexOf(gpu::BlockIdOp::create(b, gpu::Dimension::x)));
    std::function<void(size_t)> emitFrom = [&](size_t part) {
      if (part == parts.size())
        return; // the last row of groups may have some too many
      auto own = [&] {
        Value begin = part ? Value(body.getArgument(grids[part - 1].end)) : k.index(0);
        emitPart(k, kernelOf(parts[part]), body, grids[part], k.sub(group, begin), arguments[part]);
      };
      k.when(k.less(group, body.getArgument(grids[part].end)), own, [&] { emitFrom(part + 1); });
    };
    emitFrom(0);
    gpu::ReturnOp::create(b);
    return kernel;
  }

  /// "rotary_0_and_copy_0": the first few parts, by what their kernels are called after.
  static std::string nameOf(ArrayRef<gpu::LaunchFuncOp> parts) {
    std::string name;
    for (gpu::LaunchFuncOp part : parts.take_front(3))
      name += (name.empty() ? "" : "_and_") + kernelName(part.getKernelModuleName().getValue()).str();
    return name + (parts.size() > 3 ? "_and_more" : "") + "_kernel";
  }

  /// Constant tables, which have one name in all modules.
  static void takeGlobals(gpu::GPUFuncOp part, gpu::GPUModuleOp module) {
    OpBuilder b(module.getBodyRegion());
    for (auto global : part->getParentOfType<gpu::GPUModuleOp>().getOps<memref::GlobalOp>())
      if (!module.lookupSymbol(global.getSymName()))
        b.clone(*global);
  }

  void emitPart(LoopBuilder &k, gpu::GPUFuncOp part, Block &body, const Grid &grid, Value number,
                ArrayRef<unsigned> arguments) {
    IRMapping map;
    for (auto [argument, operand] : llvm::zip_equal(part.getArguments(), arguments))
      map.map(argument, body.getArgument(operand));
    Value x = body.getArgument(grid.x), zero = k.index(0);
    Value atX = grid.isLine ? number : k.remainder(number, x), atY = grid.isLine ? zero : k.divide(number, x);
    for (Operation &op : part.getBody().front().without_terminator())
      k.b.clone(op, map);
    // What the part asks about its place in the grid.
    auto answer = [&](Operation *op) -> Value {
      auto along = [](gpu::Dimension dimension, Value x, Value y, Value z) {
        return dimension == gpu::Dimension::x ? x : dimension == gpu::Dimension::y ? y : z;
      };
      if (auto id = dyn_cast<gpu::BlockIdOp>(op))
        return along(id.getDimension(), atX, atY, zero);
      return isa<gpu::GridDimOp>(op) ? x : Value(); // along x
    };
    k.b.getInsertionBlock()->walk([&](Operation *op) {
      if (Value value = answer(op)) {
        op->getResult(0).replaceAllUsesWith(value);
        dead.push_back(op);
      }
    });
    for (Operation *op : dead)
      op->erase();
    dead.clear();
  }

  DenseMap<Operation *, SmallVector<bool>> written; ///< arguments, by kernel
  llvm::StringMap<gpu::GPUFuncOp> merged;           ///< by parts and operands
  SmallVector<Operation *> dead;
};

} // namespace
} // namespace weft

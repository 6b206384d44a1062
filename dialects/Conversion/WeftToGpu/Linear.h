//===- Linear.h - matmul with packed weights and an epilogue on a GPU -----------------------------------*- C++ -*-===//
// Answers: which kernels does a `weft.packed_linear` consist of?
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "dialects/Conversion/WeftToGpu/LinearWeights.h"

namespace weft::grid {

class PackedLinear {
public:
  PackedLinear(mlir::ImplicitLocOpBuilder &b, PackedLinearOp op, const GpuLimits &limits);

  void emit();

private:
  using Value = mlir::Value;
  using Values = LoopBuilder::Values;

  void launchTiles(const Rows &rows);
  /// Some rows of the input in a workgroup, and the panel that it multiplies them with.
  struct FewRows {
    Value panelAt, first;
    Values numbers; ///< beyond the last row: the last once more
    llvm::SmallVector<Values> coordinates;
  };
  FewRows placeFew(Kernel &k, const Rows &rows, int64_t few);
  void launchPanels(const Rows &rows, int64_t few);
  void endPanels(Kernel &k, const RowView &output, Value panelAt, Value firstRow, const Rows &rows, int64_t few,
                 Value lane, Value has, llvm::ArrayRef<Value> sums);
  bool norms() { return op.getNormEps().has_value(); }
  Value normFactor(Kernel &k, Value squares);
  Value scaled(Kernel &k, Value x, Value at);
  Value epilogue(Kernel &k, llvm::ArrayRef<Value> sums, llvm::ArrayRef<Value> coordinates, Value column);
  void finish(Kernel &k, const RowView &output, Value row, llvm::ArrayRef<Value> coordinates, Value column,
              llvm::ArrayRef<Value> sums);
  int64_t partWidth() const { return panel / parts; }

  //===-- LinearSubgroups.cpp -------------------------------------------------------------------------------------===//
  bool hasSubgroups();
  void launchAlone(const Rows &rows, int64_t few);

  //===-- LinearMatrices.cpp --------------------------------------------------------------------------------------===//
  bool hasMatrices();
  void launchMatrices(const Rows &rows);

  mlir::ImplicitLocOpBuilder &b;
  PackedLinearOp op;
  GpuLimits limits;
  PackedWeights weights;
  int64_t leading, panels, depth, panel, parts, columns;
};

} // namespace weft::grid

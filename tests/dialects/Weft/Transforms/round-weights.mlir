// RUN: weft-opt %s -weft-round-weights -mlir-print-local-scope | FileCheck %s --check-prefix=F32
// RUN: weft-opt %s -weft-round-weights=type=bf16 -mlir-print-local-scope | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: weft-opt %s -weft-round-weights=type=int8 -mlir-print-local-scope | FileCheck %s --check-prefixes=CHECK,INT8
// RUN: weft-opt %s -weft-round-weights="type=int8 activations" -mlir-print-local-scope | FileCheck %s --check-prefix=ROUNDED
// RUN: weft-opt %s -weft-round-weights=type=int4 -mlir-print-local-scope | FileCheck %s --check-prefixes=CHECK,INT4

// The table of a look-up is rounded apart from the matmul that reads the same weight; the bias stays.
// F32-LABEL:   @tied
// F32-NOT:     bf16
// F32-NOT:     scales
// CHECK-LABEL: @tied
// CHECK-DAG:   %[[BIAS:.*]] = weft.weight "bias" : tensor<10xf32>
// CHECK-DAG:   %[[W:.*]] = weft.weight "table" : tensor<10x70xf32>
// CHECK-DAG:   %[[T:.*]] = weft.weight "table" : tensor<10x70xbf16>
// CHECK:       weft.lookup %[[T]], %{{.*}} : (tensor<10x70xbf16>, tensor<?xi32>) -> tensor<?x70xf32>
// BF16:        %[[P:.*]] = weft.pack %[[W]] scale %{{.*}} {panel = 32 : i64} : (tensor<10x70xf32>, tensor<70xf32>) -> tensor<1x35x32x2xbf16>
// BF16:        weft.packed_linear %{{.*}}, %[[P]] extras %[[BIAS]]
// INT8:        %[[P:.*]], %[[S:.*]] = weft.pack %[[W]] scale %{{.*}} -> (tensor<1x18x32x4xi8>, tensor<1x1x32xf32>)
// INT8:        weft.packed_linear %{{.*}}, %[[P]] scales %[[S]] extras %[[BIAS]] attributes {columns
// INT4:        %[[P:.*]], %[[S:.*]] = weft.pack %[[W]] scale %{{.*}} -> (tensor<1x9x32x8xi4>, tensor<1x3x32xbf16>)
// INT4:        weft.packed_linear %{{.*}}, %[[P]] scales %[[S]] extras %[[BIAS]]
// ROUNDED:     weft.packed_linear {{.*}} attributes {activations = i8, columns
func.func @tied(%i: tensor<?xi32>) -> tensor<?x10xf32> {
  %bias = weft.weight "bias" : tensor<10xf32>
  %norm = weft.weight "norm" : tensor<70xf32>
  %table = weft.weight "table" : tensor<10x70xf32>
  %x = weft.lookup %table, %i {label = "tokens"} : (tensor<10x70xf32>, tensor<?xi32>) -> tensor<?x70xf32>
  %p = weft.pack %table scale %norm {panel = 32 : i64} : (tensor<10x70xf32>, tensor<70xf32>) -> tensor<1x70x32xf32>
  %y = weft.packed_linear %x, %p extras %bias
      attributes {columns = 10 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%acc: f32, %b: f32):
    %s = arith.addf %acc, %b : f32
    weft.yield %s : f32
  } : (tensor<?x70xf32>, tensor<1x70x32xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  return %y : tensor<?x10xf32>
}

// Words do not tell how many inputs there are: the type of the input does then.
// CHECK-LABEL: @unknown_depth
// CHECK:       tensor.cast %{{.*}} : tensor<?x?xf32> to tensor<?x9xf32>
func.func @unknown_depth(%x: tensor<?x?xf32>) -> tensor<?x10xf32> {
  %w = weft.weight "w" : tensor<10x9xf32>
  %p = weft.pack %w {panel = 32 : i64} : (tensor<10x9xf32>) -> tensor<1x9x32xf32>
  %y = weft.packed_linear %x, %p attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x?xf32>, tensor<1x9x32xf32>) -> tensor<?x10xf32>
  return %y : tensor<?x10xf32>
}

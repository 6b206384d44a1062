// RUN: weft-opt %s -weft-place-weights -split-input-file -mlir-print-local-scope | FileCheck %s

// Places follow the order of first use, not that of the weights, and begin at multiples of 64 bytes; the step shares them.
// The table is packed for the last matmul and lies plain for the look-up: two parameters of one weight.
// CHECK:       module attributes {weft.parameter_bytes = 2816 : i64, weft.parameters = [
// CHECK-SAME:    {kind = "plain", offset = 0 : i64, shapes = {{\[\[}}10, 8]], weights = ["table"]}
// CHECK-SAME:    {columns = 16 : i64, kind = "pack", offset = 320 : i64, panel = 32 : i64, parts = 1 : i64, scale = "norm", shapes = {{\[\[}}8, 8], [8, 8]], weights = ["q", "k"]}
// CHECK-SAME:    {kind = "concat", offset = 1344 : i64, shapes = {{\[\[}}8], [8]], weights = ["q.bias", "k.bias"]}
// CHECK-SAME:    {columns = 8 : i64, in_out, kind = "pack", offset = 1408 : i64, panel = 32 : i64, parts = 2 : i64, shapes = {{\[\[}}8, 8], [8, 8]], weights = ["gate", "up"]}
// CHECK-SAME:    {kind = "plain", offset = 2432 : i64, shapes = {{\[\[}}3, 32]], weights = ["extra"]}]}

// CHECK-LABEL: @sequence
// CHECK-NOT:   weft.weight
// CHECK-NOT:   weft.pack{{ }}
// CHECK:       %[[B:.*]] = weft.parameter 1344 : tensor<16xf32>
// CHECK-NEXT:  %[[T:.*]] = weft.parameter 0 : tensor<10x8xf32>
// CHECK-NEXT:  %[[X:.*]] = weft.lookup %[[T]]
// CHECK-NEXT:  %[[P:.*]] = weft.parameter 320 : tensor<1x8x32xf32>
// CHECK-NEXT:  weft.packed_linear %[[X]], %[[P]] extras %[[B]]
// CHECK:       %[[G:.*]] = weft.parameter 1408 : tensor<1x8x32xf32>
// CHECK-NEXT:  weft.packed_linear %[[X]], %[[G]]
func.func @sequence(%i: tensor<?xi32>) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %qb = weft.weight "q.bias" : tensor<8xf32>
  %kb = weft.weight "k.bias" : tensor<8xf32>
  %b = tensor.concat dim(0) %qb, %kb : (tensor<8xf32>, tensor<8xf32>) -> tensor<16xf32>
  %unused = weft.weight "unused" : tensor<100xf32>
  %table = weft.weight "table" : tensor<10x8xf32>
  %norm = weft.weight "norm" : tensor<8xf32>
  %x = weft.lookup %table, %i {label = "tokens"} : (tensor<10x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  %q = weft.weight "q" : tensor<8x8xf32>
  %k = weft.weight "k" : tensor<8x8xf32>
  %p = weft.pack %q, %k scale %norm {panel = 32 : i64}
      : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<1x8x32xf32>
  %y = weft.packed_linear %x, %p extras %b
      attributes {columns = 16 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%acc: f32, %bias: f32):
    %s = arith.addf %acc, %bias : f32
    weft.yield %s : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %gate = weft.weight "gate" : tensor<8x8xf32>
  %up = weft.weight "up" : tensor<8x8xf32>
  %g = weft.pack %gate, %up {panel = 32 : i64, parts = 2 : i64, in_out}
      : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<1x8x32xf32>
  %z = weft.packed_linear %x, %g attributes {columns = 8 : i64, parts = 2 : i64} {
  ^bb0(%a: f32, %c: f32):
    %m = arith.mulf %a, %c : f32
    weft.yield %m : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x16xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @step
// CHECK-DAG:   weft.parameter 0 : tensor<10x8xf32>
// CHECK-DAG:   weft.parameter 2432 : tensor<3x32xf32>
func.func @step(%i: tensor<?xi32>) -> (tensor<?x8xf32>, tensor<3x32xf32>) {
  %table = weft.weight "table" : tensor<10x8xf32>
  %extra = weft.weight "extra" : tensor<3x32xf32>
  %x = weft.lookup %table, %i {label = "tokens"} : (tensor<10x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  return %x, %extra : tensor<?x8xf32>, tensor<3x32xf32>
}

// -----

// Only vectors of weights are put together when compiling; other concatenations are the model's own.
// CHECK:       weft.parameter_bytes = 128
// CHECK-LABEL: @concat_of_values
// CHECK:       %[[A:.*]] = weft.parameter 0 : tensor<4xf32>
// CHECK:       tensor.concat dim(0) %[[A]], %{{.*}} : (tensor<4xf32>, tensor<?xf32>)
// CHECK:       %[[M:.*]] = weft.parameter 64 : tensor<2x2xf32>
// CHECK:       tensor.concat dim(0) %[[M]], %[[M]] : (tensor<2x2xf32>, tensor<2x2xf32>)
func.func @concat_of_values(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<4x2xf32>) {
  %a = weft.weight "a" : tensor<4xf32>
  %c = tensor.concat dim(0) %a, %x : (tensor<4xf32>, tensor<?xf32>) -> tensor<?xf32>
  %m = weft.weight "m" : tensor<2x2xf32>
  %d = tensor.concat dim(0) %m, %m : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  return %c, %d : tensor<?xf32>, tensor<4x2xf32>
}

// -----

// CHECK:       module attributes {weft.parameter_bytes = 0 : i64, weft.parameters = []}
// CHECK-LABEL: @none
func.func @none(%x: tensor<?xf32>) -> tensor<?xf32> {
  %unused = weft.weight "unused" : tensor<4xf32>
  return %x : tensor<?xf32>
}

// -----

// Panels and their scales are two parameters of one recipe; a table that is rounded is a parameter of its own.
// CHECK:       module attributes {weft.parameter_bytes = 3136 : i64, weft.parameters = [
// CHECK-SAME:    {kind = "plain", offset = 0 : i64, shapes = {{\[\[}}10, 70]], type = "bf16", weights = ["table"]}
// CHECK-SAME:    {columns = 10 : i64, kind = "pack", offset = 1408 : i64, panel = 32 : i64, parts = 1 : i64, shapes = {{\[\[}}10, 70]], type = "int4", weights = ["table"]}
// CHECK-SAME:    {columns = 10 : i64, kind = "scales", offset = 2560 : i64, panel = 32 : i64, parts = 1 : i64, shapes = {{\[\[}}10, 70]], type = "int4", weights = ["table"]}
// CHECK-SAME:    {kind = "plain", offset = 2752 : i64, shapes = {{\[\[}}96]], weights = ["bias"]}]}
// CHECK-LABEL: @narrow
// CHECK-DAG:   %[[P:.*]] = weft.parameter 1408 : tensor<1x9x32x8xi4>
// CHECK-DAG:   %[[S:.*]] = weft.parameter 2560 : tensor<1x3x32xbf16>
// CHECK:       weft.packed_linear %{{.*}}, %[[P]] scales %[[S]]
func.func @narrow(%i: tensor<?xi32>) -> (tensor<?x10xf32>, tensor<96xf32>) {
  %t = weft.weight "table" : tensor<10x70xbf16>
  %x = weft.lookup %t, %i {label = "tokens"} : (tensor<10x70xbf16>, tensor<?xi32>) -> tensor<?x70xf32>
  %w = weft.weight "table" : tensor<10x70xf32>
  %p, %s = weft.pack %w {panel = 32 : i64} : (tensor<10x70xf32>) -> (tensor<1x9x32x8xi4>, tensor<1x3x32xbf16>)
  %y = weft.packed_linear %x, %p scales %s attributes {columns = 10 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x70xf32>, tensor<1x9x32x8xi4>, tensor<1x3x32xbf16>) -> tensor<?x10xf32>
  %bias = weft.weight "bias" : tensor<96xf32>
  return %y, %bias : tensor<?x10xf32>, tensor<96xf32>
}

// RUN: weft-opt %s -weft-fuse-gate=panel=16 -split-input-file -mlir-print-local-scope | FileCheck %s
// RUN: weft-opt %s -linalg-fuse-elementwise-ops -weft-fuse-gate=panel=16 -split-input-file -mlir-print-local-scope | FileCheck %s --check-prefix=MERGED

#row = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: @gate
// CHECK-SAME:  %[[X:.*]]: tensor<?x8xf32>
// CHECK-DAG:   %[[GATE:.*]] = weft.weight "gate"
// CHECK-DAG:   %[[UP:.*]] = weft.weight "up"
// CHECK-NOT:   weft.linear
// CHECK:       %[[P:.*]] = weft.pack %[[GATE]], %[[UP]] {panel = 16 : i64, parts = 2 : i64} {{.*}} -> tensor<3x8x16xf32>
// CHECK-NEXT:  %[[Y:.*]] = weft.packed_linear %[[X]], %[[P]] attributes {columns = 20 : i64, parts = 2 : i64} {
// CHECK-NEXT:  ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32):
// CHECK-NEXT:    %[[T:.*]] = math.tanh %[[G]]
// CHECK-NEXT:    %[[V:.*]] = arith.mulf %[[T]], %[[U]]
// CHECK-NEXT:    weft.yield %[[V]]
// CHECK-NEXT:  } : (tensor<?x8xf32>, tensor<3x8x16xf32>) -> tensor<?x20xf32>
// CHECK-NEXT:  return %[[Y]]
func.func @gate(%x: tensor<?x8xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %gate = weft.weight "gate" : tensor<20x8xf32>
  %up = weft.weight "up" : tensor<20x8xf32>
  %g = weft.linear %x, %gate : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %u = weft.linear %x, %up : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x20xf32>, tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %t = math.tanh %a : f32
    %v = arith.mulf %t, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#perColumn = affine_map<(d0, d1) -> (d1)>
#perRow = affine_map<(d0, d1) -> (d0)>

// Biases are added before the formula, whose other operand comes last; `up` is the first operand and so the first part.
// CHECK-LABEL: @bias_and_factor
// CHECK-SAME:  %[[X:[^:]*]]: tensor<?x8xf32>, %[[F:[^:]*]]: tensor<?xf32>
// CHECK-DAG:   %[[GATE:.*]] = weft.weight "gate.weight"
// CHECK-DAG:   %[[UP:.*]] = weft.weight "up.weight"
// CHECK-DAG:   %[[B:.*]] = weft.weight "up.bias"
// CHECK:       %[[P:.*]] = weft.pack %[[UP]], %[[GATE]] {in_out, panel = 16 : i64, parts = 2 : i64}
// CHECK:       weft.packed_linear %[[X]], %[[P]] extras %[[B]], %[[F]] attributes
// CHECK-SAME:    extra_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0)>], parts = 2
// CHECK-NEXT:  ^bb0(%[[U:.*]]: f32, %[[G:.*]]: f32, %[[BIAS:.*]]: f32, %[[FACTOR:.*]]: f32):
// CHECK-NEXT:    %[[S:.*]] = arith.addf %[[U]], %[[BIAS]]
// CHECK-NEXT:    %[[M:.*]] = arith.mulf %[[S]], %[[G]]
// CHECK-NEXT:    arith.mulf %[[M]], %[[FACTOR]]
func.func @bias_and_factor(%x: tensor<?x8xf32>, %factor: tensor<?xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %gate = weft.weight "gate.weight" : tensor<8x20xf32>
  %up = weft.weight "up.weight" : tensor<8x20xf32>
  %bias = weft.weight "up.bias" : tensor<20xf32>
  %g = weft.linear %x, %gate {in_out} : (tensor<?x8xf32>, tensor<8x20xf32>) -> tensor<?x20xf32>
  %u = weft.linear %x, %up bias %bias {in_out} : (tensor<?x8xf32>, tensor<8x20xf32>, tensor<20xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #perRow, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%u, %factor, %g : tensor<?x20xf32>, tensor<?xf32>, tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %f: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %v = arith.mulf %m, %f : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// A formula in two ops is one after upstream's fusion.
// CHECK-LABEL:  @chain
// CHECK-COUNT-2: weft.linear
// CHECK-NOT:    weft.packed_linear
// MERGED-LABEL: @chain
// MERGED-NOT:   weft.linear
// MERGED:       weft.packed_linear
// MERGED:         math.tanh
// MERGED-NEXT:    arith.mulf
func.func @chain(%x: tensor<?x8xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %gate = weft.weight "gate" : tensor<20x8xf32>
  %up = weft.weight "up" : tensor<20x8xf32>
  %g = weft.linear %x, %gate : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %t = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.tanh %a : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  %u = weft.linear %x, %up : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%t, %u : tensor<?x20xf32>, tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.mulf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// What the gate's projection gives is a result of its own too, so it has to be written anyway.
// CHECK-LABEL:   @other_use
// CHECK-COUNT-2: weft.linear
// CHECK:         linalg.generic
func.func @other_use(%x: tensor<?x8xf32>, %e: tensor<?x20xf32>) -> (tensor<?x20xf32>, tensor<?x20xf32>) {
  %gate = weft.weight "gate" : tensor<20x8xf32>
  %up = weft.weight "up" : tensor<20x8xf32>
  %g = weft.linear %x, %gate : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %u = weft.linear %x, %up : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x20xf32>, tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.mulf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y, %g : tensor<?x20xf32>, tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL:   @other_input
// CHECK-COUNT-2: weft.linear
// CHECK:         linalg.generic
func.func @other_input(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %gate = weft.weight "gate" : tensor<20x8xf32>
  %up = weft.weight "up" : tensor<20x8xf32>
  %g = weft.linear %x, %gate : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %u = weft.linear %z, %up : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%g, %u : tensor<?x20xf32>, tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.mulf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#sum = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL:   @reduction
// CHECK-COUNT-2: weft.linear
// CHECK:         linalg.generic
func.func @reduction(%x: tensor<?x8xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  %gate = weft.weight "gate" : tensor<20x8xf32>
  %up = weft.weight "up" : tensor<20x8xf32>
  %g = weft.linear %x, %gate : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %u = weft.linear %x, %up : (tensor<?x8xf32>, tensor<20x8xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, #sum], iterator_types = ["parallel", "reduction"]}
      ins(%g, %u : tensor<?x20xf32>, tensor<?x20xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %v = arith.addf %o, %p : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

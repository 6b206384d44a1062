// RUN: weft-opt %s -weft-fuse-epilogue -split-input-file -mlir-print-local-scope | FileCheck %s

#row = affine_map<(d0, d1) -> (d0, d1)>
#perColumn = affine_map<(d0, d1) -> (d1)>
#perRow = affine_map<(d0, d1) -> (d0)>

// A bias that is there already, an activation, then a residual with a factor per row: two ops, one epilogue. The residual
// is known only after the matmul, which therefore moves down.
// CHECK-LABEL: @chain
// CHECK-SAME:  %[[X:[^:]*]]: tensor<?x8xf32>, %[[P:[^:]*]]: tensor<1x8x32xf32>, %[[B:[^:]*]]: tensor<20xf32>, %[[F:[^:]*]]: tensor<?xf32>, %[[Z:[^:]*]]: tensor<?x20xf32>
// CHECK:       %[[R:.*]] = weft.softmax %[[Z]]
// CHECK-NEXT:  %[[Y:.*]] = weft.packed_linear %[[X]], %[[P]] extras %[[B]], %[[R]], %[[F]] attributes {columns = 20 : i64, extra_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>]}
// CHECK-NEXT:  ^bb0(%[[ACC:[^:]*]]: f32, %[[BIAS:[^:]*]]: f32, %[[RES:[^:]*]]: f32, %[[FACTOR:[^:]*]]: f32):
// CHECK-NEXT:    %[[S:.*]] = arith.addf %[[ACC]], %[[BIAS]]
// CHECK-NEXT:    %[[T:.*]] = math.tanh %[[S]]
// CHECK-NEXT:    %[[M:.*]] = arith.mulf %[[T]], %[[FACTOR]]
// CHECK-NEXT:    %[[V:.*]] = arith.addf %[[RES]], %[[M]]
// CHECK-NEXT:    weft.yield %[[V]]
// CHECK:       return %[[Y]]
func.func @chain(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %b: tensor<20xf32>, %factor: tensor<?xf32>,
                 %z: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %l = weft.packed_linear %x, %p extras %b attributes {columns = 20 : i64, extra_maps = [#perColumn]} {
  ^bb0(%acc: f32, %bias: f32):
    %s = arith.addf %acc, %bias : f32
    weft.yield %s : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>, tensor<20xf32>) -> tensor<?x20xf32>
  %t = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x20xf32>) outs(%z : tensor<?x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.tanh %a : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  %r = weft.softmax %z : (tensor<?x20xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, #perRow, #row], iterator_types = ["parallel", "parallel"]}
      ins(%r, %t, %factor : tensor<?x20xf32>, tensor<?x20xf32>, tensor<?xf32>) outs(%z : tensor<?x20xf32>) {
  ^bb0(%c: f32, %a: f32, %f: f32, %o: f32):
    %m = arith.mulf %a, %f : f32
    %v = arith.addf %c, %m : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// -----

#heads = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#perHead = affine_map<(d0, d1, d2) -> (d1, d2)>

// The formula sees heads, the matmul columns: the operands are collapsed and the result is expanded instead.
// CHECK-LABEL: @through_expand
// CHECK-SAME:  %{{[^:]*}}: tensor<?x8xf32>, %{{[^:]*}}: tensor<1x8x32xf32>, %[[R:[^:]*]]: tensor<?x4x5xf32>, %[[F:[^:]*]]: tensor<4x5xf32>
// CHECK-DAG:   %[[RC:.*]] = tensor.collapse_shape %[[R]] {{\[\[}}0], [1, 2]] : tensor<?x4x5xf32> into tensor<?x20xf32>
// CHECK-DAG:   %[[FC:.*]] = tensor.collapse_shape %[[F]] {{\[\[}}0, 1]] : tensor<4x5xf32> into tensor<20xf32>
// CHECK:       %[[Y:.*]] = weft.packed_linear {{.*}} extras %[[RC]], %[[FC]] {{.*}} extra_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>]
// CHECK:       %[[E:.*]] = tensor.expand_shape %[[Y]]
// CHECK-NOT:   linalg.generic
// CHECK:       return %[[E]]
func.func @through_expand(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %r: tensor<?x4x5xf32>, %factor: tensor<4x5xf32>,
                          %n: index) -> tensor<?x4x5xf32> {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %h = tensor.expand_shape %l [[0], [1, 2]] output_shape [%n, 4, 5] : tensor<?x20xf32> into tensor<?x4x5xf32>
  %y = linalg.generic {indexing_maps = [#heads, #heads, #perHead, #heads],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%h, %r, %factor : tensor<?x4x5xf32>, tensor<?x4x5xf32>, tensor<4x5xf32>) outs(%r : tensor<?x4x5xf32>) {
  ^bb0(%a: f32, %c: f32, %f: f32, %o: f32):
    %m = arith.mulf %a, %f : f32
    %v = arith.addf %c, %m : f32
    linalg.yield %v : f32
  } -> tensor<?x4x5xf32>
  return %y : tensor<?x4x5xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: @through_collapse
// CHECK-SAME:  %{{[^:]*}}: tensor<2x3x8xf32>, %{{[^:]*}}: tensor<1x8x32xf32>, %[[R:[^:]*]]: tensor<6x20xf32>
// CHECK:       %[[RE:.*]] = tensor.expand_shape %[[R]] {{\[\[}}0, 1], [2]]
// CHECK:       %[[Y:.*]] = weft.packed_linear {{.*}} extras %[[RE]]
// CHECK:       %[[C:.*]] = tensor.collapse_shape %[[Y]]
// CHECK-NOT:   linalg.generic
// CHECK:       return %[[C]]
func.func @through_collapse(%x: tensor<2x3x8xf32>, %p: tensor<1x8x32xf32>, %r: tensor<6x20xf32>) -> tensor<6x20xf32> {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<2x3x8xf32>, tensor<1x8x32xf32>) -> tensor<2x3x20xf32>
  %f = tensor.collapse_shape %l [[0, 1], [2]] : tensor<2x3x20xf32> into tensor<6x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%r, %f : tensor<6x20xf32>, tensor<6x20xf32>) outs(%r : tensor<6x20xf32>) {
  ^bb0(%c: f32, %a: f32, %o: f32):
    %v = arith.addf %c, %a : f32
    linalg.yield %v : f32
  } -> tensor<6x20xf32>
  return %y : tensor<6x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// Constants may come from above, as scalar operands or in the body; the product may be read twice.
// CHECK-LABEL: @constants
// CHECK-DAG:   %[[ONE:.*]] = arith.constant 1.0
// CHECK-DAG:   %[[TWO:.*]] = arith.constant 2.0
// CHECK:       weft.packed_linear
// CHECK-NEXT:  ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT:    %[[S:.*]] = arith.addf %[[ACC]], %[[ONE]]
// CHECK-NEXT:    %[[M:.*]] = arith.mulf %[[S]], %[[ACC]]
// CHECK-NEXT:    %[[V:.*]] = arith.mulf %[[M]], %[[TWO]]
// CHECK-NEXT:    weft.yield %[[V]]
func.func @constants(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row, affine_map<(d0, d1) -> ()>, #row],
                       iterator_types = ["parallel", "parallel"]}
      ins(%l, %l, %two : tensor<?x20xf32>, tensor<?x20xf32>, f32) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %one : f32
    %m = arith.mulf %s, %b : f32
    %v = arith.mulf %m, %c : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// What weft-fuse-epilogue leaves alone.
// RUN: weft-opt %s -weft-fuse-epilogue -split-input-file -mlir-print-local-scope | FileCheck %s

#row = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: @other_use
// CHECK:       weft.packed_linear
// CHECK:       linalg.generic
func.func @other_use(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %e: tensor<?x20xf32>)
    -> (tensor<?x20xf32>, tensor<?x20xf32>) {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.tanh %a : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y, %l : tensor<?x20xf32>, tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#sum = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: @reduction
// CHECK:       weft.packed_linear
// CHECK:       linalg.generic
func.func @reduction(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["parallel", "reduction"]}
      ins(%l : tensor<?x20xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: @position
// CHECK:       weft.packed_linear
// CHECK:       linalg.index
func.func @position(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 1 : index
    %n = arith.index_cast %i : index to i32
    %f = arith.sitofp %n : i32 to f32
    %v = arith.addf %a, %f : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>

// The product, or another operand, would have to be read along columns.
// CHECK-LABEL:   @transposed
// CHECK-COUNT-2: weft.packed_linear
// CHECK-COUNT-2: linalg.generic
func.func @transposed(%x: tensor<20x8xf32>, %p: tensor<1x8x32xf32>, %r: tensor<20x20xf32>)
    -> (tensor<20x20xf32>, tensor<20x20xf32>) {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<20x8xf32>, tensor<1x8x32xf32>) -> tensor<20x20xf32>
  %k = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    %v = arith.negf %acc : f32
    weft.yield %v : f32
  } : (tensor<20x8xf32>, tensor<1x8x32xf32>) -> tensor<20x20xf32>
  %y = linalg.generic {indexing_maps = [#turned, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%l, %r : tensor<20x20xf32>, tensor<20x20xf32>) outs(%r : tensor<20x20xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %v = arith.addf %a, %c : f32
    linalg.yield %v : f32
  } -> tensor<20x20xf32>
  %z = linalg.generic {indexing_maps = [#row, #turned, #row], iterator_types = ["parallel", "parallel"]}
      ins(%k, %r : tensor<20x20xf32>, tensor<20x20xf32>) outs(%r : tensor<20x20xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %v = arith.addf %a, %c : f32
    linalg.yield %v : f32
  } -> tensor<20x20xf32>
  return %y, %z : tensor<20x20xf32>, tensor<20x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// Registers hold f32: neither a predicate as result nor a whole number as operand.
// CHECK-LABEL:   @other_types
// CHECK-COUNT-2: weft.packed_linear
// CHECK-COUNT-2: linalg.generic
func.func @other_types(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %n: tensor<?x20xi32>, %e: tensor<?x20xf32>,
                       %b: tensor<?x20xi1>) -> (tensor<?x20xi1>, tensor<?x20xf32>) {
  %zero = arith.constant 0.0 : f32
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %k = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    %v = arith.negf %acc : f32
    weft.yield %v : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x20xf32>) outs(%b : tensor<?x20xi1>) {
  ^bb0(%a: f32, %o: i1):
    %v = arith.cmpf ogt, %a, %zero : f32
    linalg.yield %v : i1
  } -> tensor<?x20xi1>
  %z = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%k, %n : tensor<?x20xf32>, tensor<?x20xi32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %i: i32, %o: f32):
    %f = arith.sitofp %i : i32 to f32
    %v = arith.addf %a, %f : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y, %z : tensor<?x20xi1>, tensor<?x20xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// Neither a value from above that is known only when running, nor what the destination holds.
// CHECK-LABEL:   @captures
// CHECK-COUNT-2: weft.packed_linear
// CHECK-COUNT-2: linalg.generic
func.func @captures(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %s: f32, %e: tensor<?x20xf32>)
    -> (tensor<?x20xf32>, tensor<?x20xf32>) {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %k = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    %v = arith.negf %acc : f32
    weft.yield %v : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.mulf %a, %s : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  %z = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%k : tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  return %y, %z : tensor<?x20xf32>, tensor<?x20xf32>
}

// -----

#heads = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#inHead = affine_map<(d0, d1, d2) -> (d2)>

// A vector as long as one head is no vector of columns: the formula stays behind the view of heads.
// CHECK-LABEL: @per_width
// CHECK:       weft.packed_linear
// CHECK:       tensor.expand_shape
// CHECK:       linalg.generic
func.func @per_width(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %f: tensor<5xf32>, %e: tensor<?x4x5xf32>, %n: index)
    -> tensor<?x4x5xf32> {
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %h = tensor.expand_shape %l [[0], [1, 2]] output_shape [%n, 4, 5] : tensor<?x20xf32> into tensor<?x4x5xf32>
  %y = linalg.generic {indexing_maps = [#heads, #inHead, #heads], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%h, %f : tensor<?x4x5xf32>, tensor<5xf32>) outs(%e : tensor<?x4x5xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %v = arith.mulf %a, %c : f32
    linalg.yield %v : f32
  } -> tensor<?x4x5xf32>
  return %y : tensor<?x4x5xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>

// In the body of a loop, the matmul would be repeated.
// CHECK-LABEL: @loop
// CHECK:       weft.packed_linear
// CHECK:       scf.for
// CHECK:       linalg.generic
func.func @loop(%x: tensor<?x8xf32>, %p: tensor<1x8x32xf32>, %e: tensor<?x20xf32>, %n: index) -> tensor<?x20xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %l = weft.packed_linear %x, %p attributes {columns = 20 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<1x8x32xf32>) -> tensor<?x20xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%s = %e) -> tensor<?x20xf32> {
    %z = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
        ins(%l, %s : tensor<?x20xf32>, tensor<?x20xf32>) outs(%e : tensor<?x20xf32>) {
    ^bb0(%a: f32, %c: f32, %o: f32):
      %v = arith.addf %a, %c : f32
      linalg.yield %v : f32
    } -> tensor<?x20xf32>
    scf.yield %z : tensor<?x20xf32>
  }
  return %y : tensor<?x20xf32>
}

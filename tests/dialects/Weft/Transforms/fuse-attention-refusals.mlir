// What weft-fuse-attention leaves alone, and what it says about it.
// RUN: weft-opt %s -weft-fuse-attention -split-input-file -verify-diagnostics -o /dev/null
// RUN: weft-opt %s -weft-fuse-attention -split-input-file -mlir-print-local-scope 2>/dev/null | FileCheck %s --implicit-check-not=weft.attention

// CHECK-LABEL: @probabilities_wanted
func.func @probabilities_wanted(%q: tensor<?x8xf32>, %k: tensor<8x?xf32>, %v: tensor<?x8xf32>, %e0: tensor<?x?xf32>,
                                %u0: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x?xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul ins(%q, %k : tensor<?x8xf32>, tensor<8x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %p = weft.softmax %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-remark @below {{this sum stays apart from its softmax: the probabilities have another use}}
  %y = linalg.matmul ins(%p, %v : tensor<?x?xf32>, tensor<?x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-note @below {{here}}
  return %y, %p : tensor<?x8xf32>, tensor<?x?xf32>
}

// -----

#row = affine_map<(i, j) -> (i, j)>

// CHECK-LABEL: @probabilities_changed
func.func @probabilities_changed(%q: tensor<?x8xf32>, %k: tensor<8x?xf32>, %v: tensor<?x8xf32>, %keep: tensor<?x?xf32>,
                                 %e0: tensor<?x?xf32>, %u0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul ins(%q, %k : tensor<?x8xf32>, tensor<8x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  // expected-note @below {{here}}
  %p = weft.softmax %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %d = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%p, %keep : tensor<?x?xf32>, tensor<?x?xf32>) outs(%e0 : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-remark @below {{this sum stays apart from its softmax: the probabilities are changed before they weigh the values}}
  %y = linalg.matmul ins(%d, %v : tensor<?x?xf32>, tensor<?x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

#row = affine_map<(i, j) -> (i, j)>

// A function of probabilities that is no product.
// CHECK-LABEL: @probabilities_cut
func.func @probabilities_cut(%q: tensor<?x8xf32>, %k: tensor<8x?xf32>, %v: tensor<?x8xf32>, %e0: tensor<?x?xf32>,
                             %u0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul ins(%q, %k : tensor<?x8xf32>, tensor<8x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  // expected-note @below {{here}}
  %p = weft.softmax %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %d = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<?x?xf32>) outs(%e0 : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.minimumf %a, %half : f32
    linalg.yield %m : f32
  } -> tensor<?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-remark @below {{this sum stays apart from its softmax: the probabilities are changed before they weigh the values}}
  %y = linalg.matmul ins(%d, %v : tensor<?x?xf32>, tensor<?x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// The sum is over keys and heads.
// CHECK-LABEL: @heads_added_up
func.func @heads_added_up(%q: tensor<2x?x8xf32>, %k: tensor<2x8x?xf32>, %v: tensor<2x?x8xf32>, %e0: tensor<2x?x?xf32>,
                          %u0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x?x8xf32>, tensor<2x8x?xf32>) outs(%e : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  // expected-note @below {{here}}
  %p = weft.softmax %s : (tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-remark @below {{this sum stays apart from its softmax: the sum is over more axes than that of the softmax}}
  %y = linalg.batch_reduce_matmul ins(%p, %v : tensor<2x?x?xf32>, tensor<2x?x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Each head has keys of its own, but all heads the same values: these would have to be copied.
// CHECK-LABEL: @values_shared
func.func @values_shared(%q: tensor<2x?x8xf32>, %k: tensor<2x8x?xf32>, %v: tensor<?x8xf32>, %e0: tensor<2x?x?xf32>,
                         %u0: tensor<2x?x8xf32>) -> tensor<2x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  // expected-note @below {{here}}
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x?x8xf32>, tensor<2x8x?xf32>) outs(%e : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %p = weft.softmax %s : (tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  // expected-remark @below {{this sum stays apart from its softmax: keys and values vary along different axes}}
  %y = linalg.contract
      indexing_maps = [affine_map<(h, i, d, j) -> (h, i, j)>, affine_map<(h, i, d, j) -> (j, d)>, affine_map<(h, i, d, j) -> (h, i, d)>]
      ins(%p, %v : tensor<2x?x?xf32>, tensor<?x8xf32>) outs(%u : tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return %y : tensor<2x?x8xf32>
}

// -----

// CHECK-LABEL: @unknown_width
func.func @unknown_width(%q: tensor<?x8xf32>, %k: tensor<8x?xf32>, %v: tensor<?x?xf32>, %e0: tensor<?x?xf32>,
                         %u0: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %e = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul ins(%q, %k : tensor<?x8xf32>, tensor<8x?xf32>) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %p = weft.softmax %s : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  // expected-remark @below {{this sum stays apart from its softmax: vectors of queries, keys and values need a size that is known when compiling}}
  %y = linalg.matmul ins(%p, %v : tensor<?x?xf32>, tensor<?x?xf32>) outs(%u : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// One row of probabilities for each row of a batch: nothing that attention would not hold. No softmax, no remark.
// CHECK-LABEL: @experts
func.func @experts(%gate: tensor<?x4xf32>, %x: tensor<?x4x8xf32>, %u0: tensor<?x8xf32>, %w: tensor<?x4xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = weft.softmax %gate : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %u = linalg.fill ins(%zero : f32) outs(%u0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.batch_vecmat ins(%p, %x : tensor<?x4xf32>, tensor<?x4x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  %z = linalg.batch_vecmat ins(%w, %x : tensor<?x4xf32>, tensor<?x4x8xf32>) outs(%u : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

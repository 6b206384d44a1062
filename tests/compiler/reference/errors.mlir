// RUN: not weft-interpret %s 2>&1 | FileCheck %s
// What has no answer, or none that this interpreter knows, is an error that names the op and its place.

// CHECK: division: {{.*}}errors.mlir:[[# @LINE + 4]]:{{[0-9]+}}: 'arith.divsi' divides 1 by zero
func.func @division() {
  %one = arith.constant 1 : i32
  %zero = arith.constant 0 : i32
  %q = arith.divsi %one, %zero : i32
  return
}

// CHECK: out_of_bounds: {{.*}}'tensor.extract' reads index 5 of dimension 0, which has size 2
func.func @out_of_bounds() {
  %t = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %c5 = arith.constant 5 : index
  %e = tensor.empty() : tensor<1xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      outs(%e : tensor<1xf32>) {
  ^bb0(%out: f32):
    %v = tensor.extract %t[%c5] : tensor<2xf32>
    linalg.yield %v : f32
  } -> tensor<1xf32>
  return
}

// CHECK: sizes_differ: {{.*}}'linalg.generic' has operands of size 2 and 3 in loop 0
func.func @sizes_differ() {
  %a = arith.constant dense<0.0> : tensor<2xf32>
  %b = arith.constant dense<0.0> : tensor<3xf32>
  %ad = tensor.cast %a : tensor<2xf32> to tensor<?xf32>
  %bd = tensor.cast %b : tensor<3xf32> to tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]} ins(%ad : tensor<?xf32>) outs(%bd : tensor<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<?xf32>
  return
}

// CHECK: slice_leaves: {{.*}}'tensor.extract_slice' has offsets [3], sizes [2] and strides [1], which leave shape [4]
func.func @slice_leaves() {
  %x = arith.constant dense<0.0> : tensor<4xf32>
  %c3 = arith.constant 3 : index
  %y = tensor.extract_slice %x[%c3] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return
}

// CHECK: wrong_static_size: {{.*}}'tensor.cast' result 0 has shape [3] and 3 elements, which is no tensor<2xf32>
func.func @wrong_static_size() {
  %x = arith.constant dense<0.0> : tensor<3xf32>
  %d = tensor.cast %x : tensor<3xf32> to tensor<?xf32>
  %y = tensor.cast %d : tensor<?xf32> to tensor<2xf32>
  return
}

// CHECK: negative_size: {{.*}}'tensor.empty' has a result of shape [-1], but sizes are at least 0
func.func @negative_size() {
  %n = arith.constant -1 : index
  %e = tensor.empty(%n) : tensor<?xf32>
  return
}

// CHECK: huge: {{.*}}'tensor.empty' has a result of shape [4611686018427387904, 4], more than the interpreter holds
func.func @huge() {
  %n = arith.constant 4611686018427387904 : index
  %e = tensor.empty(%n) : tensor<?x4xf32>
  return
}

// CHECK: half: {{.*}}'arith.addf' computes on tensor<2xbf16>; the interpreter knows f32, f64, index and integers
func.func @half() {
  %x = arith.constant dense<1.0> : tensor<2xbf16>
  %y = arith.addf %x, %x : tensor<2xbf16>
  return
}

// CHECK: unknown: {{.*}}'tensor.pad' is not an op that the reference interpreter knows
func.func @unknown() {
  %x = arith.constant dense<1.0> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %y = tensor.pad %x low[1] high[0] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<2xf32> to tensor<3xf32>
  return
}

// CHECK: no_step: {{.*}}'scf.for' goes in steps of 0, but at least 1 is needed
func.func @no_step() {
  %c0 = arith.constant 0 : index
  scf.for %i = %c0 to %c0 step %c0 {
  }
  return
}

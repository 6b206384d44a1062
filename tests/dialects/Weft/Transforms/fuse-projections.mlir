// RUN: weft-opt %s -weft-fuse-projections -split-input-file -mlir-print-local-scope | FileCheck %s

// Query, key and value; the views of heads read strided slices of one product.
// CHECK-LABEL: @query_key_value
// CHECK-SAME:  %[[X:.*]]: tensor<?x?x64xf32>
// CHECK-DAG:   %[[Q:.*]] = weft.weight "q.weight"
// CHECK-DAG:   %[[K:.*]] = weft.weight "k.weight"
// CHECK-DAG:   %[[V:.*]] = weft.weight "v.weight"
// CHECK-DAG:   %[[QB:.*]] = weft.weight "q.bias"
// CHECK-DAG:   %[[KB:.*]] = weft.weight "k.bias"
// CHECK-DAG:   %[[VB:.*]] = weft.weight "v.bias"
// CHECK:       %[[B:.*]] = tensor.concat dim(0) %[[QB]], %[[KB]], %[[VB]]
// CHECK:       %[[P:.*]] = weft.pack %[[Q]], %[[K]], %[[V]] {panel = 32 : i64} {{.*}} -> tensor<4x64x32xf32>
// CHECK:       %[[Y:.*]] = weft.packed_linear %[[X]], %[[P]] extras %[[B]] attributes {columns = 128 : i64, extra_maps = [affine_map<(d0, d1, d2) -> (d2)>]}
// CHECK-NEXT:  ^bb0(%[[ACC:.*]]: f32, %[[BIAS:.*]]: f32):
// CHECK-NEXT:    %[[S:.*]] = arith.addf %[[ACC]], %[[BIAS]]
// CHECK-NEXT:    weft.yield %[[S]]
// CHECK:       %[[BATCH:.*]] = tensor.dim %[[X]], %c0
// CHECK:       %[[SEQ:.*]] = tensor.dim %[[X]], %c1
// CHECK:       %[[YQ:.*]] = tensor.extract_slice %[[Y]][0, 0, 0] [%[[BATCH]], %[[SEQ]], 64] [1, 1, 1]
// CHECK:       %[[YK:.*]] = tensor.extract_slice %[[Y]][0, 0, 64] [%[[BATCH]], %[[SEQ]], 32] [1, 1, 1]
// CHECK:       %[[YV:.*]] = tensor.extract_slice %[[Y]][0, 0, 96] [%[[BATCH]], %[[SEQ]], 32] [1, 1, 1]
// CHECK:       tensor.expand_shape %[[YQ]]
// CHECK:       return %{{.*}}, %[[YK]], %[[YV]]
func.func @query_key_value(%x: tensor<?x?x64xf32>, %b: index, %s: index)
    -> (tensor<?x?x8x8xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) {
  %wq = weft.weight "q.weight" : tensor<64x64xf32>
  %bq = weft.weight "q.bias" : tensor<64xf32>
  %q = weft.linear %x, %wq bias %bq
      : (tensor<?x?x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
  %heads = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [%b, %s, 8, 8]
      : tensor<?x?x64xf32> into tensor<?x?x8x8xf32>
  %wk = weft.weight "k.weight" : tensor<32x64xf32>
  %bk = weft.weight "k.bias" : tensor<32xf32>
  %k = weft.linear %x, %wk bias %bk
      : (tensor<?x?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x?x32xf32>
  %wv = weft.weight "v.weight" : tensor<32x64xf32>
  %bv = weft.weight "v.bias" : tensor<32xf32>
  %v = weft.linear %x, %wv bias %bv
      : (tensor<?x?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x?x32xf32>
  return %heads, %k, %v : tensor<?x?x8x8xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>
}

// -----

// Only query and value have a bias, as in Whisper: they merge, and the key stays.
// CHECK-LABEL: @some_biased
// CHECK:       weft.packed_linear {{.*}} {columns = 16 : i64
// CHECK:       weft.linear
// CHECK-NOT:   weft.linear
// CHECK-NOT:   weft.packed_linear
func.func @some_biased(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %wq = weft.weight "q" : tensor<8x8xf32>
  %wk = weft.weight "k" : tensor<8x8xf32>
  %wv = weft.weight "v" : tensor<8x8xf32>
  %bq = weft.weight "q.bias" : tensor<8xf32>
  %bv = weft.weight "v.bias" : tensor<8xf32>
  %q = weft.linear %x, %wq bias %bq : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %k = weft.linear %x, %wk : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %v = weft.linear %x, %wv bias %bv : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %q, %k, %v : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Weights that are stored in different orders cannot lie side by side.
// CHECK-LABEL:   @stored_differently
// CHECK-NOT:     weft.packed_linear
// CHECK-COUNT-2: weft.linear
func.func @stored_differently(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %wq = weft.weight "q" : tensor<8x8xf32>
  %wk = weft.weight "k" : tensor<8x8xf32>
  %q = weft.linear %x, %wq : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %k = weft.linear %x, %wk {in_out} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %q, %k : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Cross-attention in two layers: each layer's key and value, not those of both together.
// CHECK-LABEL: @decoder
// CHECK-SAME:  %[[X:[^:]*]]: tensor<1x?x1x8xf32>, %[[M:[^:]*]]: tensor<1x?x8xf32>
// CHECK:       %[[P1:.*]] = weft.pack {{.*}} -> tensor<1x8x32xf32>
// CHECK:       weft.packed_linear %[[M]], %[[P1]] attributes {columns = 16
// CHECK:       weft.attention
// CHECK:       %[[P2:.*]] = weft.pack {{.*}} -> tensor<1x8x32xf32>
// CHECK:       weft.packed_linear %[[M]], %[[P2]] attributes {columns = 16
// CHECK:       weft.attention
func.func @decoder(%x: tensor<1x?x1x8xf32>, %memory: tensor<1x?x8xf32>, %s: index) -> tensor<1x?x1x8xf32> {
  %wk1 = weft.weight "1.k" : tensor<8x8xf32>
  %wv1 = weft.weight "1.v" : tensor<8x8xf32>
  %k1 = weft.linear %memory, %wk1 : (tensor<1x?x8xf32>, tensor<8x8xf32>) -> tensor<1x?x8xf32>
  %v1 = weft.linear %memory, %wv1 : (tensor<1x?x8xf32>, tensor<8x8xf32>) -> tensor<1x?x8xf32>
  %kh1 = tensor.expand_shape %k1 [[0], [1], [2, 3]] output_shape [1, %s, 1, 8] : tensor<1x?x8xf32> into tensor<1x?x1x8xf32>
  %vh1 = tensor.expand_shape %v1 [[0], [1], [2, 3]] output_shape [1, %s, 1, 8] : tensor<1x?x8xf32> into tensor<1x?x1x8xf32>
  %a1 = weft.attention %x, %kh1, %vh1 {scale = 1.0 : f64}
      : (tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>) -> tensor<1x?x1x8xf32>
  %wk2 = weft.weight "2.k" : tensor<8x8xf32>
  %wv2 = weft.weight "2.v" : tensor<8x8xf32>
  %k2 = weft.linear %memory, %wk2 : (tensor<1x?x8xf32>, tensor<8x8xf32>) -> tensor<1x?x8xf32>
  %v2 = weft.linear %memory, %wv2 : (tensor<1x?x8xf32>, tensor<8x8xf32>) -> tensor<1x?x8xf32>
  %kh2 = tensor.expand_shape %k2 [[0], [1], [2, 3]] output_shape [1, %s, 1, 8] : tensor<1x?x8xf32> into tensor<1x?x1x8xf32>
  %vh2 = tensor.expand_shape %v2 [[0], [1], [2, 3]] output_shape [1, %s, 1, 8] : tensor<1x?x8xf32> into tensor<1x?x1x8xf32>
  %a2 = weft.attention %a1, %kh2, %vh2 {scale = 1.0 : f64}
      : (tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>) -> tensor<1x?x1x8xf32>
  return %a2 : tensor<1x?x1x8xf32>
}

// -----

// CHECK-LABEL: @alone
// CHECK-NOT:   weft.packed_linear
// CHECK:       weft.linear
// CHECK:       weft.linear
func.func @alone(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = weft.weight "w" : tensor<8x8xf32>
  %a = weft.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %b = weft.linear %z, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %a, %b : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// A weight that is computed cannot be packed beside another.
// CHECK-LABEL:   @computed
// CHECK-NOT:     weft.packed_linear
// CHECK-COUNT-2: weft.linear
func.func @computed(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %wk = weft.weight "k" : tensor<8x8xf32>
  %q = weft.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %k = weft.linear %x, %wk : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %q, %k : tensor<?x8xf32>, tensor<?x8xf32>
}

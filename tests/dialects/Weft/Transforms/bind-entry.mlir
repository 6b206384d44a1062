// RUN: weft-opt %s -weft-bind-entry | FileCheck %s
// Order of arguments: inputs, past, states, outputs, weights, arena.

// CHECK-LABEL: func.func @m_step
// CHECK-SAME: (%[[IN:.*]]: memref<?x8xf32> {weft.name = "x"}, %[[PAST:.*]]: index,
// CHECK-SAME:  %[[STATE:.*]]: memref<?x16x8xf32> {weft.state}, %[[OUT:.*]]: memref<?x8xf32>,
// CHECK-SAME:  %[[WEIGHTS:.*]]: memref<?xi8>, %[[ARENA:.*]]: memref<?xi8>)
func.func @m_step(%x: tensor<?x8xf32> {weft.name = "x"}, %past: index, %state: tensor<?x16x8xf32> {weft.state})
    -> (tensor<?x8xf32> {weft.name = "y"}) attributes {weft.entry = "step"} {
  // CHECK-DAG: bufferization.to_tensor %[[IN]] restrict : memref<?x8xf32>
  // CHECK-DAG: bufferization.to_tensor %[[STATE]] restrict writable
  // CHECK: %[[OFFSET:.*]] = arith.constant 128
  // CHECK: %[[VIEW:.*]] = memref.view %[[WEIGHTS]][%[[OFFSET]]][] : memref<?xi8> to memref<8xf32>
  // CHECK: %[[G:.*]] = bufferization.to_tensor %[[VIEW]] restrict : memref<8xf32>
  %g = weft.parameter 128 : tensor<8xf32>
  // CHECK: %[[Y:.*]] = weft.rms_norm %{{.*}} scale %[[G]]
  %y = weft.rms_norm %x scale %g {eps = 1.0e-5 : f64} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: bufferization.materialize_in_destination %[[Y]] in restrict writable %[[OUT]]
  // CHECK-NEXT: return{{$}}
  return %y : tensor<?x8xf32>
}

// Functions that are no entry points stay as they are.
// CHECK-LABEL: func.func @helper(%arg0: tensor<4xf32>) -> tensor<4xf32>
func.func @helper(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

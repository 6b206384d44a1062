// RUN: weft-opt %s -weft-update-states | FileCheck %s

// A state is written where it lies; slices inserted into one are left alone.
// CHECK-LABEL: func.func @states
func.func @states(%x: tensor<?x4x8xf32>, %h: tensor<?x8xf32>, %all: tensor<?x4x8xf32>, %n: index) -> (tensor<?x8xf32>, tensor<?x4x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for %[[I:.*]] = {{.*}} iter_args(%[[H:.*]] = %{{.*}}, %[[ALL:.*]] = %{{.*}})
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %h, %a = %all) -> (tensor<?x8xf32>, tensor<?x4x8xf32>) {
    %y = weft.softmax %s : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %d = tensor.dim %s, %c0 : tensor<?x8xf32>
    %b = tensor.insert_slice %y into %a[0, %i, 0] [%d, 1, 8] [1, 1, 1] : tensor<?x8xf32> into tensor<?x4x8xf32>
    // CHECK: %[[Y:.*]] = weft.softmax %[[H]]
    // CHECK: %[[B:.*]] = tensor.insert_slice %[[Y]] into %[[ALL]]
    // CHECK-NEXT: %[[NEXT:.*]] = bufferization.materialize_in_destination %[[Y]] in %[[H]]
    // CHECK-NEXT: scf.yield %[[NEXT]], %[[B]]
    scf.yield %y, %b : tensor<?x8xf32>, tensor<?x4x8xf32>
  }
  return %r#0, %r#1 : tensor<?x8xf32>, tensor<?x4x8xf32>
}

// States that change places are read before one of them is written.
// CHECK-LABEL: func.func @swap
func.func @swap(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: index) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: iter_args(%[[S:.*]] = %{{.*}}, %[[T:.*]] = %{{.*}}, %[[U:.*]] = %{{.*}})
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x, %t = %y, %u = %x) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
    // CHECK-NEXT: %[[OLD_T:.*]] = bufferization.alloc_tensor() copy(%[[T]])
    // CHECK-NEXT: %[[OLD_S:.*]] = bufferization.alloc_tensor() copy(%[[S]])
    // CHECK-NEXT: %[[A:.*]] = bufferization.materialize_in_destination %[[OLD_T]] in %[[S]]
    // CHECK-NEXT: %[[B:.*]] = bufferization.materialize_in_destination %[[OLD_S]] in %[[T]]
    // CHECK-NEXT: scf.yield %[[A]], %[[B]], %[[U]]
    scf.yield %t, %s, %u : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
  return %r#0, %r#1, %r#2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

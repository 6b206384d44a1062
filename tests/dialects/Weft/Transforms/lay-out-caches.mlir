// RUN: weft-opt %s -weft-lay-out-caches | FileCheck %s

// The contract says what lies in memory; what the model sees stays as it is. Heads of 512 positions would lie four pages
// apart: there is room for 32 more.
// CHECK-LABEL: func.func @step
// CHECK-SAME:  %[[STATE:[^:]*]]: tensor<?x4x544x8xf32> {weft.axis_names = ["batch", "head", "context", "dim"], weft.dims = ["batch", "4", "544", "8"], weft.name = "cache.0", weft.state}
// CHECK:       weft.cache %{{.*}} into %[[STATE]] at %{{.*}} {position = 2 : i64} : tensor<?x?x4x8xf32> into tensor<?x4x544x8xf32> -> tensor<?x?x4x8xf32>
func.func @step(%k: tensor<?x?x4x8xf32>, %past: index,
                %state: tensor<?x512x4x8xf32> {weft.axis_names = ["batch", "context", "head", "dim"], weft.dims = ["batch", "512", "4", "8"], weft.name = "cache.0", weft.state})
    -> tensor<?x?x4x8xf32> attributes {weft.entry = "step"} {
  %all = weft.cache %k into %state at %past : tensor<?x?x4x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
  return %all : tensor<?x?x4x8xf32>
}

// All that lies between batch and width comes before the positions.
// CHECK-LABEL: func.func @five
// CHECK-SAME:  tensor<?x4x2x544x8xf32>
// CHECK:       {position = 3 : i64}
func.func @five(%k: tensor<?x?x4x2x8xf32>, %past: index, %state: tensor<?x512x4x2x8xf32> {weft.state}) -> tensor<?x?x4x2x8xf32> {
  %all = weft.cache %k into %state at %past : tensor<?x?x4x2x8xf32> into tensor<?x512x4x2x8xf32> -> tensor<?x?x4x2x8xf32>
  return %all : tensor<?x?x4x2x8xf32>
}

// Heads that do not lie whole pages apart need no more room.
// CHECK-LABEL: func.func @odd
// CHECK-SAME:  tensor<?x4x500x8xf32>
func.func @odd(%k: tensor<?x?x4x8xf32>, %past: index, %state: tensor<?x500x4x8xf32> {weft.state}) -> tensor<?x?x4x8xf32> {
  %all = weft.cache %k into %state at %past : tensor<?x?x4x8xf32> into tensor<?x500x4x8xf32> -> tensor<?x?x4x8xf32>
  return %all : tensor<?x?x4x8xf32>
}

// One number or one row for each position, a tensor that is no cache, and one that something else reads.
// CHECK-LABEL: func.func @others
// CHECK-SAME:  tensor<?x512x8xf32> {weft.state}, %{{.*}}: tensor<?x512x4x8xf32>, %{{.*}}: tensor<?x512x4x8xf32> {weft.state}
// CHECK-NOT:   position
func.func @others(%r: tensor<?x?x8xf32>, %k: tensor<?x?x4x8xf32>, %past: index, %rows: tensor<?x512x8xf32> {weft.state},
                  %input: tensor<?x512x4x8xf32>, %read: tensor<?x512x4x8xf32> {weft.state})
    -> (tensor<?x?x8xf32>, tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>, tensor<?x512x4x8xf32>) {
  %0 = weft.cache %r into %rows at %past : tensor<?x?x8xf32> into tensor<?x512x8xf32> -> tensor<?x?x8xf32>
  %1 = weft.cache %k into %input at %past : tensor<?x?x4x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
  %2 = weft.cache %k into %read at %past : tensor<?x?x4x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
  return %0, %1, %2, %read : tensor<?x?x8xf32>, tensor<?x?x4x8xf32>, tensor<?x?x4x8xf32>, tensor<?x512x4x8xf32>
}

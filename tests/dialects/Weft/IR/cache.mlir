// RUN: weft-opt %s | weft-opt | FileCheck %s
// RUN: weft-opt %s -mlir-print-op-generic | weft-opt | FileCheck %s

// CHECK-LABEL: @cache
// CHECK:       weft.cache %{{.*}} into %{{.*}} at %{{.*}} : tensor<?x?x4x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
func.func @cache(%state: tensor<?x512x4x8xf32>, %k: tensor<?x?x4x8xf32>, %past: index) -> tensor<?x?x4x8xf32> {
  %all = weft.cache %k into %state at %past : tensor<?x?x4x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
  return %all : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @heads_first
// CHECK:       weft.cache %{{.*}} into %{{.*}} at %{{.*}} {position = 2 : i64} : tensor<?x?x4x8xf32> into tensor<?x4x512x8xf32> -> tensor<?x?x4x8xf32>
func.func @heads_first(%state: tensor<?x4x512x8xf32>, %k: tensor<?x?x4x8xf32>, %past: index) -> tensor<?x?x4x8xf32> {
  %all = weft.cache %k into %state at %past {position = 2 : i64} : tensor<?x?x4x8xf32> into tensor<?x4x512x8xf32> -> tensor<?x?x4x8xf32>
  return %all : tensor<?x?x4x8xf32>
}

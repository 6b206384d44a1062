// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @cache_c1_rank(%state: tensor<?x512x32xf32>, %k: tensor<?x?x4x8xf32>, %past: index) {
  // expected-error@+1 {{'weft.cache' op state, input and result must have one rank of at least 2 (C1)}}
  %all = weft.cache %k into %state at %past : tensor<?x?x4x8xf32> into tensor<?x512x32xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----

func.func @cache_c1_shape(%state: tensor<?x512x4x8xf32>, %k: tensor<?x?x2x8xf32>, %past: index) {
  // expected-error@+1 {{'weft.cache' op state 'tensor<?x512x4x8xf32>', input 'tensor<?x?x2x8xf32>' and result 'tensor<?x?x4x8xf32>' must agree but in their positions (C1)}}
  %all = weft.cache %k into %state at %past : tensor<?x?x2x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----

func.func @cache_c2(%state: tensor<?x?x4x8xf32>, %k: tensor<?x?x4x8xf32>, %past: index) {
  // expected-error@+1 {{'weft.cache' op needs a state of known length, but it is 'tensor<?x?x4x8xf32>' (C2)}}
  %all = weft.cache %k into %state at %past : tensor<?x?x4x8xf32> into tensor<?x?x4x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----

func.func @cache_c1_position(%state: tensor<?x512x4x8xf32>, %k: tensor<?x?x4x8xf32>, %past: index) {
  // expected-error@+1 {{'weft.cache' op state 'tensor<?x512x4x8xf32>', input 'tensor<?x?x4x8xf32>' and result 'tensor<?x?x4x8xf32>' must agree but in their positions (C1)}}
  %all = weft.cache %k into %state at %past {position = 2 : i64} : tensor<?x?x4x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
  return
}

// -----

func.func @cache_c3(%state: tensor<?x512x4x8xf32>, %k: tensor<?x?x4x8xf32>, %past: index) {
  // expected-error@+1 {{'weft.cache' op position 4 is no dimension of 'tensor<?x512x4x8xf32>' that positions can be (C3)}}
  %all = weft.cache %k into %state at %past {position = 4 : i64} : tensor<?x?x4x8xf32> into tensor<?x512x4x8xf32> -> tensor<?x?x4x8xf32>
  return
}

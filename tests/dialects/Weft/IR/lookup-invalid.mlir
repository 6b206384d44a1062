// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @lookup_c1(%t: tensor<512xf32>, %i: tensor<?xi32>) {
  // expected-error@+1 {{'weft.lookup' op table must be a matrix, but is 'tensor<512xf32>' (C1)}}
  %y = weft.lookup %t, %i {label = "tokens"} : (tensor<512xf32>, tensor<?xi32>) -> tensor<?xf32>
  return
}

// -----

func.func @lookup_c2(%t: tensor<512x8xf32>, %i: tensor<5xi32>) {
  // expected-error@+1 {{'weft.lookup' op result is 5x9 but must be 5x8 (C2)}}
  %y = weft.lookup %t, %i {label = "tokens"} : (tensor<512x8xf32>, tensor<5xi32>) -> tensor<5x9xf32>
  return
}

// -----

func.func @lookup_indices(%t: tensor<512x8xf32>, %i: tensor<?xi64>) {
  // expected-error@+1 {{'weft.lookup' op indices must be i32, but are 'i64'}}
  %y = weft.lookup %t, %i {label = "tokens"} : (tensor<512x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return
}

// RUN: weft-opt %s -split-input-file -verify-diagnostics

func.func @map_none() {
  // expected-error@+1 {{'matrix.map' op needs a matrix}}
  %0 = "matrix.map"() ({
  ^bb0(%i: index, %j: index):
    %1 = arith.constant 0.0 : f32
    "matrix.yield"(%1) : (f32) -> ()
  }) : () -> !gpu.mma_matrix<8x8xf32, "COp">
  return
}

// -----

func.func @map_c1(%a: !gpu.mma_matrix<8x8xf16, "AOp">) {
  // expected-error@+1 {{needs an accumulator, but this is '!gpu.mma_matrix<8x8xf16, "AOp">'}}
  %0 = matrix.map %a {
  ^bb0(%i: index, %j: index, %x: f16):
    matrix.yield %x : f16
  } : (!gpu.mma_matrix<8x8xf16, "AOp">) -> !gpu.mma_matrix<8x8xf16, "AOp">
  return
}

// -----

func.func @map_c1_types(%a: !gpu.mma_matrix<8x8xf32, "COp">) {
  // expected-error@+1 {{has a result of type '!gpu.mma_matrix<16x8xf32, "COp">', but an input of type '!gpu.mma_matrix<8x8xf32, "COp">'}}
  %0 = matrix.map %a {
  ^bb0(%i: index, %j: index, %x: f32):
    matrix.yield %x : f32
  } : (!gpu.mma_matrix<8x8xf32, "COp">) -> !gpu.mma_matrix<16x8xf32, "COp">
  return
}

// -----

func.func @map_c2(%a: !gpu.mma_matrix<8x8xf32, "COp">) {
  // expected-error@+1 {{needs a region with arguments of types 'index', 'index', 'f32', but they are of types 'index', 'f32'}}
  %0 = matrix.map %a {
  ^bb0(%i: index, %x: f32):
    matrix.yield %x : f32
  } : (!gpu.mma_matrix<8x8xf32, "COp">) -> !gpu.mma_matrix<8x8xf32, "COp">
  return
}

// -----

func.func @map_c2_yield(%a: !gpu.mma_matrix<8x8xf32, "COp">, %y: f16) {
  // expected-error@+1 {{needs a region that yields one number of type 'f32'}}
  %0 = matrix.map %a {
  ^bb0(%i: index, %j: index, %x: f32):
    matrix.yield %y : f16
  } : (!gpu.mma_matrix<8x8xf32, "COp">) -> !gpu.mma_matrix<8x8xf32, "COp">
  return
}

// -----

func.func @reduce_rows_c1(%a: !gpu.mma_matrix<8x8xf16, "BOp">) {
  // expected-error@+1 {{needs an accumulator}}
  %0 = matrix.reduce_rows %a {
  ^bb0(%x: f16, %y: f16):
    matrix.yield %x : f16
  } : !gpu.mma_matrix<8x8xf16, "BOp">
  return
}

// -----

func.func @reduce_rows_c2(%a: !gpu.mma_matrix<8x8xf32, "COp">, %z: f32) {
  // expected-error@+1 {{has a region that reads a value from above: arith.addf}}
  %0 = matrix.reduce_rows %a {
  ^bb0(%x: f32, %y: f32):
    %1 = arith.addf %x, %z : f32
    matrix.yield %1 : f32
  } : !gpu.mma_matrix<8x8xf32, "COp">
  return
}

// -----

func.func @convert_c1(%a: !gpu.mma_matrix<8x8xf32, "COp">) {
  // expected-error@+1 {{makes a left operand of f16 of an accumulator of f32, but not '!gpu.mma_matrix<8x8xf16, "BOp">'}}
  %0 = matrix.convert %a : !gpu.mma_matrix<8x8xf32, "COp"> to !gpu.mma_matrix<8x8xf16, "BOp">
  return
}

// -----

func.func @convert_c2(%a: !gpu.mma_matrix<8x8xf32, "COp">) {
  // expected-error@+1 {{keeps the size of a matrix, but '!gpu.mma_matrix<8x8xf32, "COp">' would become '!gpu.mma_matrix<8x16xf16, "AOp">'}}
  %0 = matrix.convert %a : !gpu.mma_matrix<8x8xf32, "COp"> to !gpu.mma_matrix<8x16xf16, "AOp">
  return
}

// -----

func.func @yield(%x: f32) {
  // expected-error@+1 {{'matrix.yield' op expects parent op to be one of 'matrix.map, matrix.reduce_rows'}}
  matrix.yield %x : f32
}

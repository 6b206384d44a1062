// RUN: weft-opt %s -convert-weft-to-cpu -split-input-file -verify-diagnostics

func.func private @unpacked(%x: memref<?x4xf32>, %w: memref<8x4xf32>, %y: memref<?x8xf32>) {
  // expected-error @+1 {{no kernel for weights that are not packed; run weft-pack-weights}}
  weft.linear %x, %w outs %y : (memref<?x4xf32>, memref<8x4xf32>, memref<?x8xf32>) -> ()
  return
}

// -----

func.func private @strided(%x: memref<?x4xf32, strided<[8, 2]>>, %y: memref<?x4xf32>) {
  // expected-error @+1 {{operand 0 is 'memref<?x4xf32, strided<[8, 2]>>', but its last dimension must have stride 1; copy it before}}
  weft.softmax %x outs %y : (memref<?x4xf32, strided<[8, 2]>>, memref<?x4xf32>) -> ()
  return
}

// -----

func.func private @no_labels(%t: memref<8x4xf32>, %i: memref<?xi32>, %y: memref<?x4xf32>) {
  // expected-error @+1 {{label "tokens" is not in the module's weft.labels; run weft-outline-kernels before}}
  weft.lookup %t, %i outs %y {label = "tokens"} : (memref<8x4xf32>, memref<?xi32>, memref<?x4xf32>) -> ()
  return
}

// -----

module attributes {weft.labels = ["tokens"]} {
  func.func private @no_declaration(%t: memref<8x4xf32>, %i: memref<?xi32>, %y: memref<?x4xf32>) {
    // expected-error @+1 {{the module does not declare weft_bad_index; run weft-outline-kernels before}}
    weft.lookup %t, %i outs %y {label = "tokens"} : (memref<8x4xf32>, memref<?xi32>, memref<?x4xf32>) -> ()
    return
  }
}

// -----

func.func private @table(%x: memref<?x?x2x8xf32>, %t: memref<?x4x2xf32, strided<[16, 4, 1]>>, %y: memref<?x?x2x8xf32>) {
  // expected-error @+1 {{but sine must follow cosine, and pair must follow pair, without gaps}}
  weft.rotary %x, %t outs %y : (memref<?x?x2x8xf32>, memref<?x4x2xf32, strided<[16, 4, 1]>>, memref<?x?x2x8xf32>) -> ()
  return
}

// -----

func.func private @no_workspace(%x: memref<?x9xf32>, %p: memref<1x3x32x4xi8>, %s: memref<1x1x32xf32>, %y: memref<?x32xf32>) {
  // expected-error @+1 {{int8 activations need a workspace; run weft-add-workspaces}}
  weft.packed_linear %x, %p scales %s outs %y attributes {activations = i8, columns = 32 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x9xf32>, memref<1x3x32x4xi8>, memref<1x1x32xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func private @narrow_parts(%x: memref<?x9xf32>, %p: memref<1x5x32x2xbf16>, %w: memref<?x16xi32>, %y: memref<?x8xf32>) {
  // expected-error @+1 {{rounded activations need vectors of 16 lanes, but there are 16 for panels of 32 columns in 4 parts}}
  weft.packed_linear %x, %p workspace %w outs %y attributes {columns = 8 : i64, parts = 4 : i64} {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    weft.yield %a : f32
  } : (memref<?x9xf32>, memref<1x5x32x2xbf16>, memref<?x16xi32>, memref<?x8xf32>) -> ()
  return
}

// -----

func.func private @gaps(%x: memref<?x9xf32>, %p: memref<1x5x32x2xbf16, strided<[640, 128, 2, 1]>>, %y: memref<?x32xf32>) {
  // expected-error @+1 {{but narrow ones must lie without gaps; copy them before}}
  weft.packed_linear %x, %p outs %y attributes {columns = 32 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x9xf32>, memref<1x5x32x2xbf16, strided<[640, 128, 2, 1]>>, memref<?x32xf32>) -> ()
  return
}

// -----

func.func private @normed(%x: memref<?x4xf32>, %w: memref<1x4x32xf32>, %y: memref<?x8xf32>) {
  // expected-error @+1 {{its input is normed, which kernels for a CPU leave to weft.rms_norm}}
  weft.packed_linear %x, %w outs %y attributes {columns = 8 : i64, norm_eps = 1.0e-5 : f64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x4xf32>, memref<1x4x32xf32>, memref<?x8xf32>) -> ()
  return
}

// -----

func.func private @half_workspace(%x: memref<?x4xf32>, %w: memref<1x2x32x2xf16>, %s: memref<?x16xi32>, %y: memref<?x8xf32>) {
  // expected-error @+1 {{weights are 'memref<1x2x32x2xf16>', for which kernels for a CPU round no activations}}
  weft.packed_linear %x, %w workspace %s outs %y attributes {columns = 8 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x4xf32>, memref<1x2x32x2xf16>, memref<?x16xi32>, memref<?x8xf32>) -> ()
  return
}

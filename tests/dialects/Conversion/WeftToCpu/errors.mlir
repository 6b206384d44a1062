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

// RUN: weft-opt %s -convert-weft-to-gpu -split-input-file -verify-diagnostics

func.func private @unpacked(%x: memref<?x4xf32>, %w: memref<8x4xf32>, %y: memref<?x8xf32>) {
  // expected-error @+1 {{no kernel for weights that are not packed; run weft-pack-weights}}
  weft.linear %x, %w outs %y : (memref<?x4xf32>, memref<8x4xf32>, memref<?x8xf32>) -> ()
  return
}

// -----

func.func private @half(%x: memref<?x4xf16>, %y: memref<?x4xf16>) {
  // expected-error @+1 {{operand 0 is 'memref<?x4xf16>', but kernels compute in f32; convert it before}}
  weft.softmax %x outs %y : (memref<?x4xf16>, memref<?x4xf16>) -> ()
  return
}

// -----

func.func private @no_labels(%t: memref<8x4xf32>, %i: memref<?xi32>, %y: memref<?x4xf32>) {
  // expected-error @+1 {{label "tokens" is not in the module's weft.labels; run weft-outline-kernels before}}
  weft.lookup %t, %i outs %y {label = "tokens"} : (memref<8x4xf32>, memref<?xi32>, memref<?x4xf32>) -> ()
  return
}

// -----

func.func private @wide(%q: memref<1x?x1x4096xf32>, %v: memref<1x?x1x8xf32>, %y: memref<1x?x1x8xf32>) {
  // expected-error @+1 {{query has width 4096, but only 2048 elements fit in the memory of a workgroup; split the heads}}
  weft.attention %q, %q, %v outs %y {scale = 1.0 : f64} :
    (memref<1x?x1x4096xf32>, memref<1x?x1x4096xf32>, memref<1x?x1x8xf32>, memref<1x?x1x8xf32>) -> ()
  return
}

// -----

func.func private @heads(%q: memref<1x?x?x8xf32>, %y: memref<1x?x?x8xf32>) {
  // expected-error @+1 {{but its heads and its width must be known when compiling}}
  weft.attention %q, %q, %q outs %y {scale = 1.0 : f64} :
    (memref<1x?x?x8xf32>, memref<1x?x?x8xf32>, memref<1x?x?x8xf32>, memref<1x?x?x8xf32>) -> ()
  return
}

// -----

func.func private @rounded(%x: memref<?x9xf32>, %p: memref<1x3x32x4xi8>, %s: memref<1x1x32xf32>, %y: memref<?x32xf32>) {
  // expected-error @+1 {{activations are 'i8', but kernels for a GPU keep f32}}
  weft.packed_linear %x, %p scales %s outs %y attributes {activations = i8, columns = 32 : i64} {
  ^bb0(%acc: f32):
    weft.yield %acc : f32
  } : (memref<?x9xf32>, memref<1x3x32x4xi8>, memref<1x1x32xf32>, memref<?x32xf32>) -> ()
  return
}

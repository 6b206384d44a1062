// RUN: weft-opt %s -convert-weft-to-cpu -split-input-file -verify-diagnostics

func.func private @heads(%q: memref<?x?x?x64xf32>, %k: memref<?x?x2x64xf32>, %v: memref<?x?x2x64xf32>, %o: memref<?x?x?x64xf32>) {
  // expected-error @+1 {{query is 'memref<?x?x?x64xf32>', but its heads and its width must be known when compiling}}
  weft.attention %q, %k, %v outs %o {scale = 1.0 : f64} : (memref<?x?x?x64xf32>, memref<?x?x2x64xf32>, memref<?x?x2x64xf32>, memref<?x?x?x64xf32>) -> ()
  return
}

// -----

func.func private @width(%q: memref<?x?x2x8xf32>, %k: memref<?x?x2x8xf32>, %v: memref<?x?x2x?xf32>, %o: memref<?x?x2x?xf32>) {
  // expected-error @+1 {{value is 'memref<?x?x2x?xf32>', but its heads and its width must be known when compiling}}
  weft.attention %q, %k, %v outs %o {scale = 1.0 : f64} : (memref<?x?x2x8xf32>, memref<?x?x2x8xf32>, memref<?x?x2x?xf32>, memref<?x?x2x?xf32>) -> ()
  return
}

// -----

func.func private @wide(%q: memref<?x?x1x4096xf32>, %k: memref<?x?x1x4096xf32>, %v: memref<?x?x1x8xf32>, %o: memref<?x?x1x8xf32>) {
  // expected-error @+1 {{query has width 4096, but only 2048 elements fit in the working memory of a thread; split the heads}}
  weft.attention %q, %k, %v outs %o {scale = 1.0 : f64} : (memref<?x?x1x4096xf32>, memref<?x?x1x4096xf32>, memref<?x?x1x8xf32>, memref<?x?x1x8xf32>) -> ()
  return
}

// -----

func.func private @strided(%q: memref<?x?x2x8xf32, strided<[?, ?, ?, 2]>>, %k: memref<?x?x2x8xf32>, %v: memref<?x?x2x8xf32>, %o: memref<?x?x2x8xf32>) {
  // expected-error @+1 {{operand 0 is 'memref<?x?x2x8xf32, strided<[?, ?, ?, 2]>>', but its last dimension must have stride 1; copy it before}}
  weft.attention %q, %k, %v outs %o {scale = 1.0 : f64} : (memref<?x?x2x8xf32, strided<[?, ?, ?, 2]>>, memref<?x?x2x8xf32>, memref<?x?x2x8xf32>, memref<?x?x2x8xf32>) -> ()
  return
}

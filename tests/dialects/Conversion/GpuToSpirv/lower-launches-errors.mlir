// RUN: weft-opt %s -weft-lower-launches -split-input-file -verify-diagnostics

func.func @host(%x: memref<4xf32>, %i: index) -> f32 {
  // expected-error @+1 {{this would read or write memory of the device outside of a kernel}}
  %a = memref.load %x[%i] : memref<4xf32>
  return %a : f32
}

// -----

gpu.module @module {
  // expected-error @+1 {{a kernel cannot take a 'vector<4xf32>' as argument 1}}
  gpu.func @kernel(%x: memref<4xf32>, %v: vector<4xf32>) kernel {
    gpu.return
  }
}

// -----

gpu.module @module {
  gpu.func @kernel(%x: memref<4x8xf32>) kernel {
    // expected-error @+1 {{a kernel for a GPU cannot hold memref.expand_shape}}
    %y = memref.expand_shape %x [[0, 1], [2]] output_shape [2, 2, 8] : memref<4x8xf32> into memref<2x2x8xf32>
    gpu.return
  }
}

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

// -----

module attributes {gpu.container_module} {
  gpu.module @module {
    gpu.func @kernel(%x: memref<?xf32>) kernel {
      // expected-error @+1 {{a kernel would have to count to 2147483648, and code for Vulkan counts in 31 bits; use smaller sizes}}
      %c2147483648 = arith.constant 2147483648 : index
      %c0 = arith.constant 0 : index
      %a = memref.load %x[%c0] : memref<?xf32>
      memref.store %a, %x[%c2147483648] : memref<?xf32>
      gpu.return
    }
  }
}

// -----

gpu.module @module {
  gpu.func @kernel(%x: memref<2x8xi4>, %i: index) kernel {
    // expected-error @+1 {{a kernel for a GPU reads whole words of 'i4'}}
    %y = vector.load %x[%i, %i] : memref<2x8xi4>, vector<8xi4>
    gpu.return
  }
}

// -----

gpu.module @module {
  gpu.func @kernel(%x: memref<2x4xi8>, %z: memref<4xi8>, %i: index) kernel {
    %c0 = arith.constant 0 : index
    %y = vector.load %x[%i, %c0] : memref<2x4xi8>, vector<4xi8>
    // expected-error @+1 {{a kernel for a GPU can only take words of 'i8'}}
    %a = vector.extract %y[0] : i8 from vector<4xi8>
    memref.store %a, %z[%i] : memref<4xi8>
    gpu.return
  }
}

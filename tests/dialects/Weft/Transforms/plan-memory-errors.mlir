// RUN: weft-opt %s -weft-plan-memory -verify-diagnostics -split-input-file

func.func @m(%x: memref<index>, %weights: memref<?xi8>, %arena: memref<?xi8>) attributes {weft.entry = "sequence"} {
  %n = memref.load %x[] : memref<index>
  // expected-error @below {{the size of this buffer does not follow from the sizes of the inputs}}
  %a = memref.alloc(%n) : memref<?xf32>
  return
}

// -----

// A size that changes from round to round is known too late.
func.func @m(%x: memref<?xf32>, %weights: memref<?xi8>, %arena: memref<?xi8>) attributes {weft.entry = "sequence"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.for %i = %c0 to %n step %c1 {
    // expected-error @below {{the size of this buffer does not follow from the sizes of the inputs}}
    %a = memref.alloc(%i) : memref<?xf32>
  }
  return
}

// -----

func.func @m(%x: memref<4xf32>, %y: memref<4xf32>, %weights: memref<?xi8>, %arena: memref<?xi8>)
    attributes {weft.entry = "sequence"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{this loop carries buffers, whose lives cannot be told}}
  %r:2 = scf.for %i = %c0 to %c1 step %c1 iter_args(%a = %x, %b = %y) -> (memref<4xf32>, memref<4xf32>) {
    scf.yield %b, %a : memref<4xf32>, memref<4xf32>
  }
  return
}

// RUN: weft-opt %s -weft-plan-memory -verify-diagnostics

func.func @m(%x: memref<index>, %weights: memref<?xi8>, %arena: memref<?xi8>) attributes {weft.entry = "sequence"} {
  %n = memref.load %x[] : memref<index>
  // expected-error @below {{the size of this buffer does not follow from the sizes of the inputs}}
  %a = memref.alloc(%n) : memref<?xf32>
  return
}

// RUN: weft-opt %s -weft-outline-parallel -verify-diagnostics

func.func @kernel(%x: memref<4x4xf32>) {
  %one = arith.constant 1.0 : f32
  // expected-error @below {{only loops of one dimension from 0 in steps of 1, without results, can run in parallel}}
  scf.forall (%i, %j) in (4, 4) {
    memref.store %one, %x[%i, %j] : memref<4x4xf32>
  }
  return
}

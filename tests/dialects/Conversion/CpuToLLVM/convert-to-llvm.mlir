// RUN: weft-opt %s -weft-convert-to-llvm -reconcile-unrealized-casts | FileCheck %s

// One pass for functions, memory, arithmetic, branches and mathematics; f64 functions that LLVM has no intrinsic for go to libm.
// CHECK-DAG: llvm.func @cbrt(f64) -> f64
// CHECK-LABEL: llvm.func @m
// CHECK-SAME: !llvm.ptr
// CHECK: llvm.icmp
// CHECK: llvm.cond_br
// CHECK: llvm.load
// CHECK: llvm.call @cbrt
// CHECK: llvm.intr.sqrt
// CHECK: llvm.store
// CHECK: llvm.return
// CHECK-NOT: unrealized_conversion_cast
func.func @m(%x: memref<?xf64>, %i: index) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf64>
  %inside = arith.cmpi slt, %i, %n : index
  cf.cond_br %inside, ^work, ^done
^work:
  %a = memref.load %x[%i] : memref<?xf64>
  %b = math.cbrt %a : f64
  %c = math.sqrt %b : f64
  memref.store %c, %x[%i] : memref<?xf64>
  cf.br ^done
^done:
  return
}

// RUN: weft-opt %s -convert-weft-to-gpu -canonicalize -cse | FileCheck %s

// Words of two columns, each with 4 inputs of it: bytes are 128 more than their integers, which shifts cut out. Sums are
// multiplied by the column's scale in the end.
// CHECK-LABEL: @bytes
// CHECK-DAG: %[[SIGNS:.*]] = arith.constant dense<-2139062144> : vector<2xi32>
// CHECK-DAG: %[[BY24:.*]] = arith.constant dense<24> : vector<2xi32>
// CHECK-DAG: %[[BY16:.*]] = arith.constant dense<16> : vector<2xi32>
// CHECK: gpu.launch
// CHECK: %[[WORD:.*]] = arith.minsi %{{.*}}, %c2
// CHECK: %[[LOADED:.*]] = vector.load %arg1[%{{.*}}, %[[WORD]], %{{.*}}, %c0] : memref<2x3x32x4xi8>, vector<8xi8>
// CHECK: %[[STORED:.*]] = vector.bitcast %[[LOADED]] : vector<8xi8> to vector<2xi32>
// CHECK: %[[BITS:.*]] = arith.xori %[[STORED]], %[[SIGNS]]
// CHECK: %[[FIRST:.*]] = arith.shli %[[BITS]], %[[BY24]]
// CHECK: %[[INTEGER:.*]] = arith.shrsi %[[FIRST]], %[[BY24]]
// CHECK: arith.sitofp %[[INTEGER]] : vector<2xi32> to vector<2xf32>
// CHECK: arith.shli %[[BITS]], %[[BY16]]
// CHECK: %[[LAST:.*]] = arith.shrsi %[[BITS]], %[[BY24]]
// CHECK: arith.sitofp %[[LAST]]
// CHECK: gpu.barrier
// CHECK: %[[SCALE:.*]] = memref.load %arg2[%{{.*}}, %c0, %{{.*}}] : memref<2x1x32xf32>
// CHECK: %[[SUM:.*]] = arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: memref.store %[[SUM]], %arg3
func.func private @bytes(%x: memref<?x9xf32>, %w: memref<2x3x32x4xi8>, %s: memref<2x1x32xf32>, %y: memref<?x50xf32>) {
  weft.packed_linear %x, %w scales %s outs %y attributes {columns = 50 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x9xf32>, memref<2x3x32x4xi8>, memref<2x1x32xf32>, memref<?x50xf32>) -> ()
  return
}

// A share has 8 inputs of a word, which come in two loads; 4 words share a scale, which multiplies each weight. In tiles
// an invocation brings all of a word.
// CHECK-LABEL: @nibbles
// CHECK: gpu.launch
// CHECK: scf.for %[[AT:.*]] = %{{.*}} to %c64 step %c64
// CHECK-COUNT-2: vector.load %{{.*}} : memref<?x68xf32>, vector<4xf32>
// CHECK: %[[WORD:.*]] = arith.divui %[[AT]], %c8
// CHECK: %[[LOADED:.*]] = vector.load %arg1[%{{.*}}, %[[WORD]], %{{.*}}, %c0] : memref<1x9x32x8xi4>, vector<16xi4>
// CHECK: %[[BITS:.*]] = vector.bitcast %[[LOADED]] : vector<16xi4> to vector<2xi32>
// CHECK: %[[GROUP:.*]] = arith.divui %[[WORD]], %c4
// CHECK: %[[SCALES:.*]] = vector.load %arg2[%{{.*}}, %[[GROUP]], %{{.*}}] : memref<1x3x32xbf16>, vector<2xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[SCALES]]
// CHECK: arith.shli %[[BITS]]
// CHECK: %[[NUMBERS:.*]] = arith.sitofp
// CHECK: arith.mulf %[[NUMBERS]], %[[WIDE]] : vector<2xf32>
// CHECK-COUNT-7: arith.sitofp
// CHECK: gpu.launch
// CHECK: gpu.launch
// CHECK: scf.for %{{.*}} = %{{.*}} to %c128 step %c128
// CHECK: vector.load %{{.*}} : memref<1x9x32x8xi4>, vector<8xi4>
// CHECK: memref.load %{{.*}} : memref<1x3x32xbf16>
// CHECK-COUNT-8: memref.store %{{.*}} : memref<16x1x64xf32, #gpu.address_space<workgroup>>
func.func private @nibbles(%x: memref<?x68xf32>, %w: memref<1x9x32x8xi4>, %s: memref<1x3x32xbf16>, %y: memref<?x32xf32>) {
  weft.packed_linear %x, %w scales %s outs %y attributes {columns = 32 : i64} {
  ^bb0(%sum: f32):
    weft.yield %sum : f32
  } : (memref<?x68xf32>, memref<1x9x32x8xi4>, memref<1x3x32xbf16>, memref<?x32xf32>) -> ()
  return
}

// Where a stretch of K in workgroup memory has less inputs than a word, an invocation brings some of a word.
// CHECK-LABEL: @some
// CHECK: %[[AT:.*]] = arith.remui %{{.*}}, %c8
// CHECK: %[[BITS:.*]] = vector.extract %{{.*}}[0] : i32 from vector<1xi32>
// CHECK: %[[BELOW:.*]] = arith.muli %[[AT]], %c4
// CHECK: %[[ABOVE:.*]] = arith.subi %c28, %[[BELOW]]
// CHECK: %[[SHIFT:.*]] = arith.index_cast %[[ABOVE]] : index to i32
// CHECK: %[[SHIFTED:.*]] = arith.shli %[[BITS]], %[[SHIFT]] : i32
// CHECK: arith.shrsi %[[SHIFTED]], %c28_i32 : i32
// CHECK-COUNT-4: memref.store %{{.*}} : memref<4x32x16xf32, #gpu.address_space<workgroup>>
func.func private @some(%x: memref<?x9xf32>, %w: memref<2x2x32x8xi4>, %s: memref<2x1x32xbf16>, %y: memref<?x2xf32>) {
  weft.packed_linear %x, %w scales %s outs %y attributes {columns = 2 : i64, parts = 32 : i64} {
  ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32,
       %a10: f32, %a11: f32, %a12: f32, %a13: f32, %a14: f32, %a15: f32, %a16: f32, %a17: f32, %a18: f32,
       %a19: f32, %a20: f32, %a21: f32, %a22: f32, %a23: f32, %a24: f32, %a25: f32, %a26: f32, %a27: f32,
       %a28: f32, %a29: f32, %a30: f32, %a31: f32):
    weft.yield %a0 : f32
  } : (memref<?x9xf32>, memref<2x2x32x8xi4>, memref<2x1x32xbf16>, memref<?x2xf32>) -> ()
  return
}

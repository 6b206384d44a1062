// RUN: weft-opt %s -weft-lower-launches -canonicalize -cse | FileCheck %s

// Integers of 8 and 4 bits come as words of 32, two of them as a number of 64; places count words.
gpu.module @module {
  // CHECK-LABEL: gpu.func @kernel
  // CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : i64
  // CHECK: %[[PLACE:.*]] = arith.index_castui %{{.*}} : index to i64
  // CHECK: %[[BYTES:.*]] = arith.muli %[[PLACE]], %[[FOUR]]
  // CHECK: %[[ADDRESS:.*]] = arith.addi %{{.*}}, %[[BYTES]]
  // CHECK: %[[P:.*]] = spirv.ConvertUToPtr %[[ADDRESS]] : i64 to !spirv.ptr<i64, PhysicalStorageBuffer>
  // CHECK: %[[LOADED:.*]] = spirv.Load "PhysicalStorageBuffer" %[[P]] ["Aligned", 8] : i64
  // CHECK: %[[WORDS:.*]] = spirv.Bitcast %[[LOADED]] : i64 to vector<2xi32>
  // CHECK: %[[ONE:.*]] = spirv.Load "PhysicalStorageBuffer" %{{.*}} ["Aligned", 4] : i32
  // CHECK: vector.extract %[[WORDS]][1]
  // CHECK: arith.addi %{{.*}}, %[[ONE]]
  gpu.func @kernel(%x: memref<2x9x32x8xi4>, %y: memref<2x9x32x4xi8>, %z: memref<4xi32>, %i: index, %j: index) kernel
    attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %a = vector.load %x[%c1, %i, %j, %c0] : memref<2x9x32x8xi4>, vector<16xi4>
    %words = vector.bitcast %a : vector<16xi4> to vector<2xi32>
    %b = vector.load %y[%c1, %i, %j, %c0] : memref<2x9x32x4xi8>, vector<4xi8>
    %word = vector.bitcast %b : vector<4xi8> to vector<1xi32>
    %first = vector.extract %words[1] : i32 from vector<2xi32>
    %second = vector.extract %word[0] : i32 from vector<1xi32>
    %sum = arith.addi %first, %second : i32
    memref.store %sum, %z[%c0] : memref<4xi32>
    gpu.return
  }
}

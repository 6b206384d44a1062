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

// So do four numbers of 16 bits; two of them are less than a number of 64.
gpu.module @halves {
  // CHECK-LABEL: gpu.func @halves
  // CHECK: spirv.Bitcast %{{.*}} : i64 to vector<4xf16>
  // CHECK: spirv.Load "PhysicalStorageBuffer" %{{.*}} ["Aligned", 8] : i64
  // CHECK-NEXT: %[[HALVES:.*]] = spirv.Bitcast %{{.*}} : i64 to vector<4xi16>
  // CHECK: arith.extui %[[HALVES]] : vector<4xi16> to vector<4xi32>
  // CHECK: spirv.Load "PhysicalStorageBuffer" %{{.*}} ["Aligned", 4] : vector<2xf16>
  gpu.func @halves(%x: memref<9x32x2xf16>, %y: memref<9x32x2xbf16>, %z: memref<4xf32>, %i: index) kernel
    attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c0 = arith.constant 0 : index
    %a = vector.load %x[%i, %i, %c0] : memref<9x32x2xf16>, vector<4xf16>
    %b = vector.load %y[%i, %i, %c0] : memref<9x32x2xbf16>, vector<4xbf16>
    %c = vector.load %x[%i, %i, %c0] : memref<9x32x2xf16>, vector<2xf16>
    %wide = arith.extf %a : vector<4xf16> to vector<4xf32>
    %wider = arith.extf %b : vector<4xbf16> to vector<4xf32>
    %pair = arith.extf %c : vector<2xf16> to vector<2xf32>
    %first = vector.extract %wide[1] : f32 from vector<4xf32>
    %second = vector.extract %wider[2] : f32 from vector<4xf32>
    %third = vector.extract %pair[0] : f32 from vector<2xf32>
    %sum = arith.addf %first, %second : f32
    %all = arith.addf %sum, %third : f32
    memref.store %all, %z[%c0] : memref<4xf32>
    gpu.return
  }
}

// RUN: weft-opt %s -weft-expand-gpu-math | FileCheck %s
// How exact the results are is asked by running them.

// CHECK-LABEL: @sines
// CHECK-NOT: math.sin
// CHECK-NOT: f64
// CHECK: return
func.func @sines(%x: f32) -> (f32, f32) {
  %a = math.sin %x : f32
  %b = math.cos %x : f32
  return %a, %b : f32, f32
}

// CHECK-LABEL: @wide
// CHECK-NOT: math.cos
// CHECK: return {{.*}} : f64
func.func @wide(%y: f64) -> f64 {
  %b = math.cos %y : f64
  return %b : f64
}

// The fraction of a turn that a position makes is the low half of a product of integers: 2^64 / (2 pi) is the first.
// CHECK: memref.global "private" constant @frequencies_turns : memref<2xi64> = dense<[2935890503282001226, 1467945251641000613]>
memref.global "private" constant @frequencies : memref<2xf64> = dense<[1.0, 0.5]>

// CHECK-LABEL: @position
// CHECK-NOT: f64
// CHECK: %[[TURNS:.*]] = memref.get_global @frequencies_turns
// CHECK: %[[TURN:.*]] = memref.load %[[TURNS]]
// CHECK: arith.muli %{{.*}}, %[[TURN]] : i64
// CHECK-NOT: f64
// CHECK: return
func.func @position(%position: i64, %pair: index, %which: i1) -> f32 {
  %table = memref.get_global @frequencies : memref<2xf64>
  %frequency = memref.load %table[%pair] : memref<2xf64>
  %p = arith.sitofp %position : i64 to f64
  %angle = arith.mulf %p, %frequency : f64
  %c = math.cos %angle : f64
  %s = math.sin %angle : f64
  %both = arith.select %which, %c, %s : f64
  %r = arith.truncf %both : f64 to f32
  return %r : f32
}

// CHECK-LABEL: @power
// CHECK-NOT: math.powf
// CHECK-NOT: f64
// CHECK: return
func.func @power(%x: f32, %y: f32) -> f32 {
  %a = math.powf %x, %y : f32
  return %a : f32
}

// RUN: weft-opt %s -weft-expand-gpu-math | FileCheck %s
// How exact the results are is asked by running them.

// CHECK-LABEL: @sines
// CHECK: arith.extf
// CHECK-NOT: math.sin
// CHECK: arith.truncf
func.func @sines(%x: f32, %y: f64) -> (f32, f64) {
  %a = math.sin %x : f32
  %b = math.cos %y : f64
  return %a, %b : f32, f64
}

// CHECK-LABEL: @power
// CHECK-NOT: math.powf
// CHECK: arith.truncf
func.func @power(%x: f32, %y: f32) -> f32 {
  %a = math.powf %x, %y : f32
  return %a : f32
}

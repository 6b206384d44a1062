// RUN: weft-opt %s -weft-expand-math -split-input-file | FileCheck %s
// RUN: weft-opt %s -weft-expand-math -split-input-file | FileCheck %s --check-prefix=NONE
// RUN: weft-opt %s -weft-expand-math=avx512=true -split-input-file | FileCheck %s --check-prefix=AVX512
// How accurate the polynomials are is MathAccuracyTest's question.

// NONE-NOT: math.{{exp|exp2|tanh|erf|log|log1p|expm1}} {{.*}}f32

// CHECK-LABEL: @exp_scalar
// The reduction takes ln 2 in two parts.
// CHECK-DAG: %[[HIGH:.*]] = arith.constant -0.693359375 : f32
// CHECK-DAG: %[[LOW:.*]] = arith.constant 2.12194442E-4 : f32
// CHECK: %[[N:.*]] = arith.subf
// CHECK: %[[R:.*]] = math.fma %[[N]], %[[HIGH]]
// CHECK: math.fma %[[N]], %[[LOW]], %[[R]]
// CHECK-COUNT-2: arith.shli
func.func @exp_scalar(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// CHECK-LABEL: @exp_lanes
// CHECK: math.fma {{.*}} : vector<16xf32>
func.func @exp_lanes(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// Powers of attention: one factor, whose bits come out of the sum that rounds.
// CHECK-LABEL: @small_powers
// CHECK: %[[X:.*]] = arith.select
// CHECK: %[[SHIFTED:.*]] = arith.addf %[[X]]
// CHECK: %[[BITS:.*]] = arith.bitcast %[[SHIFTED]] : vector<16xf32> to vector<16xi32>
// CHECK: %[[EXPONENT:.*]] = arith.shli %[[BITS]]
// CHECK: %[[FACTOR:.*]] = arith.bitcast %[[EXPONENT]]
// CHECK-COUNT-6: math.fma
// CHECK-NEXT: arith.mulf %{{.*}}, %[[FACTOR]]
// CHECK-NEXT: return
// With a table, whose index is in the low bits of the sum, 4 of 7 products are left, and no clamp.
// AVX512-LABEL: @small_powers
// AVX512-SAME: %[[X:.*]]: vector<16xf32>
// AVX512-NOT: arith.select
// AVX512: %[[SHIFTED:.*]] = arith.addf %[[X]]
// AVX512: %[[N:.*]] = arith.subf %[[SHIFTED]]
// AVX512: %[[BITS:.*]] = arith.bitcast %[[SHIFTED]] : vector<16xf32> to vector<16xi32>
// AVX512: %[[ROOT:.*]] = llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%{{.*}}, %[[BITS]])
// AVX512-COUNT-2: math.fma
// AVX512: arith.mulf
// AVX512: %[[POWER:.*]] = math.fma %[[ROOT]]
// AVX512: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"(%[[POWER]], %[[N]], %[[POWER]]
// AVX512-NEXT: return
func.func @small_powers(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp2 %x fastmath<afn> : vector<16xf32>
  return %0 : vector<16xf32>
}

// Other shapes are no register of AVX-512.
// AVX512-LABEL: @powers_of_8
// AVX512-NOT: llvm.call_intrinsic
// AVX512: return
func.func @powers_of_8(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.exp2 %x fastmath<afn> : vector<8xf32>
  return %0 : vector<8xf32>
}

// Small lanes take the short way. A factor is in the coefficients: the square of 0.35 / 0.125 is the limit,
// 9.4 / 0.125 the bound.
// CHECK-LABEL: @soft_cap
// CHECK-SAME: %[[X:.*]]: vector<16xf32>
// CHECK-DAG: %[[LIMIT:.*]] = arith.constant dense<7.840000e+00>
// CHECK-DAG: arith.constant dense<75.1999969>
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK: %[[SMALL:.*]] = arith.cmpf ole, %[[SQUARE]], %[[LIMIT]]
// CHECK: %[[ALL:.*]] = vector.reduction <and>, %[[SMALL]]
// CHECK: scf.if %[[ALL]]
// CHECK-COUNT-3: math.fma
// CHECK: } else {
// CHECK-COUNT-8: math.fma
// CHECK: arith.divf
// CHECK: }
// CHECK-NEXT: return
func.func @soft_cap(%x: vector<16xf32>) -> vector<16xf32> {
  %cap = arith.constant dense<0.125> : vector<16xf32>
  %0 = arith.mulf %x, %cap : vector<16xf32>
  %1 = math.tanh %0 : vector<16xf32>
  return %1 : vector<16xf32>
}

// Vectors that are known at the first of them share a branch, up to eight; one that needs a result of theirs has to
// wait.
// CHECK-LABEL: @soft_cap_of_tile
// CHECK: %[[TILE:.*]]:8 = scf.if %{{.*}} -> (vector<16xf32>, {{.*}}, vector<16xf32>)
// CHECK: %[[REST:.*]]:2 = scf.if %{{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK-NOT: scf.if
// CHECK: return %[[TILE]]#1, %[[REST]]#1, %[[REST]]#0
func.func @soft_cap_of_tile(%x: vector<16xf32>, %y: vector<16xf32>)
    -> (vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  %factor = arith.constant dense<0.125> : vector<16xf32>
  %0 = arith.mulf %x, %factor : vector<16xf32>
  %1 = math.tanh %0 : vector<16xf32>
  %2 = arith.mulf %y, %factor : vector<16xf32>
  %3 = math.tanh %2 : vector<16xf32>
  %after = arith.mulf %1, %factor : vector<16xf32>
  %4 = math.tanh %after : vector<16xf32>
  %5 = math.tanh %0 : vector<16xf32>
  %6 = math.tanh %0 : vector<16xf32>
  %7 = math.tanh %0 : vector<16xf32>
  %8 = math.tanh %0 : vector<16xf32>
  %9 = math.tanh %0 : vector<16xf32>
  %10 = math.tanh %0 : vector<16xf32>
  %ninth = math.tanh %2 : vector<16xf32>
  %11 = arith.addf %5, %6 : vector<16xf32>
  %12 = arith.addf %7, %8 : vector<16xf32>
  %13 = arith.addf %9, %10 : vector<16xf32>
  call @use(%11, %12, %13) : (vector<16xf32>, vector<16xf32>, vector<16xf32>) -> ()
  return %3, %ninth, %4 : vector<16xf32>, vector<16xf32>, vector<16xf32>
}
func.func private @use(vector<16xf32>, vector<16xf32>, vector<16xf32>)

// CHECK-LABEL: @approximated
func.func @approximated(%x: vector<8xf32>, %y: f32) -> (vector<8xf32>, f32) {
  %0 = math.exp2 %x : vector<8xf32>
  %1 = math.tanh %0 : vector<8xf32>
  %2 = math.erf %1 : vector<8xf32>
  %3 = math.log %2 : vector<8xf32>
  %4 = math.log1p %3 : vector<8xf32>
  %5 = math.expm1 %4 : vector<8xf32>
  %6 = math.tanh %y : f32
  %7 = math.erf %6 : f32
  return %5, %7 : vector<8xf32>, f32
}

// One polynomial between bounds: a square, 15 steps and a product.
// CHECK-LABEL: @erf_lanes
// CHECK:          arith.cmpf
// CHECK:          arith.cmpf
// CHECK:          %[[SQUARE:.*]] = arith.mulf
// CHECK:          arith.subf %[[SQUARE]]
// CHECK-COUNT-15: math.fma
// CHECK:          arith.mulf
// CHECK:          arith.cmpf
// CHECK:          arith.cmpf
// CHECK-NOT:      arith.{{mulf|divf|cmpf}}
// CHECK:          return
// With AVX-512 a square less, and 5 steps with coefficients of their own.
// AVX512-LABEL: @erf_lanes
// AVX512-COUNT-6: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// AVX512:         math.fma
// AVX512:         arith.mulf
// AVX512-NOT:     arith.{{mulf|divf}}
// AVX512:         return
func.func @erf_lanes(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.erf %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// What machines do themselves stays as it is.
// CHECK-LABEL: @native
// CHECK: math.sqrt %{{.*}} : vector<16xf32>
// CHECK: math.absf %{{.*}} : vector<16xf32>
// CHECK: math.floor %{{.*}} : vector<16xf32>
// CHECK: math.roundeven %{{.*}} : vector<16xf32>
func.func @native(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.sqrt %x : vector<16xf32>
  %1 = math.absf %0 : vector<16xf32>
  %2 = math.floor %1 : vector<16xf32>
  %3 = math.roundeven %2 : vector<16xf32>
  return %3 : vector<16xf32>
}

// Upstream has no good approximation of sin; libm computes it, lane by lane.
// CHECK-LABEL: @left_to_libm
// CHECK-COUNT-4: math.sin %{{.*}} : f32
// CHECK-NOT: math.sin
// CHECK-COUNT-2: math.powf %{{.*}} : f64
// CHECK-NOT: math.powf
func.func @left_to_libm(%x: vector<2x2xf32>, %y: vector<2xf64>) -> (vector<2x2xf32>, vector<2xf64>) {
  %0 = math.sin %x : vector<2x2xf32>
  %1 = math.powf %y, %y : vector<2xf64>
  return %0, %1 : vector<2x2xf32>, vector<2xf64>
}

// CHECK-LABEL: @square
// CHECK: arith.mulf %[[X:.*]], %[[X]] : f32
// CHECK-NOT: math.powf
func.func @square(%x: f32) -> f32 {
  %two = arith.constant 2.0 : f32
  %0 = math.powf %x, %two : f32
  return %0 : f32
}

// CHECK-LABEL: @classes
// CHECK-NOT: math.is
// CHECK: arith.cmpf oeq
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf oge
func.func @classes(%x: vector<4xf32>) -> (vector<4xi1>, vector<4xi1>) {
  %0 = math.isinf %x : vector<4xf32>
  %1 = math.isnormal %x : vector<4xf32>
  return %0, %1 : vector<4xi1>, vector<4xi1>
}

//===- WeftOps.td - the ops; this page is their specification ---------------------------------------------------===//
//
// Inputs are labelled I1, I2, ..., constraints C1, C2, ...; verifiers and tests carry the same labels.
// All floating-point arithmetic is f32 unless said otherwise; the reference interpreter does the same in f64.
//
//===------------------------------------------------------------------------------------------------------------===//
#ifndef WEFT_OPS_TD
#define WEFT_OPS_TD

include "dialects/Weft/IR/WeftDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Weft_Data : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

//===-- weights -------------------------------------------------------------------------------------------------===//

def Weft_WeightOp : Op<Weft_Dialect, "weight", [Pure]> {
  let summary = "a tensor of the checkpoint, by name";
  let description = [{
    C1. The result is static; its shape is the one that the model wants, and the checkpoint's must equal it
        (checked by the front end when a checkpoint is given, and again when weights are packed).
    C2. Its elements are f32, or f16 or bf16: the numbers of the checkpoint, rounded to nearest, ties to even.

    ```mlir
    %w = weft.weight "model.norm.weight" : tensor<64xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Weft_PackOp : Op<Weft_Dialect, "pack", [Pure, AttrSizedOperandSegments]> {
  let summary = "weights in the layout that matmul kernels read";
  let description = [{
    Each weight is a matrix `[N_i, K]` (or `[K, N_i]` with `in_out`). With `parts = 1` the columns of the packed matrix
    are those of all weights one after another, N = sum of N_i. With `parts = p > 1` there are p weights of one size N,
    interleaved in groups of `panel / p` columns: a panel holds `panel / p` columns of the first, as many of the second.
    The result is `[P, K, panel]`, P = ceil(N * parts / panel) panels for parts = 1, ceil(N / (panel / parts)) else;
    columns past the end are zero. `scale : tensor<K>` multiplies input column k of every weight (a norm's scale).

    The element type of the result says how numbers are rounded, after the product with the scale was rounded to f32.
    f32 keeps them. Narrower types fill words of 32 bits, v to a word, with consecutive inputs of one column: the result
    is `[P, ceil(K / v), panel, v]`, element (p, w, c, j) stands for input w v + j, and inputs past K are zero.
      f16 and bf16, v = 2: rounded to nearest, ties to even.
      i8, v = 4, and i4, v = 8: multiples of a scale s that all inputs of a column share (i8), or 32 of them each (i4):
        the nearest integer to the quotient x / s in f32, ties to even, at most as large as the type holds, 0 for s = 0.
        For i8, s is max abs(x) / 127 and integers are at least -127. For i4, s is m / -8 rounded to bf16, where m is the
        first of the numbers that are largest without their sign. `scales : [P, G, panel]`, f32 for i8 (G = 1) and bf16
        for i4 (G = ceil(K / 32)), holds s; columns past the end have the scale 0. Numbers must be finite.

    C1. All weights have rank 2 and the same K. C2. parts > 1: as many weights as parts, the same N, panel % parts == 0.
    C3. The results are as above. C4. scale has K elements. C5. Elements are f32, f16, bf16, i8 or i4.

    ```mlir
    %p = weft.pack %gate, %up scale %g {panel = 32 : i64, parts = 2 : i64} : (...) -> tensor<11x64x32xf32>
    %q, %s = weft.pack %w {panel = 32 : i64} : (tensor<64x70xf32>) -> (tensor<2x18x32x4xi8>, tensor<2x1x32xf32>)
    ```
  }];
  let arguments = (ins Variadic<AnyStaticShapeTensor>:$weights, Optional<AnyStaticShapeTensor>:$scale,
                       I64Attr:$panel, DefaultValuedAttr<I64Attr, "1">:$parts, UnitAttr:$in_out);
  let results = (outs AnyStaticShapeTensor:$result, Optional<AnyStaticShapeTensor>:$scales);
  let assemblyFormat = [{
    $weights (`scale` $scale^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Columns of the product: N, all weights together when parts = 1.
    int64_t getColumns();
    int64_t getDepth(); ///< K
  }];
}

def Weft_ParameterOp : Op<Weft_Dialect, "parameter", [Pure]> {
  let summary = "bytes of the artefact's weights";
  let description = [{
    What a `weft.weight` or `weft.pack` becomes once its place is fixed: the tensor that begins `offset` bytes into the
    weights. How its bytes are made is the entry of the module's `weft.parameters` with the same offset.
    C1. offset >= 0 and a multiple of 64.
  }];
  let arguments = (ins I64Attr:$offset);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$offset attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===-- linear --------------------------------------------------------------------------------------------------===//

def Weft_LinearOp : Weft_KernelOp<"linear", [AttrSizedOperandSegments]> {
  let summary = "y = x W^T + bias";
  let description = [{
    I1. input `[..., K]`; I2. weight `[N, K]` as PyTorch stores it, or `[K, N]` with `in_out`; I3. bias `[N]`, optional.
    y[..., n] = sum_k input[..., k] * weight[n, k] + bias[n], result `[..., N]`.

    C1. input's last size = K. C2. weight has rank 2. C3. bias has N elements. C4. result = input's shape with N last.
  }];
  let arguments = (ins Weft_Data:$input, Weft_Data:$weight, Optional<Weft_Data>:$bias, Optional<AnyStridedMemRef>:$outs,
                       UnitAttr:$in_out);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? (`outs` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Weft_PackedLinearOp : Weft_KernelOp<"packed_linear", [AttrSizedOperandSegments, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "a matmul with packed weights and an epilogue";
  let description = [{
    I1. input `[..., K]`; I2. packed and scales, as `weft.pack` makes them; I3. extras, the epilogue's operands;
    I4. norm_scale `[K]`, optional, with `norm_eps` alone.
    For every row r and column n < columns: acc_j = sum_k x[r, k] * W_j[n, k] for the `parts` interleaved weights,
    result[r, n] = epilogue(acc_0, ..., acc_{parts-1}, extras...). W_j[n, k] is what packed and scales stand for, and x
    is the input; with `norm_eps`, it is the input's `weft.rms_norm` with this eps and norm_scale.

    Where weights are rounded, activations may be too; the truth, in f64, rounds none. With `activations = i8` each row
    of the input becomes multiples of its own scale max abs(x) / 127, to nearest, ties to even (a row of less than
    2^-120 becomes zero). With weights of bf16, a product of 8 rows or more may round the input to bf16, and with
    weights of f16 one of 17 rows or more to f16. On buffers,
    `workspace : [..., words]`, i32, is where such rows are kept; a product without one rounds no activation. With weights
    of i8 or i4, and no other activations, they are kept in fixed point: the nearest multiples of a power of two. With
    i8 that is at most 2^-29 of the row's largest number, with i4 1.01 * 2^-22 of the largest that shares a scale of
    weights with it, or 2^-125.

    The region's arguments are the `parts` accumulators, then one scalar for each extra. `extra_maps` has one affine map
    per extra, from the result's dimensions to that extra's: `(d0, d1, d2) -> (d2)` is a bias, the identity a residual,
    `(d0, d1, d2) -> (d0, d1)` a factor per row. The epilogue works on registers: only arith and math, elementwise.

    C1. input's last size = packed's K. C2. result `[..., columns]`. C3. region: parts + extras arguments, yields one.
    C4. one map per extra, a projection without repeats whose results fit the extra's rank; the constant 0 reads an
        extra's dimension of size 1. C5. the region holds only arith and math.
    C6. scales are there for packed elements of i8 and i4, and are [P, G, panel]. C7. activations are i8, for weights of
        i8; K is then less than 2^17, so that sums fit in 32 bits. C8. norm_eps >= 0; norm_scale has K elements and
        comes with norm_eps, which comes without activations.

    ```mlir
    %y = weft.packed_linear %x, %p extras %bias, %res {columns = 64 : i64, extra_maps = [...]} {
    ^bb0(%acc: f32, %b: f32, %r: f32):
      %0 = arith.addf %acc, %b : f32
      %1 = arith.addf %0, %r : f32
      weft.yield %1 : f32
    } : (tensor<?x64xf32>, tensor<2x64x32xf32>, tensor<64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Weft_Data:$input, Weft_Data:$packed, Optional<Weft_Data>:$scales,
                       Optional<Weft_Data>:$norm_scale, Variadic<Weft_Data>:$extras,
                       Optional<AnyStridedMemRef>:$workspace, Optional<AnyStridedMemRef>:$outs, I64Attr:$columns,
                       DefaultValuedAttr<I64Attr, "1">:$parts, DefaultValuedAttr<AffineMapArrayAttr, "{}">:$extra_maps,
                       OptionalAttr<TypeAttr>:$activations, OptionalAttr<F64Attr>:$norm_eps);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $input `,` $packed (`scales` $scales^)? (`norm_scale` $norm_scale^)? (`extras` $extras^)?
    (`workspace` $workspace^)? (`outs` $outs^)?
    attr-dict-with-keyword $epilogue `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::weft::WeightType getWeightType();
    int64_t getDepth(); ///< K
    int64_t getPanel();
  }];
}

//===-- attention -----------------------------------------------------------------------------------------------===//

def Weft_AttentionOp : Weft_KernelOp<"attention", [AttrSizedOperandSegments], ["sizesOfResults", "getDestinations"]> {
  let summary = "softmax(score(scale * q . k) where mask) . v, without the matrix of scores";
  let description = [{
    I1. query `[B, S, H, D]`; I2. key `[B, T, G, D]`; I3. value `[B, T, G, E]`; I4. past : index, optional, the position
    of the first query (0 without it); I5. sink `[H]`, optional; I6. on buffers, workspace `[P, B, Q, H, E + 2]`,
    optional. H is a multiple of G; query head h reads key head g = h / (H / G).

    For b, i < S, h and k < T, with q = past + i:
      t = sum_d query[b, i, h, d] * key[b, k, g, d]; with a similarity region
      t_n = sum_d similarity(query[b, i, h, d], key[b, k, g, d], b, h, d)_n for each of the N numbers that it yields;
      s = scale * t; where there is a score region, s = score(scale * t_0, ..., scale * t_(N-1), b, h, q, k);
      admitted = mask(b, h, q, k) where there is a mask region, else true;
      z = sum over the admitted k of exp(s), plus exp(sink[h]) where there is a sink;
      p = exp(s) / z, 0 where not admitted; where there is a weigh region, p = weigh(p, b, h, q, k) of the admitted k;
      result[b, i, h, :] = sum_k p * value[b, k, g, :],   result `[B, S, H, E]`.
    With `weights`, a further result `[B, S, H, T]` is p; with `lse`, the last result `[B, S, H]` is log z.
    A row that admits no key is zero; so is a row whose admitted scores are all -inf; its weights are zero, and log z is
    -inf (the sink's number, where there is one). What lies in a key that is not admitted does not reach the result,
    NaN included.

    The mask is a predicate and the score a number, so a compiler may skip work for one and must compute the other. All
    regions see positions (`index`), are pure, and may read values from above (`tensor.extract` of tables and lengths).

    With `rounds_to_f16`, an attention whose key heads have 17 rows or more (a row is a query of one of the heads that
    share a key head) may round queries, after a power of two in the scale, keys, values and p to f16.

    With a workspace, up to Q queries may be attended for by P parts of the keys, beside each other: it holds what each
    part has found.

    C1. ranks are 4. C2. query and key share D; key and value share T and G; all share B. C3. H % G == 0.
    C4. mask: four index arguments, yields i1. C5. score: N times f32 and four index arguments, yields f32.
    C6. result is [B, S, H, E], weights [B, S, H, T], lse [B, S, H]; as many results as are asked for.
    C7. similarity: (f32, f32, index, index, index), yields f32 at least once; more than once only with a score.
    C8. weigh: f32 and four index arguments, yields f32. C9. sink has H elements. C10. workspace is
    f32, with P and E known; there are no weights, and no weigh region.

    ```mlir
    %o = weft.attention %q, %k, %v past %p {scale = 0.125 : f64}
      mask { ^bb0(%b: index, %h: index, %i: index, %j: index):
        %m = arith.cmpi sle, %j, %i : index
        weft.yield %m : i1 }
      score { ... } : (...) -> tensor<?x?x8x8xf32>
    ```
  }];
  let arguments = (ins Weft_Data:$query, Weft_Data:$key, Weft_Data:$value, Optional<Index>:$past,
                       Optional<Weft_Data>:$sink, Optional<AnyStridedMemRef>:$workspace,
                       Variadic<AnyStridedMemRef>:$outs, F64Attr:$scale, UnitAttr:$weights, UnitAttr:$lse, UnitAttr:$rounds_to_f16);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region MaxSizedRegion<1>:$similarity, MaxSizedRegion<1>:$mask, MaxSizedRegion<1>:$score,
                        MaxSizedRegion<1>:$weigh);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`past` $past^)? (`sink` $sink^)? (`workspace` $workspace^)?
    (`outs` $outs^)? attr-dict
    custom<Clauses>($similarity, $mask, $score, $weigh)
    `:` functional-type(operands, results)
  }];
  let builders = [
    // On tensors, with the result alone.
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$query, "::mlir::Value":$key, "::mlir::Value":$value,
                   "::mlir::Value":$past, "double":$scale), [{
      build($_builder, $_state, ::mlir::TypeRange(result), query, key, value, past, /*sink=*/::mlir::Value(),
            /*workspace=*/::mlir::Value(), ::mlir::ValueRange(), ::llvm::APFloat(scale));
    }]>
  ];
  let extraClassDeclaration = [{
    /// The attended values, null on buffers.
    ::mlir::Value getResult() { return getResults().empty() ? ::mlir::Value() : getResults().front(); }
    /// Where the attended values go, null on tensors.
    ::mlir::Value getOut() { return getOuts().empty() ? ::mlir::Value() : getOuts().front(); }
    /// Which of the results, or of the destinations, the weights and the log of the sum are; meaningful where there
    /// are any.
    unsigned getWeightsNumber() { return 1; }
    unsigned getLseNumber() { return getWeights() ? 2 : 1; }
    /// How many sums over the width the score is made of.
    unsigned getSums();
  }];
}

//===-- rows: norms and softmax ---------------------------------------------------------------------------------===//

def Weft_RmsNormOp : Weft_KernelOp<"rms_norm", [AttrSizedOperandSegments]> {
  let summary = "x / sqrt(mean(x^2) + eps) * scale, over the last dimension";
  let description = [{
    I1. input `[..., N]`; I2. scale `[N]`, optional. Result as input. Zhang and Sennrich, 2019.
    C1. scale has N elements. C2. result type = input type. C3. eps >= 0.
  }];
  let arguments = (ins Weft_Data:$input, Optional<Weft_Data>:$scale, Optional<AnyStridedMemRef>:$outs, F64Attr:$eps);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $input (`scale` $scale^)? (`outs` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Weft_LayerNormOp : Weft_KernelOp<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "(x - mean) / sqrt(variance + eps) * scale + shift, over the last dimension";
  let description = [{
    I1. input `[..., N]`; I2. scale `[N]`, optional; I3. shift `[N]`, optional. Result as input.
    The variance is that of the deviations from the mean (two passes), divided by N. Ba, Kiros and Hinton, 2016.
    C1. scale and shift have N elements. C2. result type = input type. C3. eps >= 0.
  }];
  let arguments = (ins Weft_Data:$input, Optional<Weft_Data>:$scale, Optional<Weft_Data>:$shift,
                       Optional<AnyStridedMemRef>:$outs, F64Attr:$eps);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $input (`scale` $scale^)? (`shift` $shift^)? (`outs` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Weft_SoftmaxOp : Weft_KernelOp<"softmax"> {
  let summary = "exp(x - max) / sum, over the last dimension";
  let description = [{
    I1. input `[..., N]`. Result as input. A row of -inf is NaN, as its formula says (attention differs: zero there).
    C1. result type = input type.
  }];
  let arguments = (ins Weft_Data:$input, Optional<AnyStridedMemRef>:$outs);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = "$input (`outs` $outs^)? attr-dict `:` functional-type(operands, results)";
}

//===-- positions and look-ups ----------------------------------------------------------------------------------===//

def Weft_RotaryOp : Weft_KernelOp<"rotary"> {
  let summary = "rotates pairs of the width by angles that grow with the position";
  let description = [{
    I1. input `[B, S, H, D]`; I2. table `[S, W/2, 2]`: cosine and sine of the angle of position s and pair i, W <= D.
    Pair i of the first W elements is (i, i + W/2), or (2i, 2i + 1) with `interleaved`; (x, y) becomes
    (x cos - y sin, y cos + x sin). Elements from W on are copied. Su et al., 2021.
    C1. input has rank 4. C2. table `[S, W/2, 2]`, W <= D. C3. result type = input type.
  }];
  let arguments = (ins Weft_Data:$input, Weft_Data:$table, Optional<AnyStridedMemRef>:$outs, UnitAttr:$interleaved);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $input `,` $table (`outs` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Weft_LookupOp : Weft_KernelOp<"lookup"> {
  let summary = "rows of a table, by index";
  let description = [{
    I1. table `[V, N]`, f32, f16 or bf16; I2. indices `[...]`, i32. result `[..., N]`, result[i, :] = table[indices[i], :].
    An index outside [0, V) is an error of the call, with `label`, position, index and V; it is never followed.
    C1. table has rank 2. C2. result = indices' shape with N appended.
  }];
  let arguments = (ins Weft_Data:$table, Weft_Data:$indices, Optional<AnyStridedMemRef>:$outs, StrAttr:$label);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = [{
    $table `,` $indices (`outs` $outs^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Weft_ArgmaxOp : Weft_KernelOp<"argmax"> {
  let summary = "the index of the largest element of the last dimension";
  let description = [{
    I1. input `[..., N]`, N > 0. result `[...]`, i32. The first of equals; the first NaN where there is one.
    C1. result = input's shape without the last, i32.
  }];
  let arguments = (ins Weft_Data:$input, Optional<AnyStridedMemRef>:$outs);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let assemblyFormat = "$input (`outs` $outs^)? attr-dict `:` functional-type(operands, results)";
}

//===-- state ---------------------------------------------------------------------------------------------------===//

def Weft_CacheOp : Op<Weft_Dialect, "cache", [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "appends positions to a cache and gives all of them";
  let description = [{
    I1. state `[B, C, ...]`, an argument of the entry point; I2. input `[B, S, ...]`; I3. past : index.
    Positions past ... past + S - 1 of the state become the input; the result is positions 0 ... past + S - 1 of it,
    `[B, past + S, ...]`. The state is updated in place: bufferization makes the result a view of it.
    The caller guarantees past + S <= C. C1. state, input and result agree but in size 1. C2. C is static.

    `position` is where the state has its positions; its other dimensions are those of the input, in their order. With
    2, the positions of one head lie together in a state `[B, G, C, D]` of `[B, S, G, D]`. C3. It is one of 1 ... rank - 1.
  }];
  let arguments = (ins AnyRankedTensor:$state, AnyRankedTensor:$input, Index:$past,
                       DefaultValuedAttr<I64Attr, "1">:$position);
  let results = (outs AnyRankedTensor:$result);
  let extraClassDeclaration = [{
    /// The dimension of the state that a dimension of input and result is.
    int64_t getStateDim(int64_t dim) {
      int64_t position = getPosition();
      return dim == 1 ? position : dim > 1 && dim <= position ? dim - 1 : dim;
    }
  }];
  let assemblyFormat = [{
    $input `into` $state `at` $past attr-dict `:` type($input) `into` type($state) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Weft_YieldOp : Op<Weft_Dialect, "yield", [Pure, Terminator, ReturnLike,
                      ParentOneOf<["PackedLinearOp", "AttentionOp"]>]> {
  let summary = "the value of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
}

#endif

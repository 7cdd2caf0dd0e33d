// The float graph: framework-neutral, static shapes, NCHW semantics as in ONNX.
//
// Every compute op is generic over its element type where that makes sense. Result types are inferred by the shape
// rule of the same name in runtime/ops (one rule serves import, the verifier and the program loader).
//
// `names` (ArrayAttr of StringAttr, one per result) carries the tensor names of the source model; `node` (StringAttr)
// the node's name. Both are discardable and on every op.
#ifndef BURIN_NN_TD
#define BURIN_NN_TD
include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::burin::nn";
  let summary = "float network operators with NCHW semantics";
  // Inherent attributes stay in the op's dictionary: one generic walk turns them into program attributes.
  let usePropertiesForAttributes = 0;
}

def NN_Tensor : RankedTensorOf<[AnyType]>;
def NN_OptTensor : AnyTypeOf<[NN_Tensor, NoneType]>; // an absent optional operand is `nn.none`

class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, traits>;

// A compute op: types follow from runtime/ops, printed in generic attribute form.
class NN_Compute<string mnemonic, string sum> : NN_Op<mnemonic, [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = sum;
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext* context,
        ::std::optional<::mlir::Location> location, ::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes,
        ::mlir::OpaqueProperties, ::mlir::RegionRange, ::llvm::SmallVectorImpl<::mlir::Type>& types) {
      return ::burin::nn::inferTypes(getOperationName(), context, location, operands, attributes, types);
    }
  }];
}
class NN_Op1<string m, string s, dag args> : NN_Compute<m, s> {
  let arguments = args;
  let results = (outs NN_Tensor:$y);
}

//===-- structure ------------------------------------------------------------------------------------------------===//

def NN_GraphOp : NN_Op<"graph", [IsolatedFromAbove, Symbol, SingleBlock, NoRegionArguments]> {
  let summary = "one network";
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
}
def NN_OutputOp : NN_Op<"output", [Pure, Terminator, ReturnLike, HasParent<"GraphOp">]> {
  let summary = "the graph's results; `names` holds their names";
  let arguments = (ins Variadic<NN_Tensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}
def NN_InputOp : NN_Op<"input", []> {
  let summary = "a graph input; `preprocess` (DictionaryAttr, optional) is the contract of cli.md";
  let arguments = (ins StrAttr:$name, OptionalAttr<DictionaryAttr>:$preprocess);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = "$name attr-dict `:` type($y)";
}
def NN_ConstantOp : NN_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "y"]>]> {
  let summary = "weights or a folded value, in logical row-major order";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$y);
  let hasFolder = 1;
  let assemblyFormat = "attr-dict $value";
}
def NN_NoneOp : NN_Op<"none", [Pure]> {
  let summary = "an absent optional operand";
  let results = (outs NoneType:$y);
  let assemblyFormat = "attr-dict";
}

//===-- convolution-like -----------------------------------------------------------------------------------------===//
// Spatial rank s = 1, 2 or 3. pads = begin[s] then end[s]. lo/hi clamp the result (fused ReLU, ReLU6, Clip).

def NN_ConvOp : NN_Op1<"conv", "x [N,C,spatial], w [O,C/groups,kernel], bias [O] or none",
  (ins NN_Tensor:$x, NN_Tensor:$w, NN_OptTensor:$bias, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
   DenseI64ArrayAttr:$pads, I64Attr:$groups, OptionalAttr<F32Attr>:$lo, OptionalAttr<F32Attr>:$hi)>;
def NN_ConvTransposeOp : NN_Op1<"conv_transpose",
  "x [N,C,spatial], w [C,O/groups,kernel]; out = (in-1)*stride - pads + dilation*(k-1) + 1 + output_pads",
  (ins NN_Tensor:$x, NN_Tensor:$w, NN_OptTensor:$bias, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
   DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$output_pads, I64Attr:$groups,
   OptionalAttr<F32Attr>:$lo, OptionalAttr<F32Attr>:$hi)>;
def NN_MatMulOp : NN_Op1<"matmul", "numpy matmul with optional transposes of the last two axes; bias [N] or none; also i32",
  (ins NN_Tensor:$a, NN_Tensor:$b, NN_OptTensor:$bias, OptionalAttr<BoolAttr>:$trans_a, OptionalAttr<BoolAttr>:$trans_b,
   OptionalAttr<F32Attr>:$lo, OptionalAttr<F32Attr>:$hi)>;

//===-- pooling --------------------------------------------------------------------------------------------------===//
// `sizes` is the output's spatial shape (the importer resolves ceil_mode and auto_pad); pads as in conv. A window
// position outside the padded input counts as outside.

def NN_MaxPoolOp : NN_Op1<"max_pool", "maximum over the window, padding excluded",
  (ins NN_Tensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
   DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$sizes)>;
def NN_MaxPoolIndexOp : NN_Compute<"max_pool_index", "max_pool and the flat i64 index of each maximum in x "
                                   "(column_major: spatial axes counted first-fastest)"> {
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$sizes, OptionalAttr<BoolAttr>:$column_major);
  let results = (outs NN_Tensor:$y, NN_Tensor:$index);
}
def NN_MaxUnpoolOp : NN_Op1<"max_unpool", "x scattered to the flat i64 indices; `sizes` is the full output shape",
  (ins NN_Tensor:$x, NN_Tensor:$index, DenseI64ArrayAttr:$sizes)>;
def NN_AvgPoolOp : NN_Op1<"avg_pool", "mean over the window; count_include_pad divides by the padded window's size",
  (ins NN_Tensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
   DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$sizes, OptionalAttr<BoolAttr>:$count_include_pad)>;
def NN_LpPoolOp : NN_Op1<"lp_pool", "(sum |x|^p)^(1/p) over the window",
  (ins NN_Tensor:$x, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
   DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$sizes, I64Attr:$p)>;
// Global pooling is `reduce` over the spatial axes.

//===-- normalisation --------------------------------------------------------------------------------------------===//

def NN_BatchNormOp : NN_Op1<"batch_norm", "(x - mean) / sqrt(variance + epsilon) * scale + bias per channel (axis 1)",
  (ins NN_Tensor:$x, NN_Tensor:$scale, NN_Tensor:$bias, NN_Tensor:$mean, NN_Tensor:$variance, F32Attr:$epsilon)>;
def NN_LayerNormOp : NN_Op1<"layer_norm", "over axes axis..rank-1; scale and bias broadcast to those axes, or none; "
  "rms: no mean is subtracted",
  (ins NN_Tensor:$x, NN_OptTensor:$scale, NN_OptTensor:$bias, I64Attr:$axis, F32Attr:$epsilon, OptionalAttr<BoolAttr>:$rms)>;
def NN_GroupNormOp : NN_Op1<"group_norm", "channels in `groups` groups, over group and spatial axes; scale, bias [C]; "
  "instance normalisation is groups = C",
  (ins NN_Tensor:$x, NN_OptTensor:$scale, NN_OptTensor:$bias, I64Attr:$groups, F32Attr:$epsilon)>;
def NN_LrnOp : NN_Op1<"lrn", "x / (bias + alpha/size * sum of squares over `size` channels)^beta",
  (ins NN_Tensor:$x, I64Attr:$size, F32Attr:$alpha, F32Attr:$beta, F32Attr:$bias)>;
def NN_SoftmaxOp : NN_Op1<"softmax", "over one axis; log: logarithm of it",
  (ins NN_Tensor:$x, I64Attr:$axis, OptionalAttr<BoolAttr>:$log)>;

//===-- elementwise ----------------------------------------------------------------------------------------------===//

def NN_UnaryOp : NN_Op1<"unary", [{fn of one element, parameters alpha, beta, gamma:
  relu leaky_relu(alpha) elu(alpha) selu(alpha,gamma=beta) celu(alpha) sigmoid hard_sigmoid(alpha,beta) hard_swish
  silu mish tanh softplus softsign gelu gelu_tanh thresholded_relu(alpha) shrink(lambda=alpha,bias=beta)
  clip(lo=alpha,hi=beta) exp log sqrt rsqrt reciprocal neg abs ceil floor round(half even) sign erf
  sin cos tan asin acos atan sinh cosh asinh acosh atanh not bit_not is_nan is_inf(detect_negative=alpha,detect_positive=beta)
  identity square. not, is_nan and is_inf give bool.}],
  (ins NN_Tensor:$x, StrAttr:$fn, OptionalAttr<F32Attr>:$alpha, OptionalAttr<F32Attr>:$beta)>;
def NN_BinaryOp : NN_Op1<"binary", [{fn of two elements with numpy broadcasting, then clamped to lo/hi:
  add sub mul div pow mod(sign of divisor) fmod(sign of dividend) min max prelu(x, slope) and or xor equal less greater less_equal
  greater_equal bit_and bit_or bit_xor shift_left shift_right. Comparisons give bool; integer div truncates.}],
  (ins NN_Tensor:$a, NN_Tensor:$b, StrAttr:$fn, OptionalAttr<F32Attr>:$lo, OptionalAttr<F32Attr>:$hi)>;
def NN_SelectOp : NN_Op1<"select", "condition ? a : b with broadcasting",
  (ins NN_Tensor:$condition, NN_Tensor:$a, NN_Tensor:$b)>;
def NN_CastOp : NN_Op1<"cast", "element type conversion as in C for integers (float to integer truncates, saturating); to = element type name: "
  "f32 f16 bf16 i8 u8 i16 u16 i32 u32 i64 u64 bool",
  (ins NN_Tensor:$x, StrAttr:$to)>;

//===-- reduction ------------------------------------------------------------------------------------------------===//

def NN_ReduceOp : NN_Op1<"reduce", "fn: sum mean max min prod l1 l2 log_sum log_sum_exp sum_square over `axes` (sorted, non-negative; empty = none)",
  (ins NN_Tensor:$x, StrAttr:$fn, DenseI64ArrayAttr:$axes, BoolAttr:$keep_dims)>;
def NN_ArgReduceOp : NN_Op1<"arg_reduce", "fn: max min; i64 index of the first (last: select_last) extremum",
  (ins NN_Tensor:$x, StrAttr:$fn, I64Attr:$axis, BoolAttr:$keep_dims, OptionalAttr<BoolAttr>:$select_last)>;
def NN_CumSumOp : NN_Op1<"cumsum", "running sum along axis",
  (ins NN_Tensor:$x, I64Attr:$axis, OptionalAttr<BoolAttr>:$exclusive, OptionalAttr<BoolAttr>:$reverse)>;
def NN_TopKOp : NN_Compute<"topk", "k largest (or smallest) along axis, sorted, ties by lower index; values and i64 indices"> {
  let arguments = (ins NN_Tensor:$x, I64Attr:$k, I64Attr:$axis, BoolAttr:$largest);
  let results = (outs NN_Tensor:$y, NN_Tensor:$index);
}

//===-- data movement --------------------------------------------------------------------------------------------===//

def NN_ReshapeOp : NN_Op1<"reshape", "same elements in row-major order; shape has no 0 or -1 shorthand",
  (ins NN_Tensor:$x, DenseI64ArrayAttr:$shape)>;
def NN_TransposeOp : NN_Op1<"transpose", "y.shape[i] = x.shape[perm[i]]", (ins NN_Tensor:$x, DenseI64ArrayAttr:$perm)>;
def NN_SliceOp : NN_Op1<"slice", "per axis: starts (>= 0), sizes, steps (may be negative)",
  (ins NN_Tensor:$x, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$steps)>;
def NN_ConcatOp : NN_Op1<"concat", "along axis", (ins Variadic<NN_Tensor>:$xs, I64Attr:$axis)>;
def NN_PadOp : NN_Op1<"pad", "pads = begin[rank] then end[rank], negative crops; mode: constant reflect edge wrap",
  (ins NN_Tensor:$x, DenseI64ArrayAttr:$pads, StrAttr:$mode, OptionalAttr<F32Attr>:$value)>;
def NN_ExpandOp : NN_Op1<"expand", "broadcast to shape", (ins NN_Tensor:$x, DenseI64ArrayAttr:$shape)>;
def NN_TileOp : NN_Op1<"tile", "repeats per axis", (ins NN_Tensor:$x, DenseI64ArrayAttr:$repeats)>;
def NN_GatherOp : NN_Op1<"gather", "numpy take along axis; negative indices count from the end",
  (ins NN_Tensor:$x, NN_Tensor:$index, I64Attr:$axis)>;
def NN_GatherElementsOp : NN_Op1<"gather_elements", "as ONNX GatherElements", (ins NN_Tensor:$x, NN_Tensor:$index, I64Attr:$axis)>;
def NN_GatherNDOp : NN_Op1<"gather_nd", "as ONNX GatherND", (ins NN_Tensor:$x, NN_Tensor:$index, I64Attr:$batch_dims)>;
def NN_ScatterElementsOp : NN_Op1<"scatter_elements", "as ONNX ScatterElements; reduction: none add mul min max",
  (ins NN_Tensor:$x, NN_Tensor:$index, NN_Tensor:$updates, I64Attr:$axis, StrAttr:$reduction)>;
def NN_ScatterNDOp : NN_Op1<"scatter_nd", "as ONNX ScatterND; reduction as scatter_elements",
  (ins NN_Tensor:$x, NN_Tensor:$index, NN_Tensor:$updates, StrAttr:$reduction)>;
def NN_ResizeOp : NN_Op1<"resize", [{mode: nearest linear cubic. sizes = output shape (all axes), scales per axis (float, as the source states them).
  coordinate: half_pixel half_pixel_symmetric align_corners asymmetric pytorch_half_pixel tf_crop_and_resize(roi: begin[rank], end[rank]).
  nearest: round_prefer_floor round_prefer_ceil floor ceil.}],
  (ins NN_Tensor:$x, StrAttr:$mode, DenseI64ArrayAttr:$sizes, DenseF32ArrayAttr:$scales, StrAttr:$coordinate,
   OptionalAttr<StrAttr>:$nearest, OptionalAttr<F32Attr>:$cubic_a, OptionalAttr<BoolAttr>:$exclude_outside,
   OptionalAttr<BoolAttr>:$antialias, OptionalAttr<DenseF32ArrayAttr>:$roi, OptionalAttr<F32Attr>:$extrapolation)>;
def NN_DepthToSpaceOp : NN_Op1<"depth_to_space", "mode: dcr crd", (ins NN_Tensor:$x, I64Attr:$block, StrAttr:$mode)>;
def NN_SpaceToDepthOp : NN_Op1<"space_to_depth", "inverse of depth_to_space dcr", (ins NN_Tensor:$x, I64Attr:$block)>;
def NN_OneHotOp : NN_Op1<"one_hot", "index, values [off, on]; negative indices count from the end, others off",
  (ins NN_Tensor:$index, NN_Tensor:$values, I64Attr:$depth, I64Attr:$axis)>;
def NN_TriluOp : NN_Op1<"trilu", "upper or lower triangle of the last two axes, diagonal k", (ins NN_Tensor:$x, I64Attr:$k, BoolAttr:$upper)>;
def NN_ReverseSequenceOp : NN_Op1<"reverse_sequence", "as ONNX", (ins NN_Tensor:$x, NN_Tensor:$lengths, I64Attr:$batch_axis, I64Attr:$time_axis)>;
def NN_GridSampleOp : NN_Op1<"grid_sample", "x [N,C,spatial], grid [N,out...,s]; mode: linear nearest cubic; padding: zeros border reflection",
  (ins NN_Tensor:$x, NN_Tensor:$grid, StrAttr:$mode, StrAttr:$padding, BoolAttr:$align_corners)>;
def NN_RoiAlignOp : NN_Op1<"roi_align", "as ONNX RoiAlign (half_pixel: shift by 0.5)",
  (ins NN_Tensor:$x, NN_Tensor:$rois, NN_Tensor:$batch, StrAttr:$mode, DenseI64ArrayAttr:$sizes, I64Attr:$sampling_ratio,
   F32Attr:$spatial_scale, BoolAttr:$half_pixel)>;

// Data-dependent results: a static maximum, rows beyond `count` (i64 [1]) are filled with zeros (nonzero, compress) or -1 (nms).
def NN_NonZeroOp : NN_Compute<"nonzero", "i64 [rank, numel] in row-major order, and count"> {
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$y, NN_Tensor:$count);
}
def NN_CompressOp : NN_Compute<"compress", "rows along axis where condition holds, and count; axis = -1: of the flattened x"> {
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$condition, I64Attr:$axis);
  let results = (outs NN_Tensor:$y, NN_Tensor:$count);
}
def NN_NmsOp : NN_Compute<"nms", "ONNX NonMaxSuppression: boxes [B,N,4], scores [B,C,N] -> i64 [B*C*min(max_output,N), 3], and count"> {
  let arguments = (ins NN_Tensor:$boxes, NN_Tensor:$scores, I64Attr:$max_output, F32Attr:$iou_threshold,
                       OptionalAttr<F32Attr>:$score_threshold, BoolAttr:$center_point_box);
  let results = (outs NN_Tensor:$y, NN_Tensor:$count);
}

//===-- recurrent ------------------------------------------------------------------------------------------------===//
// x [T,B,I] (ONNX layout 0), direction forward reverse bidirectional (D = 1 or 2). Gate orders as in ONNX. Optional operands may be none.

def NN_LstmOp : NN_Compute<"lstm", "w [D,4H,I], r [D,4H,H], bias [D,8H], lengths [B] i32, h0, c0 [D,B,H], peephole [D,3H] -> y [T,D,B,H], yh, yc [D,B,H]; gates i o f c; "
                           "clip bounds what the functions see, cell_clip the cell state; h_scale and h_zero: scale and zero point that a "
                           "quantized model rounds y to, where they are not those of its integers"> {
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$w, NN_Tensor:$r, NN_OptTensor:$bias, NN_OptTensor:$lengths,
    NN_OptTensor:$h0, NN_OptTensor:$c0, NN_OptTensor:$peephole, StrAttr:$direction, I64Attr:$hidden,
    OptionalAttr<StrAttr>:$activations, OptionalAttr<F32Attr>:$clip, OptionalAttr<F32Attr>:$cell_clip, OptionalAttr<F32Attr>:$h_scale, OptionalAttr<I64Attr>:$h_zero,
    OptionalAttr<BoolAttr>:$input_forget);
  let results = (outs NN_Tensor:$y, NN_Tensor:$yh, NN_Tensor:$yc);
}
def NN_GruOp : NN_Compute<"gru", "w [D,3H,I], r [D,3H,H], bias [D,6H], lengths, h0 -> y, yh; gates z r h"> {
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$w, NN_Tensor:$r, NN_OptTensor:$bias, NN_OptTensor:$lengths,
    NN_OptTensor:$h0, StrAttr:$direction, I64Attr:$hidden, OptionalAttr<BoolAttr>:$linear_before_reset,
    OptionalAttr<StrAttr>:$activations, OptionalAttr<F32Attr>:$clip);
  let results = (outs NN_Tensor:$y, NN_Tensor:$yh);
}
def NN_RnnOp : NN_Compute<"rnn", "w [D,H,I], r [D,H,H], bias [D,2H], lengths, h0 -> y, yh"> {
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$w, NN_Tensor:$r, NN_OptTensor:$bias, NN_OptTensor:$lengths,
    NN_OptTensor:$h0, StrAttr:$direction, I64Attr:$hidden, OptionalAttr<StrAttr>:$activations, OptionalAttr<F32Attr>:$clip);
  let results = (outs NN_Tensor:$y, NN_Tensor:$yh);
}

def NN_SvdfOp : NN_Compute<"svdf", "x [B,I], feature weights [F,I], time weights [F,M], bias [F/rank], state [B,F,M]: the state moves on by "
                           "one place and takes up x * feature weights -> y [B,F/rank], state * time weights over M and `rank` filters, and the state"> {
  let arguments = (ins NN_Tensor:$x, NN_Tensor:$feature, NN_Tensor:$time, NN_OptTensor:$bias, NN_Tensor:$state, I64Attr:$rank);
  let results = (outs NN_Tensor:$y, NN_Tensor:$next);
}

//===-- quantization of the source model -------------------------------------------------------------------------===//

def NN_QuantizeOp : NN_Op1<"quantize", "saturate(round_half_even(x / scale) + zero_point) to the type of zero_point; scale scalar or [n] along axis "
  "(or blocks of `block` along axis); real: the source computes x in float",
  (ins NN_Tensor:$x, NN_Tensor:$scale, NN_Tensor:$zero_point, I64Attr:$axis, OptionalAttr<I64Attr>:$block,
   OptionalAttr<BoolAttr>:$real)>;
def NN_DequantizeOp : NN_Op1<"dequantize", "(x - zero_point) * scale",
  (ins NN_Tensor:$x, NN_Tensor:$scale, NN_Tensor:$zero_point, I64Attr:$axis, OptionalAttr<I64Attr>:$block)>;
#endif

// The quantized graph: exactly what the target executes. Integer ops carry their requantisation explicitly; a tensor's
// scale and zero point are in its type (!quant.uniform, per tensor), weight scales in the op's `w_scale` attribute.
// Ops that only move data, and float ops, stay `nn` ops.
#ifndef BURIN_QNN_TD
#define BURIN_QNN_TD
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def QNN_Dialect : Dialect {
  let name = "qnn";
  let cppNamespace = "::burin::qnn";
  let summary = "integer network operators with explicit requantisation";
  let usePropertiesForAttributes = 0;
}
def QNN_Tensor : RankedTensorOf<[AnyType]>;
def QNN_OptTensor : AnyTypeOf<[QNN_Tensor, NoneType]>;

class QNN_Op<string mnemonic, string sum, dag args> : Op<QNN_Dialect, mnemonic, [Pure]> {
  let summary = sum;
  let arguments = args;
  let results = (outs QNN_Tensor:$y);
  let hasVerifier = 1;
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  // The program loader's rule is the verifier.
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return ::burin::qnn::verifyByRule(getOperation()); }
  }];
}

// multiplier: f32 (policy float_half_even, or requant = "none": y is f32) or i32 with shift i32; one value or one per
// output channel. q_lo, q_hi: clamp after the zero point. Geometry attributes as in nn.
class QNN_Accumulating<string m, string s> : QNN_Op<m, s,
  (ins QNN_Tensor:$x, QNN_Tensor:$w, QNN_OptTensor:$bias, QNN_OptTensor:$multiplier, QNN_OptTensor:$shift, StrAttr:$requant)>;
def QNN_ConvOp : QNN_Accumulating<"conv", "nn.conv on integers">;
def QNN_ConvTransposeOp : QNN_Accumulating<"conv_transpose", "nn.conv_transpose on integers">;
def QNN_MatMulOp : QNN_Accumulating<"matmul", "nn.matmul on integers">;

def QNN_QuantizeOp : QNN_Op<"quantize", "f32 to the result type's integers", (ins QNN_Tensor:$x)>;
def QNN_DequantizeOp : QNN_Op<"dequantize", "integers to f32", (ins QNN_Tensor:$x)>;
def QNN_RequantizeOp : QNN_Op<"requantize", "integers to another scale", (ins QNN_Tensor:$x)>;
def QNN_BinaryOp : QNN_Op<"binary", "functions of two elements with different scales; comparisons give bool", (ins QNN_Tensor:$a, QNN_Tensor:$b)>;
def QNN_LutOp : QNN_Op<"lut", "any unary function as a table", (ins QNN_Tensor:$x, QNN_Tensor:$table)>;
def QNN_AvgPoolOp : QNN_Op<"avg_pool", "nn.avg_pool on integers", (ins QNN_Tensor:$x)>;
def QNN_ReduceOp : QNN_Op<"reduce", "mean or sum of integers", (ins QNN_Tensor:$x)>;
def QNN_SoftmaxOp : QNN_Op<"softmax", "nn.softmax of beta * x in fixed point", (ins QNN_Tensor:$x)>;
// multiplier and shift [feature, unit].
def QNN_SvdfOp : QNN_Op<"svdf", "nn.svdf on integers",
  (ins QNN_Tensor:$x, QNN_Tensor:$feature, QNN_Tensor:$time, QNN_OptTensor:$bias, QNN_Tensor:$state)> {
  let results = (outs QNN_Tensor:$y, QNN_Tensor:$next);
}
// multiplier and shift [x w of every gate, h r of every gate, y].
def QNN_LstmOp : QNN_Op<"lstm", "nn.lstm on integers, in one direction; bias [1,4H]",
  (ins QNN_Tensor:$x, QNN_Tensor:$w, QNN_Tensor:$r, QNN_OptTensor:$bias, QNN_Tensor:$h0, QNN_Tensor:$c0)> {
  let results = (outs QNN_Tensor:$y, QNN_Tensor:$yh, QNN_Tensor:$yc);
}
def QNN_L2NormalizeOp : QNN_Op<"l2_normalize", "x over the root of the sum of squares along axis", (ins QNN_Tensor:$x)>;
def QNN_ResizeOp : QNN_Op<"resize", "linear nn.resize of integers of one scale", (ins QNN_Tensor:$x)>;
#endif

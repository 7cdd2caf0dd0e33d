// QuantizeLinear, DequantizeLinear and the integer operators that give integers.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <fmt/format.h>

namespace burin::onnx {

namespace {
// [1] and scalars count as one value; [1,1] as well.
Value asParameter(NodeContext& c, Value v) {
  Ints dims = NodeContext::dims(v);
  return dims.size() > 1 && product(dims, 0, dims.size()) == 1 ? c.reshape(v, {}) : v;
}

Value zerosLike(NodeContext& c, Value scale, rt::DType dtype) {
  return c.expand(c.scalar(0, dtype), NodeContext::dims(scale));
}

nn::AttrList parameterAttrs(NodeContext& c, Value x, Value scale, int64_t axis) {
  Ints dims = NodeContext::dims(scale);
  bool perAxis = product(dims, 0, dims.size()) != 1 || dims.size() > 1;
  nn::AttrList list = c.attrs();
  list.i("axis", perAxis ? c.axis(axis, NodeContext::rank(x)) : 0);
  if (int64_t block = c.integer("block_size"); block > 0) list.i("block", block);
  return list;
}
} // namespace

Value emitDequantize(NodeContext& c, Value x, Value scale, Value zeroPoint, int64_t axis) {
  if (!x || !scale) return {};
  scale = c.cast(asParameter(c, scale), rt::DType::F32);
  zeroPoint = zeroPoint ? c.cast(asParameter(c, zeroPoint), NodeContext::dtype(x))
                        : zerosLike(c, scale, NodeContext::dtype(x));
  auto fold = c.importer().options().keepQuantization ? nn::Fold::Never : nn::Fold::Allow;
  return c.emit("dequantize", {x, scale, zeroPoint}, parameterAttrs(c, x, scale, axis), fold);
}

Value emitQuantize(NodeContext& c, Value x, Value scale, Value zeroPoint, int64_t axis) {
  if (!x || !scale) return {};
  scale = c.cast(asParameter(c, scale), rt::DType::F32);
  zeroPoint = zeroPoint ? asParameter(c, zeroPoint) : zerosLike(c, scale, rt::DType::U8);
  if (NodeContext::dtype(x) != rt::DType::I32) x = c.cast(x, rt::DType::F32);
  return c.emit("quantize", {x, scale, zeroPoint}, parameterAttrs(c, x, scale, axis));
}

namespace {
void importQuantizeLinear(NodeContext& c) {
  Value zeroPoint = c.in(2);
  if (int64_t to = c.integer("output_dtype"); to && !zeroPoint) {
    auto type = elementType(static_cast<int32_t>(to));
    if (!type || to == onnxpb::TensorProto::INT4 || to == onnxpb::TensorProto::UINT4)
      return c.unsupported(
          fmt::format("quantization to {} is not supported", elementTypeName(static_cast<int32_t>(to))));
    zeroPoint = zerosLike(c, asParameter(c, c.in(1)), *type);
  }
  c.set(0, emitQuantize(c, c.in(0), c.in(1), zeroPoint, c.integer("axis", 1)));
}

void importDequantizeLinear(NodeContext& c) {
  Value y = emitDequantize(c, c.in(0), c.in(1), c.in(2), c.integer("axis", 1));
  c.set(0, c.cast(y, NodeContext::dtype(c.in(1))));
}

// Scale and zero point from the data: the range always holds zero, 255 steps.
void importDynamicQuantizeLinear(NodeContext& c) {
  Value x = c.in(0);
  Ints axes = allAxes(NodeContext::rank(x));
  Value zero = c.scalar(0, rt::DType::F32), steps = c.scalar(255, rt::DType::F32);
  Value low = c.binary("min", c.reduce("min", x, axes, false), zero);
  Value high = c.binary("max", c.reduce("max", x, axes, false), zero);
  Value scale = c.div(c.sub(high, low), steps);
  Value offset = c.unary("round", c.unary("clip", c.div(c.sub(zero, low), scale), 0, 255));
  Value zeroPoint = c.cast(offset, rt::DType::U8);
  c.set(0, emitQuantize(c, x, scale, zeroPoint));
  c.set(1, scale);
  c.set(2, zeroPoint);
}

// x - zero point in i32; `axis` >= 0 is where a vector of zero points runs.
Value centred(NodeContext& c, Value x, Value zeroPoint, int64_t axis) {
  x = c.cast(x, rt::DType::I32);
  if (!zeroPoint || !x) return x;
  Ints dims = NodeContext::dims(zeroPoint);
  int64_t rank = NodeContext::rank(x), count = product(dims, 0, dims.size());
  Ints shape(count == 1 ? 0 : static_cast<size_t>(rank), 1);
  if (count != 1) {
    if (dims.size() != 1 || axis < 0 || axis >= rank ||
        NodeContext::shape(x)[static_cast<int>(axis)] != count) {
      c.unsupported(fmt::format("a zero point of shape {} is not supported", dimsText(dims)));
      return {};
    }
    shape[static_cast<size_t>(axis)] = count;
  }
  return c.sub(x, c.reshape(c.cast(zeroPoint, rt::DType::I32), shape));
}

void importMatMulInteger(NodeContext& c) {
  c.set(0, c.matmul(centred(c, c.in(0), c.in(2), NodeContext::rank(c.in(0)) - 2),
                    centred(c, c.in(1), c.in(3), NodeContext::rank(c.in(1)) - 1)));
}

// Float arithmetic on integers is exact up to 2^24: |x| <= 255 times the weights over all taps must stay
// below. For more taps the weights are split into 16 * high + low.
void importConvInteger(NodeContext& c) {
  constexpr double kExact = 16777216.0;
  Value x = c.cast(centred(c, c.in(0), c.in(2), -1), rt::DType::F32);
  Value w = c.cast(centred(c, c.in(1), c.in(3), 0), rt::DType::F32);
  if (c.failed()) return;
  Ints dims = NodeContext::dims(w);
  double taps = static_cast<double>(product(dims, 1, dims.size()));
  if (taps * 255 * 255 <= kExact) return c.set(0, c.cast(emitConv(c, x, w, c.none()), rt::DType::I32));
  if (taps * 255 * 16 > kExact)
    return c.unsupported(fmt::format("integer convolutions over {} values are not supported", taps));
  Value sixteen = c.scalar(16, rt::DType::F32);
  Value high = c.unary("floor", c.div(w, sixteen)), low = c.sub(w, c.mul(high, sixteen));
  Value sumHigh = c.cast(emitConv(c, x, high, c.none()), rt::DType::I32),
        sumLow = c.cast(emitConv(c, x, low, c.none()), rt::DType::I32);
  c.set(0, c.add(c.mul(sumHigh, c.scalar(16, rt::DType::I32)), sumLow));
}

// com.microsoft MatMulIntegerToFloat: A, B, scale A, scale B, zero points, bias.
void importMatMulIntegerToFloat(NodeContext& c) {
  int64_t columns = NodeContext::rank(c.in(1)) - 1;
  Value a = emitDequantize(c, c.in(0), c.in(2), c.in(4), NodeContext::rank(c.in(0)) - 2);
  c.set(0, addBias(c, c.matmul(a, emitDequantize(c, c.in(1), c.in(3), c.in(5), columns)), c.in(6)));
}

const OperatorRow kRows[] = {
    {"QuantizeLinear", importQuantizeLinear, 2, 3},
    {"DequantizeLinear", importDequantizeLinear, 2, 3},
    {"DynamicQuantizeLinear", importDynamicQuantizeLinear, 1, 1},
    {"MatMulInteger", importMatMulInteger, 2, 4},
    {"ConvInteger", importConvInteger, 2, 4},
    {"com.microsoft:QuantizeLinear", importQuantizeLinear, 2, 3},
    {"com.microsoft:DequantizeLinear", importDequantizeLinear, 2, 3},
    {"com.microsoft:MatMulIntegerToFloat", importMatMulIntegerToFloat, 4, 7},
};
} // namespace

const OperatorTable<OperatorRow> kQuantizationOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

// Operators from integers to integers: written as dequantize, the float operator, quantize, which is the form
// that carries a model's own quantization through the compiler.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <cstring>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
// i32 bias with scale x * w and zero point 0.
Value dequantizedBias(NodeContext& c, Value bias, Value xScale, Value wScale) {
  return bias ? emitDequantize(c, bias, c.mul(xScale, wScale), Value(), 0) : c.none();
}

void importQLinearConv(NodeContext& c) {
  Value x = emitDequantize(c, c.in(0), c.in(1), c.in(2)), w = emitDequantize(c, c.in(3), c.in(4), c.in(5), 0);
  Value y = emitConv(c, x, w, dequantizedBias(c, c.in(8), c.in(1), c.in(4)));
  c.set(0, emitQuantize(c, y, c.in(6), c.in(7)));
}

void importQLinearMatMul(NodeContext& c) {
  Value a = emitDequantize(c, c.in(0), c.in(1), c.in(2), NodeContext::rank(c.in(0)) - 2);
  Value b = emitDequantize(c, c.in(3), c.in(4), c.in(5), NodeContext::rank(c.in(3)) - 1);
  Value y = c.matmul(a, b);
  c.set(0, emitQuantize(c, y, c.in(6), c.in(7), NodeContext::rank(y) - 2));
}

// A, B and a bias at scale a * b * alpha; without an output scale the result is float.
void importQGemm(NodeContext& c) {
  bool transB = c.flag("transB");
  float alpha = c.real("alpha", 1);
  Value a = emitDequantize(c, c.in(0), c.in(1), c.in(2));
  Value bScale = alpha == 1 ? c.in(4) : c.mul(c.in(4), c.scalarLike(alpha, c.in(4)));
  Value b = emitDequantize(c, c.in(3), bScale, c.in(5), transB ? 0 : 1);
  Value bias = c.has(6) ? dequantizedBias(c, c.in(6), c.in(1), bScale) : Value();
  Value y = emitGemm(c, a, b, bias, c.flag("transA"), transB);
  c.set(0, c.has(7) ? emitQuantize(c, y, c.in(7), c.in(8)) : y);
}

void importQLinearBinary(NodeContext& c) {
  Value a = emitDequantize(c, c.in(0), c.in(1), c.in(2)), b = emitDequantize(c, c.in(3), c.in(4), c.in(5));
  c.set(0, emitQuantize(c, c.binary(c.row().variant, a, b), c.in(6), c.in(7)));
}

// X, its scale and zero point, Y's scale and zero point.
void importQLinearUnary(NodeContext& c) {
  Value x = emitDequantize(c, c.in(0), c.in(1), c.in(2)), y;
  if (std::strcmp(c.row().variant, "leaky_relu") == 0)
    y = c.unary("leaky_relu", x, c.real("alpha", 0.01f));
  else
    y = c.unary(c.row().variant, x);
  c.set(0, emitQuantize(c, y, c.in(3), c.in(4)));
}

void importQLinearPool(NodeContext& c) {
  if (c.flag("channels_last")) return c.unsupported("channels_last is not supported");
  Value x = emitDequantize(c, c.in(0), c.in(1), c.in(2));
  bool global = std::strcmp(c.row().variant, "global") == 0;
  Value y = global ? c.reduce("mean", x, allAxes(NodeContext::rank(x), 2), true) : emitAveragePool(c, x);
  c.set(0, emitQuantize(c, y, c.in(3), c.in(4)));
}

void importQLinearSoftmax(NodeContext& c) {
  Value x = emitDequantize(c, c.in(0), c.in(1), c.in(2));
  int64_t axis = c.axis(c.integer("axis", -1), NodeContext::rank(x));
  c.set(0, emitQuantize(c, c.emit("softmax", {x}, c.attrs().i("axis", axis)), c.in(3), c.in(4)));
}

// Y's scale and zero point, then (tensor, scale, zero point) for each part.
void importQLinearConcat(NodeContext& c) {
  if (c.inputCount() < 5 || c.inputCount() % 3 != 2)
    return c.invalid(fmt::format("it has {} inputs", c.inputCount()));
  std::vector<Value> parts;
  for (int i = 2; i + 2 < c.inputCount(); i += 3)
    parts.push_back(emitDequantize(c, c.in(i), c.in(i + 1), c.in(i + 2)));
  int64_t axis = c.axis(c.integer("axis"), NodeContext::rank(parts[0]));
  Value joined = parts.size() == 1 ? parts[0] : c.concat(parts, axis);
  c.set(0, emitQuantize(c, joined, c.in(0), c.in(1)));
}

const OperatorRow kRows[] = {
    {"QLinearConv", importQLinearConv, 8, 9},
    {"QLinearMatMul", importQLinearMatMul, 8, 8},
    {"com.microsoft:QLinearConv", importQLinearConv, 8, 9},
    {"com.microsoft:QGemm", importQGemm, 2, 9},
    {"com.microsoft:QLinearAdd", importQLinearBinary, 2, 8, 1, "add"},
    {"com.microsoft:QLinearMul", importQLinearBinary, 2, 8, 1, "mul"},
    {"com.microsoft:QLinearSigmoid", importQLinearUnary, 2, 5, 1, "sigmoid"},
    {"com.microsoft:QLinearLeakyRelu", importQLinearUnary, 2, 5, 1, "leaky_relu"},
    {"com.microsoft:QLinearAveragePool", importQLinearPool, 2, 5},
    {"com.microsoft:QLinearGlobalAveragePool", importQLinearPool, 2, 5, 1, "global"},
    {"com.microsoft:QLinearSoftmax", importQLinearSoftmax, 2, 5},
    {"com.microsoft:QLinearConcat", importQLinearConcat, 5, kAny},
};
} // namespace

const OperatorTable<OperatorRow> kQLinearOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

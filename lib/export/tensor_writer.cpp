#include "lib/export/tensor_writer.h"

#include "lib/export/quantized_tensor.h"
#include "runtime/numerics/rounding.h"
#include "runtime/ops/integer_rows.h"

#include <cmath>

using namespace mlir;

namespace burin::onnx_export {

std::string sourceName(std::string name) {
  for (std::string_view suffix : {"/quantized", "/quantize"})
    if (name.size() > suffix.size() && name.ends_with(suffix))
      return name.substr(0, name.size() - suffix.size());
  return name;
}

rt::TensorType typeOf(Value v) {
  rt::TensorType type;
  nn::tensorType(v.getType(), type);
  return type;
}

// Executors fuse only ops whose activations have one type, so all have: integer and zero point of the
// others are moved by 128, which leaves the values as they are.
// The graph's inputs are fed as they are.
int64_t TensorWriter::liftOf(Value v) const {
  if (!isQuantized(v) || v.getDefiningOp<nn::InputOp>()) return 0;
  const rt::DType dtype = typeOf(v).dtype;
  if (rt::dtypeBytes(dtype) > 1) return 0;
  if (options_.signedActivations) return dtype == rt::DType::U8 ? -128 : 0;
  return dtype == rt::DType::I8 ? 128 : 0;
}
rt::DType TensorWriter::storedDType(Value v) const {
  if (!liftOf(v)) return typeOf(v).dtype;
  return options_.signedActivations ? rt::DType::I8 : rt::DType::U8;
}

std::string TensorWriter::resultName(Value v, const std::string& fallback) {
  auto [it, isNew] = names_.try_emplace(v);
  if (isNew) {
    std::string own = sourceName(nn::valueName(v));
    it->second = onnx_.unique(own.empty() ? fallback : own);
  }
  return it->second;
}

std::string TensorWriter::constant(Value v) {
  auto [it, isNew] = names_.try_emplace(v);
  if (!isNew) return it->second;
  std::string own = nn::valueName(v);
  rt::TensorType type = typeOf(v);
  ArrayRef<char> bytes = nn::constantBytes(v);
  std::vector<char> repeated;
  if (auto dense = dyn_cast<DenseElementsAttr>(v.getDefiningOp<nn::ConstantOp>().getValue());
      dense && dense.isSplat() && bytes.empty()) {
    ArrayRef<char> one = dense.getRawData();
    for (int64_t i = 0; i < dense.getNumElements(); ++i)
      repeated.insert(repeated.end(), one.begin(), one.end());
    bytes = repeated;
  }
  if (liftOf(v)) {
    repeated.assign(bytes.begin(), bytes.end());
    for (char& stored : repeated) stored = static_cast<char>(stored ^ char(0x80)); // + or - 128
    bytes = repeated;
    type.dtype = storedDType(v);
  }
  return it->second = onnx_.initializer(own.empty() ? "constant" : own, type, {bytes.data(), bytes.size()});
}

std::string TensorWriter::integerScalar(const std::string& name, rt::DType dtype, int64_t value) {
  rt::TensorType type;
  type.dtype = dtype;
  return onnx_.initializer(name, type,
                           {reinterpret_cast<const char*>(&value), rt::dtypeBytes(dtype)}); // little endian
}

// Scale and zero point of a stored tensor as initializers; `base` replaces scales per channel by one scale.
std::pair<std::string, std::string> TensorWriter::quantization(Value v, bool base, const std::string& name) {
  auto [it, isNew] = quantization_.try_emplace({v.getAsOpaquePointer(), base});
  if (!isNew) return it->second;
  std::vector<float> scales = base ? std::vector<float>{baseScale(v)} : scalesOf(v);
  const bool many = scales.size() > 1;
  const rt::DType dtype = storedDType(v);
  const int64_t zero = zeroPointOf(v) + liftOf(v);
  it->second.first =
      onnx_.floats(name + "_scale", scales,
                   many ? std::vector<int64_t>{static_cast<int64_t>(scales.size())} : std::vector<int64_t>{});
  if (!many)
    it->second.second = integerScalar(name + "_zero_point", dtype, zero);
  else {
    rt::TensorType type;
    type.dtype = dtype;
    type.shape.push(static_cast<int64_t>(scales.size()));
    std::vector<char> points(scales.size(), static_cast<char>(zero));
    it->second.second = onnx_.initializer(name + "_zero_point", type, points);
  }
  return it->second;
}

// The float tensor that a stored one stands for: one DequantizeLinear per tensor and way of reading it.
std::string TensorWriter::dequantized(Value v, bool base) {
  base &= hasChannelScales(v);
  auto [it, isNew] = (base ? baseReals_ : reals_).try_emplace(v);
  if (!isNew) return it->second;
  const bool isStored = isa<nn::ConstantOp, nn::InputOp>(v.getDefiningOp()); // under its own name
  std::string integers = stored(v);
  std::string own = sourceName(nn::valueName(v));
  if (own.empty()) own = integers;
  it->second = onnx_.unique(base ? own + "/per_tensor" : isStored ? own + "_dequantized" : own);
  dequantize(v, base, integers, it->second);
  return it->second;
}

void TensorWriter::dequantize(Value v, bool base, const std::string& stored, const std::string& result) {
  auto [scale, zero] = quantization(v, base, stored);
  Attributes attributes;
  if (!base && hasChannelScales(v)) attributes.push_back({"axis", int64_t(1)});
  onnx_.node("DequantizeLinear", {stored, scale, zero}, {result}, attributes, result + "_DequantizeLinear");
}

std::string TensorWriter::stored(Value v) {
  return v.getDefiningOp<nn::ConstantOp>() ? constant(v) : names_[v];
}

std::string TensorWriter::sourceIntegers(Value v) {
  if (!liftOf(v)) return stored(v);
  const std::string real = dequantized(v, false), result = onnx_.unique(stored(v) + "/integers");
  const std::string scale = quantization(v, false, stored(v)).first,
                    zero = integerScalar(result + "_zero_point", typeOf(v).dtype, zeroPointOf(v));
  onnx_.node("QuantizeLinear", {real, scale, zero}, {result}, {}, result + "_QuantizeLinear");
  return result;
}

std::string TensorWriter::nameStored(Operation& op) {
  Value v = op.getResult(0);
  std::string own = sourceName(nn::valueName(v));
  return names_[v] = onnx_.unique((own.empty() ? nn::nodeName(&op) : own) + "_QuantizeLinear_Output");
}

std::string TensorWriter::operand(Value v, bool base) {
  if (isa<NoneType>(v.getType())) return {};
  if (isQuantized(v)) return dequantized(v, base);
  if (v.getDefiningOp<nn::ConstantOp>()) return constant(v);
  return names_[v];
}

void TensorWriter::quantize(Operation& op, const std::string& real, bool base) {
  Value v = op.getResult(0);
  const std::string stored = nameStored(op);
  const rt::DType dtype = storedDType(v);
  const auto [low, high] = rt::storedRange(dtype);
  auto bound = [&](StringRef name, int64_t fallback) {
    auto a = op.getAttrOfType<IntegerAttr>(name);
    return a ? a.getInt() + liftOf(v) : fallback;
  };
  const int64_t lo = bound("q_lo", low), hi = bound("q_hi", high);
  const bool clamps = lo > low || hi < high;
  if (clamps && rt::dtypeBytes(dtype) > 1) return quantizeClipped(v, real, {lo, hi}, stored);
  std::string raw = clamps ? onnx_.unique(stored + "_Unclamped") : stored;
  auto [scale, zero] = quantization(v, base, stored);
  Attributes attributes;
  if (!base && hasChannelScales(v)) attributes.push_back({"axis", int64_t(1)});
  onnx_.node("QuantizeLinear", {real, scale, zero}, {raw}, attributes, stored + "_QuantizeLinear");
  if (!clamps) return;
  onnx_.node("Clip",
             {raw, lo > low ? integerScalar(stored + "_lo", dtype, lo) : "",
              hi < high ? integerScalar(stored + "_hi", dtype, hi) : ""},
             {stored}, {}, stored + "_Clip");
}

// Executors have no Clip of 16-bit integers; the bounds are real numbers of the grid.
void TensorWriter::quantizeClipped(Value v, const std::string& real, std::pair<int64_t, int64_t> bounds,
                                   const std::string& stored) {
  auto [scale, zero] = quantization(v, true, stored);
  auto bound = [&](const char* suffix, int64_t q) {
    const float value = static_cast<float>(q - zeroPointOf(v)) * baseScale(v);
    return onnx_.floats(stored + suffix, {&value, 1}, {});
  };
  const std::string clipped = onnx_.unique(stored + "_Clipped");
  onnx_.node("Clip", {real, bound("_lo", bounds.first), bound("_hi", bounds.second)}, {clipped}, {}, clipped);
  onnx_.node("QuantizeLinear", {clipped, scale, zero}, {stored}, {}, stored + "_QuantizeLinear");
}

std::string TensorWriter::dequantizedBias(Value bias, const std::vector<float>& scales) {
  if (typeOf(bias).dtype != rt::DType::I64)
    return dequantizeConstant(constant(bias), {scales, {}, 0, rt::DType::I32});
  // DequantizeLinear has no 64 bits, and onnxruntime rounds float biases to 32 bits of the sums' scale: a
  // bias beyond them takes a scale of its own.
  std::vector<int32_t> stored;
  std::vector<float> own;
  for (int64_t q : nn::constantInts(bias)) {
    int shift = 0;
    auto shifted = [&] { return rt::shiftRight(q, shift, rt::Rounding::HalfAway); };
    while (shifted() != rt::saturate32(shifted())) ++shift;
    own.push_back(std::ldexp(scales[scales.size() == 1 ? 0 : own.size()], shift));
    stored.push_back(static_cast<int32_t>(shifted()));
  }
  rt::TensorType type = typeOf(bias);
  type.dtype = rt::DType::I32;
  const std::string name = nn::valueName(bias);
  const std::string integers = onnx_.initializer(
      name.empty() ? "bias" : name, type, {reinterpret_cast<const char*>(stored.data()), stored.size() * 4});
  return dequantizeConstant(integers, {own, {}, 0, rt::DType::I32});
}

std::string TensorWriter::dequantizedWeights(Operation& op, const std::vector<float>& scales) {
  Value w = op.getOperand(1);
  auto axis = op.getAttrOfType<IntegerAttr>("w_axis");
  const int64_t groups =
      op.getName().stripDialect() == "conv_transpose" ? op.getAttrOfType<IntegerAttr>("groups").getInt() : 1;
  auto points = op.getAttrOfType<DenseI64ArrayAttr>("w_zero_point");
  const std::vector<int64_t> zeros = points ? points.asArrayRef().vec() : std::vector<int64_t>();
  if (scales.size() > 1 && groups > 1) return dequantizedGroups(w, groups, scales, zeros);
  return dequantizeConstant(constant(w), {scales, zeros, axis ? axis.getInt() : 0, typeOf(w).dtype});
}

// Weights [groups * inputs, outputs, kernel] of a transposed convolution: no one axis holds its output
// channels, so they are stored outputs first, [groups * outputs, inputs, kernel], and turned round.
std::string TensorWriter::dequantizedGroups(Value w, int64_t groups, const std::vector<float>& scales,
                                            const std::vector<int64_t>& zeros) {
  rt::TensorType type = typeOf(w);
  const int64_t inputs = type.shape[0] / groups, outputs = type.shape[1],
                taps = type.shape.elements() / (type.shape[0] * outputs);
  ArrayRef<char> bytes = nn::constantBytes(w);
  std::vector<char> turned(bytes.size());
  for (int64_t g = 0, from = 0; g < groups; ++g)
    for (int64_t i = 0; i < inputs; ++i)
      for (int64_t o = 0; o < outputs; ++o, from += taps)
        std::copy_n(bytes.begin() + from, taps, turned.begin() + ((g * outputs + o) * inputs + i) * taps);
  std::vector<int64_t> shape(type.shape.dim, type.shape.dim + type.shape.rank), grouped = shape, order;
  grouped[0] = outputs, grouped[1] = inputs, grouped.insert(grouped.begin(), groups);
  for (size_t i = 0; i < grouped.size(); ++i) order.push_back(static_cast<int64_t>(i));
  std::swap(order[1], order[2]);
  type.shape.dim[0] = groups * outputs, type.shape.dim[1] = inputs;
  std::string own = nn::valueName(w);
  if (own.empty()) own = "weights";
  std::string stored = onnx_.initializer(own, type, turned),
              real = dequantizeConstant(stored, {scales, zeros, 0, type.dtype});
  const auto step = [&](const char* op, const Names& in, const Attributes& attributes) {
    std::string result = onnx_.unique(own + "/" + op);
    onnx_.node(op, in, {result}, attributes, result);
    return result;
  };
  real = step("Reshape", {real, onnx_.ints(own + "/grouped", grouped)}, {});
  real = step("Transpose", {real}, {{"perm", order}});
  return step("Reshape", {real, onnx_.ints(own + "/shape", shape)}, {});
}

std::string TensorWriter::dequantizeConstant(const std::string& stored, const ConstantScales& q) {
  const bool many = q.scales.size() > 1;
  const int64_t count = static_cast<int64_t>(q.scales.size());
  std::string scale =
      onnx_.floats(stored + "_scale", q.scales, many ? std::vector<int64_t>{count} : std::vector<int64_t>{});
  // Zero is the default; executors that look for integer kernels want to see it.
  rt::TensorType type;
  type.dtype = q.dtype;
  if (many) type.shape.push(count);
  const size_t bytes = rt::dtypeBytes(q.dtype);
  std::vector<char> points(q.scales.size() * bytes);
  for (size_t i = 0; !q.zeros.empty() && i < q.scales.size(); ++i)
    points[i * bytes] = static_cast<char>(q.zeros[q.zeros.size() == 1 ? 0 : i]); // of 8 bits
  std::string zero = onnx_.initializer(stored + "_zero_point", type, points);
  std::string result = onnx_.unique(stored + "_dequantized");
  Attributes attributes;
  if (many) attributes.push_back({"axis", q.axis});
  onnx_.node("DequantizeLinear", {stored, scale, zero}, {result}, attributes, result);
  return result;
}

} // namespace burin::onnx_export

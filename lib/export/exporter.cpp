// Walks a graph and writes it; integer tensors of a quantized graph become QuantizeLinear/DequantizeLinear
// pairs.
#include "lib/export/export.h"
#include "lib/export/op_writer.h"
#include "lib/qnn/qnn.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace burin {
namespace onnx_export {

namespace {
using PerTensor = quant::UniformQuantizedType;
using PerAxis = quant::UniformQuantizedPerAxisType;

Type elementOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }
bool isQuantized(Value v) {
  return isa<RankedTensorType>(v.getType()) && isa<quant::QuantizedType>(elementOf(v));
}

// Scales of a stored tensor: one, or one per channel (axis 1).
std::vector<float> scalesOf(Value v) {
  if (auto one = dyn_cast<PerTensor>(elementOf(v))) return {static_cast<float>(one.getScale())};
  auto many = cast<PerAxis>(elementOf(v));
  return {many.getScales().begin(), many.getScales().end()};
}
int64_t zeroPointOf(Value v) {
  if (auto one = dyn_cast<PerTensor>(elementOf(v))) return one.getZeroPoint();
  return cast<PerAxis>(elementOf(v)).getZeroPoints().front();
}
// The scale that stands for all channels where weights take up the rest.
float baseScale(Value v) {
  std::vector<float> scales = scalesOf(v);
  return *std::max_element(scales.begin(), scales.end());
}

// "x/quantized" and "x/quantize" are the integers of x.
std::string sourceName(std::string name) {
  for (std::string_view suffix : {"/quantized", "/quantize"})
    if (name.size() > suffix.size() && name.ends_with(suffix))
      return name.substr(0, name.size() - suffix.size());
  return name;
}

class Exporter {
public:
  Exporter(nn::GraphOp graph, const ExportOptions& options) : graph_(graph), options_(options) {}

  Result<std::string> run() {
    Operation& end = graph_.getBody().front().back();
    reserveNames(end);
    for (Operation& op : graph_.getBody().front()) {
      if (isa<nn::ConstantOp, nn::NoneOp>(op)) continue;
      if (isa<nn::InputOp>(op))
        writeInput(op);
      else if (isa<nn::OutputOp>(op))
        writeOutputs(op);
      else if (!writeOp(op))
        unsupported_[op.getName().getStringRef().str()].push_back(nn::nodeName(&op));
    }
    if (!unsupported_.empty()) return unsupported();
    return onnx_.serialize();
  }

private:
  void reserveNames(Operation& end) {
    for (Operation& op : graph_.getBody().front())
      if (isa<nn::InputOp>(op))
        names_[op.getResult(0)] = nn::valueName(op.getResult(0)),
        onnx_.reserve(nn::valueName(op.getResult(0)));
    auto names = end.getAttrOfType<ArrayAttr>("names");
    for (auto [i, v] : llvm::enumerate(end.getOperands())) {
      std::string name = names && i < names.size() ? cast<StringAttr>(names[i]).getValue().str() : "";
      if (name.empty()) name = nn::valueName(v);
      outputs_.push_back(name);
      Operation* maker = v.getDefiningOp();
      const bool computed = !isa<nn::InputOp, nn::ConstantOp>(maker) && !isQuantized(v);
      if (computed && !names_.count(v) && !onnx_.taken(name)) names_[v] = name;
      onnx_.reserve(name);
    }
  }

  // Executors fuse only ops whose activations have one type, so all have: integer and zero point of the
  // others are moved by 128, which leaves the values as they are.
  int64_t liftOf(Value v) {
    if (!isQuantized(v)) return 0;
    const rt::DType dtype = typeOf(v).dtype;
    if (options_.signedActivations) return dtype == rt::DType::U8 ? -128 : 0;
    return dtype == rt::DType::I8 ? 128 : 0;
  }
  rt::DType storedDType(Value v) {
    if (!liftOf(v)) return typeOf(v).dtype;
    return options_.signedActivations ? rt::DType::I8 : rt::DType::U8;
  }

  tl::unexpected<Error> unsupported() const {
    std::string list;
    for (const auto& [type, nodes] : unsupported_)
      list += fmt::format("{}{} ({}: {}{})", list.empty() ? "" : "; ", type, nodes.size(), nodes[0],
                          nodes.size() > 1 ? ", .." : "");
    return fail(ErrorCode::Unsupported, "ONNX opset 18 cannot express " + list,
                "cut the model with --outputs, or export the float model with --format onnx");
  }

  // The name of a result in the ONNX graph.
  std::string resultName(Value v, const std::string& fallback) {
    auto [it, isNew] = names_.try_emplace(v);
    if (isNew) {
      std::string own = sourceName(nn::valueName(v));
      it->second = onnx_.unique(own.empty() ? fallback : own);
    }
    return it->second;
  }

  rt::TensorType typeOf(Value v) {
    rt::TensorType type;
    nn::tensorType(v.getType(), type);
    return type;
  }

  std::string constant(Value v) {
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

  std::string integerScalar(const std::string& name, rt::DType dtype, int64_t value) {
    const char byte = static_cast<char>(value);
    rt::TensorType type;
    type.dtype = dtype;
    return onnx_.initializer(name, type, {&byte, 1});
  }

  // Scale and zero point of a stored tensor as initializers; `base` replaces scales per channel by one scale.
  std::pair<std::string, std::string> quantization(Value v, bool base, const std::string& name) {
    auto [it, isNew] = quantization_.try_emplace({v.getAsOpaquePointer(), base});
    if (!isNew) return it->second;
    std::vector<float> scales = base ? std::vector<float>{baseScale(v)} : scalesOf(v);
    const bool many = scales.size() > 1;
    const rt::DType dtype = storedDType(v);
    const int64_t zero = zeroPointOf(v) + liftOf(v);
    it->second.first = onnx_.floats(name + "_scale", scales,
                                    many ? std::vector<int64_t>{static_cast<int64_t>(scales.size())}
                                         : std::vector<int64_t>{});
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
  std::string dequantized(Value v, bool base) {
    base &= isa<PerAxis>(elementOf(v));
    auto [it, isNew] = (base ? baseReals_ : reals_).try_emplace(v);
    if (!isNew) return it->second;
    const bool isConstant = v.getDefiningOp<nn::ConstantOp>() != nullptr;
    std::string stored = isConstant ? constant(v) : names_[v];
    std::string own = sourceName(nn::valueName(v));
    if (own.empty()) own = stored;
    it->second = onnx_.unique(base ? own + "/per_tensor" : isConstant ? own + "_dequantized" : own);
    writeDequantize(v, base, stored, it->second);
    return it->second;
  }

  void writeDequantize(Value v, bool base, const std::string& stored, const std::string& result) {
    auto [scale, zero] = quantization(v, base, stored);
    Attributes attributes;
    if (!base && isa<PerAxis>(elementOf(v))) attributes.push_back({"axis", int64_t(1)});
    onnx_.node("DequantizeLinear", {stored, scale, zero}, {result}, attributes, result + "_DequantizeLinear");
  }

  std::string operand(Value v, bool base) {
    if (isa<NoneType>(v.getType())) return {};
    if (isQuantized(v)) return dequantized(v, base);
    if (v.getDefiningOp<nn::ConstantOp>()) return constant(v);
    return names_[v];
  }

  void writeInput(Operation& op) { onnx_.input(names_[op.getResult(0)], typeOf(op.getResult(0))); }

  void writeOutputs(Operation& op) {
    for (auto [i, v] : llvm::enumerate(op.getOperands())) {
      std::string made = operand(v, false);
      if (made != outputs_[i]) onnx_.node("Identity", {made}, {outputs_[i]}, {}, outputs_[i] + "/Identity");
      rt::TensorType type = typeOf(v);
      if (isQuantized(v)) type.dtype = rt::DType::F32;
      onnx_.output(outputs_[i], type);
    }
  }

  // The stored tensor: QuantizeLinear of `real`, and the clamp of the fused activation on integers, where it
  // adds to what saturation does already.
  void writeQuantize(Operation& op, const std::string& real, bool base) {
    Value v = op.getResult(0);
    std::string own = sourceName(nn::valueName(v)),
                stored = onnx_.unique((own.empty() ? nn::nodeName(&op) : own) + "_QuantizeLinear_Output");
    names_[v] = stored;
    const rt::DType dtype = storedDType(v);
    const int64_t low = dtype == rt::DType::I8 ? -128 : 0, high = low + 255;
    auto bound = [&](StringRef name, int64_t fallback) {
      auto a = op.getAttrOfType<IntegerAttr>(name);
      return a ? a.getInt() + liftOf(v) : fallback;
    };
    const int64_t lo = bound("q_lo", low), hi = bound("q_hi", high);
    const bool clamps = lo > low || hi < high;
    std::string raw = clamps ? onnx_.unique(own + "_QuantizeLinear_Unclamped") : stored;
    auto [scale, zero] = quantization(v, base, stored);
    Attributes attributes;
    if (!base && isa<PerAxis>(elementOf(v))) attributes.push_back({"axis", int64_t(1)});
    onnx_.node("QuantizeLinear", {real, scale, zero}, {raw}, attributes, stored + "_QuantizeLinear");
    if (!clamps) return;
    onnx_.node("Clip",
               {raw, lo > low ? integerScalar(stored + "_lo", dtype, lo) : "",
                hi < high ? integerScalar(stored + "_hi", dtype, hi) : ""},
               {stored}, {}, stored + "_Clip");
  }

  // Weights and bias of a heavy op. The scale of an output channel is what the requantisation multiplies by,
  // seen from the input's and the result's one scale: scales per channel of those move into the weights'
  // scale.
  bool heavyOperands(Operation& op, Names& in) {
    Value x = op.getOperand(0), w = op.getOperand(1), bias = op.getOperand(2), y = op.getResult(0);
    in.push_back(operand(x, true));
    if (!w.getDefiningOp<nn::ConstantOp>()) {
      in.insert(in.end(), {operand(w, true), operand(bias, true)});
      return true;
    }
    auto stated = op.getAttrOfType<DenseF32ArrayAttr>("w_scale");
    if (!stated) return false;
    std::vector<float> scales = stated.asArrayRef().vec();
    if (!rescale(op, x, y, scales)) return false;
    std::string name = constant(w);
    auto axis = op.getAttrOfType<IntegerAttr>("w_axis");
    in.push_back(dequantizeConstant(name, scales, axis ? axis.getInt() : 0, rt::DType::I8));
    if (isa<NoneType>(bias.getType())) {
      in.emplace_back();
      return true;
    }
    std::vector<float> biasScales;
    for (float s : scales) biasScales.push_back(baseScale(x) * s);
    in.push_back(dequantizeConstant(constant(bias), biasScales, 0, rt::DType::I32));
    return true;
  }

  // The weights' scales with which an executor that multiplies by x * w / y, in float32 and in this order,
  // arrives at our multiplier. False when the scale of an input with scales per channel cannot be told.
  bool rescale(Operation& op, Value x, Value y, std::vector<float>& scales) {
    const bool inPerChannel = isa<PerAxis>(elementOf(x)), real = isa<NoneType>(op.getOperand(4).getType());
    if (inPerChannel && !real) return false;
    std::vector<float> results = isQuantized(y) ? scalesOf(y) : std::vector<float>{1},
                       multipliers = nn::constantFloats(op.getOperand(3));
    const float base = isQuantized(y) ? baseScale(y) : 1.0f;
    auto at = [](const std::vector<float>& v, size_t i) { return v[v.size() == 1 ? 0 : i]; };
    std::vector<float> changed(
        std::max({scales.size(), results.size(), real ? multipliers.size() : size_t(1)}));
    for (size_t i = 0; i < changed.size(); ++i) {
      if (real)
        changed[i] = weightScale(at(multipliers, i), baseScale(x), base);
      else
        changed[i] = static_cast<float>(static_cast<double>(at(scales, i)) * base / at(results, i));
    }
    scales = std::move(changed);
    return true;
  }

  // w with (x * w) / y == multiplier in float32; the nearest where rounding leaves no such w.
  static float weightScale(float multiplier, float x, float y) {
    float best = static_cast<float>(static_cast<double>(multiplier) * y / x), candidate = best;
    constexpr int kNeighbours = 4; // two roundings move the quotient by a few units in the last place at most
    for (int i = 0; i < kNeighbours; ++i) candidate = std::nextafter(candidate, 0.0f);
    for (int i = -kNeighbours; i <= kNeighbours; ++i, candidate = std::nextafter(candidate, INFINITY))
      if (x * candidate / y == multiplier) return candidate;
    return best;
  }

  std::string dequantizeConstant(const std::string& stored, const std::vector<float>& scales, int64_t axis,
                                 rt::DType dtype) {
    const bool many = scales.size() > 1;
    std::string scale = onnx_.floats(stored + "_scale", scales,
                                     many ? std::vector<int64_t>{static_cast<int64_t>(scales.size())}
                                          : std::vector<int64_t>{});
    // Zero is the default; executors that look for integer kernels want to see it.
    rt::TensorType type;
    type.dtype = dtype;
    if (many) type.shape.push(static_cast<int64_t>(scales.size()));
    std::string zero = onnx_.initializer(stored + "_zero_point", type,
                                         std::vector<char>(scales.size() * rt::dtypeBytes(dtype)));
    std::string result = onnx_.unique(stored + "_dequantized");
    Attributes attributes;
    if (many) attributes.push_back({"axis", axis});
    onnx_.node("DequantizeLinear", {stored, scale, zero}, {result}, attributes, result);
    return result;
  }

  bool writeOp(Operation& op) {
    StringRef mnemonic = op.getName().stripDialect();
    const bool integer = op.getName().getDialectNamespace() == "qnn";
    if (integer && mnemonic == "quantize")
      return writeQuantize(op, operand(op.getOperand(0), false), false), true;
    if (integer && mnemonic == "requantize")
      return writeQuantize(op, operand(op.getOperand(0), false), false), true;
    if (integer && mnemonic == "dequantize") {
      std::string name = resultName(op.getResult(0), nn::nodeName(&op));
      return writeDequantize(op.getOperand(0), false, names_[op.getOperand(0)], name), true;
    }
    const bool heavy =
        integer && (mnemonic == "conv" || mnemonic == "conv_transpose" || mnemonic == "matmul");
    Names in, out;
    if (heavy && !heavyOperands(op, in)) return giveUp(op);
    if (!heavy)
      for (Value v : op.getOperands()) in.push_back(operand(v, false));
    for (Value v : op.getResults())
      out.push_back(isQuantized(v) ? onnx_.unique(sourceName(nn::valueName(v)) + "/real")
                                   : resultName(v, nn::nodeName(&op)));
    OpWriter writer(onnx_, &op, std::move(in), std::move(out));
    if (!(integer && mnemonic == "lut" ? writeTable(writer) : writeWith(writer, mnemonic))) return giveUp(op);
    if (isQuantized(op.getResult(0))) writeQuantize(op, writer.out[0], heavy);
    return true;
  }

  static bool writeWith(OpWriter& writer, StringRef mnemonic) {
    Handler handler = handlerFor(mnemonic);
    return handler && handler(writer);
  }

  // A table is written as the function that it was made from.
  bool writeTable(OpWriter& w) {
    std::string fn = w.text("fn");
    if (fn.empty()) return false;
    if (!w.has("constant")) return writeFunction(w, fn);
    std::vector<float> values = w.floats("constant");
    std::vector<int64_t> shape;
    if (values.size() > 1)
      shape.assign(w.shape(0).size() - 1, 1), shape[0] = static_cast<int64_t>(values.size());
    std::string constant = onnx_.floats(w.out[0] + "/constant", values, shape);
    return w.integer("constant_first") ? writeBinary(w, fn, constant, w.in[0])
                                       : writeBinary(w, fn, w.in[0], constant);
  }

  // Later ops of an op that cannot be written still find a name, so that every unsupported op is found.
  bool giveUp(Operation& op) {
    for (Value v : op.getResults()) resultName(v, "unsupported");
    return false;
  }

  nn::GraphOp graph_;
  ExportOptions options_;
  OnnxGraph onnx_;
  llvm::DenseMap<Value, std::string> names_, reals_, baseReals_;
  std::map<std::pair<void*, bool>, std::pair<std::string, std::string>> quantization_;
  std::vector<std::string> outputs_;
  std::map<std::string, std::vector<std::string>> unsupported_;
};
} // namespace
} // namespace onnx_export

Result<std::string> exportOnnx(nn::GraphOp graph, const ExportOptions& options) {
  return onnx_export::Exporter(graph, options).run();
}

} // namespace burin

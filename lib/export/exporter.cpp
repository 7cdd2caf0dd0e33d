// Walks a graph and writes it; integer tensors of a quantized graph become QuantizeLinear/DequantizeLinear
// pairs.
#include "lib/export/export.h"
#include "lib/export/op_writer.h"
#include "lib/export/opset.h"
#include "lib/export/quantized_tensor.h"
#include "lib/export/table.h"
#include "lib/qnn/qnn.h"

#include <fmt/format.h>

using namespace mlir;

namespace burin {
namespace onnx_export {

namespace {
// "x/quantized" and "x/quantize" are the integers of x.
std::string sourceName(std::string name) {
  for (std::string_view suffix : {"/quantized", "/quantize"})
    if (name.size() > suffix.size() && name.ends_with(suffix))
      return name.substr(0, name.size() - suffix.size());
  return name;
}

class Exporter {
public:
  Exporter(nn::GraphOp graph, const ExportOptions& options)
      : graph_(graph), options_(options), onnx_(opsetOf(graph)) {}

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
  static int64_t opsetOf(nn::GraphOp graph) {
    int64_t opset = kOldestOpset;
    for (Operation& op : graph.getBody().front()) opset = std::max(opset, requiredOpset(op));
    return opset;
  }

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
    return fail(ErrorCode::Unsupported, "ONNX cannot express " + list,
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
    base &= hasChannelScales(v);
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
    if (!base && hasChannelScales(v)) attributes.push_back({"axis", int64_t(1)});
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
    if (!base && hasChannelScales(v)) attributes.push_back({"axis", int64_t(1)});
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
    Value x = op.getOperand(0), w = op.getOperand(1), bias = op.getOperand(2);
    in.push_back(operand(x, true));
    if (!w.getDefiningOp<nn::ConstantOp>()) {
      in.insert(in.end(), {operand(w, true), operand(bias, true)});
      return true;
    }
    std::optional<std::vector<float>> scales = weightScales(op);
    if (!scales) return false;
    in.push_back(dequantizedWeights(op, *scales));
    if (isa<NoneType>(bias.getType())) {
      in.emplace_back();
      return true;
    }
    std::vector<float> biasScales;
    for (float s : *scales) biasScales.push_back(baseScale(x) * s);
    in.push_back(dequantizeConstant(constant(bias), biasScales, 0, rt::DType::I32));
    return true;
  }

  std::string dequantizedWeights(Operation& op, const std::vector<float>& scales) {
    Value w = op.getOperand(1);
    auto axis = op.getAttrOfType<IntegerAttr>("w_axis");
    const int64_t groups = op.getName().stripDialect() == "conv_transpose"
                               ? op.getAttrOfType<IntegerAttr>("groups").getInt()
                               : 1;
    if (scales.size() > 1 && groups > 1) return dequantizedGroups(w, groups, scales);
    return dequantizeConstant(constant(w), scales, axis ? axis.getInt() : 0, rt::DType::I8);
  }

  // Weights [groups * inputs, outputs, kernel] of a transposed convolution: no one axis holds its output
  // channels, so they are stored outputs first, [groups * outputs, inputs, kernel], and turned round.
  std::string dequantizedGroups(Value w, int64_t groups, const std::vector<float>& scales) {
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
                real = dequantizeConstant(stored, scales, 0, rt::DType::I8);
    const auto step = [&](const char* op, const Names& in, const Attributes& attributes) {
      std::string result = onnx_.unique(own + "/" + op);
      onnx_.node(op, in, {result}, attributes, result);
      return result;
    };
    real = step("Reshape", {real, onnx_.ints(own + "/grouped", grouped)}, {});
    real = step("Transpose", {real}, {{"perm", order}});
    return step("Reshape", {real, onnx_.ints(own + "/shape", shape)}, {});
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
    if (integer && mnemonic == "lut" && !functionGivesTable(op)) return writeTable(op);
    Names in, out;
    if (heavy && !heavyOperands(op, in)) return giveUp(op);
    if (!heavy)
      for (Value v : op.getOperands()) in.push_back(operand(v, false));
    for (Value v : op.getResults())
      out.push_back(isQuantized(v) ? onnx_.unique(sourceName(nn::valueName(v)) + "/real")
                                   : resultName(v, nn::nodeName(&op)));
    OpWriter writer(onnx_, &op, std::move(in), std::move(out));
    if (!(integer && mnemonic == "lut" ? writeTableFunction(writer) : writeWith(writer, mnemonic)))
      return giveUp(op);
    if (isQuantized(op.getResult(0))) writeQuantize(op, writer.out[0], heavy);
    return true;
  }

  static bool writeWith(OpWriter& writer, StringRef mnemonic) {
    Handler handler = handlerFor(mnemonic);
    return handler && handler(writer);
  }

  // A table as the function that it was made from.
  bool writeTableFunction(OpWriter& w) {
    std::string fn = w.text("fn");
    if (!w.has("constant")) return writeFunction(w, fn);
    std::vector<float> values = w.floats("constant");
    std::vector<int64_t> shape;
    if (values.size() > 1)
      shape.assign(w.shape(0).size() - 1, 1), shape[0] = static_cast<int64_t>(values.size());
    std::string constant = onnx_.floats(w.out[0] + "/constant", values, shape);
    return w.integer("constant_first") ? writeBinary(w, fn, constant, w.in[0])
                                       : writeBinary(w, fn, w.in[0], constant);
  }

  // The table itself: Gather of the stored integers, with a row per channel GatherElements. Negative indices
  // count from the end, as stored bytes do.
  bool writeTable(Operation& op) {
    Value x = op.getOperand(0), y = op.getResult(0);
    rt::TensorType type = typeOf(op.getOperand(1)), of = typeOf(x);
    if (rt::dtypeBytes(of.dtype) != 1 || rt::dtypeBytes(type.dtype) != 1 || !isQuantized(y))
      return giveUp(op);
    const unsigned char flipIn = liftOf(x) ? 0x80 : 0, flipOut = liftOf(y) ? 0x80 : 0;
    std::string own = sourceName(nn::valueName(y)), index = onnx_.unique(own + "/index"),
                stored = names_[y] =
                    onnx_.unique((own.empty() ? nn::nodeName(&op) : own) + "_QuantizeLinear_Output");
    type.dtype = storedDType(y);
    std::string table = onnx_.initializer(own + "/table", type, storedTable(op, flipIn, flipOut));
    onnx_.node("Cast", {names_[x]}, {index}, {{"to", int64_t(onnxType(rt::DType::I32))}}, index);
    if (type.shape.rank == 1) {
      onnx_.node("Gather", {table, index}, {stored}, {}, stored + "_Gather");
      return true;
    }
    const int64_t channels = type.shape[0], entries = type.shape[1];
    const std::vector<int64_t> shape(of.shape.dim, of.shape.dim + of.shape.rank),
        rows = {shape[0], channels, entries}, flat = {shape[0], channels, -1};
    std::string expanded = onnx_.unique(own + "/tables"), folded = onnx_.unique(own + "/rows"),
                found = onnx_.unique(own + "/entries");
    onnx_.node("Expand", {table, onnx_.ints(own + "/tables_shape", rows)}, {expanded}, {}, expanded);
    onnx_.node("Reshape", {index, onnx_.ints(own + "/rows_shape", flat)}, {folded}, {}, folded);
    onnx_.node("GatherElements", {expanded, folded}, {found}, {{"axis", int64_t(2)}}, found);
    onnx_.node("Reshape", {found, onnx_.ints(own + "/shape", shape)}, {stored}, {}, stored + "_Reshape");
    return true;
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

// Walks a graph and writes it; integer tensors of a quantized graph become QuantizeLinear/DequantizeLinear
// pairs.
#include "lib/export/export.h"
#include "lib/export/op_writer.h"
#include "lib/export/opset.h"
#include "lib/export/quantized_tensor.h"
#include "lib/export/table.h"
#include "lib/export/tensor_writer.h"
#include "lib/qnn/qnn.h"

#include <fmt/format.h>

using namespace mlir;

namespace burin {
namespace onnx_export {

namespace {
class Exporter {
public:
  Exporter(nn::GraphOp graph, const ExportOptions& options)
      : graph_(graph), onnx_(opsetOf(graph)), tensors_(onnx_, options) {}

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
        tensors_.setName(op.getResult(0), nn::valueName(op.getResult(0))),
            onnx_.reserve(nn::valueName(op.getResult(0)));
    auto names = end.getAttrOfType<ArrayAttr>("names");
    for (auto [i, v] : llvm::enumerate(end.getOperands())) {
      std::string name = names && i < names.size() ? cast<StringAttr>(names[i]).getValue().str() : "";
      if (name.empty()) name = nn::valueName(v);
      outputs_.push_back(name);
      Operation* maker = v.getDefiningOp();
      const bool computed = !isa<nn::InputOp, nn::ConstantOp>(maker) && !isQuantized(v);
      if (computed && !tensors_.isNamed(v) && !onnx_.taken(name)) tensors_.setName(v, name);
      onnx_.reserve(name);
    }
  }

  tl::unexpected<Error> unsupported() const {
    std::string list;
    for (const auto& [type, nodes] : unsupported_)
      list += fmt::format("{}{} ({}: {}{})", list.empty() ? "" : "; ", type, nodes.size(), nodes[0],
                          nodes.size() > 1 ? ", .." : "");
    return fail(ErrorCode::Unsupported, "ONNX cannot express " + list,
                "cut the model with --outputs, or export the float model with --format onnx");
  }

  void writeInput(Operation& op) { onnx_.input(tensors_.stored(op.getResult(0)), typeOf(op.getResult(0))); }

  void writeOutputs(Operation& op) {
    for (auto [i, v] : llvm::enumerate(op.getOperands())) {
      std::string made = isQuantized(v) ? tensors_.sourceIntegers(v) : tensors_.operand(v);
      if (made != outputs_[i]) onnx_.node("Identity", {made}, {outputs_[i]}, {}, outputs_[i] + "/Identity");
      onnx_.output(outputs_[i], typeOf(v));
    }
  }

  // Weights and bias of a heavy op. The scale of an output channel is what the requantisation multiplies by,
  // seen from the input's and the result's one scale: scales per channel of those move into the weights'
  // scale.
  bool heavyOperands(Operation& op, Names& in) {
    Value x = op.getOperand(0), w = op.getOperand(1), bias = op.getOperand(2);
    in.push_back(tensors_.operand(x, true));
    if (!w.getDefiningOp<nn::ConstantOp>()) {
      in.insert(in.end(), {tensors_.operand(w, true), tensors_.operand(bias, true)});
      return true;
    }
    std::optional<std::vector<float>> scales = weightScales(op);
    if (!scales) return false;
    in.push_back(tensors_.dequantizedWeights(op, *scales));
    if (isa<NoneType>(bias.getType())) {
      in.emplace_back();
      return true;
    }
    std::vector<float> biasScales;
    for (float s : *scales) biasScales.push_back(baseScale(x) * s);
    in.push_back(tensors_.dequantizedBias(bias, biasScales));
    return true;
  }

  bool writeOp(Operation& op) {
    StringRef mnemonic = op.getName().stripDialect();
    const bool integer = op.getName().getDialectNamespace() == "qnn";
    if (integer && (mnemonic == "quantize" || mnemonic == "requantize"))
      return tensors_.quantize(op, tensors_.operand(op.getOperand(0))), true;
    if (integer && mnemonic == "dequantize") {
      std::string name = tensors_.resultName(op.getResult(0), nn::nodeName(&op));
      return tensors_.dequantize(op.getOperand(0), false, tensors_.stored(op.getOperand(0)), name), true;
    }
    const bool heavy =
        integer && (mnemonic == "conv" || mnemonic == "conv_transpose" || mnemonic == "matmul");
    if (integer && (mnemonic == "svdf" || mnemonic == "lstm")) return giveUp(op);
    if (integer && mnemonic == "lut" && !functionGivesTable(op)) return writeTable(op);
    Names in, out;
    if (heavy && !heavyOperands(op, in)) return giveUp(op);
    // The source's own casts read integers, all other ops what those stand for.
    const bool readsIntegers = !integer && mnemonic == "dequantize";
    if (!heavy)
      for (Value v : op.getOperands())
        in.push_back(readsIntegers && isQuantized(v) ? tensors_.sourceIntegers(v) : tensors_.operand(v));
    for (Value v : op.getResults())
      out.push_back(isQuantized(v) ? onnx_.unique(sourceName(nn::valueName(v)) + "/real")
                                   : tensors_.resultName(v, nn::nodeName(&op)));
    OpWriter writer(onnx_, &op, std::move(in), std::move(out));
    if (!(integer && mnemonic == "lut" ? writeTableFunction(writer) : writeWith(writer, mnemonic)))
      return giveUp(op);
    if (isQuantized(op.getResult(0))) tensors_.quantize(op, writer.out[0], heavy);
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
      shape.assign(w.shape(0).size() - static_cast<size_t>(w.integer("axis", 1)), 1),
          shape[0] = static_cast<int64_t>(values.size());
    std::string constant = onnx_.floats(w.out[0] + "/constant", values, shape);
    return w.integer("constant_first") ? writeBinary(w, fn, constant, w.in[0])
                                       : writeBinary(w, fn, w.in[0], constant);
  }

  // The table itself: Gather of the stored integers, with a row per channel GatherElements. Negative indices
  // count from the end, as stored bytes do.
  bool writeTable(Operation& op) {
    Value x = op.getOperand(0), y = op.getResult(0);
    rt::TensorType type = typeOf(op.getOperand(1)), of = typeOf(x);
    if (!isQuantized(x) || !isQuantized(y)) return giveUp(op);
    const unsigned char flipIn = tensors_.liftOf(x) ? 0x80 : 0, flipOut = tensors_.liftOf(y) ? 0x80 : 0;
    const std::string stored = tensors_.nameStored(op), index = onnx_.unique(stored + "/index");
    type.dtype = tensors_.storedDType(y);
    std::string table = onnx_.initializer(stored + "/table", type, storedTable(op, flipIn, flipOut));
    onnx_.node("Cast", {tensors_.stored(x)}, {index}, {{"to", int64_t(onnxType(rt::DType::I32))}}, index);
    auto axis = op.getAttrOfType<IntegerAttr>("axis");
    if (type.shape.rank == 2 && axis && axis.getInt() != 1) return giveUp(op);
    if (type.shape.rank == 1) {
      onnx_.node("Gather", {table, index}, {stored}, {}, stored + "_Gather");
      return true;
    }
    const int64_t channels = type.shape[0], entries = type.shape[1];
    const std::vector<int64_t> shape(of.shape.dim, of.shape.dim + of.shape.rank),
        rows = {shape[0], channels, entries}, flat = {shape[0], channels, -1};
    std::string expanded = onnx_.unique(stored + "/tables"), folded = onnx_.unique(stored + "/rows"),
                found = onnx_.unique(stored + "/entries");
    onnx_.node("Expand", {table, onnx_.ints(stored + "/tables_shape", rows)}, {expanded}, {}, expanded);
    onnx_.node("Reshape", {index, onnx_.ints(stored + "/rows_shape", flat)}, {folded}, {}, folded);
    onnx_.node("GatherElements", {expanded, folded}, {found}, {{"axis", int64_t(2)}}, found);
    onnx_.node("Reshape", {found, onnx_.ints(stored + "/shape", shape)}, {stored}, {}, stored + "_Reshape");
    return true;
  }

  // Later ops of an op that cannot be written still find a name, so that every unsupported op is found.
  bool giveUp(Operation& op) {
    for (Value v : op.getResults()) tensors_.resultName(v, "unsupported");
    return false;
  }

  nn::GraphOp graph_;
  OnnxGraph onnx_;
  TensorWriter tensors_;
  std::vector<std::string> outputs_;
  std::map<std::string, std::vector<std::string>> unsupported_;
};
} // namespace
} // namespace onnx_export

Result<std::string> exportOnnx(nn::GraphOp graph, const ExportOptions& options) {
  return onnx_export::Exporter(graph, options).run();
}

} // namespace burin

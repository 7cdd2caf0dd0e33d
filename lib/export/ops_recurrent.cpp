// LSTM, GRU, RNN and SVDF.
#include "lib/export/op_writer.h"

#include <sstream>

namespace burin::onnx_export {

namespace {
// "Sigmoid,HardSigmoid(0.2,0.5)" to names and the parameters of those that have any.
void addActivations(const std::string& list, Attributes& attributes) {
  std::vector<std::string> names;
  std::vector<float> alpha, beta;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find_first_of(",(", at), list.size());
    names.push_back(list.substr(at, end - at));
    at = end + 1;
    if (end == list.size() || list[end] == ',') continue;
    const size_t close = std::min(list.find(')', end), list.size());
    std::istringstream parameters(list.substr(end + 1, close - end - 1));
    parameters.imbue(std::locale::classic());
    char comma = 0;
    for (float v = 0, i = 0; parameters >> v; ++i, parameters >> comma) (i == 0 ? alpha : beta).push_back(v);
    at = close + 2;
  }
  attributes.push_back({"activations", names});
  if (!alpha.empty()) attributes.push_back({"activation_alpha", alpha});
  if (!beta.empty()) attributes.push_back({"activation_beta", beta});
}

bool recurrent(OpWriter& w, const char* type, Attributes attributes) {
  attributes.push_back({"direction", w.text("direction")});
  attributes.push_back({"hidden_size", w.integer("hidden")});
  if (w.has("activations")) addActivations(w.text("activations"), attributes);
  if (w.has("clip")) attributes.push_back({"clip", w.real("clip")});
  w.write(type, w.in, w.out, attributes);
  return true;
}

bool lstm(OpWriter& w) {
  if (w.has("cell_clip")) return false;
  return recurrent(w, "LSTM", {{"input_forget", w.integer("input_forget")}});
}
bool gru(OpWriter& w) {
  return recurrent(w, "GRU", {{"linear_before_reset", w.integer("linear_before_reset")}});
}
bool rnn(OpWriter& w) { return recurrent(w, "RNN", {}); }

// ONNX has no such layer: the features of a step, the state that takes them up, and its weighted sums.
bool svdf(OpWriter& w) {
  using Ints = std::vector<int64_t>;
  const std::vector<int64_t> state = w.shape(4); // batch, filters, memory
  std::string fresh = w.make("Gemm", {w.in[0], w.in[1]}, {{"transB", int64_t(1)}}, "feature");
  std::string column = w.constInts("column", Ints{state[0], state[1], 1});
  Names places = {w.make("Reshape", {fresh, column}, {}, "fresh")};
  if (state[2] > 1) {
    std::string one = w.constInts("one", Ints{1}), last = w.constInts("last", Ints{2});
    std::string end = w.constInts("end", Ints{state[2]});
    places.insert(places.begin(), w.make("Slice", {w.in[4], one, end, last}, {}, "kept"));
  }
  w.write("Concat", places, {w.out[1]}, {{"axis", int64_t(2)}});
  std::string weighted = w.make("Mul", {w.out[1], w.in[2]}, {}, "weighted");
  std::string units = w.constInts("units", Ints{state[0], w.resultShape()[1], w.integer("rank") * state[2]});
  std::string grouped = w.make("Reshape", {weighted, units}, {}, "grouped");
  std::string axes = w.constInts("axes", Ints{2});
  const Attributes flat = {{"keepdims", int64_t(0)}};
  if (w.in[3].empty()) {
    w.write("ReduceSum", {grouped, axes}, flat);
    return true;
  }
  w.write("Add", {w.make("ReduceSum", {grouped, axes}, flat, "sum"), w.in[3]});
  return true;
}

// A source model's own quantization: ops of the float graph.
bool quantization(OpWriter& w, const char* type) {
  Attributes attributes = {{"axis", w.integer("axis")}};
  if (w.has("block")) attributes.push_back({"block_size", w.integer("block")});
  w.write(type, {w.in[0], w.in[1], w.in[2]}, attributes);
  return true;
}
bool quantize(OpWriter& w) { return quantization(w, "QuantizeLinear"); }
// DequantizeLinear has no 64 bits.
bool dequantizeLong(OpWriter& w) {
  if (w.shape(1).size() > 0 && w.shape(0).size() > 1 && w.shape(1)[0] > 1) return false;
  std::string centred = w.make("Sub", {w.in[0], w.in[2]});
  w.write("Mul", {w.make("Cast", {centred}, {{"to", int64_t(onnxType(rt::DType::F32))}}), w.in[1]});
  return true;
}
bool dequantize(OpWriter& w) {
  if (w.dtype(0) == rt::DType::I64) return dequantizeLong(w);
  return quantization(w, "DequantizeLinear");
}

constexpr HandlerEntry kHandlers[] = {{"lstm", lstm}, {"gru", gru},           {"rnn", rnn},
                                      {"svdf", svdf}, {"quantize", quantize}, {"dequantize", dequantize}};
} // namespace

std::span<const HandlerEntry> recurrentHandlers() { return kHandlers; }

} // namespace burin::onnx_export

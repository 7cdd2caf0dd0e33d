// LSTM, GRU and RNN.
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

bool lstm(OpWriter& w) { return recurrent(w, "LSTM", {{"input_forget", w.integer("input_forget")}}); }
bool gru(OpWriter& w) {
  return recurrent(w, "GRU", {{"linear_before_reset", w.integer("linear_before_reset")}});
}
bool rnn(OpWriter& w) { return recurrent(w, "RNN", {}); }

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

constexpr HandlerEntry kHandlers[] = {
    {"lstm", lstm}, {"gru", gru}, {"rnn", rnn}, {"quantize", quantize}, {"dequantize", dequantize}};
} // namespace

std::span<const HandlerEntry> recurrentHandlers() { return kHandlers; }

} // namespace burin::onnx_export

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

// ONNX clips no cell state: step by step, for what TensorFlow Lite's files need.
class ClippedLstm {
public:
  explicit ClippedLstm(OpWriter& writer) : w(writer) {}

  bool write() {
    constexpr int64_t kMaxSteps = 1024;
    const bool plain = w.text("direction") == "forward" && !w.has("activations") && !w.has("clip") &&
                       !w.integer("input_forget") && w.in[4].empty() && w.in[7].empty();
    if (!plain || w.in[5].empty() || w.in[6].empty() || steps_ < 1 || steps_ > kMaxSteps) return false;
    const std::string driven = driving();
    weights_ = reshaped(w.in[2], {4 * hidden_, hidden_}, "r");
    h_ = reshaped(w.in[5], {batch_, hidden_}, "h"), c_ = reshaped(w.in[6], {batch_, hidden_}, "c");
    Names results;
    for (int64_t t = 0; t < steps_; ++t) {
      step(driven, t);
      results.push_back(h_);
    }
    const std::string joined = w.make("Concat", results, {{"axis", int64_t(0)}}, "joined");
    w.write("Reshape", {joined, w.constInts("y", Ints{steps_, 1, batch_, hidden_})}, {w.out[0]}, {});
    const std::string state = w.constInts("state", Ints{1, batch_, hidden_});
    w.write("Reshape", {h_, state}, {w.out[1]}, {});
    w.write("Reshape", {c_, state}, {w.out[2]}, {});
    return true;
  }

private:
  using Ints = std::vector<int64_t>;

  std::string reshaped(const std::string& x, const Ints& shape, const std::string& what) {
    return w.make("Reshape", {x, w.constInts(what + "/shape", shape)}, {}, what);
  }

  // What the input adds to the gates' arguments, for all steps.
  std::string driving() {
    const int64_t features = w.shape(0)[2];
    Names operands = {reshaped(w.in[0], {steps_ * batch_, features}, "x"),
                      reshaped(w.in[1], {4 * hidden_, features}, "w")};
    if (!w.in[3].empty())
      operands.push_back(
          w.make("ReduceSum", {reshaped(w.in[3], {2, 4 * hidden_}, "biases"), w.constInts("first", Ints{0})},
                 {{"keepdims", int64_t(0)}}, "bias"));
    return w.make("Gemm", operands, {{"transB", int64_t(1)}}, "driven");
  }

  void step(const std::string& driven, int64_t t) {
    const std::string at = std::to_string(t);
    const auto made = [&](const char* type, const Names& inputs, const std::string& what) {
      return w.make(type, inputs, {}, what + at);
    };
    const std::string part =
        made("Slice",
             {driven, w.constInts("from" + at, Ints{t * batch_}),
              w.constInts("to" + at, Ints{(t + 1) * batch_}), w.constInts("axis" + at, Ints{0})},
             "step");
    const std::string z = w.make("Gemm", {h_, weights_, part}, {{"transB", int64_t(1)}}, "z" + at);
    Names gates; // i o f c
    for (const char* gate : {"i", "o", "f", "g"}) gates.push_back(w.temporary(gate + at));
    w.graph.node("Split", {z, w.constInts("parts" + at, Ints(4, hidden_))}, gates, {{"axis", int64_t(1)}},
                 w.name + "/split" + at);
    const std::string kept = made("Mul", {made("Sigmoid", {gates[2]}, "keep"), c_}, "kept"),
                      fresh =
                          made("Mul", {made("Sigmoid", {gates[0]}, "take"), made("Tanh", {gates[3]}, "new")},
                               "fresh");
    const float clip = w.real("cell_clip");
    c_ = made(
        "Clip",
        {made("Add", {kept, fresh}, "sum"), w.constFloat("low" + at, -clip), w.constFloat("high" + at, clip)},
        "cell");
    h_ = made("Mul", {made("Sigmoid", {gates[1]}, "open"), made("Tanh", {c_}, "shown")}, "hidden");
  }

  OpWriter& w;
  int64_t steps_ = w.shape(0)[0], batch_ = w.shape(0)[1], hidden_ = w.integer("hidden");
  std::string weights_, h_, c_;
};

bool lstm(OpWriter& w) {
  if (w.has("cell_clip")) return ClippedLstm(w).write();
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
  if (!w.shape(1).empty() && w.shape(0).size() > 1 && w.shape(1)[0] > 1) return false;
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

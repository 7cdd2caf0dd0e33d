// LSTM, GRU and RNN.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
// "Sigmoid,HardSigmoid(0.2,0.5)": the activations with the parameters that activation_alpha and
// activation_beta hold in order for those functions that take any.
std::string activationList(NodeContext& c) {
  std::vector<float> alpha = c.floats("activation_alpha"), beta = c.floats("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  std::string list;
  for (const std::string& name : c.texts("activations")) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char ch) { return static_cast<char>(std::tolower(ch)); });
    bool takesBeta = lower == "affine" || lower == "scaledtanh" || lower == "hardsigmoid";
    bool takesAlpha = takesBeta || lower == "leakyrelu" || lower == "thresholdedrelu" || lower == "elu";
    list += (list.empty() ? "" : ",") + name;
    if (!takesAlpha || nextAlpha >= alpha.size()) continue;
    list += fmt::format("({}", alpha[nextAlpha++]);
    if (takesBeta && nextBeta < beta.size()) list += fmt::format(",{}", beta[nextBeta++]);
    list += ")";
  }
  return list;
}

bool isBatchFirst(NodeContext& c) { return c.flag("layout"); }

// Batch-first states [B, D, H] become [D, B, H].
Value stateInput(NodeContext& c, int i) {
  if (!c.has(i)) return c.none();
  return isBatchFirst(c) ? c.transpose(c.in(i), {1, 0, 2}) : c.in(i);
}

nn::AttrList recurrentAttrs(NodeContext& c) {
  Ints r = NodeContext::dims(c.in(2));
  nn::AttrList list = c.attrs();
  list.s("direction", c.text("direction", "forward"))
      .i("hidden", c.integer("hidden_size", r.empty() ? 0 : r.back()));
  if (std::string activations = activationList(c); !activations.empty()) list.s("activations", activations);
  if (float clip = c.real("clip"); clip > 0) list.f("clip", clip);
  return list;
}

// y [T, D, B, H] and the states [D, B, H] back to the node's layout.
void setRecurrent(NodeContext& c, const std::vector<Value>& results) {
  for (size_t i = 0; i < results.size(); ++i) {
    int output = static_cast<int>(i);
    if (!c.wants(output)) continue;
    if (!isBatchFirst(c))
      c.set(output, results[i]);
    else
      c.set(output, c.transpose(results[i], i == 0 ? Ints{2, 0, 1, 3} : Ints{1, 0, 2}));
  }
}

Value sequence(NodeContext& c) { return isBatchFirst(c) ? c.transpose(c.in(0), {1, 0, 2}) : c.in(0); }

void importLstm(NodeContext& c) {
  nn::AttrList list = recurrentAttrs(c);
  if (c.flag("input_forget")) list.b("input_forget", true);
  setRecurrent(c, c.emitAll("lstm",
                            {sequence(c), c.in(1), c.in(2), c.inOrNone(3), c.inOrNone(4), stateInput(c, 5),
                             stateInput(c, 6), c.inOrNone(7)},
                            list));
}

void importGru(NodeContext& c) {
  nn::AttrList list = recurrentAttrs(c);
  if (c.flag("linear_before_reset")) list.b("linear_before_reset", true);
  setRecurrent(c, c.emitAll("gru",
                            {sequence(c), c.in(1), c.in(2), c.inOrNone(3), c.inOrNone(4), stateInput(c, 5)},
                            list));
}

void importRnn(NodeContext& c) {
  setRecurrent(c, c.emitAll("rnn",
                            {sequence(c), c.in(1), c.in(2), c.inOrNone(3), c.inOrNone(4), stateInput(c, 5)},
                            recurrentAttrs(c)));
}

const OperatorRow kRows[] = {
    {"LSTM", importLstm, 3, 8, 7},
    {"GRU", importGru, 3, 6, 7},
    {"RNN", importRnn, 3, 6, 7},
};
} // namespace

const OperatorTable<OperatorRow> kRecurrentOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

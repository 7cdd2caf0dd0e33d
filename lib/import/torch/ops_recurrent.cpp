// LSTM, GRU and plain recurrent networks of several layers, and their cells.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
// PyTorch stacks the gates as (input, forget, cell, output) and (reset, update, new), nn as (i, o, f, c) and
// (z, r, h).
struct Recurrence {
  const char* op;
  Ints gates; // where each of nn's gates lies in PyTorch's order
  const char* activation = nullptr;
  bool isLstm() const { return gates.size() == 4; }
};

Recurrence recurrenceOf(Call& c) {
  const std::string_view kind = c.variant();
  if (kind == "lstm") return {"lstm", {0, 3, 1, 2}};
  if (kind == "gru") return {"gru", {1, 0, 2}};
  return {"rnn", {0}, kind == "relu" ? "Relu" : "Tanh"};
}

Value reordered(Call& c, Value w, const Ints& gates) {
  if (!w || gates.size() == 1) return w;
  const Ints dims = Call::dims(w);
  const auto count = static_cast<int64_t>(gates.size());
  if (dims.empty() || dims[0] % count) {
    c.invalid("its weights do not divide into gates");
    return {};
  }
  std::vector<Value> parts;
  for (int64_t gate : gates) parts.push_back(c.slice(w, 0, gate * dims[0] / count, dims[0] / count));
  return c.concat(parts, 0);
}

// One direction's weights. A projection [P, H] of the hidden state is what the next step and the outputs see.
struct Weights {
  Value input, hidden, inputBias, hiddenBias;
  Value projection = {};
};

Value stacked(Call& c, std::vector<Value> parts) { // along a new first axis
  for (Value& part : parts) part = c.unsqueeze(part, 0);
  return parts.size() == 1 ? parts[0] : c.concat(parts, 0);
}

Value biasOf(Call& c, const Weights& w, const Ints& gates) {
  return c.concat({reordered(c, w.inputBias, gates), reordered(c, w.hiddenBias, gates)}, 0);
}

// A state of zeros is what the operator starts with anyway.
Value stateOrNone(Call& c, Value state) {
  if (!state || !nn::isConstant(state) || !Call::isFloat(state)) return state ? state : c.none();
  const std::vector<float> values = nn::constantFloats(state);
  return std::all_of(values.begin(), values.end(), [](float v) { return v == 0; }) ? c.none() : state;
}

Value product(Call& c, Value a, Value b, bool transposed) {
  return c.emit("matmul", {a, b, c.none()}, c.attrs().b("trans_b", transposed));
}

// Seen from the hidden state itself: W_hh (W_hr h) = (W_hh W_hr) h.
Value recurrentWeights(Call& c, const Weights& w) {
  return w.projection ? product(c, w.hidden, w.projection, false) : w.hidden;
}

// x [T, B, I], states [D, B, H] -> y [T, D, B, H], states.
std::vector<Value> emitLayer(Call& c, const Recurrence& r, Value x, const std::vector<Weights>& directions,
                             Value h, Value cell) {
  std::vector<Value> input, hidden, bias;
  for (const Weights& w : directions) {
    if (!w.input || !w.hidden || Call::rank(w.hidden) != 2) {
      c.invalid("its weights are not matrices");
      return {};
    }
    input.push_back(reordered(c, w.input, r.gates));
    hidden.push_back(reordered(c, recurrentWeights(c, w), r.gates));
    if (w.inputBias && w.hiddenBias) bias.push_back(biasOf(c, w, r.gates));
  }
  if (c.failed()) return {};
  nn::AttrList list = c.attrs();
  list.s("direction", directions.size() == 2 ? "bidirectional" : "forward")
      .i("hidden", Call::dims(hidden[0])[1]);
  if (r.activation)
    list.s("activations",
           directions.size() == 2 ? fmt::format("{0},{0}", r.activation) : std::string(r.activation));
  if (std::string_view(r.op) == "gru") list.b("linear_before_reset", true);
  std::vector<Value> operands = {
      x,        stacked(c, input), stacked(c, hidden), bias.empty() ? c.none() : stacked(c, bias),
      c.none(), stateOrNone(c, h)};
  if (r.isLstm()) operands.insert(operands.end(), {stateOrNone(c, cell), c.none()});
  std::vector<Value> results = c.emitAll(r.op, operands, list);
  if (results.size() != 3 || !directions[0].projection) return results;
  std::vector<Value> projections;
  for (const Weights& w : directions) projections.push_back(w.projection);
  for (size_t i : {size_t(0), size_t(1)}) results[i] = product(c, results[i], stacked(c, projections), true);
  return results;
}

// The parameters of one layer and direction in the list that modules pass: two matrices, two biases if any,
// and a projection if any.
struct ParameterList {
  bool biased, projected;
  size_t each() const { return (biased ? 4 : 2) + (projected ? 1 : 0); }
  Weights at(const std::vector<Value>& parameters, size_t index) const {
    auto it = parameters.begin() + static_cast<std::ptrdiff_t>(index * each());
    return {it[0], it[1], biased ? it[2] : Value(), biased ? it[3] : Value(),
            projected ? it[static_cast<std::ptrdiff_t>(each()) - 1] : Value()};
  }
};

// Of the projected state only a start at zero is known behind the projection.
bool startsAtZero(Call& c, Value state) {
  if (mlir::isa<mlir::NoneType>(stateOrNone(c, state).getType())) return true;
  c.unsupported("a projected hidden state that does not start at zero is not supported",
                "call the module without hx");
  return false;
}

void network(Call& c) {
  const Recurrence r = recurrenceOf(c);
  if (c.flag("train") && c.real("dropout") != 0)
    return c.unsupported("it is in training mode", "call model.eval() before the export");
  Value x = c.tensor("input");
  std::vector<Value> states = r.isLstm() ? c.tensors("hx") : std::vector<Value>{c.tensor("hx")};
  const std::vector<Value> parameters = c.tensors("params");
  const bool batchFirst = c.flag("batch_first");
  const int64_t layers = c.integer("num_layers"), directions = c.flag("bidirectional") ? 2 : 1;
  if (Call::rank(x) != 3 || states.empty() || layers < 1 || layers > 1000)
    return c.invalid("its input is not [time, batch, features]");
  ParameterList list{c.flag("has_biases"), false};
  list.projected = r.isLstm() && parameters.size() > static_cast<size_t>(layers * directions) * list.each();
  if (parameters.size() != static_cast<size_t>(layers * directions) * list.each())
    return c.invalid("its parameters are not those of its layers");
  if (list.projected && !startsAtZero(c, states[0])) return;
  if (batchFirst) x = c.transpose(x, {1, 0, 2});
  std::vector<std::vector<Value>> last(states.size());
  for (int64_t layer = 0; layer < layers && !c.failed(); ++layer) {
    std::vector<Weights> weights;
    for (int64_t d = 0; d < directions; ++d)
      weights.push_back(list.at(parameters, static_cast<size_t>(layer * directions + d)));
    auto state = [&](size_t i) -> Value {
      if (i == 0 && list.projected) return {};
      return i < states.size() ? emitSlice(c, states[i], 0, layer * directions, directions, 1) : Value();
    };
    std::vector<Value> results = emitLayer(c, r, x, weights, state(0), state(1));
    if (c.failed()) return;
    const Ints d = Call::dims(results[0]);
    x = c.reshape(c.transpose(results[0], {0, 2, 1, 3}), {d[0], d[2], d[1] * d[3]});
    for (size_t i = 0; i < last.size(); ++i) last[i].push_back(results[i + 1]);
  }
  if (c.failed()) return;
  c.set(0, batchFirst ? c.transpose(x, {1, 0, 2}) : x);
  for (size_t i = 0; i < last.size(); ++i)
    c.set(static_cast<int>(i + 1), last[i].size() == 1 ? last[i][0] : c.concat(last[i], 0));
}

// One step: a sequence of length one.
void cell(Call& c) {
  const Recurrence r = recurrenceOf(c);
  Value x = c.tensor("input");
  std::vector<Value> states = r.isLstm() ? c.tensors("hx") : std::vector<Value>{c.tensor("hx")};
  if (Call::rank(x) != 2 || states.empty()) return c.invalid("its input is not [batch, features]");
  for (Value& state : states) state = c.unsqueeze(state, 0);
  const Weights weights = {c.tensor("w_ih"), c.tensor("w_hh"), c.tensor("b_ih"), c.tensor("b_hh")};
  std::vector<Value> results =
      emitLayer(c, r, c.unsqueeze(x, 0), {weights}, states[0], states.size() > 1 ? states[1] : Value());
  for (size_t i = 0; i < states.size() && !c.failed(); ++i)
    c.set(static_cast<int>(i), c.squeeze(results[i + 1], 0));
}

#define NETWORK(STATE, RESULTS)                                                                              \
  "(Tensor input, " STATE                                                                                    \
  " hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, "                       \
  "bool bidirectional, bool batch_first) -> " RESULTS
#define CELL(STATE)                                                                                          \
  "(Tensor input, " STATE " hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None)"

const OperatorRow kRows[] = {
    {"lstm" NETWORK("Tensor[]", "(Tensor, Tensor, Tensor)"), network, "lstm"},
    {"gru" NETWORK("Tensor", "(Tensor, Tensor)"), network, "gru"},
    {"rnn_tanh" NETWORK("Tensor", "(Tensor, Tensor)"), network, "tanh"},
    {"rnn_relu" NETWORK("Tensor", "(Tensor, Tensor)"), network, "relu"},
    {"lstm_cell" CELL("Tensor[]") " -> (Tensor, Tensor)", cell, "lstm"},
    {"gru_cell" CELL("Tensor"), cell, "gru"},
    {"rnn_tanh_cell" CELL("Tensor"), cell, "tanh"},
    {"rnn_relu_cell" CELL("Tensor"), cell, "relu"},
};
} // namespace

const OperatorTable<OperatorRow> kRecurrentOperators = {kRows, std::size(kRows)};

} // namespace burin::torch

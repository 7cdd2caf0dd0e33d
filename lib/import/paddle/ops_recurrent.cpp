// Recurrent layers: rnn (padded batches, several layers), and the older lstm and gru over one sequence.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"
#include "lib/import/recurrent.h"

#include <fmt/format.h>

namespace burin::paddle {

namespace {
std::optional<CellKind> kindOf(Node& n) {
  std::string mode = n.text("mode");
  if (mode == "LSTM") return CellKind::Lstm;
  if (mode == "GRU") return CellKind::Gru;
  if (mode == "RNN_TANH") return CellKind::RnnTanh;
  if (mode == "RNN_RELU") return CellKind::RnnRelu;
  n->invalid(fmt::format("its mode '{}' is unknown", mode));
  return std::nullopt;
}

// WeightList: (input, recurrent) for every layer and direction, then their biases in the same order.
void importRnn(Node& n) {
  auto kind = kindOf(n);
  std::vector<Value> weights = n.list("WeightList"), states = n.list("PreState");
  if (!kind) return;
  RecurrentStack stack;
  stack.kind = *kind, stack.hidden = n.integer("hidden_size"), stack.bidirectional = n.flag("is_bidirec");
  int64_t cells = n.integer("num_layers", 1) * (stack.bidirectional ? 2 : 1);
  if (cells < 1 || static_cast<int64_t>(weights.size()) != 4 * cells)
    return n->invalid(fmt::format("it has {} weights, {} are needed", weights.size(), 4 * cells));
  for (size_t i = 0; i < static_cast<size_t>(cells); ++i) {
    size_t bias = 2 * static_cast<size_t>(cells) + 2 * i;
    stack.cells.push_back({weights[2 * i], weights[2 * i + 1], weights[bias], weights[bias + 1]});
  }
  if (!states.empty()) stack.h0 = states[0];
  if (states.size() > 1) stack.c0 = states[1];
  stack.lengths = n.in("SequenceLength");
  RecurrentResult result = emitRecurrent(n.context(), n.in("Input"), stack);
  n.set("Out", result.y);
  n.set("State", result.h, 0);
  if (result.c) n.set("State", result.c, 1);
}

bool hasPlainActivations(Node& n, std::initializer_list<std::pair<const char*, const char*>> expected) {
  for (auto [attribute, function] : expected)
    if (n.text(attribute, function) != function) {
      n->unsupported(fmt::format("its {} '{}' is not supported", attribute, n.text(attribute)));
      return false;
    }
  return true;
}

// The input of these is multiplied with its weights already, one row per step and all gates side by side: the
// op's own input weights only put the gates in order.
struct OneSequence {
  int64_t steps, hidden;
  Value x; // [steps, 1, gates * hidden]
};

std::optional<OneSequence> readSequence(Node& n, int64_t gates) {
  Ints dims = RuleContext::dims(n.in("Input"));
  if (dims.size() != 2 || dims[1] % gates) {
    n->invalid("its input is no matrix of steps and gates");
    return std::nullopt;
  }
  n->session().warn(fmt::format("{} ({}): all rows are read as one sequence", n->name(), n.type()));
  return OneSequence{dims[0], dims[1] / gates, n->reshape(n.in("Input"), {dims[0], 1, dims[1]})};
}

// Rows that pick `order` of the gates, [1, gates * hidden, gates * hidden]; a sign per gate.
Value gatePicker(Node& n, const Ints& order, const std::vector<float>& signs, int64_t hidden) {
  int64_t size = static_cast<int64_t>(order.size()) * hidden;
  if (size > 4096) {
    n->unsupported(fmt::format("a hidden size of {} is not supported", hidden));
    return {};
  }
  std::vector<float> rows(static_cast<size_t>(size * size), 0.0f);
  for (int64_t row = 0; row < size; ++row) {
    size_t gate = static_cast<size_t>(row / hidden);
    rows[static_cast<size_t>(row * size + order[gate] * hidden + row % hidden)] = signs[gate];
  }
  return n->constant(rows, {1, size, size});
}

// Gates of a vector or of a matrix's columns in another order; signs as above.
Value pickGates(Node& n, Value v, int64_t axis, const Ints& order, const std::vector<float>& signs,
                int64_t hidden) {
  std::vector<Value> parts;
  for (size_t i = 0; i < order.size(); ++i) {
    Value part = n->slice(v, axis, order[i] * hidden, hidden);
    parts.push_back(signs[i] == 1 ? part : n->unary("neg", part));
  }
  return n->concat(parts, axis);
}

Value initialState(Node& n, const char* slot, int64_t hidden) {
  return n.has(slot) ? n->reshape(n.in(slot), {1, 1, hidden}) : n->none();
}

Value zeros(Node& n, const Ints& shape) { return n->expand(n->scalar(0, rt::DType::F32), shape); }

// Gates cell, input, forget, output. With peepholes the bias goes on with those of input, forget and output.
void importLstm(Node& n) {
  auto sequence = readSequence(n, 4);
  if (!sequence ||
      !hasPlainActivations(
          n, {{"gate_activation", "sigmoid"}, {"cell_activation", "tanh"}, {"candidate_activation", "tanh"}}))
    return;
  const Ints order = {1, 3, 2, 0};
  const std::vector<float> signs(4, 1);
  int64_t h = sequence->hidden;
  Value w = gatePicker(n, order, signs, h), bias = n->none(), peephole = n->none();
  Value r = n->reshape(n->transpose(pickGates(n, n.in("Weight"), 1, order, signs, h), {1, 0}), {1, 4 * h, h});
  if (n.has("Bias")) {
    Value all = n->reshape(n.in("Bias"), {product(RuleContext::dims(n.in("Bias")), 0, rt::kMaxRank)});
    bias = n->reshape(n->concat({pickGates(n, all, 0, order, signs, h), zeros(n, {4 * h})}, 0), {1, 8 * h});
    if (n.flag("use_peepholes", true)) {
      Value three = n->slice(all, 0, 4 * h, 3 * h); // input, forget, output
      peephole = n->reshape(pickGates(n, three, 0, {0, 2, 1}, {1, 1, 1}, h), {1, 3 * h});
    }
  }
  auto results = n->emitAll(
      "lstm",
      {sequence->x, w, r, bias, n->none(), initialState(n, "H0", h), initialState(n, "C0", h), peephole},
      n->attrs().s("direction", n.flag("is_reverse") ? "reverse" : "forward").i("hidden", h));
  if (!results.empty()) n.set("Hidden", n->reshape(results[0], {sequence->steps, h}));
}

// Gates update, reset, candidate; the weights are a matrix of the first two and then one of the third. Unless
// origin_mode says otherwise, the update gate says how much is new: the op's gate is its opposite.
void importGru(Node& n) {
  auto sequence = readSequence(n, 3);
  if (!sequence || !hasPlainActivations(n, {{"gate_activation", "sigmoid"}, {"activation", "tanh"}})) return;
  int64_t h = sequence->hidden;
  const std::vector<float> signs = {n.flag("origin_mode") ? 1.0f : -1.0f, 1, 1};
  const Ints order = {0, 1, 2};
  Value flat = n->reshape(n.in("Weight"), {3 * h * h}), bias = n->none();
  Value gates = n->reshape(n->slice(flat, 0, 0, 2 * h * h), {h, 2 * h}),
        candidate = n->reshape(n->slice(flat, 0, 2 * h * h, h * h), {h, h});
  Value r = pickGates(n, n->concat({gates, candidate}, 1), 1, order, signs, h);
  r = n->reshape(n->transpose(r, {1, 0}), {1, 3 * h, h});
  if (n.has("Bias"))
    bias = n->reshape(
        n->concat({pickGates(n, n->reshape(n.in("Bias"), {3 * h}), 0, order, signs, h), zeros(n, {3 * h})},
                  0),
        {1, 6 * h});
  auto results = n->emitAll(
      "gru", {sequence->x, gatePicker(n, order, signs, h), r, bias, n->none(), initialState(n, "H0", h)},
      n->attrs().s("direction", n.flag("is_reverse") ? "reverse" : "forward").i("hidden", h));
  if (!results.empty()) n.set("Hidden", n->reshape(results[0], {sequence->steps, h}));
}

const OperatorRow kRows[] = {
    {"rnn", importRnn},
    {"lstm", importLstm},
    {"gru", importGru},
};
} // namespace

const OperatorTable<OperatorRow> kRecurrentOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle

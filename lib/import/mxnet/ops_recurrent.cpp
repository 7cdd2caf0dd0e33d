// RNN: layers and directions over one vector of parameters.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"
#include "lib/import/recurrent.h"

#include <fmt/format.h>

namespace burin::mxnet {

namespace {
std::optional<CellKind> kindOf(Node& n) {
  std::string mode = n.text("mode");
  if (mode == "lstm") return CellKind::Lstm;
  if (mode == "gru") return CellKind::Gru;
  if (mode == "rnn_tanh") return CellKind::RnnTanh;
  if (mode == "rnn_relu") return CellKind::RnnRelu;
  n->invalid(fmt::format("its mode '{}' is unknown", mode));
  return std::nullopt;
}

// All weights (layer by layer, direction by direction: input, recurrent), then all biases in the same order.
std::vector<RecurrentCell> cutParameters(Node& n, CellKind kind, int64_t hidden, int64_t layers,
                                         int64_t directions) {
  Value all = n->in(1);
  int64_t rows = gatesOf(kind) * hidden, at = 0, total = product(RuleContext::dims(all));
  all = n->reshape(all, {total});
  auto cut = [&](int64_t columns) {
    bool isBias = columns == 0;
    Value part = n->slice(all, 0, at, rows * std::max<int64_t>(columns, 1));
    at += rows * std::max<int64_t>(columns, 1);
    return isBias ? part : n->reshape(part, {rows, columns});
  };
  std::vector<RecurrentCell> cells(static_cast<size_t>(layers * directions));
  for (size_t i = 0; i < cells.size() && !n->failed(); ++i) {
    bool isFirst = static_cast<int64_t>(i) < directions;
    cells[i].input = cut(isFirst ? RuleContext::dims(n.x())[2] : hidden * directions);
    cells[i].recurrent = cut(hidden);
  }
  for (size_t i = 0; i < cells.size() && !n->failed(); ++i) {
    cells[i].inputBias = cut(0);
    cells[i].recurrentBias = cut(0);
  }
  if (!n->failed() && at != total) n->invalid(fmt::format("it has {} parameters, {} are needed", total, at));
  return cells;
}

// A state whose batch was left open (0) while exporting is zero.
Value stateOf(Node& n, int i) {
  return n->has(i) && product(RuleContext::dims(n->in(i))) > 0 ? n->in(i) : Value();
}

void importRnn(Node& n) {
  auto kind = kindOf(n);
  int64_t hidden = n.integer("state_size"), layers = n.integer("num_layers", 1);
  bool bidirectional = n.flag("bidirectional"), hasLengths = n.flag("use_sequence_length");
  if (!kind) return;
  if (n.has("projection_size")) return n->unsupported("projected states are not supported");
  if (n.has("lstm_state_clip_min")) return n->unsupported("clipped states are not supported");
  if (hidden < 1 || hidden > 65536 || layers < 1 || layers > 256 || RuleContext::rank(n.x()) != 3)
    return n->invalid("its state_size, num_layers or input is not possible");
  RecurrentStack stack;
  stack.kind = *kind, stack.hidden = hidden, stack.bidirectional = bidirectional;
  stack.cells = cutParameters(n, *kind, hidden, layers, bidirectional ? 2 : 1);
  if (n->failed()) return;
  bool isLstm = *kind == CellKind::Lstm;
  stack.h0 = stateOf(n, 2);
  if (isLstm) stack.c0 = stateOf(n, 3);
  if (hasLengths) stack.lengths = n->in(isLstm ? 4 : 3);
  RecurrentResult result = emitRecurrent(n.context(), n.x(), stack);
  n->set(0, result.y);
  if (n->wants(1)) n->set(1, result.h);
  if (n->wants(2)) n->set(2, result.c);
}

const OperatorRow kRows[] = {
    {"RNN", importRnn},
};
} // namespace

const OperatorTable<OperatorRow> kRecurrentOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet

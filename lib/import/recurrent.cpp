#include "lib/import/recurrent.h"

#include <fmt/format.h>

namespace burin {

int64_t gatesOf(CellKind kind) { return kind == CellKind::Lstm ? 4 : kind == CellKind::Gru ? 3 : 1; }

namespace {
// The order in which the ops want the gates: input, output, forget, cell; update, reset, hidden.
Ints gateOrder(CellKind kind) {
  return kind == CellKind::Lstm ? Ints{0, 3, 1, 2} : kind == CellKind::Gru ? Ints{1, 0, 2} : Ints{0};
}

Value reordered(RuleContext& c, Value v, const RecurrentStack& stack) {
  std::vector<Value> gates;
  for (int64_t gate : gateOrder(stack.kind))
    gates.push_back(c.slice(v, 0, gate * stack.hidden, stack.hidden));
  return gates.size() == 1 ? v : c.concat(gates, 0);
}

// One entry per direction, in front.
Value stacked(RuleContext& c, std::vector<Value> parts) {
  for (Value& part : parts) part = c.unsqueeze(part, 0);
  return parts.size() == 1 ? parts.front() : c.concat(parts, 0);
}

struct LayerWeights {
  Value w, r, bias; // bias may be null
};

LayerWeights layerWeights(RuleContext& c, const RecurrentStack& stack, size_t first, size_t directions) {
  std::vector<Value> w, r, bias;
  for (size_t d = first; d < first + directions; ++d) {
    const RecurrentCell& cell = stack.cells[d];
    w.push_back(reordered(c, cell.input, stack));
    r.push_back(reordered(c, cell.recurrent, stack));
    if (cell.inputBias)
      bias.push_back(
          c.concat({reordered(c, cell.inputBias, stack), reordered(c, cell.recurrentBias, stack)}, 0));
  }
  return {stacked(c, w), stacked(c, r), bias.empty() ? Value() : stacked(c, bias)};
}

std::vector<Value> emitLayer(RuleContext& c, Value x, const RecurrentStack& stack,
                             const LayerWeights& weights, Value h0, Value c0) {
  auto orNone = [&](Value v) { return v ? v : c.none(); };
  Value lengths = stack.lengths ? c.cast(stack.lengths, rt::DType::I32) : c.none();
  nn::AttrList list = c.attrs();
  list.s("direction", stack.bidirectional ? "bidirectional" : "forward").i("hidden", stack.hidden);
  std::vector<Value> operands = {x, weights.w, weights.r, orNone(weights.bias), lengths, orNone(h0)};
  switch (stack.kind) {
  case CellKind::Lstm:
    operands.push_back(orNone(c0));
    operands.push_back(c.none());
    return c.emitAll("lstm", operands, list);
  case CellKind::Gru:
    return c.emitAll("gru", operands, list.b("linear_before_reset", true));
  case CellKind::RnnRelu:
    list.s("activations", stack.bidirectional ? "Relu,Relu" : "Relu");
    break;
  case CellKind::RnnTanh:
    break;
  }
  return c.emitAll("rnn", operands, list);
}
} // namespace

RecurrentResult emitRecurrent(RuleContext& c, Value x, const RecurrentStack& stack) {
  size_t directions = stack.bidirectional ? 2 : 1;
  if (RuleContext::rank(x) != 3 || stack.cells.empty() || stack.cells.size() % directions ||
      stack.hidden < 1) {
    c.invalid("its input is no sequence of vectors, or its layers do not fit its directions");
    return {};
  }
  std::vector<Value> hs, cs;
  for (size_t first = 0; first < stack.cells.size() && !c.failed(); first += directions) {
    auto state = [&](Value all) {
      return all ? c.slice(all, 0, static_cast<int64_t>(first), static_cast<int64_t>(directions)) : Value();
    };
    LayerWeights weights = layerWeights(c, stack, first, directions);
    auto outputs = emitLayer(c, x, stack, weights, state(stack.h0), state(stack.c0));
    if (outputs.size() < 2) return {};
    Ints dims = RuleContext::dims(outputs[0]); // [T, D, B, H]
    x = directions == 1 ? outputs[0] : c.transpose(outputs[0], {0, 2, 1, 3});
    x = c.reshape(x, {dims[0], dims[2], dims[1] * dims[3]});
    hs.push_back(outputs[1]);
    if (outputs.size() > 2) cs.push_back(outputs[2]);
  }
  auto joined = [&](const std::vector<Value>& parts) {
    return parts.size() == 1 ? parts.front() : parts.empty() ? Value() : c.concat(parts, 0);
  };
  return {x, joined(hs), joined(cs)};
}

} // namespace burin

// Matrix products.
#include "lib/import/tflite/operators.h"

#include <fmt/format.h>

namespace burin::tflite {

namespace {
Value matmul(NodeContext& c, Value a, Value b, Value bias, bool transA, bool transB) {
  nn::AttrList list = c.attrs();
  if (transA) list.b("trans_a", true);
  if (transB) list.b("trans_b", true);
  return c.emit("matmul", {a, b, bias}, list);
}

// Weights [O, I]; the input is seen as rows of I.
void importFullyConnected(NodeContext& c) {
  const auto& o = c.options<tfl::FullyConnectedOptions>();
  if (o.weights_format() != tfl::WeightsFormat::DEFAULT)
    return c.unsupported("its weights are stored shuffled", "convert the model without shuffled weights");
  Ints shape = NodeContext::dims(c.in(0)), weights = NodeContext::dims(c.in(1));
  if (weights.size() != 2 || weights[1] < 1)
    return c.invalid(fmt::format("its weights have the shape {}", dimsText(weights)));
  int64_t elements = 1;
  for (int64_t d : shape) elements *= d;
  if (elements % weights[1] || (o.keep_num_dims() && (shape.empty() || shape.back() != weights[1])))
    return c.invalid(fmt::format("its input {} does not fit weights {}", dimsText(shape), dimsText(weights)));
  Value x = c.reshape(c.real(0), {elements / weights[1], weights[1]});
  Value y = c.activated(matmul(c, x, c.real(1), c.bias(2, 0, 1), false, true), o.activation());
  if (o.keep_num_dims()) {
    shape.back() = weights[0];
    y = c.reshape(y, shape);
  }
  c.give(0, y);
}

void importBatchMatMul(NodeContext& c) {
  const auto& o = c.options<tfl::BatchMatMulOptions>();
  c.give(0, matmul(c, c.real(0), c.real(1), c.none(), o.adj_x(), o.adj_y()));
}

const OperatorRow kRows[] = {
    {"FULLY_CONNECTED", importFullyConnected, 2, 3, "model"},
    {"BATCH_MATMUL", importBatchMatMul, 2, 2, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kLinearOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite

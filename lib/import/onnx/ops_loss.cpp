// Losses, written with gathers and sums.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <fmt/format.h>

namespace burin::onnx {

namespace {
// x [N, C, d...], target [N, d...], weight [C] or null:
// loss = -weight[target] * x[n, target, d...], zero where target is ignore_index; mean divides by the
// weights' sum.
Value negativeLogLikelihood(NodeContext& c, Value x, Value target, Value weight) {
  std::string reduction = c.text("reduction", "mean");
  if (reduction != "none" && reduction != "sum" && reduction != "mean") {
    c.invalid(fmt::format("attribute 'reduction' is '{}'", reduction));
    return {};
  }
  if (NodeContext::rank(x) < 2 || NodeContext::rank(target) != NodeContext::rank(x) - 1) {
    c.invalid(fmt::format("scores {} and targets {} do not fit", dimsText(NodeContext::dims(x)),
                          dimsText(NodeContext::dims(target))));
    return {};
  }
  bool ignores = c.hasAttribute("ignore_index");
  Value zero = c.scalarLike(0, x), weights = weight, ignored;
  if (ignores) {
    ignored = c.binary("equal", target, c.scalarLike(static_cast<double>(c.integer("ignore_index")), target));
    target = c.select(ignored, c.scalarLike(0, target), target);
  }
  Value picked = c.squeeze(c.emit("gather_elements", {x, c.unsqueeze(target, 1)}, c.attrs().i("axis", 1)), 1);
  Value loss = c.unary("neg", picked);
  if (weights)
    weights = c.gather(weights, target, 0);
  else if (ignores)
    weights = c.expand(c.scalarLike(1, x), NodeContext::dims(target));
  if (ignores) weights = c.select(ignored, zero, weights);
  if (weights) loss = c.mul(loss, weights);
  Ints axes = allAxes(NodeContext::rank(target));
  if (reduction == "none") return loss;
  if (reduction == "sum") return c.reduce("sum", loss, axes, false);
  if (!weights) return c.reduce("mean", loss, axes, false);
  return c.div(c.reduce("sum", loss, axes, false), c.reduce("sum", weights, axes, false));
}

void importNegativeLogLikelihood(NodeContext& c) {
  c.set(0, negativeLogLikelihood(c, c.in(0), c.in(1), c.in(2)));
}

void importSoftmaxCrossEntropy(NodeContext& c) {
  Value logProbability = c.emit("softmax", {c.in(0)}, c.attrs().i("axis", 1).b("log", true));
  Value loss = negativeLogLikelihood(c, logProbability, c.in(1), c.in(2));
  c.set(0, loss);
  if (c.wants(1)) c.set(1, logProbability);
}

const OperatorRow kRows[] = {
    {"NegativeLogLikelihoodLoss", importNegativeLogLikelihood, 2, 3},
    {"SoftmaxCrossEntropyLoss", importSoftmaxCrossEntropy, 2, 3},
};
} // namespace

const OperatorTable<OperatorRow> kLossOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

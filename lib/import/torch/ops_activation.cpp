// Activations and limits; what does nothing at inference.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace burin::torch {

namespace {
constexpr double kLowest = std::numeric_limits<float>::lowest(), kHighest = std::numeric_limits<float>::max();
}

Value clip(Call& c, Value x, double low, double high) {
  if (Call::isFloat(x) && low <= high)
    return c.unary("clip", x, static_cast<float>(std::max(low, kLowest)),
                   static_cast<float>(std::min(high, kHighest)));
  if (low > kLowest) x = c.binary("max", x, c.scalarLike(low, x));
  return high < kHighest ? c.binary("min", x, c.scalarLike(high, x)) : x;
}

namespace {
void unary(Call& c) { c.give(c.unary(c.variant(), c.tensor("self"))); }

void clampNumbers(Call& c) {
  c.give(clip(c, c.tensor("self"), c.given("min") ? c.real("min") : kLowest,
              c.given("max") ? c.real("max") : kHighest));
}
void clampTensors(Call& c) {
  Value x = c.tensor("self");
  if (c.given("min")) x = c.binary("max", x, c.cast(c.tensor("min"), Call::dtype(x)));
  if (c.given("max")) x = c.binary("min", x, c.cast(c.tensor("max"), Call::dtype(x)));
  c.give(x);
}
void hardTanh(Call& c) { c.give(clip(c, c.tensor("self"), c.real("min_val"), c.real("max_val"))); }
void relu6(Call& c) { c.give(clip(c, c.tensor("self"), 0, 6)); }
void hardSigmoid(Call& c) { c.give(c.unary("hard_sigmoid", c.tensor("self"), 1.0f / 6, 0.5f)); }
void leakyRelu(Call& c) {
  c.give(c.unary("leaky_relu", c.tensor("self"), static_cast<float>(c.real("negative_slope"))));
}
// At inference the slope is the middle of the range.
void randomRelu(Call& c) {
  if (c.flag("training"))
    return c.unsupported("it is in training mode", "call model.eval() before the export");
  c.give(
      c.unary("leaky_relu", c.tensor("self"), static_cast<float>((c.real("lower") + c.real("upper")) / 2)));
}

// scale * (x > 0 ? x : alpha * (exp(input_scale * x) - 1))
void elu(Call& c) {
  Value x = c.tensor("self");
  if (c.real("input_scale") != 1) return c.unsupported("an input_scale other than 1 is not supported");
  Value y = c.unary("elu", x, static_cast<float>(c.real("alpha")));
  c.give(c.real("scale") == 1 ? y : c.mul(y, c.scalarLike(c.real("scale"), x)));
}
void celu(Call& c) { c.give(c.unary("celu", c.tensor("self"), static_cast<float>(c.real("alpha")))); }
void selu(Call& c) { c.give(c.unary("selu", c.tensor("self"), 1.6732632423543772f, 1.0507009873554805f)); }

void gelu(Call& c) {
  c.give(c.unary(c.string("approximate") == "tanh" ? "gelu_tanh" : "gelu", c.tensor("self")));
}

// log(1 + exp(beta x)) / beta; beyond the threshold the line itself, which the function equals in float32
// there.
void softplus(Call& c) {
  Value x = c.tensor("self");
  const double beta = c.real("beta"), threshold = c.real("threshold");
  Value scaled = beta == 1 ? x : c.mul(x, c.scalarLike(beta, x));
  Value y = c.unary("softplus", scaled);
  if (beta != 1) y = c.mul(y, c.scalarLike(1 / beta, x));
  if (threshold < 15) y = c.select(c.binary("greater", scaled, c.scalarLike(threshold, x)), x, y);
  c.give(y);
}
void softSign(Call& c) {
  Value x = c.tensor("self");
  c.give(c.div(x, c.add(c.unary("abs", x), c.scalarLike(1, x))));
}
void logSigmoid(Call& c) { c.give(c.unary("neg", c.unary("softplus", c.unary("neg", c.tensor("self"))))); }
void tanhShrink(Call& c) {
  Value x = c.tensor("self");
  c.give(c.sub(x, c.unary("tanh", x)));
}
// shrink(x) = x - bias above lambda, x + bias below -lambda, else 0.
void shrink(Call& c) {
  const auto lambda = static_cast<float>(c.real("lambd"));
  c.give(c.unary("shrink", c.tensor("self"), lambda, isVariant(c, "soft") ? lambda : 0));
}
void threshold(Call& c) {
  Value x = c.tensor("self");
  c.give(c.select(c.binary("greater", x, c.scalarLike(c.real("threshold"), x)), x,
                  c.scalarLike(c.real("value"), x)));
}

// One slope for all, or one per channel (axis 1).
void prelu(Call& c) {
  Value x = c.tensor("self"), slope = c.tensor("weight");
  const int64_t rank = Call::rank(x), count = Call::shape(slope).elements();
  Ints shape(static_cast<size_t>(std::max<int64_t>(rank, 1)), 1);
  if (count != 1 && rank > 1) shape[1] = count;
  c.give(c.binary("prelu", x, c.cast(c.reshape(slope, shape), Call::dtype(x))));
}

// The first half, weighted by the sigmoid of the second.
void gatedLinearUnit(Call& c) {
  Value x = c.tensor("self");
  const int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  if (c.failed()) return;
  const int64_t size = Call::dims(x)[static_cast<size_t>(axis)];
  if (size % 2) return c.invalid("it cannot halve an odd dimension");
  c.give(c.mul(c.slice(x, axis, 0, size / 2), c.unary("sigmoid", c.slice(x, axis, size / 2, size / 2))));
}

void softmax(Call& c) {
  Value x = c.tensor("self");
  if (auto type = c.type("dtype")) x = c.cast(x, *type);
  const int64_t axis = c.axis(c.integer("dim"), std::max<int64_t>(Call::rank(x), 1));
  if (isVariant(c, "min")) x = c.unary("neg", x);
  c.give(c.emit("softmax", {x}, c.attrs().i("axis", axis).b("log", isVariant(c, "log"))));
}

void dropout(Call& c) {
  if (c.flag("train") && c.real("p") != 0)
    return c.unsupported("it is in training mode", "call model.eval() before the export");
  c.giveSame("input");
}

const OperatorRow kRows[] = {
    {"relu(Tensor self)", unary, "relu"},
    {"relu6(Tensor self)", relu6},
    {"hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1)", hardTanh},
    {"hardswish(Tensor self)", unary, "hard_swish"},
    {"hardsigmoid(Tensor self)", hardSigmoid},
    {"silu(Tensor self)", unary, "silu"},
    {"mish(Tensor self)", unary, "mish"},
    {"leaky_relu(Tensor self, Scalar negative_slope=0.01)", leakyRelu},
    {"rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, any "
     "generator=None)",
     randomRelu},
    {"elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1)", elu},
    {"celu(Tensor self, Scalar alpha=1)", celu},
    {"selu(Tensor self)", selu},
    {"gelu(Tensor self, *, str approximate=none)", gelu},
    {"softplus(Tensor self, Scalar beta=1, Scalar threshold=20)", softplus},
    {"softsign(Tensor self)", softSign},
    {"log_sigmoid(Tensor self)", logSigmoid},
    {"tanhshrink(Tensor self)", tanhShrink},
    {"hardshrink(Tensor self, Scalar lambd=0.5)", shrink, "hard"},
    {"softshrink(Tensor self, Scalar lambd=0.5)", shrink, "soft"},
    {"threshold(Tensor self, Scalar threshold, Scalar value)", threshold},
    {"prelu(Tensor self, Tensor weight)", prelu},
    {"glu(Tensor self, int dim=-1)", gatedLinearUnit},
    {"clamp(Tensor self, Scalar? min=None, Scalar? max=None)", clampNumbers},
    {"clamp(Tensor self, Tensor? min=None, Tensor? max=None)", clampTensors},
    {"clip(Tensor self, Scalar? min=None, Scalar? max=None)", clampNumbers},
    {"clamp_min(Tensor self, Scalar min, Scalar? max=None)", clampNumbers},
    {"clamp_max(Tensor self, Scalar max, Scalar? min=None)", clampNumbers},
    {"softmax(Tensor self, int dim, int? dtype=None)", softmax},
    {"_softmax(Tensor self, int dim, bool half_to_float, int? dtype=None)", softmax},
    {"log_softmax(Tensor self, int dim, int? dtype=None)", softmax, "log"},
    {"_log_softmax(Tensor self, int dim, bool half_to_float, int? dtype=None)", softmax, "log"},
    {"softmin(Tensor self, int dim, int? dtype=None)", softmax, "min"},
    {"dropout(Tensor input, float p, bool train)", dropout},
    {"feature_dropout(Tensor input, float p, bool train)", dropout},
    {"alpha_dropout(Tensor input, float p, bool train)", dropout},
    {"feature_alpha_dropout(Tensor input, float p, bool train)", dropout},
};
} // namespace

const OperatorTable<OperatorRow> kActivationOperators = {kRows, std::size(kRows)};

} // namespace burin::torch

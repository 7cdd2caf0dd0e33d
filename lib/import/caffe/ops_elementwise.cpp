// Functions of one element, sums and products of tensors, factors and shifts per channel.
#include "lib/import/caffe/operators.h"
#include "lib/import/caffe/rules.h"

#include <cmath>
#include <fmt/format.h>

namespace burin::caffe {

Value scaled(RuleContext& op, Value x, float factor) {
  return factor == 1 ? x : op.mul(x, op.scalar(factor, rt::DType::F32));
}

Value shifted(RuleContext& op, Value x, float shift) {
  return shift == 0 ? x : op.add(x, op.scalar(shift, rt::DType::F32));
}

Value alignedAt(RuleContext& op, Value factors, int64_t axis, int64_t rank) {
  Ints shape = RuleContext::dims(factors);
  if (axis + static_cast<int64_t>(shape.size()) > rank) {
    op.invalid(
        fmt::format("a tensor {} does not fit at axis {} of {} dimensions", dimsText(shape), axis, rank));
    return {};
  }
  shape.resize(static_cast<size_t>(rank - axis), 1);
  return op.reshape(factors, shape);
}

namespace {
void importUnary(LayerContext& c) { c.op.set(0, c.op.unary(c.row.variant, c.x)); }

void importIdentity(LayerContext& c) {
  for (int i = 0; i < c.op.outputCount(); ++i) c.op.set(i, c.x);
}

void importReLU(LayerContext& c) {
  float slope = c.params.real("negative_slope", 0);
  c.op.set(0, slope == 0 ? c.op.unary("relu", c.x) : c.op.unary("leaky_relu", c.x, slope));
}

void importReLU6(LayerContext& c) { c.op.set(0, c.op.unary("clip", c.x, 0, 6)); }

void importClip(LayerContext& c) {
  c.op.set(0, c.op.unary("clip", c.x, c.params.real("min"), c.params.real("max")));
}

void importELU(LayerContext& c) { c.op.set(0, c.op.unary("elu", c.x, c.params.real("alpha", 1))); }

void importPReLU(LayerContext& c) {
  if (c.rank() < 2) return c.op.invalid("its input has no channels");
  const bool shared = c.params.flag("channel_shared", false);
  Value slope = c.blob(0, "slopes", {shared ? 1 : c.dims()[1]}, "filler");
  if (!slope) return;
  c.op.set(0, c.op.binary("prelu", c.x, shared ? slope : alignedAt(c.op, slope, 1, c.rank())));
}

// x * sigmoid(beta x)
void importSwish(LayerContext& c) {
  const float beta = c.params.real("beta", 1);
  if (beta == 1) return c.op.set(0, c.op.unary("silu", c.x));
  c.op.set(0, c.op.mul(c.x, c.op.unary("sigmoid", scaled(c.op, c.x, beta))));
}

// (shift + scale x)^power
void importPower(LayerContext& c) {
  const float power = c.params.real("power", 1);
  Value y = shifted(c.op, scaled(c.op, c.x, c.params.real("scale", 1)), c.params.real("shift", 0));
  if (power == 2)
    y = c.op.unary("square", y);
  else if (power == 0.5f)
    y = c.op.unary("sqrt", y);
  else if (power != 1)
    y = c.op.binary("pow", y, c.op.scalar(power, rt::DType::F32));
  c.op.set(0, y);
}

// The natural logarithm of the base; -1 stands for e.
float logOfBase(LayerContext& c) {
  const float base = c.params.real("base", -1);
  if (base == -1) return 1;
  if (base <= 0) c.op.invalid(fmt::format("base is {}", base));
  return std::log(base);
}

// base^(shift + scale x)
void importExp(LayerContext& c) {
  const float log = logOfBase(c);
  Value y = c.op.unary("exp", scaled(c.op, c.x, c.params.real("scale", 1) * log));
  c.op.set(0, scaled(c.op, y, std::exp(c.params.real("shift", 0) * log)));
}

// log_base(shift + scale x)
void importLog(LayerContext& c) {
  const float log = logOfBase(c);
  if (log == 0) return c.op.invalid("base is 1");
  Value y = shifted(c.op, scaled(c.op, c.x, c.params.real("scale", 1)), c.params.real("shift", 0));
  c.op.set(0, scaled(c.op, c.op.unary("log", y), 1 / log));
}

void importThreshold(LayerContext& c) {
  Value limit = c.op.scalar(c.params.real("threshold", 0), rt::DType::F32);
  c.op.set(0, c.op.cast(c.op.binary("greater", c.x, limit), rt::DType::F32));
}

void importEltwise(LayerContext& c) {
  const int kind = c.params.choice("operation", {"PROD", "SUM", "MAX"}, 1);
  std::vector<float> factors = c.params.reals("coeff");
  if (!factors.empty() && (kind != 1 || factors.size() != static_cast<size_t>(c.op.inputCount())))
    return c.op.invalid("coeff needs one entry per bottom, and the operation SUM");
  factors.resize(static_cast<size_t>(c.op.inputCount()), 1);
  Value y = scaled(c.op, c.x, factors[0]);
  for (int i = 1; i < c.op.inputCount(); ++i) {
    if (RuleContext::dims(c.op.in(i)) != c.dims())
      return c.op.invalid(fmt::format("its bottoms have the shapes {} and {}", dimsText(c.dims()),
                                      dimsText(RuleContext::dims(c.op.in(i)))));
    Value other = scaled(c.op, c.op.in(i), factors[static_cast<size_t>(i)]);
    y = c.op.binary(kind == 0 ? "mul" : kind == 1 ? "add" : "max", y, other);
  }
  c.op.set(0, y);
}

// a x + y with a factor per picture and channel.
void importAxpy(LayerContext& c) {
  Value x = c.op.in(1), y = c.op.in(2);
  Ints shape = RuleContext::dims(x), factors = c.dims();
  if (shape.size() < 2 || factors.size() < 2 || factors[0] != shape[0] || factors[1] != shape[1])
    return c.op.invalid("its first bottom holds no factor per channel");
  Ints perChannel(shape.size(), 1);
  perChannel[0] = shape[0], perChannel[1] = shape[1];
  c.op.set(0, c.op.add(c.op.mul(c.op.reshape(c.x, perChannel), x), y));
}

// The part of the input's shape that a factor (or shift) covers.
Ints coveredShape(LayerContext& c, int64_t axis) {
  const int64_t count = c.params.integer("num_axes", 1);
  Ints dims = c.dims();
  if (c.op.failed()) return {};
  if (count < -1 || (count >= 0 && axis + count > c.rank())) {
    c.op.invalid(fmt::format("num_axes is {}", count));
    return {};
  }
  return Ints(dims.begin() + axis, count < 0 ? dims.end() : dims.begin() + axis + count);
}

// A factor that is learned or the second bottom, and a learned shift.
void importScale(LayerContext& c) {
  const int64_t axis = c.axis("axis", 1);
  const bool learned = c.op.inputCount() == 1;
  Ints shape = learned ? coveredShape(c, axis) : RuleContext::dims(c.op.in(1));
  Value factor = learned ? c.blob(0, "scale", shape, "filler") : c.op.in(1);
  if (c.op.failed()) return;
  Value y = c.op.mul(c.x, alignedAt(c.op, factor, axis, c.rank()));
  if (c.params.flag("bias_term", false)) {
    Value shift = c.blob(learned ? 1 : 0, "shift", shape, "bias_filler");
    if (shift) y = c.op.add(y, alignedAt(c.op, shift, axis, c.rank()));
  }
  c.op.set(0, y);
}

void importBias(LayerContext& c) {
  const int64_t axis = c.axis("axis", 1);
  Value shift = c.op.inputCount() == 1 ? c.blob(0, "shift", coveredShape(c, axis), "filler") : c.op.in(1);
  if (!shift || c.op.failed()) return;
  c.op.set(0, c.op.add(c.x, alignedAt(c.op, shift, axis, c.rank())));
}

const LayerRow kRows[] = {
    {"ReLU", importReLU, "relu_param", 1, 1, "model"},
    {"ReLU6", importReLU6, "relu6_param", 1, 1, "fixture"},
    {"PReLU", importPReLU, "prelu_param", 1, 1, "model"},
    {"ELU", importELU, "elu_param", 1, 1, "fixture"},
    {"Sigmoid", importUnary, "sigmoid_param", 1, 1, "fixture", "sigmoid"},
    {"TanH", importUnary, "tanh_param", 1, 1, "fixture", "tanh"},
    {"AbsVal", importUnary, "", 1, 1, "fixture", "abs"},
    {"BNLL", importUnary, "", 1, 1, "fixture", "softplus"},
    {"Swish", importSwish, "swish_param", 1, 1, "fixture"},
    {"Clip", importClip, "clip_param", 1, 1, "fixture"},
    {"Power", importPower, "power_param", 1, 1, "fixture"},
    {"Exp", importExp, "exp_param", 1, 1, "fixture"},
    {"Log", importLog, "log_param", 1, 1, "fixture"},
    {"Threshold", importThreshold, "threshold_param", 1, 1, "fixture"},
    {"Dropout", importIdentity, "dropout_param", 1, 1, "model"},
    {"Split", importIdentity, "", 1, 1, "fixture"},
    {"Eltwise", importEltwise, "eltwise_param", 1, kAny, "model"},
    {"Axpy", importAxpy, "", 3, 3, "fixture"},
    {"Scale", importScale, "scale_param", 1, 2, "model"},
    {"Bias", importBias, "bias_param", 1, 2, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kElementwiseLayers = {kRows, std::size(kRows)};

} // namespace burin::caffe

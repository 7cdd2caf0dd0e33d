// Softmax and normalisations.
#include "lib/import/tflite/operators.h"

namespace burin::tflite {

namespace {
// Over the last axis, of beta * x.
void importSoftmax(NodeContext& c) {
  Value x = c.real(0);
  const float beta = c.options<tfl::SoftmaxOptions>().beta();
  if (beta != 1) x = c.mul(x, c.scalar(beta, rt::DType::F32));
  if (NodeContext::rank(x) < 1) return c.invalid("its input is a scalar");
  c.give(0, c.emit("softmax", {x}, c.attrs().i("axis", NodeContext::rank(x) - 1)));
}

void importLogSoftmax(NodeContext& c) {
  Value x = c.real(0);
  if (NodeContext::rank(x) < 1) return c.invalid("its input is a scalar");
  c.give(0, c.emit("softmax", {x}, c.attrs().i("axis", NodeContext::rank(x) - 1).b("log", true)));
}

// x / sqrt(max(sum of squares, 1e-6)) along the last axis.
void importL2Normalization(NodeContext& c) {
  Value x = c.real(0);
  if (NodeContext::rank(x) < 1) return c.invalid("its input is a scalar");
  Value squares = c.reduce("sum_square", x, {NodeContext::rank(x) - 1}, true);
  c.give(0, c.mul(x, c.unary("rsqrt", c.binary("max", squares, c.scalar(1e-6, rt::DType::F32)))));
}

// x / (bias + alpha * sum of squares over 2 * radius + 1 channels)^beta; nn.lrn divides alpha by their
// number.
void importLocalResponseNormalization(NodeContext& c) {
  const auto& o = c.options<tfl::LocalResponseNormalizationOptions>();
  if (o.radius() < 0 || o.radius() > (1 << 20)) return c.invalid("its radius is out of range");
  const int64_t size = 2 * int64_t(o.radius()) + 1;
  Value y = c.emit("lrn", {c.channelsFirst(c.real(0))},
                   c.attrs()
                       .i("size", size)
                       .f("alpha", o.alpha() * static_cast<float>(size))
                       .f("beta", o.beta())
                       .f("bias", o.bias()));
  c.give(0, c.channelsLast(y));
}

const OperatorRow kRows[] = {
    {"SOFTMAX", importSoftmax, 1, 1, "model"},
    {"LOG_SOFTMAX", importLogSoftmax, 1, 1, "fixture"},
    {"L2_NORMALIZATION", importL2Normalization, 1, 1, "fixture"},
    {"LOCAL_RESPONSE_NORMALIZATION", importLocalResponseNormalization, 1, 1, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kNormalizationOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite

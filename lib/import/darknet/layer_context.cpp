#include "lib/import/darknet/layer_context.h"

#include "lib/import/finite.h"

#include <fmt/format.h>

namespace burin::darknet {

Value LayerContext::take(const char* what, const Ints& shape) {
  if (op.failed()) return {};
  if (!weights_) {
    op.fail(weights_.error());
    return {};
  }
  rt::TensorType type;
  for (int64_t dim : shape) type.shape.push(dim);
  const int64_t count = type.shape.elements();
  std::span<const char> bytes = weights_->floats(at_, count);
  if (bytes.empty()) {
    op.invalid(at_ < 0 ? "where its weights lie is not known, for a layer before it is not"
                       : fmt::format("the .weights end before its {}", what),
               "cut the network before the unknown layer with --outputs");
    return {};
  }
  at_ += count;
  Value value = op.session().builder().constantView(type, {bytes.data(), bytes.size()}, weights_->owner(),
                                                    layer.name() + "/" + what);
  if (op.session().options().allowNonFinite || checkFinite(value)) return value;
  op.invalid(fmt::format("its {} hold values that are no finite numbers", what),
             "the .weights do not belong to this .cfg, or its training diverged");
  return {};
}

namespace {
struct ActivationRow {
  const char* name;
  const char* fn;
  float alpha = 0, beta = 0;
};

constexpr ActivationRow kActivations[] = {
    {"leaky", "leaky_relu", 0.1f},
    {"relu", "relu"},
    {"relu6", "clip", 0, 6},
    {"logistic", "sigmoid"},
    {"mish", "mish"},
    {"swish", "silu"},
    {"tanh", "tanh"},
    {"elu", "elu", 1},
    {"selu", "selu", 1.6732f, 1.0507f},
    {"gelu", "gelu_tanh"},
    {"relie", "leaky_relu", 0.01f},
    {"hardtan", "clip", -1, 1},
};
} // namespace

Value activated(LayerContext& c, Value x, const std::string& activation) {
  if (activation == "linear") return x;
  for (const ActivationRow& row : kActivations)
    if (activation == row.name)
      return row.alpha == 0 && row.beta == 0 ? c.op.unary(row.fn, x)
                                             : c.op.unary(row.fn, x, row.alpha, row.beta);
  if (activation == "loggy") { // 2 / (1 + exp(-x)) - 1
    Value doubled = c.op.mul(c.op.unary("sigmoid", x), c.op.scalar(2, rt::DType::F32));
    return c.op.sub(doubled, c.op.scalar(1, rt::DType::F32));
  }
  c.op.unsupported(
      fmt::format("activation '{}' is not known", activation),
      "known are linear, leaky, relu, relu6, logistic, mish, swish, tanh, elu, selu, gelu, relie, "
      "hardtan and loggy");
  return {};
}

} // namespace burin::darknet

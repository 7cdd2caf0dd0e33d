// Batch and local response normalisation.
#include "lib/import/tensorflow/layout.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
Value emitBatchNorm(RuleContext& c, Attributes& a, const std::vector<Value>& operands, float epsilon) {
  std::vector<Value> list = operands;
  list[0] = enter(c, a, list[0]);
  return leave(c, a, c.emit("batch_norm", list, c.attrs().f("epsilon", epsilon)));
}

// x, scale, offset, mean, variance.
void importFusedBatchNorm(RuleContext& c, Attributes& a) {
  if (a.flag("is_training", true))
    return c.unsupported("it normalises with the statistics of the batch (is_training)",
                         "export the model for inference");
  c.set(0, emitBatchNorm(c, a, {c.in(0), c.in(1), c.in(2), c.in(3), c.in(4)}, a.real("epsilon", 1e-4f)));
  // Inference hands the statistics through.
  if (c.wants(1)) c.set(1, c.in(3));
  if (c.wants(2)) c.set(2, c.in(4));
}

// x, mean, variance, offset, scale; the scale counts on request.
void importGlobalBatchNorm(RuleContext& c, Attributes& a) {
  Value scale = c.in(4);
  if (!a.flag("scale_after_normalization"))
    scale = c.expand(c.scalar(1, rt::DType::F32), RuleContext::dims(scale));
  c.set(0,
        emitBatchNorm(c, a, {c.in(0), scale, c.in(3), c.in(1), c.in(2)}, a.real("variance_epsilon", 1e-3f)));
}

// TensorFlow's alpha is a factor of every square, ours of their mean.
void importLrn(RuleContext& c, Attributes& a) {
  int64_t radius = a.integer("depth_radius", 5);
  if (radius < 0 || radius > 1 << 20) return c.invalid(fmt::format("attribute 'depth_radius' is {}", radius));
  int64_t size = 2 * radius + 1;
  Value y = c.emit("lrn", {channelsFirst(c, c.in(0))},
                   c.attrs()
                       .i("size", size)
                       .f("alpha", a.real("alpha", 1) * static_cast<float>(size))
                       .f("beta", a.real("beta", 0.5f))
                       .f("bias", a.real("bias", 1)));
  c.set(0, channelsLast(c, y));
}

constexpr const char* kResults =
    "y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3";

const OperatorRow kRows[] = {
    {"FusedBatchNorm", importFusedBatchNorm, 5, 5, "", "fixture", kResults},
    {"FusedBatchNormV2", importFusedBatchNorm, 5, 5, "", "fixture", kResults},
    {"FusedBatchNormV3", importFusedBatchNorm, 5, 5, "", "model", kResults},
    {"BatchNormWithGlobalNormalization", importGlobalBatchNorm, 5, 5},
    {"LRN", importLrn, 1, 1},
};
} // namespace

const OperatorTable<OperatorRow> kNormalizationOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow

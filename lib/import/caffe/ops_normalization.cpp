// Batch norm, local responses, mean and variance, norms over channels; softmax.
#include "lib/import/caffe/operators.h"
#include "lib/import/caffe/rules.h"

#include <fmt/format.h>

namespace burin::caffe {

namespace {
// The statistics of this very batch, for networks that ask for them.
void normalizeBatch(LayerContext& c, float epsilon) {
  Ints axes = axesFrom(1, c.rank());
  axes[0] = 0; // all but the channels
  Value centred = c.op.sub(c.x, c.op.reduce("mean", c.x, axes, true));
  Value variance = c.op.reduce("mean", c.op.unary("square", centred), axes, true);
  c.op.set(0, c.op.div(centred, c.op.unary("sqrt", shifted(c.op, variance, epsilon))));
}

// Stored are sums; the third blob is what to divide them by.
void importBatchNorm(LayerContext& c) {
  const float epsilon = c.params.real("eps", 1e-5f);
  if (c.rank() < 2) return c.op.invalid("its input has no channels");
  if (!c.params.flag("use_global_stats", true)) return normalizeBatch(c, epsilon);
  const int64_t channels = c.dims()[1];
  Value mean = c.blob(0, "mean", {channels}), variance = c.blob(1, "variance", {channels});
  Value weight = c.blob(2, "weight of the statistics", {1});
  if (c.op.failed()) return;
  const float total = nn::constantFloats(weight).at(0), factor = total == 0 ? 0 : 1 / total;
  Value one = c.op.constant(std::vector<float>(static_cast<size_t>(channels), 1), {channels});
  Value zero = c.op.constant(std::vector<float>(static_cast<size_t>(channels), 0), {channels});
  c.op.set(0, c.op.emit("batch_norm",
                        {c.x, one, zero, scaled(c.op, mean, factor), scaled(c.op, variance, factor)},
                        c.op.attrs().f("epsilon", epsilon)));
}

// x (1 + alpha mean)^-beta with the mean of the squares over a window of one channel.
void normalizeWithinChannel(LayerContext& c, int64_t size, float alpha, float beta) {
  if (c.rank() != 4) return c.op.invalid("its input is no picture");
  const int64_t pad = (size - 1) / 2;
  Ints dims = c.dims();
  Value mean = c.op.emit("avg_pool", {c.op.unary("square", c.x)},
                         c.op.attrs()
                             .ints("kernel", {size, size})
                             .ints("strides", {1, 1})
                             .ints("dilations", {1, 1})
                             .ints("pads", {pad, pad, pad, pad})
                             .ints("sizes", {dims[2], dims[3]})
                             .b("count_include_pad", true));
  Value base = shifted(c.op, scaled(c.op, mean, alpha), 1);
  c.op.set(0, c.op.mul(c.x, c.op.binary("pow", base, c.op.scalar(-beta, rt::DType::F32))));
}

void importLRN(LayerContext& c) {
  const int64_t size = c.params.integer("local_size", 5);
  const float alpha = c.params.real("alpha", 1), beta = c.params.real("beta", 0.75f);
  if (size < 1 || size % 2 == 0 || size > int64_t(1) << 16)
    return c.op.invalid(fmt::format("local_size is {}, it has to be odd", size));
  if (c.params.choice("norm_region", {"ACROSS_CHANNELS", "WITHIN_CHANNEL"}) == 1)
    return normalizeWithinChannel(c, size, alpha, beta);
  c.op.set(
      0,
      c.op.emit(
          "lrn", {c.x},
          c.op.attrs().i("size", size).f("alpha", alpha).f("beta", beta).f("bias", c.params.real("k", 1))));
}

// (x - mean) / (sqrt(variance) + eps)
void importMVN(LayerContext& c) {
  Ints axes = axesFrom(c.params.flag("across_channels", false) ? 1 : 2, c.rank());
  if (axes.empty()) return c.op.invalid("its input has no spatial axes");
  Value y = c.op.sub(c.x, c.op.reduce("mean", c.x, axes, true));
  if (c.params.flag("normalize_variance", true)) {
    Value deviation = c.op.unary("sqrt", c.op.reduce("mean", c.op.unary("square", y), axes, true));
    y = c.op.div(y, shifted(c.op, deviation, c.params.real("eps", 1e-9f)));
  }
  c.op.set(0, y);
}

// x / sqrt(sum of squares + eps) * scale, the sum over channels, or over everything.
void importNormalize(LayerContext& c) {
  if (c.rank() < 2) return c.op.invalid("its input has no channels");
  Ints axes = c.params.flag("across_spatial", true) ? axesFrom(1, c.rank()) : Ints{1};
  Value sum = c.op.reduce("sum_square", c.x, axes, true);
  Value y = c.op.div(c.x, c.op.unary("sqrt", shifted(c.op, sum, c.params.real("eps", 1e-10f))));
  const bool shared = c.params.flag("channel_shared", true);
  Value factor = c.blob(0, "scale", {shared ? 1 : c.dims()[1]}, "scale_filler");
  if (!factor) return;
  c.op.set(0, c.op.mul(y, shared ? factor : alignedAt(c.op, factor, 1, c.rank())));
}

void importSoftmax(LayerContext& c) {
  const int64_t axis = c.axis("axis", 1);
  c.op.set(0, c.op.emit("softmax", {c.x}, c.op.attrs().i("axis", axis)));
}

const LayerRow kRows[] = {
    {"BatchNorm", importBatchNorm, "batch_norm_param", 1, 1, "model"},
    {"LRN", importLRN, "lrn_param", 1, 1, "fixture"},
    {"MVN", importMVN, "mvn_param", 1, 1, "fixture"},
    {"Normalize", importNormalize, "norm_param", 1, 1, "fixture"},
    {"Softmax", importSoftmax, "softmax_param", 1, 1, "model"},
};
} // namespace

const OperatorTable<LayerRow> kNormalizationLayers = {kRows, std::size(kRows)};

} // namespace burin::caffe

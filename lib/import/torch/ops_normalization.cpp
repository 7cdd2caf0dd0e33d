// Normalisation over batches, groups, instances and axes.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
constexpr const char* kEvalRemedy = "call model.eval() before the export";

// A vector over the channels, all `value` where the argument is None.
Value perChannel(Call& c, const char* name, int64_t channels, double value) {
  if (c.given(name)) return c.tensor(name);
  return c.constant(std::vector<float>(static_cast<size_t>(channels), static_cast<float>(value)), {channels});
}

int64_t channelsOf(Call& c, Value x) {
  if (Call::rank(x) >= 2) return Call::dims(x)[1];
  c.invalid("its input has no channels");
  return 0;
}

void batchNorm(Call& c) {
  Value x = c.tensor("input");
  const int64_t channels = channelsOf(c, x);
  if (c.failed()) return;
  if (c.flag("training") || !c.given("running_mean") || !c.given("running_var"))
    return c.unsupported("it normalises by the statistics of its batch", kEvalRemedy);
  c.give(c.emit("batch_norm",
                {x, perChannel(c, "weight", channels, 1), perChannel(c, "bias", channels, 0),
                 c.tensor("running_mean"), c.tensor("running_var")},
                c.attrs().f("epsilon", static_cast<float>(c.real("eps")))));
}

void instanceNorm(Call& c) {
  Value x = c.tensor("input");
  const int64_t channels = channelsOf(c, x);
  if (c.failed()) return;
  const auto epsilon = static_cast<float>(c.real("eps"));
  if (!c.flag("use_input_stats"))
    return c.give(c.emit("batch_norm",
                         {x, perChannel(c, "weight", channels, 1), perChannel(c, "bias", channels, 0),
                          c.tensor("running_mean"), c.tensor("running_var")},
                         c.attrs().f("epsilon", epsilon)));
  c.give(c.emit("group_norm", {x, c.tensorOrNone("weight"), c.tensorOrNone("bias")},
                c.attrs().i("groups", channels).f("epsilon", epsilon)));
}

void groupNorm(Call& c) {
  Value x = c.tensor("input");
  const int64_t groups = c.integer("num_groups"), channels = channelsOf(c, x);
  if (c.failed()) return;
  if (groups < 1 || channels % groups)
    return c.invalid(fmt::format("{} channels cannot form {} groups", channels, groups));
  c.give(c.emit("group_norm", {x, c.tensorOrNone("weight"), c.tensorOrNone("bias")},
                c.attrs().i("groups", groups).f("epsilon", static_cast<float>(c.real("eps")))));
}

void layerNorm(Call& c) {
  Value x = c.tensor("input");
  const auto over = static_cast<int64_t>(c.integers("normalized_shape").size());
  if (over < 1 || over > Call::rank(x)) return c.invalid("it normalises more dimensions than its input has");
  c.give(c.emit("layer_norm", {x, c.tensorOrNone("weight"), c.tensorOrNone("bias")},
                c.attrs().i("axis", Call::rank(x) - over).f("epsilon", static_cast<float>(c.real("eps")))));
}

void rmsNorm(Call& c) {
  Value x = c.tensor("input");
  const auto over = static_cast<int64_t>(c.integers("normalized_shape").size());
  if (over < 1 || over > Call::rank(x)) return c.invalid("it normalises more dimensions than its input has");
  // Without an epsilon: that of float32.
  const double epsilon = c.given("eps") ? c.real("eps") : 1.1920928955078125e-07;
  c.give(c.emit(
      "layer_norm", {x, c.tensorOrNone("weight"), c.none()},
      c.attrs().i("axis", Call::rank(x) - over).f("epsilon", static_cast<float>(epsilon)).b("rms", true)));
}

const OperatorRow kRows[] = {
    {"batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool "
     "training, "
     "float momentum, float eps, bool cudnn_enabled)",
     batchNorm},
    {"instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
     "bool use_input_stats, float momentum, float eps, bool cudnn_enabled)",
     instanceNorm},
    {"group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, "
     "bool cudnn_enabled=True)",
     groupNorm},
    {"layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float "
     "eps=1e-05, "
     "bool cudnn_enable=True)",
     layerNorm},
    {"rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None)", rmsNorm},
};
} // namespace

const OperatorTable<OperatorRow> kNormalizationOperators = {kRows, std::size(kRows)};

} // namespace burin::torch

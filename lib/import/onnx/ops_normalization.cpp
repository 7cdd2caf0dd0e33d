// Normalisation over channels, groups and axes; softmax.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace burin::onnx {

Value emitSoftmax(NodeContext& c, Value x, bool log) {
  Ints dims = NodeContext::dims(x);
  bool flattens = c.opset() < 13 && !c.type().starts_with("SoftmaxCrossEntropy");
  int64_t axis = c.axis(c.integer("axis", flattens ? 1 : -1), static_cast<int64_t>(dims.size()));
  if (c.failed()) return {};
  size_t at = static_cast<size_t>(axis);
  auto softmax = [&](Value v, int64_t over) {
    return c.emit("softmax", {v}, c.attrs().i("axis", over).b("log", log));
  };
  // Nothing but ones behind the axis: flattening changes nothing.
  if (!flattens || product(dims, at + 1, dims.size()) == 1) return softmax(x, axis);
  return c.reshape(softmax(c.reshape(x, {product(dims, 0, at), product(dims, at, dims.size())}), 1), dims);
}

namespace {
void importSoftmax(NodeContext& c) {
  c.set(0, emitSoftmax(c, c.in(0), std::strcmp(c.row().variant, "log") == 0));
}

void importBatchNormalization(NodeContext& c) {
  // Before opset 7 training was the default, and inference what the attribute asks for.
  if (c.flag("training_mode") || (c.opset() < 7 && !c.flag("is_test")))
    return c.unsupported("it is in training mode", "export the model in inference mode");
  if (!c.flag("spatial", true)) return c.unsupported("attribute 'spatial' = 0 is not supported");
  c.set(0, c.emit("batch_norm", {c.in(0), c.in(1), c.in(2), c.in(3), c.in(4)},
                  c.attrs().f("epsilon", c.real("epsilon", 1e-5f))));
}

void importInstanceNormalization(NodeContext& c) {
  int64_t channels = NodeContext::rank(c.in(0)) > 1 ? NodeContext::shape(c.in(0))[1] : 0;
  c.set(0, c.emit("group_norm", {c.in(0), c.in(1), c.in(2)},
                  c.attrs().i("groups", channels).f("epsilon", c.real("epsilon", 1e-5f))));
}

// Opset 18 has one scale per group, 21 one per channel.
void importGroupNormalization(NodeContext& c) {
  int64_t groups = c.integer("num_groups"),
          channels = NodeContext::rank(c.in(0)) > 1 ? NodeContext::shape(c.in(0))[1] : 0;
  if (groups < 1 || channels % groups)
    return c.invalid(fmt::format("{} channels cannot form {} groups", channels, groups));
  auto perChannel = [&](Value v) {
    if (c.opset() >= 21 || NodeContext::dims(v) != Ints{groups}) return v;
    return c.reshape(c.expand(c.reshape(v, {groups, 1}), {groups, channels / groups}), {channels});
  };
  c.set(0, c.emit("group_norm", {c.in(0), perChannel(c.in(1)), perChannel(c.in(2))},
                  c.attrs().i("groups", groups).f("epsilon", c.real("epsilon", 1e-5f))));
}

// Results 1 and 2 (mean and 1 / standard deviation) only where they are used.
void setStatistics(NodeContext& c, Value x, const Ints& axes, float epsilon, int meanOutput,
                   int deviationOutput) {
  if (!c.wants(meanOutput) && !c.wants(deviationOutput)) return;
  Value mean = c.reduce("mean", x, axes, true);
  Value variance = c.reduce("mean", c.unary("square", c.sub(x, mean)), axes, true);
  if (c.wants(meanOutput)) c.set(meanOutput, mean);
  if (c.wants(deviationOutput))
    c.set(deviationOutput, c.unary("reciprocal", c.unary("sqrt", c.add(variance, c.scalarLike(epsilon, x)))));
}

void importLayerNormalization(NodeContext& c) {
  Value x = c.in(0);
  int64_t rank = NodeContext::rank(x), axis = c.axis(c.integer("axis", -1), rank);
  bool rms = std::strcmp(c.row().variant, "rms") == 0;
  float epsilon = c.real("epsilon", 1e-5f);
  Value bias = rms ? c.none() : c.inOrNone(2);
  c.set(0, c.emit("layer_norm", {x, c.inOrNone(1), bias},
                  c.attrs().i("axis", axis).f("epsilon", epsilon).b("rms", rms)));
  if (!rms) setStatistics(c, x, allAxes(rank, axis), epsilon, 1, 2);
}

// com.microsoft SkipLayerNormalization: layer_norm(input + skip + bias); the sum is result 3.
void importSkipLayerNormalization(NodeContext& c) {
  bool rms = std::strcmp(c.row().variant, "rms") == 0;
  Value x = c.add(c.in(0), c.in(1)), beta = rms ? c.none() : c.inOrNone(3);
  if (int bias = rms ? 3 : 4; c.has(bias)) x = c.add(x, c.in(bias));
  int64_t axis = NodeContext::rank(x) - 1;
  c.set(0, c.emit("layer_norm", {x, c.in(2), beta},
                  c.attrs()
                      .i("axis", std::max<int64_t>(axis, 0))
                      .f("epsilon", c.real("epsilon", rms ? 1e-5f : 1e-12f))
                      .b("rms", rms)));
  if (c.wants(3)) c.set(3, x);
}

void importLrn(NodeContext& c) {
  c.set(0, c.emit("lrn", {c.in(0)},
                  c.attrs()
                      .i("size", c.integer("size"))
                      .f("alpha", c.real("alpha", 1e-4f))
                      .f("beta", c.real("beta", 0.75f))
                      .f("bias", c.real("bias", 1.0f))));
}

void importLpNormalization(NodeContext& c) {
  int64_t p = c.integer("p", 2), axis = c.axis(c.integer("axis", -1), NodeContext::rank(c.in(0)));
  if (p != 1 && p != 2) return c.invalid(fmt::format("attribute 'p' is {}", p));
  c.set(0, c.div(c.in(0), c.reduce(p == 1 ? "l1" : "l2", c.in(0), {axis}, true)));
}

// (x - mean) / (sqrt(mean(x^2) - mean^2) + 1e-9), the function body of the specification.
void importMeanVarianceNormalization(NodeContext& c) {
  Value x = c.in(0);
  Ints axes = c.axes(c.ints("axes", {0, 2, 3}), NodeContext::rank(x));
  Value mean = c.reduce("mean", x, axes, true);
  Value variance = c.sub(c.reduce("mean", c.unary("square", x), axes, true), c.unary("square", mean));
  c.set(0, c.div(c.sub(x, mean), c.add(c.unary("sqrt", variance), c.scalarLike(1e-9, x))));
}

const OperatorRow kRows[] = {
    {"Softmax", importSoftmax, 1, 1},
    {"LogSoftmax", importSoftmax, 1, 1, 1, "log"},
    {"BatchNormalization", importBatchNormalization, 5, 5},
    {"InstanceNormalization", importInstanceNormalization, 3, 3},
    {"GroupNormalization", importGroupNormalization, 3, 3},
    {"LayerNormalization", importLayerNormalization, 1, 3},
    {"RMSNormalization", importLayerNormalization, 1, 2, 1, "rms"},
    {"SimplifiedLayerNormalization", importLayerNormalization, 1, 2, 1, "rms"},
    {"com.microsoft:SkipLayerNormalization", importSkipLayerNormalization, 3, 5},
    {"com.microsoft:SkipSimplifiedLayerNormalization", importSkipLayerNormalization, 3, 4, 1, "rms"},
    {"LRN", importLrn, 1, 1},
    {"LpNormalization", importLpNormalization, 1, 1},
    {"MeanVarianceNormalization", importMeanVarianceNormalization, 1, 1},
};
} // namespace

const OperatorTable<OperatorRow> kNormalizationOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

// Normalisation over the batch's statistics, channels, instances and axes; softmax in its many names.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <fmt/format.h>

namespace burin::mxnet {

namespace {
// A vector along one axis, so that it broadcasts over a tensor of this rank.
Value along(Node& n, Value v, int64_t axis, int64_t rank) {
  if (n->failed() || !v) return {};
  Ints shape(static_cast<size_t>(rank - axis), 1);
  shape[0] = product(RuleContext::dims(v));
  return n->reshape(v, shape);
}

// fix_gamma, the default, takes gamma as 1 whatever is stored.
void importBatchNorm(Node& n) {
  Value x = n.x(), gamma = n->in(1);
  int64_t rank = RuleContext::rank(x), axis = n->axis(n.integer("axis", 1), rank);
  if (n.flag("fix_gamma", true) && gamma)
    gamma = n->expand(n->scalar(1, RuleContext::dtype(gamma)), RuleContext::dims(gamma));
  Ints toFront = {0, axis}, back;
  for (int64_t i = 1; i < rank; ++i)
    if (i != axis) toFront.push_back(i);
  bool moves = axis > 1;
  if (axis == 0) return n->unsupported("normalisation along the batch axis is not supported");
  if (moves) x = n->transpose(x, toFront);
  Value y = n->emit("batch_norm", {x, gamma, n->in(2), n->in(3), n->in(4)},
                    n->attrs().f("epsilon", n.real("eps", 1e-3f)));
  back.assign(static_cast<size_t>(rank), 0);
  for (int64_t i = 0; i < rank && moves; ++i) back[static_cast<size_t>(toFront[static_cast<size_t>(i)])] = i;
  n->set(0, moves ? n->transpose(y, back) : y);
}

void importInstanceNorm(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  if (dims.size() < 2) return n->invalid("its input has no channels");
  n->set(0, n->emit("group_norm", {n.x(), n->in(1), n->in(2)},
                    n->attrs().i("groups", dims[1]).f("epsilon", n.real("eps", 1e-3f))));
}

// Older releases have one gamma per group, newer ones one per channel.
void importGroupNorm(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  int64_t groups = n.integer("num_groups", 1);
  if (dims.size() < 2 || groups < 1 || dims[1] % groups)
    return n->invalid("its channels cannot form the groups");
  auto perChannel = [&](Value v) {
    if (!v || product(RuleContext::dims(v)) != groups || groups == dims[1]) return v;
    return n->reshape(n->expand(n->reshape(v, {groups, 1}), {groups, dims[1] / groups}), {dims[1]});
  };
  n->set(0, n->emit("group_norm", {n.x(), perChannel(n->in(1)), perChannel(n->in(2))},
                    n->attrs().i("groups", groups).f("epsilon", n.real("eps", 1e-5f))));
}

// Over one axis; the op normalises all from an axis on, so that others are written out.
void importLayerNorm(Node& n) {
  Value x = n.x();
  int64_t rank = RuleContext::rank(x), axis = n->axis(n.integer("axis", -1), rank);
  float epsilon = n.real("eps", 1e-5f);
  if (axis == rank - 1)
    return n->set(
        0, n->emit("layer_norm", {x, n->in(1), n->in(2)}, n->attrs().i("axis", axis).f("epsilon", epsilon)));
  Value centred = n->sub(x, n->reduce("mean", x, {axis}, true));
  Value variance = n->reduce("mean", n->unary("square", centred), {axis}, true);
  Value y = n->div(centred, n->unary("sqrt", n->add(variance, n->scalarLike(epsilon, x))));
  n->set(0, n->add(n->mul(y, along(n, n->in(1), axis, rank)), along(n, n->in(2), axis, rank)));
}

void importLrn(Node& n) {
  n->set(0, n->emit("lrn", {n.x()},
                    n->attrs()
                        .i("size", n.integer("nsize", 5))
                        .f("alpha", n.real("alpha", 1e-4f))
                        .f("beta", n.real("beta", 0.75f))
                        .f("bias", n.real("knorm", 2))));
}

// x / sqrt(sum of squares + eps): of a sample, over the channels, or over a channel's plane.
void importL2Normalization(Node& n) {
  std::string mode = n.text("mode", "instance");
  int64_t rank = RuleContext::rank(n.x());
  Ints axes = mode == "channel" ? Ints{1} : allAxes(rank, mode == "spatial" ? 2 : 1);
  if (rank < 2) return n->invalid("its input has no axes behind the batch");
  Value sum = n->reduce("sum_square", n.x(), axes, true);
  n->set(0, n->div(n.x(), n->unary("sqrt", n->add(sum, n->scalarLike(n.real("eps", 1e-10f), n.x())))));
}

// multi_output: over the channels; preserve_shape: over the last axis; otherwise over a whole sample.
void importSoftmaxOutput(Node& n) {
  if (n.flag("multi_output")) return n->set(0, softmaxOver(n, n.x(), 1));
  n->set(0, n.flag("preserve_shape") ? softmaxOver(n, n.x(), -1) : softmaxPerSample(n, n.x()));
}

void importSoftmaxActivation(Node& n) {
  n->set(0, n.text("mode", "instance") == "channel" ? softmaxOver(n, n.x(), 1) : softmaxPerSample(n, n.x()));
}

void importSoftmax(Node& n) {
  if (n.flag("use_length")) return n->unsupported("softmax over a part of its axis is not supported");
  Value x = n.x();
  if (float temperature = n.real("temperature", 1); temperature != 1)
    x = n->div(x, n->scalarLike(temperature, x));
  if (n.row().name == std::string("softmin")) x = n->unary("neg", x);
  n->set(0, n->emit("softmax", {x},
                    n->attrs()
                        .i("axis", n->axis(n.integer("axis", -1), RuleContext::rank(x)))
                        .b("log", n.row().name == std::string("log_softmax"))));
}

void importLogistic(Node& n) { n->set(0, n->unary("sigmoid", n.x())); }
void importIdentity(Node& n) { n->set(0, n.x()); }

const OperatorRow kRows[] = {
    {"BatchNorm", importBatchNorm, "", "model"},
    {"BatchNorm_v1", importBatchNorm},
    {"CuDNNBatchNorm", importBatchNorm},
    {"_contrib_SyncBatchNorm", importBatchNorm},
    {"InstanceNorm", importInstanceNorm},
    {"GroupNorm", importGroupNorm},
    {"LayerNorm", importLayerNorm},
    {"LRN", importLrn},
    {"L2Normalization", importL2Normalization},
    {"SoftmaxOutput", importSoftmaxOutput, "", "model"},
    {"Softmax", importSoftmaxOutput},
    {"SoftmaxActivation", importSoftmaxActivation, "", "model"},
    {"softmax", importSoftmax},
    {"log_softmax", importSoftmax},
    {"softmin", importSoftmax},
    {"LogisticRegressionOutput", importLogistic},
    {"LinearRegressionOutput", importIdentity},
    {"MAERegressionOutput", importIdentity},
    {"SVMOutput", importIdentity},
};
} // namespace

const OperatorTable<OperatorRow> kNormalizationOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet

// Normalisation over the batch's statistics, channels, groups and axes; softmax; dropout.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <fmt/format.h>

namespace burin::paddle {

namespace {
void importBatchNorm(Node& n) {
  if (!n.flag("is_test", true) && !n.flag("use_global_stats"))
    return n->unsupported("it is in training mode", "export the model for inference (after model.eval())");
  bool isLast = isChannelsLast(n, "data_layout");
  Value x = isLast ? channelsFirst(n.context(), n.in("X")) : n.in("X");
  Value y = n->emit("batch_norm", {x, n.in("Scale"), n.in("Bias"), n.in("Mean"), n.in("Variance")},
                    n->attrs().f("epsilon", n.real("epsilon", 1e-5f)));
  if (n.flag("fuse_with_relu")) y = n->unary("relu", y);
  n.set("Y", isLast ? channelsLast(n.context(), y) : y);
}

// Scale and bias are vectors over everything behind begin_norm_axis.
void importLayerNorm(Node& n) {
  Value x = n.in("X");
  Ints dims = RuleContext::dims(x);
  int64_t axis = n->axis(n.integer("begin_norm_axis", 1), RuleContext::rank(x));
  if (n->failed()) return;
  Ints inner(dims.begin() + axis, dims.end());
  auto shaped = [&](const char* slot) { return n.has(slot) ? n->reshape(n.in(slot), inner) : n->none(); };
  n.set("Y", n->emit("layer_norm", {x, shaped("Scale"), shaped("Bias")},
                     n->attrs().i("axis", axis).f("epsilon", n.real("epsilon", 1e-5f))));
}

Value groupNorm(Node& n, Value x, int64_t groups) {
  return n->emit("group_norm", {x, n.inOrNone("Scale"), n.inOrNone("Bias")},
                 n->attrs().i("groups", groups).f("epsilon", n.real("epsilon", 1e-5f)));
}

void importInstanceNorm(Node& n) {
  Ints dims = RuleContext::dims(n.in("X"));
  if (dims.size() < 2) return n->invalid("its input has no channels");
  n.set("Y", groupNorm(n, n.in("X"), dims[1]));
}

void importGroupNorm(Node& n) {
  bool isLast = isChannelsLast(n, "data_layout");
  Value x = isLast ? channelsFirst(n.context(), n.in("X")) : n.in("X");
  Value y = groupNorm(n, x, n.integer("groups", 1));
  n.set("Y", isLast ? channelsLast(n.context(), y) : y);
}

// x / sqrt(sum(x^2) + epsilon)
void importNorm(Node& n) {
  Value x = n.in("X");
  int64_t axis = n->axis(n.integer("axis", -1), RuleContext::rank(x));
  Value length = n->unary(
      "sqrt", n->add(n->reduce("sum_square", x, {axis}, true), n->scalarLike(n.real("epsilon", 1e-10f), x)));
  n.set("Out", n->div(x, length));
  n.set("Norm", length);
}

void importSoftmax(Node& n) {
  int64_t axis = n->axis(n.integer("axis", -1), RuleContext::rank(n.in("X")));
  n.set("Out",
        n->emit("softmax", {n.in("X")}, n->attrs().i("axis", axis).b("log", n.type() == "log_softmax")));
}

// Two ways of training, two meanings of inference: nothing, or the scale that training left out.
void importDropout(Node& n) {
  Value x = n.in("X");
  if (n.text("dropout_implementation", "downgrade_in_infer") != "upscale_in_train")
    x = n->mul(x, n->scalarLike(1.0f - n.real("dropout_prob", 0.5f), x));
  n.set("Out", x);
}

// Over neighbouring channels; alpha is not divided by the count here.
void importLrn(Node& n) {
  int64_t size = n.integer("n", 5);
  n.set("Out", n->emit("lrn", {n.in("X")},
                       n->attrs()
                           .i("size", size)
                           .f("alpha", n.real("alpha", 1e-4f) * static_cast<float>(size))
                           .f("beta", n.real("beta", 0.75f))
                           .f("bias", n.real("k", 2.0f))));
}

void importAffineChannel(Node& n) {
  bool isLast = isChannelsLast(n, "data_layout");
  Value x = n.in("X"), scale = n.in("Scale"), bias = n.in("Bias");
  int64_t rank = RuleContext::rank(x);
  if (rank < 2) return n->invalid("its input has no channels");
  Ints shape(static_cast<size_t>(isLast ? 1 : rank - 1), 1);
  shape[0] = RuleContext::dims(x)[static_cast<size_t>(isLast ? rank - 1 : 1)];
  n.set("Out", n->add(n->mul(x, n->reshape(scale, shape)), n->reshape(bias, shape)));
}

const OperatorRow kRows[] = {
    {"batch_norm", importBatchNorm, "", "model"},
    {"sync_batch_norm", importBatchNorm},
    {"layer_norm", importLayerNorm},
    {"instance_norm", importInstanceNorm},
    {"group_norm", importGroupNorm},
    {"norm", importNorm},
    {"softmax", importSoftmax, "", "model"},
    {"log_softmax", importSoftmax},
    {"dropout", importDropout, "", "model"},
    {"lrn", importLrn},
    {"affine_channel", importAffineChannel},
};
} // namespace

const OperatorTable<OperatorRow> kNormalizationOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle

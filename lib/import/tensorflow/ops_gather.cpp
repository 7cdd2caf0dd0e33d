// Entries by index.
#include "lib/import/tensorflow/operators.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
// GatherV2 with batch axes takes, for every batch, from that batch's own rows.
void importGather(RuleContext& c, Attributes& a) {
  int64_t axis = 0, batch = a.integer("batch_dims");
  if (c.type() == "GatherV2") {
    auto given = c.constantInt(2, "axis");
    if (!given) return;
    axis = *given;
  }
  axis = c.axis(axis, RuleContext::rank(c.in(0)));
  if (batch < 0) batch += RuleContext::rank(c.in(1));
  if (c.failed()) return;
  if (batch == 0) return c.set(0, c.gather(c.in(0), c.in(1), axis));
  if (batch != axis)
    return c.unsupported(fmt::format("it gathers along axis {} with {} batch axes", axis, batch));
  Value index = c.unsqueeze(c.in(1), RuleContext::rank(c.in(1)));
  c.set(0, c.emit("gather_nd", {c.in(0), c.cast(index, rt::DType::I64)}, c.attrs().i("batch_dims", batch)));
}

void importGatherNd(RuleContext& c, Attributes& a) {
  c.set(0, c.emit("gather_nd", {c.in(0), c.cast(c.in(1), rt::DType::I64)},
                  c.attrs().i("batch_dims", a.integer("batch_dims"))));
}

// Indices, updates, shape: entries that meet add up.
void importScatterNd(RuleContext& c, Attributes&) {
  auto shape = c.constantInts(2, "shape");
  if (!shape) return;
  Value zeros = c.expand(c.scalarLike(0, c.in(1)), *shape);
  c.set(0, c.emit("scatter_nd", {zeros, c.cast(c.in(0), rt::DType::I64), c.in(1)},
                  c.attrs().s("reduction", "add")));
}

void importTensorScatter(RuleContext& c, Attributes& a) {
  c.set(0, c.emit("scatter_nd", {c.in(0), c.cast(c.in(1), rt::DType::I64), c.in(2)},
                  c.attrs().s("reduction", a.variant())));
}

// Indices outside of the depth give rows of `off`; ours would count negative ones from the end.
void importOneHot(RuleContext& c, Attributes& a) {
  auto depth = c.constantInt(1, "depth");
  if (!depth) return;
  Value index = c.cast(c.in(0), rt::DType::I64);
  Value outside = c.scalar(static_cast<double>(*depth), rt::DType::I64);
  index = c.select(c.binary("less", index, c.scalar(0, rt::DType::I64)), outside, index);
  Value values = c.concat({c.reshape(c.in(3), {1}), c.reshape(c.in(2), {1})}, 0);
  int64_t axis = c.axis(a.integer("axis", -1), RuleContext::rank(index) + 1);
  c.set(0, c.emit("one_hot", {index, values}, c.attrs().i("depth", *depth).i("axis", axis)));
}

const OperatorRow kRows[] = {
    {"Gather", importGather, 2, 2},
    {"GatherV2", importGather, 3, 3},
    {"ResourceGather", importGather, 2, 2},
    {"GatherNd", importGatherNd, 2, 2},
    {"ScatterNd", importScatterNd, 3, 3},
    {"TensorScatterUpdate", importTensorScatter, 3, 3, "none"},
    {"TensorScatterAdd", importTensorScatter, 3, 3, "add"},
    {"OneHot", importOneHot, 4, 4},
};
} // namespace

const OperatorTable<OperatorRow> kGatherOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow

// Reading and writing by index, sorting, and results whose length depends on the data.
#include "lib/import/tflite/operators.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::tflite {

namespace {
// With batch axes: the axis moves behind them, nn.gather_nd reads there, and the axes that stood between move
// back in front of the indices.
void importGather(NodeContext& c) {
  const auto& o = c.options<tfl::GatherOptions>();
  Value x = c.real(0), index = c.in(1);
  const int64_t rank = NodeContext::rank(x), indexRank = NodeContext::rank(index);
  const int64_t axis = c.axis(o.axis(), rank),
                batch = o.batch_dims() < 0 ? o.batch_dims() + indexRank : o.batch_dims();
  if (c.failed()) return;
  if (batch == 0) return c.give(0, c.gather(x, index, axis));
  if (batch < 0 || batch > axis || batch > indexRank)
    return c.invalid(fmt::format("its {} batch axes do not fit axis {}", batch, axis));
  Ints front;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) front.push_back(i);
  front.insert(front.begin() + batch, axis);
  Value y = c.emit("gather_nd", {c.transpose(x, front), c.unsqueeze(index, indexRank)},
                   c.attrs().i("batch_dims", batch));
  const int64_t between = axis - batch, read = indexRank - batch;
  Ints back;
  for (int64_t i = 0; i < batch; ++i) back.push_back(i);
  for (int64_t i = 0; i < between; ++i) back.push_back(batch + read + i);
  for (int64_t i = 0; i < read; ++i) back.push_back(batch + i);
  for (int64_t i = batch + between + read; i < NodeContext::rank(y); ++i) back.push_back(i);
  c.give(0, c.transpose(y, back));
}

void importGatherNd(NodeContext& c) {
  c.give(0, c.emit("gather_nd", {c.real(0), c.in(1)}, c.attrs().i("batch_dims", 0)));
}

// Indices, table.
void importEmbeddingLookup(NodeContext& c) { c.give(0, c.gather(c.real(1), c.in(0), 0)); }

// Indices, updates, shape: updates of one place add up.
void importScatterNd(NodeContext& c) {
  auto shape = c.constantInts(2, "shape");
  if (!shape) return;
  Value updates = c.real(1);
  Value zeros = c.expand(c.scalarLike(0, updates), *shape);
  c.give(0, c.emit("scatter_nd", {zeros, c.cast(c.in(0), rt::DType::I64), updates},
                   c.attrs().s("reduction", "add")));
}

// Indices, depth, value on, value off. Indices outside the depth are off everywhere, negative ones too.
void importOneHot(NodeContext& c) {
  auto depth = c.constantInt(1, "depth");
  if (!depth) return;
  if (*depth < 1 || *depth > (int64_t(1) << 31)) return c.invalid(fmt::format("its depth is {}", *depth));
  const int64_t rank = NodeContext::rank(c.in(0)) + 1;
  const int64_t axis = c.axis(c.options<tfl::OneHotOptions>().axis(), rank);
  Value index = c.cast(c.in(0), rt::DType::I64);
  Value outside = c.binary("less", index, c.scalarLike(0, index));
  index = c.select(outside, c.scalarLike(static_cast<double>(*depth), index), index);
  Value values = c.concat({c.reshape(c.real(3), {1}), c.reshape(c.real(2), {1})}, 0);
  c.give(0, c.emit("one_hot", {index, values}, c.attrs().i("depth", *depth).i("axis", axis)));
}

// The k greatest along the last axis.
void importTopK(NodeContext& c) {
  auto k = c.constantInt(1, "k");
  if (!k) return;
  Value x = c.real(0);
  if (NodeContext::rank(x) < 1) return c.invalid("its input is a scalar");
  auto results =
      c.emitAll("topk", {x}, c.attrs().i("k", *k).i("axis", NodeContext::rank(x) - 1).b("largest", true));
  if (results.size() != 2) return;
  if (c.wants(0)) c.give(0, results[0]);
  if (c.wants(1)) c.give(1, results[1]);
}

// Coordinates of the true elements, as many rows as there are elements; rows behind them are zero.
void importWhere(NodeContext& c) {
  auto results = c.emitAll("nonzero", {c.in(0)}, c.attrs());
  if (results.size() != 2) return;
  if (!nn::isConstant(results[1]))
    return c.unsupported("the length of its result depends on the data",
                         "cut the model before it with --outputs");
  Value rows = c.transpose(results[0], {1, 0});
  c.give(0, c.slice(rows, 0, 0, nn::constantInts(results[1]).at(0)));
}

const OperatorRow kRows[] = {
    {"GATHER", importGather, 2, 2, "model"},
    {"GATHER_ND", importGatherNd, 2, 2, "model"},
    {"EMBEDDING_LOOKUP", importEmbeddingLookup, 2, 2, "fixture"},
    {"SCATTER_ND", importScatterNd, 3, 3, "fixture"},
    {"ONE_HOT", importOneHot, 4, 4, "fixture"},
    {"TOPK_V2", importTopK, 2, 2, "fixture"},
    {"WHERE", importWhere, 1, 1, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kGatherOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite

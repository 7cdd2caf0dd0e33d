// Embeddings and gathers. Indices may be floats here, as everything may.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <fmt/format.h>

namespace burin::mxnet {

namespace {
// As i64 in [0, size): cut to the ends, or counted round.
Value indexInto(Node& n, Value index, int64_t size, const std::string& mode) {
  index = n->cast(index, rt::DType::I64);
  auto number = [&](int64_t v) { return n->scalar(static_cast<double>(v), rt::DType::I64); };
  if (mode == "wrap") return n->binary("mod", index, number(size));
  return n->binary("min", n->binary("max", index, number(0)), number(size - 1));
}

void importEmbedding(Node& n) {
  Ints dims = RuleContext::dims(n->in(1));
  if (dims.size() != 2) return n->invalid("its weights are no matrix");
  n->set(0, n->gather(n->in(1), indexInto(n, n.x(), dims[0], "clip"), 0));
}

void importTake(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  int64_t axis = n->axis(n.integer("axis"), static_cast<int64_t>(dims.size()));
  if (n->failed() || dims.empty()) return n->invalid("its input is a scalar");
  Value index = indexInto(n, n->in(1), dims[static_cast<size_t>(axis)], n.text("mode", "clip"));
  n->set(0, n->gather(n.x(), index, axis));
}

// One entry of every line along an axis.
void importPick(Node& n) {
  Ints dims = RuleContext::dims(n.x()), shape = dims;
  int64_t axis = n->axis(n.integer("axis", -1), static_cast<int64_t>(dims.size()));
  if (n->failed() || dims.empty()) return n->invalid("its input is a scalar");
  shape[static_cast<size_t>(axis)] = 1;
  Value index = indexInto(n, n->in(1), dims[static_cast<size_t>(axis)], n.text("mode", "clip"));
  Value y = n->emit("gather_elements", {n.x(), n->reshape(index, shape)}, n->attrs().i("axis", axis));
  n->set(0, n.flag("keepdims") ? y : n->squeeze(y, axis));
}

// The coordinates run along the first axis of the indices, not the last.
void importGatherNd(Node& n) {
  Value index = n->cast(n->in(1), rt::DType::I64);
  Ints perm = allAxes(RuleContext::rank(index), 1);
  perm.push_back(0);
  n->set(0, n->emit("gather_nd", {n.x(), n->transpose(index, perm)}, n->attrs().i("batch_dims", 0)));
}

void importOneHot(Node& n) {
  Value values = n->constant(std::vector<float>{n.real("off_value", 0), n.real("on_value", 1)}, {2});
  auto dtype = n.dtype("dtype", rt::DType::F32);
  if (!dtype) return;
  Value y = n->emit("one_hot", {n->cast(n.x(), rt::DType::I64), values},
                    n->attrs().i("depth", n.integer("depth")).i("axis", RuleContext::rank(n.x())));
  n->set(0, n->cast(y, *dtype));
}

// Everything behind the length of each sequence becomes `value`.
void importSequenceMask(Node& n) {
  if (!n.flag("use_sequence_length")) return n->set(0, n.x());
  Ints dims = RuleContext::dims(n.x());
  int64_t time = n.integer("axis");
  if (dims.size() < 2 || (time != 0 && time != 1)) return n->invalid("its axis is not 0 or 1");
  Ints steps(dims.size(), 1), batch(dims.size(), 1), range;
  steps[static_cast<size_t>(time)] = dims[static_cast<size_t>(time)];
  batch[static_cast<size_t>(1 - time)] = dims[static_cast<size_t>(1 - time)];
  if (steps[static_cast<size_t>(time)] > int64_t(1) << 20) return n->invalid("its sequences are too long");
  for (int64_t i = 0; i < steps[static_cast<size_t>(time)]; ++i) range.push_back(i);
  Value at = n->cast(n->reshape(n->constant(range), steps), rt::DType::F32);
  Value length = n->cast(n->reshape(n->in(1), batch), rt::DType::F32);
  n->set(0, n->select(n->binary("less", at, length), n.x(), n->scalarLike(n.real("value"), n.x())));
}

const OperatorRow kRows[] = {
    {"Embedding", importEmbedding},        {"take", importTake},          {"pick", importPick},
    {"choose_element_0index", importPick}, {"gather_nd", importGatherNd}, {"one_hot", importOneHot},
    {"SequenceMask", importSequenceMask},
};
} // namespace

const OperatorTable<OperatorRow> kIndexOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet

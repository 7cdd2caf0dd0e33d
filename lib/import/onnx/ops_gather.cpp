// Reading and writing by index.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <fmt/format.h>

namespace burin::onnx {

namespace {
void importGather(NodeContext& c) {
  c.set(0, c.gather(c.in(0), c.in(1), c.axis(c.integer("axis"), NodeContext::rank(c.in(0)))));
}

void importGatherElements(NodeContext& c) {
  c.set(0, c.emit("gather_elements", {c.in(0), c.in(1)},
                  c.attrs().i("axis", c.axis(c.integer("axis"), NodeContext::rank(c.in(0))))));
}

void importGatherND(NodeContext& c) {
  c.set(0, c.emit("gather_nd", {c.in(0), c.in(1)}, c.attrs().i("batch_dims", c.integer("batch_dims"))));
}

// Scatter of opset 9 and 10 is ScatterElements without a reduction.
void importScatterElements(NodeContext& c) {
  int64_t axis = c.axis(c.integer("axis"), NodeContext::rank(c.in(0)));
  c.set(0, c.emit("scatter_elements", {c.in(0), c.in(1), c.in(2)},
                  c.attrs().i("axis", axis).s("reduction", c.text("reduction", "none"))));
}

void importScatterND(NodeContext& c) {
  c.set(0, c.emit("scatter_nd", {c.in(0), c.in(1), c.in(2)},
                  c.attrs().s("reduction", c.text("reduction", "none"))));
}

// Indices and depth may be of any numeric type.
void importOneHot(NodeContext& c) {
  auto depth = c.constantInts(1, "depth");
  if (!depth) return;
  if (depth->size() != 1) return c.invalid("its depth is not a single number");
  Value index = NodeContext::isFloat(c.in(0)) ? c.cast(c.in(0), rt::DType::I64) : c.in(0);
  int64_t axis = c.axis(c.integer("axis", -1), NodeContext::rank(index) + 1);
  c.set(0, c.emit("one_hot", {index, c.in(2)}, c.attrs().i("depth", depth->front()).i("axis", axis)));
}

} // namespace

void setCounted(NodeContext& c, int output, Value result, Value count, int64_t axis) {
  if (!result || !count || !c.wants(output)) return;
  if (nn::isConstant(count)) {
    Ints known = nn::constantInts(count);
    return c.set(output, c.slice(result, axis, 0, known.empty() ? 0 : known[0]));
  }
  c.importer().warn(
      fmt::format("{}: the number of results depends on data; the tensor has room for the most there can be, "
                  "how many are valid is in '/count'",
                  c.name()));
  ImportValue value(result);
  value.count = count;
  c.set(output, value);
}

namespace {
void importNonZero(NodeContext& c) {
  auto results = c.emitAll("nonzero", {c.in(0)}, c.attrs());
  if (!results.empty()) setCounted(c, 0, results[0], results[1], 1);
}

void importCompress(NodeContext& c) {
  bool flat = !c.hasAttribute("axis");
  int64_t axis = flat ? -1 : c.axis(c.integer("axis"), NodeContext::rank(c.in(0)));
  auto results = c.emitAll("compress", {c.in(0), c.in(1)}, c.attrs().i("axis", axis));
  if (!results.empty()) setCounted(c, 0, results[0], results[1], flat ? 0 : axis);
}

const OperatorRow kRows[] = {
    {"Gather", importGather, 2, 2},
    {"GatherElements", importGatherElements, 2, 2},
    {"GatherND", importGatherND, 2, 2},
    {"Scatter", importScatterElements, 3, 3},
    {"ScatterElements", importScatterElements, 3, 3},
    {"ScatterND", importScatterND, 3, 3},
    {"OneHot", importOneHot, 3, 3},
    {"NonZero", importNonZero, 1, 1},
    {"Compress", importCompress, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kGatherOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

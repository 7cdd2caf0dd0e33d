// Reductions, extrema and running sums along axes.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <cstring>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
// Axes became an input with opset 13 (ReduceSum) or 18 (all others). None at all means every axis, unless
// noop_with_empty_axes asks for none.
void importReduce(NodeContext& c) {
  bool isSum = std::strcmp(c.row().variant, "sum") == 0;
  Value x = c.in(0);
  int64_t rank = NodeContext::rank(x);
  bool asInput = c.opset() >= (isSum ? 13 : 18);
  if (asInput && c.has(1) && !nn::isConstant(c.in(1))) return (void)c.constantInts(1, "axes");
  Ints given = c.attributeOrInput("axes", 1, isSum ? 13 : 18).value_or(Ints());
  if (c.failed()) return;
  if (given.empty() && c.flag("noop_with_empty_axes")) return c.set(0, x);
  Ints axes = given.empty() ? allAxes(rank) : c.axes(given, rank);
  c.set(0, c.reduce(c.row().variant, x, axes, c.flag("keepdims", true)));
}

void importArgReduce(NodeContext& c) {
  int64_t axis = c.axis(c.integer("axis"), NodeContext::rank(c.in(0)));
  c.set(0, c.emit("arg_reduce", {c.in(0)},
                  c.attrs()
                      .s("fn", c.row().variant)
                      .i("axis", axis)
                      .b("keep_dims", c.flag("keepdims", true))
                      .b("select_last", c.flag("select_last_index"))));
}

void importCumSum(NodeContext& c) {
  auto given = c.constantInt(1, "axis");
  if (!given) return;
  int64_t axis = c.axis(*given, NodeContext::rank(c.in(0)));
  c.set(
      0,
      c.emit("cumsum", {c.in(0)},
             c.attrs().i("axis", axis).b("exclusive", c.flag("exclusive")).b("reverse", c.flag("reverse"))));
}

// k is an attribute before opset 10.
void importTopK(NodeContext& c) {
  int64_t k = 0;
  if (c.opset() < 10)
    k = c.integer("k");
  else if (auto given = c.has(1) ? c.constantInt(1, "k") : std::nullopt)
    k = *given;
  else
    return c.invalid("its input k is missing");
  int64_t axis = c.axis(c.integer("axis", -1), NodeContext::rank(c.in(0)));
  c.setAll(c.emitAll("topk", {c.in(0)},
                     c.attrs().i("k", k).i("axis", axis).b("largest", c.flag("largest", true))));
}

// One where the first maximum is, zero elsewhere; before opset 13 over the flattened axes from `axis` on.
void importHardmax(NodeContext& c) {
  Value x = c.in(0);
  Ints dims = NodeContext::dims(x);
  int64_t axis = c.axis(c.integer("axis", c.opset() < 13 ? 1 : -1), static_cast<int64_t>(dims.size()));
  if (c.failed()) return;
  if (c.opset() < 13) {
    size_t at = static_cast<size_t>(axis);
    x = c.reshape(x, {product(dims, 0, at), product(dims, at, dims.size())});
    axis = 1;
  }
  Value index = c.emit("arg_reduce", {x}, c.attrs().s("fn", "max").i("axis", axis).b("keep_dims", false));
  Value values = c.cast(c.constant(std::vector<float>{0, 1}, {2}), NodeContext::dtype(x));
  Value y = c.emit("one_hot", {index, values},
                   c.attrs().i("depth", NodeContext::shape(x)[static_cast<int>(axis)]).i("axis", axis));
  c.set(0, c.reshape(y, dims));
}

const OperatorRow kRows[] = {
    {"ReduceSum", importReduce, 1, 2, 1, "sum"},
    {"ReduceMean", importReduce, 1, 2, 1, "mean"},
    {"ReduceMax", importReduce, 1, 2, 1, "max"},
    {"ReduceMin", importReduce, 1, 2, 1, "min"},
    {"ReduceProd", importReduce, 1, 2, 1, "prod"},
    {"ReduceL1", importReduce, 1, 2, 1, "l1"},
    {"ReduceL2", importReduce, 1, 2, 1, "l2"},
    {"ReduceLogSum", importReduce, 1, 2, 1, "log_sum"},
    {"ReduceLogSumExp", importReduce, 1, 2, 1, "log_sum_exp"},
    {"ReduceSumSquare", importReduce, 1, 2, 1, "sum_square"},
    {"ArgMax", importArgReduce, 1, 1, 1, "max"},
    {"ArgMin", importArgReduce, 1, 1, 1, "min"},
    {"CumSum", importCumSum, 2, 2},
    {"TopK", importTopK, 1, 2},
    {"Hardmax", importHardmax, 1, 1},
};
} // namespace

const OperatorTable<OperatorRow> kReductionOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

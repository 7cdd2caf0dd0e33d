// Reductions, extrema and their places, running sums.
#include "lib/import/tensorflow/operators.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
std::optional<Ints> readAxes(RuleContext& c) {
  auto axes = c.constantInts(1, "axes");
  if (!axes) return std::nullopt;
  Ints sorted = c.axes(*axes, RuleContext::rank(c.in(0)));
  return c.failed() ? std::nullopt : std::optional(sorted);
}

// Axes that go are dropped by a reshape: the reduction itself then works in any order of the axes.
Value reduced(RuleContext& c, Attributes& a, Value x, const Ints& axes) {
  Value y = c.reduce(a.variant(), x, axes, true);
  if (a.flag("keep_dims")) return y;
  Ints shape = RuleContext::dims(x);
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) shape.erase(shape.begin() + *axis);
  return c.reshape(y, shape);
}

void importReduce(RuleContext& c, Attributes& a) {
  auto axes = readAxes(c);
  if (axes) c.set(0, reduced(c, a, c.in(0), *axes));
}

// All is the least of the truth values, Any the greatest.
void importLogicalReduce(RuleContext& c, Attributes& a) {
  auto axes = readAxes(c);
  if (!axes) return;
  c.set(0, c.cast(reduced(c, a, c.cast(c.in(0), rt::DType::I32), *axes), rt::DType::Bool));
}

void importArg(RuleContext& c, Attributes& a) {
  auto axis = c.constantInt(1, "axis");
  if (!axis) return;
  int64_t at = c.axis(*axis, RuleContext::rank(c.in(0)));
  if (c.failed()) return;
  Value y =
      c.emit("arg_reduce", {c.in(0)}, c.attrs().s("fn", a.variant()).i("axis", at).b("keep_dims", false));
  c.set(0, c.cast(y, a.type("output_type", rt::DType::I64)));
}

void importTopK(RuleContext& c, Attributes& a) {
  int64_t rank = RuleContext::rank(c.in(0)), k = a.integer("k");
  if (c.type() == "TopKV2") {
    auto given = c.constantInt(1, "k");
    if (!given) return;
    k = *given;
  }
  if (rank < 1) return c.invalid("its input is a scalar");
  auto results = c.emitAll("topk", {c.in(0)}, c.attrs().i("k", k).i("axis", rank - 1).b("largest", true));
  if (results.size() != 2) return;
  c.set(0, results[0]);
  if (c.wants(1)) c.set(1, c.cast(results[1], a.type("index_type", rt::DType::I32)));
}

void importCumSum(RuleContext& c, Attributes& a) {
  auto axis = c.constantInt(1, "axis");
  if (!axis) return;
  int64_t at = c.axis(*axis, RuleContext::rank(c.in(0)));
  c.set(0,
        c.emit("cumsum", {c.in(0)},
               c.attrs().i("axis", at).b("exclusive", a.flag("exclusive")).b("reverse", a.flag("reverse"))));
}

const OperatorRow kRows[] = {
    {"Mean", importReduce, 2, 2, "mean"},
    {"Sum", importReduce, 2, 2, "sum", "model"},
    {"Max", importReduce, 2, 2, "max", "model"},
    {"Min", importReduce, 2, 2, "min"},
    {"Prod", importReduce, 2, 2, "prod"},
    {"EuclideanNorm", importReduce, 2, 2, "l2"},
    {"All", importLogicalReduce, 2, 2, "min"},
    {"Any", importLogicalReduce, 2, 2, "max"},
    {"ArgMax", importArg, 2, 2, "max"},
    {"ArgMin", importArg, 2, 2, "min"},
    {"TopK", importTopK, 1, 1, "", "fixture", "values indices"},
    {"TopKV2", importTopK, 2, 2, "", "fixture", "values indices"},
    {"Cumsum", importCumSum, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kReductionOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow

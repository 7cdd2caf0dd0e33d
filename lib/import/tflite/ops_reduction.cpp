// Reductions over axes, positions of extrema, running sums.
#include "lib/import/tflite/operators.h"

namespace burin::tflite {

namespace {
void importReduce(NodeContext& c) {
  auto given = c.constantInts(1, "axes");
  if (!given) return;
  Value x = c.real(0);
  Ints axes = c.axes(*given, NodeContext::rank(x));
  c.give(0, c.reduce(c.row().variant, x, axes, c.options<tfl::ReducerOptions>().keep_dims()));
}

// The first extremum.
void importArg(NodeContext& c) {
  auto given = c.constantInt(1, "axis");
  if (!given) return;
  Value x = c.real(0);
  const int64_t axis = c.axis(*given, NodeContext::rank(x));
  c.give(0,
         c.emit("arg_reduce", {x}, c.attrs().s("fn", c.row().variant).i("axis", axis).b("keep_dims", false)));
}

void importCumsum(NodeContext& c) {
  auto given = c.constantInt(1, "axis");
  if (!given) return;
  const auto& o = c.options<tfl::CumsumOptions>();
  Value x = c.real(0);
  const int64_t axis = c.axis(*given, NodeContext::rank(x));
  c.give(0, c.emit("cumsum", {x},
                   c.attrs().i("axis", axis).b("exclusive", o.exclusive()).b("reverse", o.reverse())));
}

const OperatorRow kRows[] = {
    {"MEAN", importReduce, 2, 2, "model", "mean"},
    {"SUM", importReduce, 2, 2, "fixture", "sum"},
    {"REDUCE_PROD", importReduce, 2, 2, "fixture", "prod"},
    {"REDUCE_MAX", importReduce, 2, 2, "fixture", "max"},
    {"REDUCE_MIN", importReduce, 2, 2, "fixture", "min"},
    {"REDUCE_ANY", importReduce, 2, 2, "fixture", "max"},
    {"REDUCE_ALL", importReduce, 2, 2, "fixture", "min"},
    {"ARG_MAX", importArg, 2, 2, "model", "max"},
    {"ARG_MIN", importArg, 2, 2, "fixture", "min"},
    {"CUMSUM", importCumsum, 2, 2, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kReductionOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite

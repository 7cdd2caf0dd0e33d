// Sums over trailing axes and the places of the largest values.
#include "lib/import/caffe/operators.h"
#include "lib/import/caffe/rules.h"

#include <fmt/format.h>

namespace burin::caffe {

Ints axesFrom(int64_t first, int64_t rank) {
  Ints axes;
  for (int64_t i = first; i < rank; ++i) axes.push_back(i);
  return axes;
}

namespace {
void importReduction(LayerContext& c) {
  static constexpr const char* kFunctions[] = {"", "sum", "l1", "sum_square", "mean"};
  const int kind = c.params.choice("operation", {"", "SUM", "ASUM", "SUMSQ", "MEAN"}, 1);
  const int64_t axis = c.axis("axis", 0);
  if (kind == 0) return c.op.invalid("operation is 0");
  Value y = c.op.reduce(kFunctions[kind], c.x, axesFrom(axis, c.rank()), false);
  c.op.set(0, scaled(c.op, y, c.params.real("coeff", 1)));
}

struct Best {
  Value values, places; // along the axis; places as numbers
};

// Caffe sorts (value, place) pairs, so the later of two equal values comes first: reversed, the earlier one
// does.
Best largest(LayerContext& c, Value x, int64_t axis, int64_t count) {
  const int64_t size = RuleContext::dims(x)[static_cast<size_t>(axis)];
  Value reversed = c.op.slice(x, axis, size - 1, size, -1);
  auto found =
      c.op.emitAll("topk", {reversed}, c.op.attrs().i("k", count).i("axis", axis).b("largest", true));
  if (found.size() != 2) return {};
  Value places = c.op.cast(found[1], rt::DType::F32);
  return {found[0], c.op.sub(c.op.scalar(static_cast<double>(size - 1), rt::DType::F32), places)};
}

Best best(LayerContext& c, Value x, int64_t axis, int64_t count, bool wantsValues) {
  if (count != 1 || wantsValues) return largest(c, x, axis, count);
  Value place =
      c.op.emit("arg_reduce", {x},
                c.op.attrs().s("fn", "max").i("axis", axis).b("keep_dims", true).b("select_last", true));
  return {{}, c.op.cast(place, rt::DType::F32)};
}

// Without an axis over everything but the batch: [N, 1 or 2, top_k, 1 ...], places before values.
void importArgMax(LayerContext& c) {
  const bool wantsValues = c.params.flag("out_max_val", false), hasAxis = c.params.has("axis");
  const int64_t count = c.params.integer("top_k", 1), axis = hasAxis ? c.axis("axis", 0) : 1;
  if (c.op.failed()) return;
  Ints dims = c.dims();
  if (dims.empty()) return c.op.invalid("its input is a single number");
  int64_t each = 1;
  for (size_t i = 1; i < dims.size(); ++i) each *= dims[i];
  const int64_t among = hasAxis ? dims[static_cast<size_t>(axis)] : each;
  if (count < 1 || count > among) return c.op.invalid(fmt::format("top_k is {} of {}", count, among));
  if (hasAxis) {
    Best found = best(c, c.x, axis, count, wantsValues);
    return c.op.set(0, wantsValues ? found.values : found.places);
  }
  Best found = best(c, c.op.reshape(c.x, {dims[0], each}), 1, count, wantsValues);
  Ints shape(std::max<size_t>(dims.size(), 3), 1);
  shape[0] = dims[0], shape[2] = count;
  Value y = c.op.reshape(found.places, shape);
  if (wantsValues) y = c.op.concat({y, c.op.reshape(found.values, shape)}, 1);
  c.op.set(0, y);
}

const LayerRow kRows[] = {
    {"Reduction", importReduction, "reduction_param", 1, 1, "fixture"},
    {"ArgMax", importArgMax, "argmax_param", 1, 1, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kReductionLayers = {kRows, std::size(kRows)};

} // namespace burin::caffe

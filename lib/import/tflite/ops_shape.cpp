// Shapes as data, and tensors made from nothing: all of it is known while importing.
#include "lib/import/tflite/operators.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::tflite {

namespace {
void importShape(NodeContext& c) {
  c.give(0, c.cast(c.constant(NodeContext::dims(c.in(0))), c.outputType(0)));
}

void importRank(NodeContext& c) {
  c.give(0, c.scalar(static_cast<double>(NodeContext::rank(c.in(0))), rt::DType::I32));
}

void importFill(NodeContext& c) {
  auto shape = c.constantInts(0, "shape");
  if (shape) c.give(0, c.expand(c.real(1), *shape));
}

constexpr double kMaxRange = 1 << 24;

// Start, limit, delta.
void importRange(NodeContext& c) {
  if (NodeContext::isFloat(c.in(0))) {
    auto start = c.constantFloat(0, "start"), limit = c.constantFloat(1, "limit"),
         delta = c.constantFloat(2, "delta");
    if (!start || !limit || !delta) return;
    const double count = *delta == 0 ? -1 : std::ceil((double(*limit) - *start) / *delta);
    if (!(count <= kMaxRange) || *delta == 0) return c.invalid("its range is endless or too long");
    std::vector<float> values;
    for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
      values.push_back(*start + static_cast<float>(i) * *delta);
    return c.give(0, c.constant(values, {static_cast<int64_t>(values.size())}));
  }
  auto start = c.constantInt(0, "start"), limit = c.constantInt(1, "limit"),
       delta = c.constantInt(2, "delta");
  if (!start || !limit || !delta) return;
  const double count = *delta == 0 ? -1
                                   : std::ceil((static_cast<double>(*limit) - static_cast<double>(*start)) /
                                               static_cast<double>(*delta));
  if (*delta == 0 || count > kMaxRange) return c.invalid("its range is endless or too long");
  Ints values;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) values.push_back(*start + i * *delta);
  c.give(0, c.cast(c.constant(values), NodeContext::dtype(c.in(0))));
}

// The shape that two shapes broadcast to.
void importBroadcastArgs(NodeContext& c) {
  auto a = c.constantInts(0, "shape"), b = c.constantInts(1, "shape");
  if (!a || !b) return;
  if (a->size() < b->size()) std::swap(a, b);
  const size_t lead = a->size() - b->size();
  for (size_t i = 0; i < b->size(); ++i) {
    int64_t& d = (*a)[i + lead];
    if (d != (*b)[i] && d != 1 && (*b)[i] != 1) return c.invalid("its shapes do not broadcast");
    if (d == 1) d = (*b)[i];
  }
  c.give(0, c.cast(c.constant(*a), c.outputType(0)));
}

const OperatorRow kRows[] = {
    {"SHAPE", importShape, 1, 1, "model"},
    {"RANK", importRank, 1, 1, "fixture"},
    {"FILL", importFill, 2, 2, "fixture"},
    {"RANGE", importRange, 3, 3, "fixture"},
    {"BROADCAST_ARGS", importBroadcastArgs, 2, 2, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kShapeOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite

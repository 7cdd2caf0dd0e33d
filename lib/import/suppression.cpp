#include "lib/import/suppression.h"

namespace burin {

Value keptBoxes(RuleContext& c, Value boxes, Value scores, float iou, float threshold) {
  if (RuleContext::rank(boxes) != 3 || RuleContext::rank(scores) != 3) {
    c.invalid("its boxes or scores have another number of dimensions than 3");
    return {};
  }
  Ints shape = RuleContext::dims(scores);
  int64_t cells = shape[0] * shape[1] * shape[2];
  auto results = c.emitAll("nms", {boxes, scores},
                           c.attrs()
                               .i("max_output", shape[2])
                               .f("iou_threshold", iou)
                               .f("score_threshold", threshold)
                               .b("center_point_box", false));
  if (results.size() != 2) return {};
  // Rows (batch, class, box) mark their cell; unused rows, which hold -1, mark one behind the end.
  Value rows = results[0];
  Value cell = c.reduce("sum", c.mul(rows, c.constant(Ints{shape[1] * shape[2], shape[2], 1})), {1}, true);
  cell = c.select(c.binary("less", cell, c.scalarLike(0, cell)),
                  c.scalar(static_cast<double>(cells), rt::DType::I64), cell);
  Value none = c.expand(c.scalar(0, rt::DType::F32), {cells + 1});
  Value ones = c.expand(c.scalar(1, rt::DType::F32), {RuleContext::dims(rows).front()});
  Value marks = c.emit("scatter_nd", {none, cell, ones}, c.attrs().s("reduction", "none"));
  return c.cast(c.reshape(c.slice(marks, 0, 0, cells), shape), rt::DType::Bool);
}

Value pickRows(RuleContext& c, Value x, Value index) {
  Ints shape = RuleContext::dims(index), dims = RuleContext::dims(x);
  if (shape.size() != 2 || dims.size() < 2) {
    c.invalid("its rows cannot be picked by this index");
    return {};
  }
  Ints column = shape;
  column.push_back(1);
  return c.emit("gather_nd", {x, c.reshape(index, column)}, c.attrs().i("batch_dims", 1));
}

namespace {
// First and second half of the last axis, which is 4 long.
std::pair<Value, Value> halves(RuleContext& c, Value boxes) {
  int64_t last = RuleContext::rank(boxes) - 1;
  return {c.slice(boxes, last, 0, 2), c.slice(boxes, last, 2, 2)};
}
} // namespace

Value cornersFromCentres(RuleContext& c, Value boxes) {
  auto [centre, size] = halves(c, boxes);
  Value half = c.mul(size, c.scalarLike(0.5, boxes));
  return c.concat({c.sub(centre, half), c.add(centre, half)}, RuleContext::rank(boxes) - 1);
}

Value centresFromCorners(RuleContext& c, Value boxes) {
  auto [low, high] = halves(c, boxes);
  Value centre = c.mul(c.add(low, high), c.scalarLike(0.5, boxes));
  return c.concat({centre, c.sub(high, low)}, RuleContext::rank(boxes) - 1);
}

} // namespace burin

// NonMaxSuppression and RoiAlign.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
// The result has room for every box that could be kept, invalid rows hold -1; the count goes with it.
void importNonMaxSuppression(NodeContext& c) {
  auto limit = c.has(2) ? c.constantInt(2, "max_output_boxes_per_class") : 0;
  auto overlap = c.has(3) ? c.constantFloat(3, "iou_threshold") : 0.0f;
  auto score = c.has(4) ? c.constantFloat(4, "score_threshold") : std::nullopt;
  if (c.failed() || !limit || !overlap) return;
  nn::AttrList list = c.attrs();
  list.i("max_output", std::clamp<int64_t>(*limit, 0, int64_t(1) << 31))
      .f("iou_threshold", *overlap)
      .b("center_point_box", c.flag("center_point_box"));
  if (score) list.f("score_threshold", *score);
  auto results = c.emitAll("nms", {c.in(0), c.in(1)}, list);
  if (results.size() != 2) return;
  if (nn::isConstant(results[1]))
    return c.set(0, c.slice(results[0], 0, 0, nn::constantInts(results[1]).at(0)));
  ImportValue value(results[0]);
  value.count = results[1];
  c.set(0, value);
}

void importRoiAlign(NodeContext& c) {
  std::string mode =
      c.text("coordinate_transformation_mode", c.opset() < 16 ? "output_half_pixel" : "half_pixel");
  if (mode != "half_pixel" && mode != "output_half_pixel")
    return c.invalid(fmt::format("attribute 'coordinate_transformation_mode' is '{}'", mode));
  c.set(0, c.emit("roi_align", {c.in(0), c.in(1), c.in(2)},
                  c.attrs()
                      .s("mode", c.text("mode", "avg"))
                      .ints("sizes", {c.integer("output_height", 1), c.integer("output_width", 1)})
                      .i("sampling_ratio", c.integer("sampling_ratio"))
                      .f("spatial_scale", c.real("spatial_scale", 1))
                      .b("half_pixel", mode == "half_pixel")));
}

const OperatorRow kRows[] = {
    {"NonMaxSuppression", importNonMaxSuppression, 2, 5},
    {"RoiAlign", importRoiAlign, 3, 3},
};
} // namespace

const OperatorTable<OperatorRow> kDetectionOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

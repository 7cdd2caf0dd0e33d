// Ops that compute with indices, and those whose result's size depends on the data.
#include "lib/export/op_writer.h"

namespace burin::onnx_export {

namespace {
Attributes axisOf(const OpWriter& w) { return {{"axis", w.integer("axis")}}; }

// Some operators of ONNX take indices of 64 bits only.
std::string wideIndices(OpWriter& w, size_t operand) {
  if (w.dtype(operand) == rt::DType::I64) return w.in[operand];
  return w.make("Cast", {w.in[operand]}, {{"to", int64_t(onnxType(rt::DType::I64))}}, "indices");
}

bool gather(OpWriter& w) {
  w.write("Gather", {w.in[0], w.in[1]}, axisOf(w));
  return true;
}
bool gatherElements(OpWriter& w) {
  w.write("GatherElements", {w.in[0], w.in[1]}, axisOf(w));
  return true;
}
bool gatherND(OpWriter& w) {
  w.write("GatherND", {w.in[0], wideIndices(w, 1)}, {{"batch_dims", w.integer("batch_dims")}});
  return true;
}
bool scatterElements(OpWriter& w) {
  w.write("ScatterElements", {w.in[0], w.in[1], w.in[2]},
          {{"axis", w.integer("axis")}, {"reduction", w.text("reduction")}});
  return true;
}
bool scatterND(OpWriter& w) {
  w.write("ScatterND", {w.in[0], wideIndices(w, 1), w.in[2]}, {{"reduction", w.text("reduction")}});
  return true;
}
bool oneHot(OpWriter& w) {
  w.write("OneHot", {w.in[0], w.graph.integer(w.out[0] + "/depth", w.integer("depth")), w.in[1]}, axisOf(w));
  return true;
}

bool gridSample(OpWriter& w) {
  std::string mode = w.text("mode");
  if (w.graph.opset() < 20) mode = mode == "linear" ? "bilinear" : mode == "cubic" ? "bicubic" : mode;
  w.write(
      "GridSample", {w.in[0], w.in[1]},
      {{"mode", mode}, {"padding_mode", w.text("padding")}, {"align_corners", w.integer("align_corners")}});
  return true;
}

bool roiAlign(OpWriter& w) {
  std::vector<int64_t> sizes = w.ints("sizes");
  w.write("RoiAlign", {w.in[0], w.in[1], wideIndices(w, 2)},
          {{"mode", w.text("mode")},
           {"output_height", sizes[0]},
           {"output_width", sizes[1]},
           {"sampling_ratio", w.integer("sampling_ratio")},
           {"spatial_scale", w.real("spatial_scale")},
           {"coordinate_transformation_mode",
            std::string(w.integer("half_pixel") ? "half_pixel" : "output_half_pixel")}});
  return true;
}

// `found` has a data-dependent length along `axis`: filled to the static size, and the length itself.
void fixedSize(OpWriter& w, const std::string& found, int64_t axis, double filler) {
  std::vector<int64_t> shape = w.resultShape();
  const std::vector<int64_t> axes = {axis}, begin = {0}, end = {shape[axis]}, after = {axis + 1};
  std::string extents = w.make("Shape", {found});
  w.write("Slice", {extents, w.constInts("axis", axes), w.constInts("axis_end", after)}, {w.out[1]}, {});
  std::string padding =
      w.make("Expand", {w.constLike("filler", w.resultDType(), filler), w.constInts("shape", shape)});
  std::string all = w.make("Concat", {found, padding}, {{"axis", axis}});
  w.write("Slice", {all, w.constInts("begin", begin), w.constInts("end", end), w.constInts("axes", axes)});
}

bool nonZero(OpWriter& w) {
  fixedSize(w, w.make("NonZero", {w.in[0]}), 1, 0);
  return true;
}

bool compress(OpWriter& w) {
  const int64_t axis = w.integer("axis");
  Attributes attributes;
  if (axis >= 0) attributes.push_back({"axis", axis});
  fixedSize(w, w.make("Compress", {w.in[0], w.in[1]}, attributes), std::max<int64_t>(axis, 0), 0);
  return true;
}

bool nonMaxSuppression(OpWriter& w) {
  std::string scores =
      w.has("score_threshold")
          ? w.graph.floats(w.out[0] + "/score_threshold", std::vector<float>{w.real("score_threshold")}, {1})
          : "";
  std::string found = w.make(
      "NonMaxSuppression",
      {w.in[0], w.in[1], w.constInts("max_output", std::vector<int64_t>{w.integer("max_output")}),
       w.graph.floats(w.out[0] + "/iou_threshold", std::vector<float>{w.real("iou_threshold")}, {1}), scores},
      {{"center_point_box", w.integer("center_point_box")}});
  fixedSize(w, found, 0, -1);
  return true;
}

constexpr HandlerEntry kHandlers[] = {{"gather", gather},          {"gather_elements", gatherElements},
                                      {"gather_nd", gatherND},     {"scatter_elements", scatterElements},
                                      {"scatter_nd", scatterND},   {"one_hot", oneHot},
                                      {"grid_sample", gridSample}, {"roi_align", roiAlign},
                                      {"nonzero", nonZero},        {"compress", compress},
                                      {"nms", nonMaxSuppression}};
} // namespace

std::span<const HandlerEntry> indexingHandlers() { return kHandlers; }

} // namespace burin::onnx_export

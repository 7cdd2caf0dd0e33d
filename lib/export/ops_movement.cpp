// Ops that move elements: shapes, slices, pads, resizing.
#include "lib/export/op_writer.h"

#include <algorithm>
#include <cmath>

namespace burin::onnx_export {

namespace {
bool reshape(OpWriter& w) {
  std::vector<int64_t> shape = w.ints("shape");
  const bool zeros = std::find(shape.begin(), shape.end(), 0) != shape.end();
  w.write("Reshape", {w.in[0], w.constInts("shape", shape)}, {{"allowzero", int64_t(zeros)}});
  return true;
}

bool transpose(OpWriter& w) {
  w.write("Transpose", {w.in[0]}, {{"perm", w.ints("perm")}});
  return true;
}

bool slice(OpWriter& w) {
  std::vector<int64_t> starts = w.ints("starts"), sizes = w.ints("sizes"), steps = w.ints("steps"),
                       ends(starts.size()), axes(starts.size());
  for (size_t i = 0; i < starts.size(); ++i) {
    axes[i] = static_cast<int64_t>(i);
    ends[i] = sizes[i] == 0 ? starts[i] : starts[i] + (sizes[i] - 1) * steps[i] + (steps[i] > 0 ? 1 : -1);
    // Before the first element: -1 would count from the end.
    if (sizes[i] != 0 && ends[i] < 0) ends[i] = std::numeric_limits<int32_t>::min();
  }
  w.write("Slice", {w.in[0], w.constInts("starts", starts), w.constInts("ends", ends),
                    w.constInts("axes", axes), w.constInts("steps", steps)});
  return true;
}

bool concat(OpWriter& w) {
  w.write("Concat", w.in, {{"axis", w.integer("axis")}});
  return true;
}

bool pad(OpWriter& w) {
  std::string mode = w.text("mode");
  std::string value =
      mode == "constant" && w.has("value") ? w.constLike("value", w.resultDType(), w.real("value")) : "";
  w.write("Pad", {w.in[0], w.constInts("pads", w.ints("pads")), value}, {{"mode", mode}});
  return true;
}

bool expand(OpWriter& w) {
  w.write("Expand", {w.in[0], w.constInts("shape", w.ints("shape"))});
  return true;
}

bool tile(OpWriter& w) {
  w.write("Tile", {w.in[0], w.constInts("repeats", w.ints("repeats"))});
  return true;
}

// ONNX derives the sizes from the scales (rounded down), or the scales from the sizes.
bool scalesGiveSizes(const std::vector<int64_t>& x, const std::vector<float>& scales,
                     const std::vector<int64_t>& sizes) {
  if (scales.size() != x.size()) return false;
  for (size_t i = 0; i < x.size(); ++i)
    if (static_cast<int64_t>(std::floor(static_cast<float>(x[i]) * scales[i])) != sizes[i]) return false;
  return true;
}
bool sizesGiveScales(const std::vector<int64_t>& x, const std::vector<float>& scales,
                     const std::vector<int64_t>& sizes) {
  constexpr double kRounding = 1e-3; // of a scale that was stated as a float
  for (size_t i = 0; i < scales.size(); ++i)
    if (std::abs(static_cast<double>(x[i]) * scales[i] - static_cast<double>(sizes[i])) > kRounding)
      return false;
  return true;
}

bool resize(OpWriter& w) {
  std::string coordinate = w.text("coordinate");
  std::vector<int64_t> sizes = w.ints("sizes");
  std::vector<float> scales = w.floats("scales"), roi = w.floats("roi");
  Attributes attributes = {{"mode", w.text("mode")}, {"coordinate_transformation_mode", coordinate}};
  if (w.has("nearest")) attributes.push_back({"nearest_mode", w.text("nearest")});
  if (w.has("cubic_a")) attributes.push_back({"cubic_coeff_a", w.real("cubic_a")});
  if (w.has("exclude_outside")) attributes.push_back({"exclude_outside", w.integer("exclude_outside")});
  if (w.has("antialias")) attributes.push_back({"antialias", w.integer("antialias")});
  if (w.has("extrapolation")) attributes.push_back({"extrapolation_value", w.real("extrapolation")});
  const int64_t rank = static_cast<int64_t>(sizes.size());
  std::string region =
      roi.empty() ? "" : w.graph.floats(w.out[0] + "/roi", roi, {static_cast<int64_t>(roi.size())});
  if (scalesGiveSizes(w.shape(0), scales, sizes))
    w.write("Resize", {w.in[0], region, w.graph.floats(w.out[0] + "/scales", scales, {rank})}, attributes);
  else if (!sizesGiveScales(w.shape(0), scales, sizes))
    return false;
  else
    w.write("Resize", {w.in[0], region, "", w.constInts("sizes", sizes)}, attributes);
  return true;
}

bool depthToSpace(OpWriter& w) {
  std::string mode = w.text("mode");
  std::transform(mode.begin(), mode.end(), mode.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  w.write("DepthToSpace", {w.in[0]}, {{"blocksize", w.integer("block")}, {"mode", mode}});
  return true;
}
bool spaceToDepth(OpWriter& w) {
  w.write("SpaceToDepth", {w.in[0]}, {{"blocksize", w.integer("block")}});
  return true;
}

bool triangle(OpWriter& w) {
  w.write("Trilu", {w.in[0], w.graph.integer(w.out[0] + "/k", w.integer("k"))},
          {{"upper", w.integer("upper")}});
  return true;
}

bool reverseSequence(OpWriter& w) {
  w.write("ReverseSequence", {w.in[0], w.in[1]},
          {{"batch_axis", w.integer("batch_axis")}, {"time_axis", w.integer("time_axis")}});
  return true;
}

constexpr HandlerEntry kHandlers[] = {{"reshape", reshape},
                                      {"transpose", transpose},
                                      {"slice", slice},
                                      {"concat", concat},
                                      {"pad", pad},
                                      {"expand", expand},
                                      {"tile", tile},
                                      {"resize", resize},
                                      {"depth_to_space", depthToSpace},
                                      {"space_to_depth", spaceToDepth},
                                      {"trilu", triangle},
                                      {"reverse_sequence", reverseSequence}};
} // namespace

std::span<const HandlerEntry> movementHandlers() { return kHandlers; }

} // namespace burin::onnx_export

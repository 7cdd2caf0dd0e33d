// Resize in all its versions, Upsample, and sampling by a grid.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
struct ResizeTarget {
  Ints sizes;
  std::vector<float> scales;
};

// Output sizes are floor(in * scale), the product in float32 as ONNX Runtime computes it.
std::optional<ResizeTarget> scaledTarget(NodeContext& c, const Ints& dims, const std::vector<float>& scales,
                                         const std::vector<float>& extents) {
  ResizeTarget target{{}, scales};
  for (size_t i = 0; i < dims.size(); ++i) {
    float size = std::floor(static_cast<float>(dims[i]) * extents[i] * scales[i]);
    if (!(scales[i] > 0) || !(size >= 0 && size < 1e9f)) {
      c.invalid(fmt::format("its scale {} is not possible for a dimension of {}", scales[i], dims[i]));
      return std::nullopt;
    }
    target.sizes.push_back(static_cast<int64_t>(size));
  }
  return target;
}

std::optional<ResizeTarget> sizedTarget(NodeContext& c, const Ints& dims, Ints sizes, const Ints& axes) {
  std::string policy = c.text("keep_aspect_ratio_policy", "stretch");
  ResizeTarget target{dims, std::vector<float>(dims.size(), 1.0f)};
  double common = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    double in = static_cast<double>(dims[static_cast<size_t>(axes[i])]);
    if (sizes[i] < 1 || sizes[i] > int64_t(1) << 31 || in < 1) {
      c.invalid(fmt::format("its size {} is not possible", sizes[i]));
      return std::nullopt;
    }
    double ratio = static_cast<double>(sizes[i]) / in;
    common = i == 0 ? ratio : policy == "not_larger" ? std::min(common, ratio) : std::max(common, ratio);
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    size_t axis = static_cast<size_t>(axes[i]);
    double in = static_cast<double>(dims[axis]);
    if (policy != "stretch") {
      double size = std::floor(common * in + 0.5);
      if (!(size >= 1 && size < 1e9)) {
        c.invalid("its aspect ratio gives no possible size");
        return std::nullopt;
      }
      sizes[i] = static_cast<int64_t>(size);
    }
    target.sizes[axis] = sizes[i];
    target.scales[axis] =
        static_cast<float>(policy == "stretch" ? static_cast<double>(sizes[i]) / in : common);
  }
  return target;
}

// tf_half_pixel_for_nn samples at (i + 0.5) / scale, half a pixel behind half_pixel: the shift goes into the
// rounding.
bool resolveTfHalfPixel(NodeContext& c, std::string& coordinate, std::string& nearest,
                        const std::string& mode) {
  if (coordinate != "tf_half_pixel_for_nn") return true;
  coordinate = "half_pixel";
  if (mode == "nearest" && nearest == "floor")
    nearest = "round_prefer_ceil";
  else if (mode == "nearest" && nearest == "round_prefer_floor")
    nearest = "ceil";
  else
    c.unsupported(fmt::format("tf_half_pixel_for_nn with mode {} and {} is not supported", mode, nearest));
  return !c.failed();
}

void emitResize(NodeContext& c, const ResizeTarget& target, const std::vector<float>& roi) {
  std::string mode = c.text("mode", "nearest"), nearest = c.text("nearest_mode", "round_prefer_floor");
  std::string coordinate = c.text("coordinate_transformation_mode", "half_pixel");
  if (!resolveTfHalfPixel(c, coordinate, nearest, mode)) return;
  nn::AttrList list = c.attrs();
  list.s("mode", mode)
      .ints("sizes", target.sizes)
      .floats("scales", target.scales)
      .s("coordinate", coordinate);
  if (mode == "nearest") list.s("nearest", nearest);
  if (mode == "cubic") list.f("cubic_a", c.real("cubic_coeff_a", -0.75f));
  if (c.flag("exclude_outside")) list.b("exclude_outside", true);
  if (c.flag("antialias")) list.b("antialias", true);
  if (coordinate == "tf_crop_and_resize")
    list.floats("roi", roi).f("extrapolation", c.real("extrapolation_value"));
  c.set(0, c.emit("resize", {c.in(0)}, list));
}

// Begin and end of every axis; the whole input where nothing is said.
std::optional<std::vector<float>> readRoi(NodeContext& c, const Ints& axes, size_t rank) {
  std::vector<float> roi(2 * rank, 0.0f);
  std::fill(roi.begin() + static_cast<long>(rank), roi.end(), 1.0f);
  if (c.text("coordinate_transformation_mode") != "tf_crop_and_resize" || !c.has(1)) return roi;
  auto given = c.constantFloats(1, "roi");
  if (!given) return std::nullopt;
  if (given->size() != 2 * axes.size()) {
    c.invalid(fmt::format("its roi has {} entries, {} are needed", given->size(), 2 * axes.size()));
    return std::nullopt;
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    roi[static_cast<size_t>(axes[i])] = (*given)[i];
    roi[static_cast<size_t>(axes[i]) + rank] = (*given)[i + axes.size()];
  }
  return roi;
}

bool isGiven(NodeContext& c, int i) { return c.has(i) && NodeContext::dims(c.in(i)) != Ints{0}; }

// Opset 11 and later: X, roi, scales, sizes; since 18 for some axes only.
void importResize11(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  Ints axes = c.ints("axes", allAxes(static_cast<int64_t>(dims.size())));
  for (int64_t& axis : axes) axis = c.axis(axis, static_cast<int64_t>(dims.size()));
  if (c.failed()) return;
  auto roi = readRoi(c, axes, dims.size());
  if (!roi) return;
  std::optional<ResizeTarget> target;
  if (isGiven(c, 3)) {
    auto sizes = c.constantInts(3, "sizes");
    if (!sizes) return;
    if (sizes->size() != axes.size())
      return c.invalid(fmt::format("it has {} sizes for {} axes", sizes->size(), axes.size()));
    target = sizedTarget(c, dims, *sizes, axes);
  } else if (isGiven(c, 2)) {
    auto given = c.constantFloats(2, "scales");
    if (!given) return;
    if (given->size() != axes.size())
      return c.invalid(fmt::format("it has {} scales for {} axes", given->size(), axes.size()));
    std::vector<float> scales(dims.size(), 1.0f), extents(dims.size(), 1.0f);
    for (size_t i = 0; i < axes.size(); ++i) scales[static_cast<size_t>(axes[i])] = (*given)[i];
    if (c.text("coordinate_transformation_mode") == "tf_crop_and_resize")
      for (size_t i = 0; i < dims.size(); ++i) extents[i] = (*roi)[i + dims.size()] - (*roi)[i];
    target = scaledTarget(c, dims, scales, extents);
  } else {
    return c.invalid("it has neither scales nor sizes");
  }
  if (target) emitResize(c, *target, *roi);
}

// Resize of opset 10 and Upsample: out[i] samples in[i / scale]; nearest rounds down (up when it shrinks), as
// ONNX Runtime and the exporters of that time do.
void importResize10(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  std::vector<float> scales;
  if (c.type() == "Upsample" && c.opset() < 7) {
    scales = {1, 1, c.real("height_scale"), c.real("width_scale")};
  } else if (c.type() == "Upsample" && c.opset() < 9) {
    scales = c.floats("scales");
  } else {
    if (!c.has(1)) return c.invalid("its scales are missing");
    auto given = c.constantFloats(1, "scales");
    if (!given) return;
    scales = *given;
  }
  if (scales.size() != dims.size())
    return c.invalid(fmt::format("it has {} scales for {} axes", scales.size(), dims.size()));
  auto target = scaledTarget(c, dims, scales, std::vector<float>(dims.size(), 1.0f));
  if (!target) return;
  std::string mode = c.text("mode", "nearest");
  if (mode == "bilinear" || mode == "trilinear") mode = "linear";
  bool shrinks = std::any_of(scales.begin(), scales.end(), [](float s) { return s < 1; });
  nn::AttrList list = c.attrs();
  list.s("mode", mode)
      .ints("sizes", target->sizes)
      .floats("scales", target->scales)
      .s("coordinate", "asymmetric");
  if (mode == "nearest") list.s("nearest", shrinks ? "ceil" : "floor");
  c.set(0, c.emit("resize", {c.in(0)}, list));
}

void importResize(NodeContext& c) {
  return c.type() == "Upsample" || c.opset() < 11 ? importResize10(c) : importResize11(c);
}

// Modes were renamed with opset 20.
void importGridSample(NodeContext& c) {
  std::string mode = c.text("mode", "linear");
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  c.set(0, c.emit("grid_sample", {c.in(0), c.in(1)},
                  c.attrs()
                      .s("mode", mode)
                      .s("padding", c.text("padding_mode", "zeros"))
                      .b("align_corners", c.flag("align_corners"))));
}

// Coordinates of the output pixels, in [-1, 1], moved by theta: [N, s, s+1] x [s+1, pixels].
void importAffineGrid(NodeContext& c) {
  auto size = c.constantInts(1, "size");
  if (!size) return;
  size_t spatial = size->size() >= 2 ? size->size() - 2 : 0;
  if (spatial < 2 || spatial > 3) return c.invalid("its size does not name 2 or 3 spatial axes");
  int64_t pixels = 1;
  for (size_t i = 2; i < size->size(); ++i) {
    if ((*size)[i] < 1 || (*size)[i] > 65536 || pixels > int64_t(1) << 22)
      return c.invalid(fmt::format("its size holds {}", (*size)[i]));
    pixels *= (*size)[i];
  }
  if (pixels > int64_t(1) << 22) return c.invalid("its size is too big");
  bool corners = c.flag("align_corners");
  std::vector<float> base(static_cast<size_t>(pixels) * (spatial + 1), 1.0f);
  for (int64_t p = 0; p < pixels; ++p) {
    int64_t rest = p;
    for (size_t i = spatial; i-- > 0;) { // coordinates run x, y(, z): last axis first
      int64_t n = (*size)[i + 2], at = rest % n;
      rest /= n;
      float value = corners ? (n > 1 ? -1 + 2 * static_cast<float>(at) / static_cast<float>(n - 1) : 0.0f)
                            : (2 * static_cast<float>(at) + 1) / static_cast<float>(n) - 1;
      base[static_cast<size_t>(p) * (spatial + 1) + (spatial - 1 - i)] = value;
    }
  }
  Value grid = c.constant(base, {pixels, static_cast<int64_t>(spatial + 1)});
  Value y = c.emit("matmul", {grid, c.in(0), c.none()}, c.attrs().b("trans_b", true));
  Ints shape = {size->front()};
  shape.insert(shape.end(), size->begin() + 2, size->end());
  shape.push_back(static_cast<int64_t>(spatial));
  c.set(0, c.reshape(y, shape));
}

const OperatorRow kRows[] = {
    {"Resize", importResize, 1, 4, 10},
    {"Upsample", importResize, 1, 2},
    {"GridSample", importGridSample, 2, 2},
    {"AffineGrid", importAffineGrid, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kResizeOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx

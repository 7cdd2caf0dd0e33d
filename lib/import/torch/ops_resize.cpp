// Upsampling, and sampling by a grid.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::torch {

namespace {
struct Target {
  Ints sizes;
  std::vector<float> scales;
};

// Sizes come from the caller, or are floor(in * scale). A scale that is given places the samples, too.
std::optional<Target> targetOf(Call& c, Value x, const std::vector<double>& scales) {
  const Ints dims = Call::dims(x);
  Target t{dims, std::vector<float>(dims.size(), 1)};
  const Ints sizes = c.given("output_size") ? c.integers("output_size") : Ints();
  const size_t n = dims.size() > 2 ? dims.size() - 2 : 0;
  if (n == 0 || (sizes.size() != n && scales.size() != n)) {
    c.invalid("its sizes do not fit its input");
    return std::nullopt;
  }
  for (size_t i = 0; i < n; ++i) {
    const double in = static_cast<double>(dims[i + 2]);
    const double size = sizes.empty() ? std::floor(in * scales[i]) : static_cast<double>(sizes[i]);
    if (!(size >= 1 && size < 1e9) || in < 1) {
      c.invalid(fmt::format("a dimension of {} cannot become {}", in, size));
      return std::nullopt;
    }
    t.sizes[i + 2] = static_cast<int64_t>(size);
    const bool isGiven = scales.size() == n && scales[i] > 0;
    t.scales[i + 2] = static_cast<float>(isGiven ? scales[i] : size / in);
  }
  return t;
}

// Scales as a list, or one by one in older programs.
std::vector<double> scalesOf(Call& c) {
  if (!c.given("scale_factors")) return {};
  return c.reals("scale_factors");
}

void emitUpsample(Call& c, const std::vector<double>& scales, bool alignCorners) {
  Value x = c.tensor("self");
  if (!x) return;
  auto target = targetOf(c, x, scales);
  if (!target) return;
  const std::string_view kind =
      c.variant(); // "nearest", "exact", "linear", "cubic", with "_aa" for antialiasing
  const bool nearest = kind == "nearest", exact = kind == "exact", cubic = kind.starts_with("cubic");
  nn::AttrList list = c.attrs();
  list.s("mode", nearest || exact ? "nearest"
                 : cubic          ? "cubic"
                                  : "linear")
      .ints("sizes", target->sizes)
      .floats("scales", target->scales)
      .s("coordinate", nearest        ? "asymmetric"
                       : alignCorners ? "align_corners"
                                      : "half_pixel");
  if (nearest) list.s("nearest", "floor");
  if (exact) list.s("nearest", "round_prefer_ceil");
  const bool smooth = kind.ends_with("_aa");
  if (cubic) list.f("cubic_a", smooth ? -0.5f : -0.75f);
  if (smooth) list.b("antialias", true);
  c.give(c.emit("resize", {x}, list));
}

void upsampleNearest(Call& c) { emitUpsample(c, scalesOf(c), false); }
void upsampleSmooth(Call& c) { emitUpsample(c, scalesOf(c), c.flag("align_corners")); }

std::vector<double> separateScales(Call& c, const std::vector<const char*>& names) {
  std::vector<double> scales;
  for (const char* name : names) scales.push_back(c.given(name) ? c.real(name) : 0);
  return scales;
}
void upsampleNearest1(Call& c) { emitUpsample(c, separateScales(c, {"w"}), false); }
void upsampleNearest2(Call& c) { emitUpsample(c, separateScales(c, {"h", "w"}), false); }
void upsampleNearest3(Call& c) { emitUpsample(c, separateScales(c, {"d", "h", "w"}), false); }
void upsampleSmooth1(Call& c) { emitUpsample(c, separateScales(c, {"w"}), c.flag("align_corners")); }
void upsampleSmooth2(Call& c) { emitUpsample(c, separateScales(c, {"h", "w"}), c.flag("align_corners")); }
void upsampleSmooth3(Call& c) {
  emitUpsample(c, separateScales(c, {"d", "h", "w"}), c.flag("align_corners"));
}

void gridSample(Call& c) {
  const char *modes[] = {"linear", "nearest", "cubic"}, *paddings[] = {"zeros", "border", "reflection"};
  const int64_t mode = c.integer("interpolation_mode"), padding = c.integer("padding_mode");
  if (mode < 0 || mode > 2 || padding < 0 || padding > 2) return c.invalid("its mode is unknown");
  c.give(c.emit("grid_sample", {c.tensor("input"), c.tensor("grid")},
                c.attrs()
                    .s("mode", modes[mode])
                    .s("padding", paddings[padding])
                    .b("align_corners", c.flag("align_corners"))));
}

// Where each place of the result lies under the transform theta [batch, 2, 3], in coordinates from -1 to 1.
void affineGrid(Call& c) {
  Value theta = c.tensor("theta");
  const Ints size = c.integers("size");
  if (size.size() != 4 || Call::rank(theta) != 3)
    return c.unsupported("grids are supported for pictures only");
  const int64_t height = size[2], width = size[3];
  if (height < 1 || width < 1 || height > 1 << 15 || width > 1 << 15)
    return c.invalid(fmt::format("a grid of {} by {} is not possible", height, width));
  auto coordinate = [&](int64_t i, int64_t n) {
    const auto at = static_cast<double>(i), count = static_cast<double>(n);
    if (c.flag("align_corners")) return n > 1 ? 2 * at / (count - 1) - 1 : 0.0;
    return (2 * at + 1) / count - 1;
  };
  std::vector<float> places;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (double value : {coordinate(x, width), coordinate(y, height), 1.0})
        places.push_back(static_cast<float>(value));
  Value grid = c.matmul(c.constant(places, {height * width, 3}), c.transpose(theta, {0, 2, 1}));
  c.give(c.reshape(grid, {Call::dims(theta)[0], height, width, 2}));
}

#define NEAREST "(Tensor self, int[]? output_size, float[]? scale_factors=None)"
#define SMOOTH "(Tensor self, int[]? output_size, bool align_corners, float[]? scale_factors=None)"
#define NEAREST1 "(Tensor self, int[] output_size, float? w=None)"
#define NEAREST2 "(Tensor self, int[] output_size, float? h=None, float? w=None)"
#define NEAREST3 "(Tensor self, int[] output_size, float? d=None, float? h=None, float? w=None)"
#define SMOOTH1 "(Tensor self, int[] output_size, bool align_corners, float? w=None)"
#define SMOOTH2 "(Tensor self, int[] output_size, bool align_corners, float? h=None, float? w=None)"
#define SMOOTH3                                                                                              \
  "(Tensor self, int[] output_size, bool align_corners, float? d=None, float? h=None, float? w=None)"

const OperatorRow kRows[] = {
    {"upsample_nearest1d" NEAREST, upsampleNearest, "nearest"},
    {"upsample_nearest2d" NEAREST, upsampleNearest, "nearest"},
    {"upsample_nearest3d" NEAREST, upsampleNearest, "nearest"},
    {"_upsample_nearest_exact1d" NEAREST, upsampleNearest, "exact"},
    {"_upsample_nearest_exact2d" NEAREST, upsampleNearest, "exact"},
    {"_upsample_nearest_exact3d" NEAREST, upsampleNearest, "exact"},
    {"upsample_linear1d" SMOOTH, upsampleSmooth, "linear"},
    {"upsample_bilinear2d" SMOOTH, upsampleSmooth, "linear"},
    {"upsample_trilinear3d" SMOOTH, upsampleSmooth, "linear"},
    {"upsample_bicubic2d" SMOOTH, upsampleSmooth, "cubic"},
    {"_upsample_bilinear2d_aa" SMOOTH, upsampleSmooth, "linear_aa"},
    {"_upsample_bicubic2d_aa" SMOOTH, upsampleSmooth, "cubic_aa"},
    {"upsample_nearest1d" NEAREST1, upsampleNearest1, "nearest"},
    {"upsample_nearest2d" NEAREST2, upsampleNearest2, "nearest"},
    {"upsample_nearest3d" NEAREST3, upsampleNearest3, "nearest"},
    {"_upsample_nearest_exact1d" NEAREST1, upsampleNearest1, "exact"},
    {"_upsample_nearest_exact2d" NEAREST2, upsampleNearest2, "exact"},
    {"_upsample_nearest_exact3d" NEAREST3, upsampleNearest3, "exact"},
    {"upsample_linear1d" SMOOTH1, upsampleSmooth1, "linear"},
    {"upsample_bilinear2d" SMOOTH2, upsampleSmooth2, "linear"},
    {"upsample_trilinear3d" SMOOTH3, upsampleSmooth3, "linear"},
    {"upsample_bicubic2d" SMOOTH2, upsampleSmooth2, "cubic"},
    {"affine_grid_generator(Tensor theta, int[] size, bool align_corners)", affineGrid},
    {"grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)",
     gridSample},
    {"grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool "
     "align_corners)",
     gridSample},
};
} // namespace

const OperatorTable<OperatorRow> kResizeOperators = {kRows, std::size(kRows)};

} // namespace burin::torch

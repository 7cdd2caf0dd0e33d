#include "runtime/ops/data_test_support.h"

namespace burin::rt::data_test {
namespace {

// A double precision reading of ONNX Resize, one output position of one axis at a time.
struct Axis {
  std::string mode = "linear", coordinate = "half_pixel", nearest = "round_prefer_floor";
  double cubicA = -0.75, roiBegin = 0, roiEnd = 1;
  bool exclude = false, antialias = false;
  int64_t input = 1, output = 1;
  double scale = 1;

  double coordinateOf(int64_t o) const {
    const double x = static_cast<double>(o), in = static_cast<double>(input),
                 out = static_cast<double>(output);
    if (coordinate == "align_corners") return output == 1 ? 0 : x * (in - 1) / (out - 1);
    if (coordinate == "asymmetric") return x / scale;
    if (coordinate == "tf_crop_and_resize")
      return output == 1 ? 0.5 * (roiBegin + roiEnd) * (in - 1)
                         : roiBegin * (in - 1) + x * (roiEnd - roiBegin) * (in - 1) / (out - 1);
    if (coordinate == "pytorch_half_pixel" && output == 1) return 0;
    const double half = (x + 0.5) / scale - 0.5;
    return coordinate == "half_pixel_symmetric" ? in / 2 * (1 - out / (scale * in)) + half : half;
  }
  double kernel(double d) const {
    d = std::fabs(d);
    if (mode == "linear") return d < 1 ? 1 - d : 0;
    if (d < 1) return (cubicA + 2) * d * d * d - (cubicA + 3) * d * d + 1;
    return d < 2 ? cubicA * d * d * d - 5 * cubicA * d * d + 8 * cubicA * d - 4 * cubicA : 0;
  }
  // (input position, weight) pairs; positions are clamped.
  std::vector<std::pair<int64_t, double>> taps(int64_t o) const {
    const double x = coordinateOf(o);
    std::vector<std::pair<int64_t, double>> result;
    const auto clamp = [&](double i) {
      return static_cast<int64_t>(std::min(std::max(i, 0.0), static_cast<double>(input - 1)));
    };
    if (mode == "nearest") {
      double i = std::floor(x);
      if (nearest == "ceil") i = std::ceil(x);
      if (nearest == "round_prefer_floor") i = std::ceil(x - 0.5);
      if (nearest == "round_prefer_ceil") i = std::floor(x + 0.5);
      return {{clamp(i), 1}};
    }
    const double stretch = antialias ? std::min(scale, 1.0) : 1, radius = (mode == "cubic" ? 2 : 1) / stretch;
    double sum = 0;
    const auto first = static_cast<int64_t>(std::floor(x - radius)) - 1;
    for (int64_t tap = first; static_cast<double>(tap) <= x + radius + 1; ++tap) {
      const auto i = static_cast<double>(tap);
      double w = kernel((i - x) * stretch);
      if (exclude && (i < 0 || i > static_cast<double>(input - 1))) w = 0;
      sum += w;
      result.push_back({clamp(i), w});
    }
    for (auto& tap : result) tap.second /= exclude || antialias ? sum : 1;
    return result;
  }
};

std::vector<double> resized(const Array& x, const Shape& shape, const std::vector<Axis>& axes,
                            double extrapolation) {
  std::vector<double> result;
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const std::vector<int64_t> p = unravel(shape, i);
    std::vector<std::pair<std::vector<int64_t>, double>> terms = {{{}, 1}};
    bool outside = false;
    for (size_t a = 0; a < axes.size(); ++a) {
      const double at = axes[a].coordinateOf(p[a]);
      outside = outside || (axes[a].coordinate == "tf_crop_and_resize" &&
                            (at < 0 || at > static_cast<double>(axes[a].input - 1)));
      decltype(terms) next;
      const auto taps = axes[a].taps(p[a]);
      for (const auto& term : terms)
        for (const auto& tap : taps) {
          if (tap.second == 0) continue;
          next.push_back({term.first, term.second * tap.second});
          next.back().first.push_back(tap.first);
        }
      terms = next;
    }
    double sum = 0;
    for (const auto& term : terms) sum += term.second * x.at(ravel(x.type.shape, term.first));
    result.push_back(outside ? extrapolation : sum);
  }
  return result;
}

OpCase resizeCase(const Array& x, const Shape& shape, const std::vector<Axis>& axes) {
  OpCase c("nn.resize");
  const Axis& last = axes.back();
  std::vector<int64_t> sizes(shape.dim, shape.dim + shape.rank);
  std::vector<float> scales, roi, ends;
  for (const Axis& axis : axes) {
    scales.push_back(static_cast<float>(axis.scale));
    roi.push_back(static_cast<float>(axis.roiBegin));
    ends.push_back(static_cast<float>(axis.roiEnd));
  }
  roi.insert(roi.end(), ends.begin(), ends.end());
  c.input(x).ints("sizes", sizes).reals("scales", scales).reals("roi", roi).text("mode", last.mode.c_str());
  c.text("coordinate", last.coordinate.c_str()).text("nearest", last.nearest.c_str());
  c.real("cubic_a", static_cast<float>(last.cubicA)).integer("exclude_outside", last.exclude);
  return c.integer("antialias", last.antialias).real("extrapolation", 7.5f);
}

// [N, C, H, W] with H and W resized; N and C stay.
std::vector<Axis> planeAxes(const Axis& rule, const Shape& from, const Shape& to) {
  std::vector<Axis> axes;
  for (int a = 0; a < from.rank; ++a) {
    Axis axis = rule;
    axis.input = from[a];
    axis.output = to[a];
    axis.scale = static_cast<double>(to[a]) / static_cast<double>(from[a]);
    if (a < 2) axis.roiBegin = 0, axis.roiEnd = 1;
    axes.push_back(axis);
  }
  return axes;
}

constexpr const char* kCoordinates[] = {"half_pixel", "half_pixel_symmetric", "align_corners",
                                        "asymmetric", "pytorch_half_pixel",   "tf_crop_and_resize"};

TEST(Resize, LinearAndCubicFollowTheDefinition) {
  Random random(1);
  for (const char* mode : {"linear", "cubic"})
    for (const char* coordinate : kCoordinates)
      for (int round = 0; round < 6; ++round) {
        Axis rule;
        rule.mode = mode;
        rule.coordinate = coordinate;
        rule.exclude = round % 2;
        rule.antialias = round % 3 == 2;
        rule.cubicA = round % 2 ? -0.5 : -0.75;
        if (round == 5) rule.roiBegin = -0.25, rule.roiEnd = 0.75; // some positions leave the input
        const Shape from{pick(random, 1, 2), pick(random, 1, 20), pick(random, 1, 9), pick(random, 1, 9)};
        const Shape to{from[0], from[1], pick(random, 1, 12), pick(random, 1, 12)};
        const Array x = randomArray(DType::F32, from, random);
        const std::vector<Axis> axes = planeAxes(rule, from, to);
        std::vector<std::string> kernels;
        expectNear(runEverywhere(resizeCase(x, to, axes), &kernels)[0], resized(x, to, axes, 7.5), 2e-5);
        if (rule.coordinate != "tf_crop_and_resize")
          EXPECT_NE(std::find(kernels.begin(), kernels.end(), "weighted-rows"), kernels.end());
      }
}

TEST(Resize, Nearest) {
  Random random(2);
  for (const char* nearest : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})
    for (const char* coordinate : kCoordinates)
      for (DType dtype : {DType::F32, DType::I8, DType::I64}) {
        Axis rule;
        rule.mode = "nearest";
        rule.nearest = nearest;
        rule.coordinate = coordinate;
        const Shape from{2, pick(random, 1, 20), 4, 8},
            to{2, from[1], 8, 6}; // exact in binary: no rounding decides
        const Array x = randomArray(dtype, from, random);
        const std::vector<Axis> axes = planeAxes(rule, from, to);
        if (std::string(coordinate) == "align_corners" || std::string(coordinate) == "tf_crop_and_resize") {
          runEverywhere(resizeCase(x, to, axes));
          continue; // sevenths and fifths: ties depend on the order of operations
        }
        expectNear(runEverywhere(resizeCase(x, to, axes))[0], resized(x, to, axes, 7.5), 0);
      }
}

TEST(Resize, OtherRanks) {
  Random random(3);
  for (const Shape& from : {Shape{5}, Shape{3, 4}, Shape{1, 2, 6}, Shape{1, 3, 3, 4, 2}}) {
    Shape to = from;
    to[from.rank - 1] *= 2;
    if (from.rank > 2) to[2] += 1;
    const Array x = randomArray(DType::F32, from, random);
    const std::vector<Axis> axes = planeAxes(Axis(), from, to);
    expectNear(runEverywhere(resizeCase(x, to, axes))[0], resized(x, to, axes, 7.5), 2e-5);
  }
}

TEST(Resize, IntegersRoundAndSaturate) {
  Random random(4);
  for (DType dtype : {DType::I8, DType::U8, DType::I16}) {
    Axis rule;
    rule.mode = "cubic"; // overshoots
    const Shape from{1, 33, 5, 6}, to{1, 33, 9, 13};
    const Array x = randomArray(dtype, from, random);
    const std::vector<Axis> axes = planeAxes(rule, from, to);
    const Array y = runEverywhere(resizeCase(x, to, axes))[0];
    const std::vector<double> exact = resized(x, to, axes, 0);
    const double low = dtype == DType::U8   ? 0
                       : dtype == DType::I8 ? -128
                                            : -32768,
                 high = dtype == DType::U8   ? 255
                        : dtype == DType::I8 ? 127
                                             : 32767;
    for (int64_t i = 0; i < y.size(); ++i)
      ASSERT_NEAR(y.at(i), std::min(std::max(exact[static_cast<size_t>(i)], low), high), 0.51);
  }
}

TEST(Resize, FractionalScale) {
  // Two of three positions: the coordinate follows the scale that was given, not the quotient of the lengths.
  OpCase c("nn.resize");
  c.input(floats({3}, {0, 10, 20}))
      .ints("sizes", {2})
      .reals("scales", {0.8f})
      .text("mode", "linear")
      .text("coordinate", "asymmetric");
  expectNear(runEverywhere(c)[0], {0, 12.5}, 1e-5);
}

TEST(Resize, Refuses) {
  OpCase c("nn.resize");
  c.input(Array(DType::F32, {3}))
      .ints("sizes", {2})
      .reals("scales", {0.0f})
      .text("mode", "linear")
      .text("coordinate", "asymmetric");
  expectRefused(c, "not a positive number");
  c.attrs.list[1].floats = {1e-12f};
  c.integer("antialias", 1);
  expectRefused(c, "table of");
  c.attrs.list[1].floats = {1, 1};
  expectRefused(c, "1 are needed");
}

TEST(GridSample, IdentityGridAndBorders) {
  // align_corners: -1 and 1 are the centres of the outermost elements.
  const Array x = floats({1, 1, 2, 2}, {1, 2, 3, 4});
  const Array grid = floats({1, 2, 2, 2}, {-1, -1, 1, -1, -1, 1, 1, 1});
  for (const char* mode : {"linear", "nearest", "cubic"}) {
    OpCase c("nn.grid_sample");
    c.input(x).input(grid).text("mode", mode).text("padding", "zeros").integer("align_corners", 1);
    expectNear(runEverywhere(c)[0], {1, 2, 3, 4}, 1e-6);
  }
  const Array outside = floats({1, 1, 3, 2}, {-3, -1, 0, 0, std::nanf(""), 5});
  const auto sample = [&](const char* padding) {
    OpCase c("nn.grid_sample");
    c.input(x).input(outside).text("mode", "linear").text("padding", padding).integer("align_corners", 1);
    return runEverywhere(c)[0];
  };
  expectNear(sample("zeros"), {0, 2.5, 0}, 1e-6);
  expectNear(sample("border"), {1, 2.5, 3}, 1e-6);
  // -3 mirrors at -1 to 1; 5 mirrors at 1 to -3 and at -1 to 1; NaN counts as far below: some mirrored place.
  const Array mirrored = sample("reflection");
  EXPECT_FLOAT_EQ(mirrored.as<float>()[0], 2);
  EXPECT_TRUE(std::isfinite(mirrored.as<float>()[2]));
}

TEST(GridSample, LinearMeansOfNeighbours) {
  Random random(6);
  for (int64_t spatial : {1, 2, 3})
    for (const char* padding : {"zeros", "border", "reflection"})
      for (int64_t align : {0, 1}) {
        Shape shape{2, 3}, points{2};
        for (int64_t a = 0; a < spatial; ++a) shape.push(pick(random, 2, 5)), points.push(pick(random, 1, 4));
        points.push(spatial);
        const Array x = randomArray(DType::F32, shape, random);
        Array grid(DType::F32, points);
        for (int64_t i = 0; i < grid.size(); ++i)
          grid.as<float>()[i] = static_cast<float>(pick(random, -150, 150)) * 0.01f;
        OpCase c("nn.grid_sample");
        c.input(x)
            .input(grid)
            .text("mode", "linear")
            .text("padding", padding)
            .integer("align_corners", align);
        const Array y = runEverywhere(c)[0];
        std::vector<double> expected;
        for (int64_t i = 0; i < y.size(); ++i) {
          const std::vector<int64_t> p = unravel(y.type.shape, i);
          std::vector<int64_t> at = {p[0]};
          at.insert(at.end(), p.begin() + 2, p.end());
          at.push_back(0);
          double value = 0;
          for (int64_t corner = 0; corner < int64_t{1} << spatial; ++corner) {
            std::vector<int64_t> from = {p[0], p[1]};
            double weight = 1;
            bool inside = true;
            for (int64_t a = 0; a < spatial; ++a) {
              at.back() = spatial - 1 - a;
              const double n = static_cast<double>(shape[static_cast<int>(a) + 2]),
                           g = grid.at(ravel(points, at));
              const double low = align ? 0 : -0.5, high = align ? n - 1 : n - 0.5;
              double v = align ? (g + 1) / 2 * (n - 1) : ((g + 1) * n - 1) / 2;
              if (std::string(padding) == "border" && (v < low || v > high))
                v = std::min(std::max(v, 0.0), n - 1);
              for (int turn = 0; std::string(padding) == "reflection" && turn < 9; ++turn)
                v = v < low ? 2 * low - v : v > high ? 2 * high - v : v;
              const double base = std::floor(v), upper = v - base;
              double i0 = base + static_cast<double>(corner >> a & 1);
              weight *= corner >> a & 1 ? upper : 1 - upper;
              if (std::string(padding) != "zeros")
                i0 = std::min(std::max(i0, 0.0), n - 1); // half a pixel beyond mirrors to the edge
              inside = inside && i0 >= 0 && i0 < n;
              from.push_back(static_cast<int64_t>(i0));
            }
            if (inside && weight != 0) value += weight * x.at(ravel(shape, from));
          }
          expected.push_back(value);
        }
        expectNear(y, expected, 1e-3);
      }
}

} // namespace
} // namespace burin::rt::data_test

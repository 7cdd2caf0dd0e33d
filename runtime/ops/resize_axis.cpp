#include "runtime/ops/resize_axis.h"

#include <algorithm>

namespace burin::rt {

namespace {
constexpr double kFarAway = 1e15; // coordinates beyond are clamped: no cast overflows

// floor without libm; |x| <= kFarAway
int64_t floorOf(double x) {
  const int64_t truncated = static_cast<int64_t>(x);
  return static_cast<double>(truncated) > x ? truncated - 1 : truncated;
}

// First tap relative to floor(x); the taps are symmetric about the interval [floor, floor + 1]. With
// antialiasing a kernel of radius r is stretched by 1 / scale.
int64_t firstTap(const ResizeRule& rule, double scale) {
  if (rule.mode == "nearest") return 0;
  const double radius = rule.mode == "cubic" ? 2 : 1;
  const double stretch = rule.antialias ? std::min(scale, 1.0) : 1.0;
  return floorOf(std::max(-radius / stretch, -kFarAway)) + 1;
}

// Keys' cubic convolution kernel (R. Keys, "Cubic convolution interpolation for digital image processing",
// 1981).
double cubicKernel(double x, double a) {
  x = x < 0 ? -x : x;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

double linearKernel(double x) {
  x = x < 0 ? -x : x;
  return x < 1 ? 1 - x : 0;
}

// An axis and its resized length, which is fractional where a scale was given that is no quotient of lengths.
struct Lengths {
  double input, output, scale;
};

Lengths lengthsOf(int64_t input, int64_t output, float scaleAttribute) {
  const double in = static_cast<double>(input), out = static_cast<double>(output);
  const double scale = exactScale(input, output, scaleAttribute);
  return {in, scale == out / in ? out : scale * in, scale};
}

// The input coordinate of output position o of `output` (ONNX Resize, attribute
// coordinate_transformation_mode).
double inputCoordinate(const ResizeRule& rule, double o, int64_t output, const Lengths& length,
                       double roiBegin, double roiEnd) {
  const double last = length.input - 1;
  if (rule.coordinate == "align_corners") return output == 1 ? 0 : o * last / (length.output - 1);
  if (rule.coordinate == "asymmetric") return o / length.scale;
  if (rule.coordinate == "pytorch_half_pixel") return output == 1 ? 0 : (o + 0.5) / length.scale - 0.5;
  if (rule.coordinate == "tf_crop_and_resize") {
    const double span = (roiEnd - roiBegin) * last;
    return roiBegin * last + (output == 1 ? span / 2 : o * span / (length.output - 1));
  }
  const double halfPixel = (o + 0.5) / length.scale - 0.5;
  // Symmetric: the centres of the input and of the rounded output coincide.
  if (rule.coordinate == "half_pixel_symmetric")
    return length.input / 2 * (1 - static_cast<double>(output) / length.output) + halfPixel;
  return halfPixel;
}

// nearest: which of floor(x), floor(x) + 1.
bool nearestIsUpper(const ResizeRule& rule, double ratio) {
  if (ratio == 0 || rule.nearest == "floor") return false;
  if (rule.nearest == "ceil") return true;
  return rule.nearest == "round_prefer_ceil" ? ratio >= 0.5 : ratio > 0.5;
}

void weightsAt(const ResizeRule& rule, double ratio, double scale, int64_t first,
               std::vector<double>& weight) {
  const double stretch = rule.antialias ? std::min(scale, 1.0) : 1.0;
  for (size_t t = 0; t < weight.size(); ++t) {
    const double distance = (static_cast<double>(first + static_cast<int64_t>(t)) - ratio) * stretch;
    weight[t] = rule.mode == "cubic" ? cubicKernel(distance, rule.cubicA) : linearKernel(distance);
  }
}

void normalise(std::vector<double>& weight) {
  double sum = 0;
  for (double w : weight) sum += w;
  if (sum != 0)
    for (double& w : weight) w /= sum;
}
} // namespace

int64_t resizeTaps(const ResizeRule& rule, double scale) {
  return rule.mode == "nearest" ? 1 : 2 - 2 * firstTap(rule, scale);
}

double exactScale(int64_t input, int64_t output, float scale) {
  const double quotient = static_cast<double>(output) / static_cast<double>(input);
  return static_cast<float>(quotient) == scale ? quotient : static_cast<double>(scale);
}

ResizeAxis makeResizeAxis(const ResizeRule& rule, int64_t input, int64_t output, float scaleAttribute,
                          float roiBegin, float roiEnd) {
  const Lengths length = lengthsOf(input, output, scaleAttribute);
  const double scale = length.scale;
  ResizeAxis axis;
  axis.taps = resizeTaps(rule, scale);
  const int64_t first = firstTap(rule, scale);
  std::vector<double> weight(static_cast<size_t>(axis.taps), 1.0);
  axis.identity = input == output;
  for (int64_t o = 0; o < output; ++o) {
    double x = inputCoordinate(rule, static_cast<double>(o), output, length, roiBegin, roiEnd);
    x = std::max(-kFarAway, std::min(kFarAway, x));
    const bool outside =
        rule.coordinate == "tf_crop_and_resize" && (x < 0 || x > static_cast<double>(input - 1));
    axis.outside.push_back(outside);
    const int64_t floor = floorOf(x);
    const double ratio = x - static_cast<double>(floor);
    if (rule.mode == "nearest") {
      const int64_t i = floor + (nearestIsUpper(rule, ratio) ? 1 : 0);
      axis.index.push_back(std::max<int64_t>(0, std::min(i, input - 1)));
      axis.weight.push_back(1);
    } else {
      weightsAt(rule, ratio, scale, first, weight);
      if (rule.antialias) normalise(weight);
      for (size_t t = 0; rule.excludeOutside && t < weight.size(); ++t) {
        const int64_t i = floor + first + static_cast<int64_t>(t);
        if (i < 0 || i >= input) weight[t] = 0;
      }
      if (rule.excludeOutside) normalise(weight);
      for (size_t t = 0; t < weight.size(); ++t) {
        const int64_t i = floor + first + static_cast<int64_t>(t);
        axis.index.push_back(std::max<int64_t>(0, std::min(i, input - 1)));
        axis.weight.push_back(static_cast<float>(weight[t]));
      }
    }
    axis.identity = axis.identity && !outside && x == static_cast<double>(o);
  }
  if (axis.identity) { // one tap of weight 1
    axis.taps = 1;
    axis.index.resize(static_cast<size_t>(output));
    axis.weight.assign(static_cast<size_t>(output), 1.0f);
    for (int64_t o = 0; o < output; ++o) axis.index[static_cast<size_t>(o)] = o;
  }
  return axis;
}

} // namespace burin::rt

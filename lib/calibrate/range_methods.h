// From statistics to a range: the methods by name, and what a range costs.
#pragma once

#include "lib/calibrate/statistics.h"

#include <optional>
#include <string_view>

namespace burin {

enum class RangeMethod { Kl, Max, Percentile, Mse };

// "kl", "max", "percentile", "mse".
std::optional<RangeMethod> parseRangeMethod(std::string_view name);
std::string_view rangeMethodName(RangeMethod method);

struct RangeOptions {
  RangeMethod method = RangeMethod::Kl;
  double percentile = 99.99; // of all |x|, zeros included; in (0, 100]
  int bits = 8;              // B of the mse method
};

// The threshold of a tensor that holds nothing but zeros (or nothing at all): small, but usable as a scale.
inline constexpr float kAllZeroThreshold = 1e-5f;

// The |x| threshold by a method: above 0 and at most the largest magnitude; kAllZeroThreshold for all zeros.
float chooseThreshold(const ValueProfile& profile, const RangeOptions& options);

// The value below which the given percentage of all magnitudes lie (the one of rank ceil(percent / 100 *
// count), interpolated inside a histogram bin). Zero if that many values are zero.
double magnitudePercentile(const ValueProfile& profile, double percent);

// OCTAV (C. Sakr et al., "Optimal Clipping and Magnitude-aware Differentiation for Improved
// Quantization-aware Training", ICML 2022, eq. 6): the clip with the least mean squared error, by Newton's
// iteration
//   s <- sum |x| [|x| > s] / (4^-B / 3 * #{0 < |x| <= s} + #{|x| > s})
// from s = mean of the magnitudes other than zero; at most 20 steps, until s changes by less than 1e-5 of
// itself.
double mseThreshold(const ValueProfile& profile, int bits);

struct Interval {
  float lower;
  float upper;
};

// [max(minimum, -threshold), min(maximum, threshold)], widened to contain 0; [0, threshold] if that is empty.
Interval asymmetricRange(float threshold, float minimum, float maximum);

// What 8-bit quantization by a threshold does to the values: [-t, t] in 255 steps of t / 127 if there are
// negative values, else [0, t] in steps of t / 255; round to nearest, clip.
struct RangeQuality {
  double clippedFraction = 0; // share of the values beyond the threshold
  double sqnrDb = 0;          // 10 log10(sum x^2 / sum error^2), limited to 0..kSqnrLimitDb
};
inline constexpr double kSqnrLimitDb = 200.0;
RangeQuality rangeQuality(const ValueProfile& profile, float threshold);

} // namespace burin

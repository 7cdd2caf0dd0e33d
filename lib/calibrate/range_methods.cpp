#include "lib/calibrate/range_methods.h"

#include "lib/calibrate/kl_divergence.h"
#include "lib/calibrate/natural_log.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace burin {
namespace {

struct NamedMethod {
  std::string_view name;
  RangeMethod method;
};

constexpr std::array<NamedMethod, 4> kMethods{{{"kl", RangeMethod::Kl},
                                               {"max", RangeMethod::Max},
                                               {"percentile", RangeMethod::Percentile},
                                               {"mse", RangeMethod::Mse}}};

double rawThreshold(const ValueProfile& profile, const RangeOptions& options) {
  switch (options.method) {
  case RangeMethod::Kl:
    return klThreshold(profile);
  case RangeMethod::Percentile:
    return magnitudePercentile(profile, options.percentile);
  case RangeMethod::Mse:
    return mseThreshold(profile, options.bits);
  case RangeMethod::Max:
    break;
  }
  return profile.absoluteMaximum;
}

} // namespace

std::optional<RangeMethod> parseRangeMethod(std::string_view name) {
  for (const NamedMethod& entry : kMethods)
    if (entry.name == name) return entry.method;
  return std::nullopt;
}

std::string_view rangeMethodName(RangeMethod method) {
  for (const NamedMethod& entry : kMethods)
    if (entry.method == method) return entry.name;
  return "";
}

float chooseThreshold(const ValueProfile& profile, const RangeOptions& options) {
  const float largest = profile.absoluteMaximum;
  if (!(largest > 0)) return kAllZeroThreshold;
  // A percentile can fall on a zero, and a float can round to one: nothing would be left of the tensor.
  const auto threshold = static_cast<float>(rawThreshold(profile, options));
  return threshold > 0 && threshold <= largest ? threshold : largest;
}

double magnitudePercentile(const ValueProfile& profile, double percent) {
  const double rank = std::max(1.0, std::ceil(percent / 100.0 * static_cast<double>(profile.count)));
  double below = static_cast<double>(profile.zeroCount);
  if (rank <= below) return 0.0;
  for (const ValueCell& cell : profile.magnitudes) {
    const auto count = static_cast<double>(cell.count);
    if (rank <= below + count) return cell.lower + (cell.upper - cell.lower) * (rank - below) / count;
    below += count;
  }
  return profile.absoluteMaximum;
}

double mseThreshold(const ValueProfile& profile, int bits) {
  constexpr int kMostSteps = 20;
  constexpr double kTolerance = 1e-5;
  double sum = 0, count = 0;
  for (const ValueCell& cell : profile.magnitudes) {
    sum += cell.center() * static_cast<double>(cell.count);
    count += static_cast<double>(cell.count);
  }
  if (count == 0) return 0.0;
  double stepNoise = 1.0 / 3.0;
  for (int bit = 0; bit < bits; ++bit) stepNoise *= 0.25;
  double threshold = sum / count;
  for (int step = 0; step < kMostSteps; ++step) {
    double sumAbove = 0, countAbove = 0;
    for (auto cell = profile.magnitudes.rbegin();
         cell != profile.magnitudes.rend() && cell->center() > threshold; ++cell) {
      sumAbove += cell->center() * static_cast<double>(cell->count);
      countAbove += static_cast<double>(cell->count);
    }
    const double next = sumAbove / (stepNoise * (count - countAbove) + countAbove);
    // Nothing lies above: the threshold has passed the largest magnitude (a constant tensor).
    if (countAbove == 0) return profile.absoluteMaximum;
    const bool settled = std::abs(next - threshold) <= kTolerance * threshold;
    threshold = next;
    if (settled) break;
  }
  return std::min(threshold, static_cast<double>(profile.absoluteMaximum));
}

Interval asymmetricRange(float threshold, float minimum, float maximum) {
  const float lower = std::min(0.0f, std::max(minimum, -threshold));
  const float upper = std::max(0.0f, std::min(maximum, threshold));
  if (lower == upper) return {0.0f, threshold};
  return {lower, upper};
}

RangeQuality rangeQuality(const ValueProfile& profile, float threshold) {
  RangeQuality quality;
  if (profile.count == 0 || !(threshold > 0)) return quality;
  const bool isSigned = profile.minimum < 0;
  const double steps = isSigned ? 127.0 : 255.0;
  const double step = static_cast<double>(threshold) / steps;
  double signal = 0, noise = 0, clipped = 0;
  for (const ValueCell& cell : profile.magnitudes) {
    const double value = cell.center();
    const auto count = static_cast<double>(cell.count);
    const double error = value - step * std::min(std::floor(value / step + 0.5), steps);
    signal += value * value * count;
    noise += error * error * count;
    if (value > static_cast<double>(threshold)) clipped += count;
  }
  quality.clippedFraction = clipped / static_cast<double>(profile.count);
  constexpr double kLogTen = 2.302585092994045684;
  if (signal <= 0 || noise <= signal * 1e-20)
    quality.sqnrDb = kSqnrLimitDb;
  else
    quality.sqnrDb = std::clamp(10.0 / kLogTen * detail::naturalLog(signal / noise), 0.0, kSqnrLimitDb);
  return quality;
}

} // namespace burin

#include "lib/analyze/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace burin {

namespace {
constexpr double kSqnrLimit = 200;

double decibels(double signal, double noise) {
  if (noise == 0) return kSqnrLimit;
  if (signal == 0) return -kSqnrLimit;
  return std::clamp(10 * std::log10(signal / noise), -kSqnrLimit, kSqnrLimit);
}
} // namespace

Similarity similarity(std::span<const float> reference, std::span<const float> actual) {
  double dot = 0, rr = 0, aa = 0, noise = 0, mean = 0, maxAbs = 0;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (size_t i = 0; i < reference.size(); ++i) {
    double r = reference[i], a = actual[i], d = r - a;
    if (r == a || (std::isnan(r) && std::isnan(a))) d = 0; // equal infinities too
    if (std::isnan(d)) d = std::numeric_limits<double>::infinity();
    maxAbs = std::max(maxAbs, std::fabs(d));
    noise += d * d;
    if (!std::isfinite(r) || !std::isfinite(a)) continue;
    dot += r * a;
    rr += r * r;
    aa += a * a;
    mean += (r + a) * (r + a) / 4;
    low = std::min(low, r);
    high = std::max(high, r);
  }
  Similarity s;
  s.cosine = rr == 0 || aa == 0 ? (rr == aa ? 1 : 0) : dot / std::sqrt(rr * aa);
  s.euclid = 1 - std::sqrt(noise) / (std::sqrt(mean) + 1e-7);
  s.sqnrDb = decibels(rr, noise);
  s.maxAbs = maxAbs;
  double range = high > low ? high - low : std::max(std::fabs(high), 1e-30);
  s.rangeError = maxAbs == 0 ? 0 : maxAbs / range;
  return s;
}

} // namespace burin

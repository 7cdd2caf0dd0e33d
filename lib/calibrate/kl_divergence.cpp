#include "lib/calibrate/kl_divergence.h"

#include "lib/calibrate/natural_log.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace burin {
namespace {

std::size_t klBin(double magnitude, double width) {
  return std::min(static_cast<std::size_t>(magnitude / width + 0.5), kKlBins - 1);
}

// Shares out the count of a binned cell over the bins that it overlaps, in proportion, as integers that add
// up.
void distribute(const ValueCell& cell, double width, std::vector<std::uint64_t>& histogram) {
  const std::size_t last = klBin(cell.upper, width);
  std::uint64_t given = 0;
  for (std::size_t bin = klBin(cell.lower, width); bin < last; ++bin) {
    const double upTo = ((static_cast<double>(bin) + 0.5) * width - cell.lower) / (cell.upper - cell.lower);
    const auto target =
        static_cast<std::uint64_t>(std::clamp(upTo, 0.0, 1.0) * static_cast<double>(cell.count) + 0.5);
    if (target <= given) continue;
    histogram[bin] += target - given;
    given = target;
  }
  histogram[last] += cell.count - std::min(given, cell.count);
}

double divergence(std::span<const std::uint64_t> histogram, std::size_t cut, std::uint64_t total) {
  constexpr double kTiny = 1e-30;
  std::uint64_t kept = 0;
  for (std::size_t bin = 0; bin < cut; ++bin) kept += histogram[bin];
  if (kept == 0) return std::numeric_limits<double>::infinity();
  const std::size_t run = cut / kKlLevels;
  double sum = 0.0;
  for (std::size_t begin = 0; begin < cut; begin += run) {
    std::uint64_t inRun = 0, nonEmpty = 0;
    for (std::size_t bin = begin; bin < begin + run; ++bin) {
      inRun += histogram[bin];
      nonEmpty += histogram[bin] != 0;
    }
    const double level = nonEmpty == 0 ? 0.0
                                       : static_cast<double>(inRun) / static_cast<double>(nonEmpty) /
                                             static_cast<double>(kept);
    const double logLevel = detail::naturalLog(level + kTiny);
    for (std::size_t bin = begin; bin < begin + run; ++bin) {
      const std::uint64_t outliers = bin == cut - 1 ? total - kept : 0;
      if (histogram[bin] + outliers == 0) continue;
      const double p = static_cast<double>(histogram[bin] + outliers) / static_cast<double>(total);
      const double logQ = histogram[bin] != 0 ? logLevel : detail::naturalLog(kTiny);
      sum += p * (detail::naturalLog(p + kTiny) - logQ);
    }
  }
  return sum;
}

} // namespace

std::vector<std::uint64_t> klHistogram(const ValueProfile& profile) {
  std::vector<std::uint64_t> histogram(kKlBins);
  const double width = static_cast<double>(profile.absoluteMaximum) / static_cast<double>(kKlBins - 1);
  if (!(width > 0)) return histogram;
  for (const ValueCell& cell : profile.magnitudes) {
    if (cell.exact())
      histogram[klBin(cell.lower, width)] += cell.count;
    else
      distribute(cell, width, histogram);
  }
  return histogram;
}

KlResult searchKlCut(std::span<const std::uint64_t> histogram) {
  std::uint64_t total = 0;
  for (const std::uint64_t count : histogram) total += count;
  KlResult result;
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t cut = kKlLevels; cut <= kKlBins; cut += kKlLevels) {
    const double value = divergence(histogram, cut, total);
    result.divergences.push_back(value);
    if (value < best) {
      best = value;
      result.cut = cut;
    }
  }
  return result;
}

float klThreshold(const ValueProfile& profile) {
  const double absoluteMaximum = profile.absoluteMaximum;
  const KlResult result = searchKlCut(klHistogram(profile));
  const double threshold =
      (static_cast<double>(result.cut) + 0.5) * absoluteMaximum / static_cast<double>(kKlBins);
  return static_cast<float>(std::min(threshold, absoluteMaximum));
}

} // namespace burin

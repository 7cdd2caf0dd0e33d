#include "lib/pipeline/mean_shift.h"

#include <algorithm>
#include <cmath>

namespace burin {

namespace {
double meanAt(const FunctionMeans& means, double shift) {
  constexpr int kLast = static_cast<int>(std::tuple_size_v<decltype(means.counts)>) - 1;
  double sum = 0, count = 0;
  for (int q = 0; q <= kLast; ++q) {
    const double at = q == 0 || q == kLast ? q : std::clamp<double>(q + shift, 0, kLast);
    const int below = std::min(static_cast<int>(at), kLast - 1);
    const double above = at - below;
    sum += means.counts[q] * (means.results[below] * (1 - above) + means.results[below + 1] * above);
    count += means.counts[q];
  }
  return count > 0 ? sum / count : 0;
}
} // namespace

double shiftForMean(const FunctionMeans& means, double wanted) {
  constexpr int kPartsOfStep = 32;
  constexpr double kLeastSlope = 1.0 / 8; // of the steepest: less moves values for the sake of noise
  double steepest = 0;
  for (size_t q = 1; q < means.results.size(); ++q)
    steepest = std::max(steepest, std::fabs(means.results[q] - means.results[q - 1]));
  double best = 0, bestCost = std::fabs(meanAt(means, 0) - wanted);
  for (int i = 1; i <= static_cast<int>(kMaxShift * kPartsOfStep); ++i)
    for (const double shift : {static_cast<double>(i) / kPartsOfStep, -static_cast<double>(i) / kPartsOfStep})
      if (const double cost =
              std::fabs(meanAt(means, shift) - wanted) + kLeastSlope * steepest * std::fabs(shift);
          cost < bestCost)
        best = shift, bestCost = cost;
  return best;
}

} // namespace burin

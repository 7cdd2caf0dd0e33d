// The KL range search.
#pragma once

#include "lib/calibrate/statistics.h"

#include <cstdint>
#include <span>
#include <vector>

namespace burin {

inline constexpr std::size_t kKlBins = 2048;  // bins of the |x| histogram
inline constexpr std::size_t kKlLevels = 128; // magnitudes of a signed 8-bit value; also the step of the cuts

// The |x| histogram of the search: zeros dropped, width w = absmax / (2048 - 1), bin floor(|x| / w + 0.5).
// Cells known exactly follow the rule to the letter; a binned cell across an edge is split in proportion to
// the overlap.
std::vector<std::uint64_t> klHistogram(const ValueProfile& profile);

struct KlResult {
  std::size_t cut = kKlBins;       // bins kept
  std::vector<double> divergences; // of the cuts 128, 256, ... 2048; infinite where nothing would be kept
};

// For every cut i in 128, 256, ... 2048 (S. Migacz, "8-bit Inference with TensorRT", GTC 2017):
//   P = bins [0, i) with everything above added to bin i - 1, divided by the total;
//   Q = bins [0, i) without that, each run of i / 128 bins replaced by its mean over its non-empty bins,
//   divided by
//       their sum;
//   KL = sum P * (ln(P + 1e-30) - ln(Q + 1e-30)).
// The first cut with the smallest divergence wins. A cut that keeps nothing is never chosen.
KlResult searchKlCut(std::span<const std::uint64_t> histogram);

// (cut + 0.5) * absmax / 2048, at most absmax.
float klThreshold(const ValueProfile& profile);

} // namespace burin

#include "lib/calibrate/kl_divergence.h"

#include "lib/calibrate/natural_log.h"
#include "lib/calibrate/test_support.h"

#include <gtest/gtest.h>
#include <numeric>

namespace burin {
namespace {

using test::draw;
using test::statisticsOf;

// The definition with two passes over the values: the largest magnitude first, then the histogram.
std::vector<std::uint64_t> twoPassHistogram(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  const double width = largest / 2047;
  std::vector<std::uint64_t> histogram(2048);
  for (const float value : values)
    if (value != 0)
      ++histogram[static_cast<std::size_t>(std::floor(std::abs(static_cast<double>(value)) / width + 0.5))];
  return histogram;
}

// The search written down again from its definition, with the library's logarithm.
std::vector<double> plainDivergences(const std::vector<std::uint64_t>& histogram) {
  const double total =
      static_cast<double>(std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0}));
  std::vector<double> divergences;
  for (std::size_t cut = 128; cut <= 2048; cut += 128) {
    std::vector<double> p(histogram.begin(), histogram.begin() + static_cast<std::ptrdiff_t>(cut)), q(cut);
    const double kept = std::accumulate(p.begin(), p.end(), 0.0);
    for (std::size_t level = 0; level < 128; ++level) {
      double sum = 0, filled = 0;
      for (std::size_t i = level * cut / 128; i < (level + 1) * cut / 128; ++i) {
        sum += p[i];
        filled += p[i] > 0;
      }
      for (std::size_t i = level * cut / 128; i < (level + 1) * cut / 128; ++i)
        q[i] = p[i] > 0 ? sum / filled / kept : 0;
    }
    p[cut - 1] += total - kept;
    double divergence = 0;
    for (std::size_t i = 0; i < cut; ++i)
      divergence += p[i] / total * (std::log(p[i] / total + 1e-30) - std::log(q[i] + 1e-30));
    divergences.push_back(kept > 0 ? divergence : INFINITY);
  }
  return divergences;
}

struct TwoPass {
  explicit TwoPass(const std::vector<float>& values)
      : divergences(plainDivergences(twoPassHistogram(values))) {
    for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
    best = static_cast<std::size_t>(std::min_element(divergences.begin(), divergences.end()) -
                                    divergences.begin());
    threshold = std::min(largest, (static_cast<double>(best + 1) * 128 + 0.5) * largest / 2048);
  }

  std::vector<double> divergences;
  double largest = 0;
  std::size_t best = 0;
  double threshold = 0;
};

TEST(NaturalLog, AgreesWithTheLibrary) {
  test::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const double x = std::exp(140 * (random.uniform() - 0.5));
    EXPECT_NEAR(detail::naturalLog(x), std::log(x), 1e-15 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  EXPECT_EQ(detail::naturalLog(1.0), 0.0);
}

TEST(Kl, SearchFollowsItsDefinition) {
  for (const test::Distribution& distribution : test::distributions()) {
    const auto histogram = twoPassHistogram(draw(distribution, 30000, 2));
    const KlResult result = searchKlCut(histogram);
    const std::vector<double> expected = plainDivergences(histogram);
    ASSERT_EQ(result.divergences.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (std::isinf(expected[i])) {
        EXPECT_TRUE(std::isinf(result.divergences[i]));
      } else {
        EXPECT_NEAR(result.divergences[i], expected[i], 1e-11) << distribution.name << " " << i;
      }
    }
  }
}

// Small tensors are known exactly, value by value.
TEST(Kl, HistogramOfSmallTensorsIsTheTwoPassOne) {
  for (const test::Distribution& distribution : test::distributions()) {
    const std::vector<float> values = draw(distribution, detail::LargestValues::kCapacity, 4);
    EXPECT_EQ(klHistogram(statisticsOf(values).profile()), twoPassHistogram(values)) << distribution.name;
  }
}

TEST(Kl, HistogramOfLargeTensorsIsClose) {
  for (const test::Distribution& distribution : test::distributions()) {
    const std::vector<float> values = draw(distribution, 400000, 4);
    const auto ours = klHistogram(statisticsOf(values).profile()), expected = twoPassHistogram(values);
    std::uint64_t total = 0, moved = 0;
    for (std::size_t bin = 0; bin < expected.size(); ++bin) {
      total += expected[bin];
      moved += ours[bin] > expected[bin] ? ours[bin] - expected[bin] : 0;
    }
    EXPECT_EQ(std::accumulate(ours.begin(), ours.end(), std::uint64_t{0}), total) << distribution.name;
    EXPECT_LE(static_cast<double>(moved), 0.01 * static_cast<double>(total)) << distribution.name;
  }
}

// SiLU piles values up at its minimum. Here a bin of the search begins just beyond it, inside the same fine
// bin.
TEST(Kl, APileAtTheMinimumStaysOnItsSideOfAnEdge) {
  test::Random random(3);
  const float largest = 7.550006f, lowest = -0.27846456f; // the edge is at -0.2784687
  std::vector<float> values = {largest};
  for (int i = 0; i < 100000; ++i)
    values.push_back(static_cast<float>(i % 2 ? lowest * (1 - 1e-5 * random.uniform()) : random.uniform()));
  const auto ours = klHistogram(statisticsOf(values).profile()), expected = twoPassHistogram(values);
  EXPECT_EQ(ours[75], expected[75]);
  EXPECT_GE(expected[75], 50000u);
}

// One pass against two. The search jumps between cuts, so where two cuts are a tie, counts that move over a
// bin edge decide; there either cut is as good, and its divergence by the exact histogram shows it.
TEST(Kl, ThresholdIsThatOfTwoPasses) {
  constexpr double kTie = 0.005;
  int cases = 0, ties = 0;
  for (const test::Distribution& distribution : test::distributions())
    for (const std::size_t count : {300u, 5000u, 40000u, 300000u})
      for (std::uint64_t seed = 0; seed < (count > 100000 ? 1 : 4); ++seed) {
        const std::vector<float> values = draw(distribution, count, 17 + seed);
        const TwoPass exact(values);
        const ValueProfile profile = statisticsOf(values).profile();
        ++cases;
        if (std::abs(klThreshold(profile) - exact.threshold) <= 0.01 * exact.threshold) continue;
        ++ties;
        const double least = exact.divergences[exact.best];
        const double ours = exact.divergences[searchKlCut(klHistogram(profile)).cut / kKlLevels - 1];
        EXPECT_LE(ours, least + kTie * std::abs(least)) << distribution.name << " " << count << " " << seed;
      }
  EXPECT_LE(ties, cases / 50) << "of " << cases;
}

TEST(Kl, ConstantTensorKeepsItsValue) {
  EXPECT_EQ(klThreshold(statisticsOf(std::vector<float>(100, 0.7f)).profile()), 0.7f);
  EXPECT_EQ(klThreshold(statisticsOf(std::vector<float>(100, -3.0f)).profile()), 3.0f);
}

TEST(Kl, EmptyHistogramTakesEverything) {
  EXPECT_EQ(searchKlCut(std::vector<std::uint64_t>(kKlBins)).cut, kKlBins);
}

// Hand-worked: all values in bins 0 and 1, nothing beyond: no cut loses anything, the first one wins.
TEST(Kl, FirstOfEqualCutsWins) {
  std::vector<std::uint64_t> histogram(kKlBins);
  histogram[0] = histogram[1] = 50;
  const KlResult result = searchKlCut(histogram);
  EXPECT_EQ(result.cut, 128u);
  EXPECT_NEAR(result.divergences[0], 0.0, 1e-12);
}

// Hand-worked: 90 in bin 0, 10 in bin 127, 100 beyond. Cut 128: P = {90/200, ..., 110/200}, Q = {0.9, ...,
// 0.1}.
TEST(Kl, OutliersCountInTheLastBinOfP) {
  std::vector<std::uint64_t> histogram(kKlBins);
  histogram[0] = 90;
  histogram[127] = 10;
  histogram[2047] = 100;
  EXPECT_NEAR(searchKlCut(histogram).divergences[0],
              0.45 * std::log(0.45 / 0.9) + 0.55 * std::log(0.55 / 0.1), 1e-12);
}

} // namespace
} // namespace burin

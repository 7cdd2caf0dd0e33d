#include "lib/calibrate/range_methods.h"

#include "lib/calibrate/kl_divergence.h"
#include "lib/calibrate/test_support.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

using test::draw;
using test::statisticsOf;

std::vector<float> sortedMagnitudes(std::vector<float> values) {
  for (float& value : values) value = std::abs(value);
  std::sort(values.begin(), values.end());
  return values;
}

TEST(RangeMethods, NamesGoBothWays) {
  for (const char* name : {"kl", "max", "percentile", "mse"})
    EXPECT_EQ(rangeMethodName(*parseRangeMethod(name)), name);
  EXPECT_FALSE(parseRangeMethod("KL"));
  EXPECT_FALSE(parseRangeMethod(""));
}

TEST(RangeMethods, MaxIsTheLargestMagnitude) {
  EXPECT_EQ(chooseThreshold(statisticsOf({1.0f, -2.5f, 2.0f}).profile(), {RangeMethod::Max}), 2.5f);
}

TEST(RangeMethods, PercentileIsTheOrderStatistic) {
  for (const test::Distribution& distribution : test::distributions()) {
    const std::vector<float> values = draw(distribution, 200000, 8);
    const std::vector<float> sorted = sortedMagnitudes(values);
    const ValueProfile profile = statisticsOf(values).profile();
    for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * 200000));
      const double expected = sorted[std::max<std::size_t>(rank, 1) - 1];
      EXPECT_NEAR(magnitudePercentile(profile, percent), expected, 4e-5 * sorted.back())
          << distribution.name << " " << percent;
    }
    EXPECT_EQ(magnitudePercentile(profile, 99.99), static_cast<double>(sorted[199980 - 1]))
        << distribution.name;
  }
}

TEST(RangeMethods, PercentileAmongZerosFallsBackToTheLargest) {
  std::vector<float> values(1000);
  values[17] = 3.0f;
  EXPECT_EQ(magnitudePercentile(statisticsOf(values).profile(), 99.0), 0.0);
  EXPECT_EQ(chooseThreshold(statisticsOf(values).profile(), {RangeMethod::Percentile, 99.0}), 3.0f);
}

// The iteration over the values themselves.
double octavReference(const std::vector<float>& values, int bits) {
  double sum = 0, count = 0;
  for (const float value : values) {
    sum += std::abs(value);
    count += value != 0;
  }
  double s = sum / count;
  for (int i = 0; i < 20; ++i) {
    double sumAbove = 0, above = 0, below = 0;
    for (const float value : values) {
      const double magnitude = std::abs(value);
      if (magnitude > s) {
        sumAbove += magnitude;
        ++above;
      } else if (magnitude > 0)
        ++below;
    }
    const double next = sumAbove / (std::pow(4.0, -bits) / 3 * below + above);
    const bool done = std::abs(next - s) < 1e-5 * s;
    s = next;
    if (done) break;
  }
  return s;
}

TEST(RangeMethods, MseFollowsOctav) {
  for (const char* name :
       {"gauss", "laplace", "relu", "silu", "lognormal", "sparse with outliers", "channels"})
    for (const test::Distribution& distribution : test::distributions()) {
      if (distribution.name != name) continue;
      const std::vector<float> values = draw(distribution, 100000, 9);
      for (const int bits : {4, 8}) {
        const double expected = octavReference(values, bits);
        EXPECT_NEAR(mseThreshold(statisticsOf(values).profile(), bits), expected, 0.002 * expected)
            << name << " " << bits;
      }
    }
}

TEST(RangeMethods, MseOfGaussIsTheKnownOptimum) {
  // Optimal clip of 4-bit uniform quantization of N(0, 1): 2.55 sigma (ACIQ, Banner et al. 2019, table 1).
  EXPECT_NEAR(mseThreshold(statisticsOf(draw(test::distributions()[0], 400000, 5)).profile(), 4), 2.55, 0.06);
}

TEST(RangeMethods, EveryMethodGivesUsableThresholds) {
  for (const test::Distribution& distribution : test::distributions())
    for (const RangeMethod method :
         {RangeMethod::Kl, RangeMethod::Max, RangeMethod::Percentile, RangeMethod::Mse}) {
      const ValueProfile profile = statisticsOf(draw(distribution, 20000, 1)).profile();
      const float threshold = chooseThreshold(profile, {method});
      EXPECT_GT(threshold, 0.0f) << distribution.name;
      EXPECT_LE(threshold, profile.absoluteMaximum) << distribution.name;
      if (distribution.name == "constant") {
        EXPECT_EQ(threshold, 0.7f) << rangeMethodName(method);
      }
    }
}

TEST(RangeMethods, AllZerosGetTheSmallThreshold) {
  EXPECT_EQ(chooseThreshold(statisticsOf(std::vector<float>(64)).profile(), {}), 1e-5f);
  EXPECT_EQ(chooseThreshold(ValueProfile{}, {}), 1e-5f);
}

TEST(RangeMethods, AsymmetricRangeContainsZero) {
  const auto range = [](float threshold, float minimum, float maximum) {
    const Interval interval = asymmetricRange(threshold, minimum, maximum);
    return std::pair(interval.lower, interval.upper);
  };
  EXPECT_EQ(range(2, -1, 5), std::pair(-1.0f, 2.0f));
  EXPECT_EQ(range(2, -3, 1), std::pair(-2.0f, 1.0f));
  EXPECT_EQ(range(6, 2, 5), std::pair(0.0f, 5.0f));
  EXPECT_EQ(range(6, -5, -2), std::pair(-5.0f, 0.0f));
  EXPECT_EQ(range(1e-5f, 0, 0), std::pair(0.0f, 1e-5f));
}

TEST(RangeMethods, QualityOfASimpleCase) {
  // Grid of 1 up to 255 without sign: 10 is exact, 300 is clipped by 45, 20.5 goes to 21.
  const RangeQuality quality = rangeQuality(statisticsOf({10.0f, 300.0f, 20.5f, 0.0f}).profile(), 255.0f);
  EXPECT_EQ(quality.clippedFraction, 0.25);
  EXPECT_NEAR(quality.sqnrDb, 10 * std::log10((100 + 90000 + 420.25) / (45 * 45 + 0.25)), 1e-9);
  EXPECT_EQ(rangeQuality(statisticsOf({1.0f, -1.0f}).profile(), 1.0f).sqnrDb, kSqnrLimitDb);
}

TEST(RangeMethods, QualityShowsAThresholdThatClipsTooMuch) {
  const ValueProfile profile = statisticsOf(draw(test::distributions()[0], 100000, 3)).profile();
  EXPECT_GT(rangeQuality(profile, 4.0f).sqnrDb, 35.0);
  EXPECT_LT(rangeQuality(profile, 0.5f).sqnrDb, 10.0);
  EXPECT_NEAR(rangeQuality(profile, 0.5f).clippedFraction, 0.617, 0.01);
}

} // namespace
} // namespace burin

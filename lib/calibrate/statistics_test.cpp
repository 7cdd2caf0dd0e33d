#include "lib/calibrate/statistics.h"

#include "lib/calibrate/test_support.h"

#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <thread>

namespace burin {
namespace {

using test::draw;
using test::same;
using test::statisticsOf;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(TensorStatistics, EmptyIsZero) {
  const TensorStatistics statistics;
  EXPECT_EQ(statistics.count(), 0u);
  EXPECT_EQ(statistics.minimum(), 0.0f);
  EXPECT_EQ(statistics.absoluteMaximum(), 0.0f);
  EXPECT_EQ(statistics.profile().mean(), 0.0);
  EXPECT_TRUE(statistics.profile().values.empty());
  EXPECT_FALSE(statistics.firstNonFiniteSample());
}

TEST(TensorStatistics, ExtremesCountsAndMean) {
  for (const test::Distribution& distribution : test::distributions()) {
    SCOPED_TRACE(distribution.name);
    const std::vector<float> values = draw(distribution, 50001, 3);
    const TensorStatistics statistics = statisticsOf(values);
    const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
    EXPECT_EQ(statistics.count(), values.size());
    EXPECT_EQ(statistics.minimum(), *least);
    EXPECT_EQ(statistics.maximum(), *greatest);
    EXPECT_EQ(statistics.absoluteMaximum(), std::max(std::abs(*least), std::abs(*greatest)));
    EXPECT_EQ(statistics.zeroCount(),
              static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0f)));
    double sum = 0;
    for (const float value : values) sum += value;
    EXPECT_NEAR(statistics.profile().mean(), sum / 50001, 2e-5 * statistics.absoluteMaximum());
  }
}

// Each cell holds as many values as lie in it.
TEST(TensorStatistics, CellsCountTheValues) {
  for (const test::Distribution& distribution : test::distributions()) {
    SCOPED_TRACE(distribution.name);
    std::vector<float> values = draw(distribution, 60000, 5);
    const ValueProfile profile = statisticsOf(values).profile();
    std::map<double, std::uint64_t> exact;
    std::uint64_t total = 0, magnitudeTotal = 0;
    for (const float value : values) ++exact[value];
    for (std::size_t i = 0; i < profile.values.size(); ++i) {
      const ValueCell& cell = profile.values[i];
      total += cell.count;
      ASSERT_LE(cell.lower, cell.upper);
      ASSERT_GE(cell.lower, profile.minimum);
      ASSERT_LE(cell.upper, profile.maximum);
      if (i > 0) {
        ASSERT_LE(profile.values[i - 1].lower, cell.lower);
      }
      if (cell.exact()) {
        ASSERT_EQ(cell.count, exact.at(cell.lower));
      }
    }
    for (const ValueCell& cell : profile.magnitudes) magnitudeTotal += cell.count;
    EXPECT_EQ(total + profile.zeroCount, values.size());
    EXPECT_EQ(magnitudeTotal, total);
  }
}

TEST(TensorStatistics, LargestValuesAreExact) {
  std::vector<float> values = draw(test::distributions()[0], 100000, 5);
  const ValueProfile profile = statisticsOf(values).profile();
  std::sort(values.begin(), values.end(), [](float a, float b) { return std::abs(a) > std::abs(b); });
  auto cell = profile.magnitudes.rbegin();
  for (std::size_t i = 0; i < detail::LargestValues::kCapacity; i += cell++->count) {
    ASSERT_TRUE(cell->exact());
    ASSERT_EQ(cell->lower, static_cast<double>(std::abs(values[i])));
  }
}

TEST(TensorStatistics, SameForEveryOrderGroupingAndNumberOfThreads) {
  for (const test::Distribution& distribution : test::distributions()) {
    SCOPED_TRACE(distribution.name);
    constexpr std::size_t kSamples = 12, kSize = 9001;
    std::vector<std::vector<float>> samples;
    for (std::size_t i = 0; i < kSamples; ++i) {
      samples.push_back(draw(distribution, kSize, 100 + i));
      // The range grows by uneven steps, and not every sample has negative values.
      for (float& value : samples.back())
        value *= static_cast<float>(1 << (i * 5 % 7)) * (i % 4 ? 1.0f : 0.37f);
    }
    TensorStatistics forward;
    for (std::size_t i = 0; i < kSamples; ++i) forward.update(samples[i], i);
    TensorStatistics backward;
    for (std::size_t i = kSamples; i-- > 0;) backward.update(samples[i], i);
    EXPECT_TRUE(same(forward, backward));
    for (const std::size_t threads : {2u, 3u, 5u}) {
      std::vector<TensorStatistics> parts(threads);
      std::vector<std::thread> workers;
      for (std::size_t t = 0; t < threads; ++t)
        workers.emplace_back([&, t] {
          for (std::size_t i = t; i < kSamples; i += threads) parts[t].update(samples[i], i);
        });
      for (std::thread& worker : workers) worker.join();
      TensorStatistics merged;
      for (std::size_t t = threads; t-- > 0;) merged.merge(parts[t]);
      EXPECT_TRUE(same(merged, forward)) << threads;
    }
  }
}

TEST(TensorStatistics, RowsWithPaddingAreTheSameValues) {
  for (const std::size_t rowLength : {0u, 1u, 3u, 32u, 100u, 2047u, 2048u, 5000u}) {
    const std::size_t rows = 70, stride = rowLength + 5;
    std::vector<float> padded(rows * stride, 1e9f), dense;
    test::Random random(rowLength);
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t i = 0; i < rowLength; ++i) {
        padded[row * stride + i] = static_cast<float>(random.gauss());
        dense.push_back(padded[row * stride + i]);
      }
    TensorStatistics statistics;
    statistics.updateRows(padded.data(), rows, rowLength, stride, 0);
    EXPECT_TRUE(same(statistics, statisticsOf(dense))) << rowLength;
  }
}

TEST(TensorStatistics, NonFiniteValuesAreCountedAndLeftOut) {
  std::vector<float> values = draw(test::distributions()[0], 5000, 1);
  const TensorStatistics clean = statisticsOf(values, 3);
  values.insert(values.begin() + 2500, {kNan, kInfinity, -kInfinity, kNan, -kNan});
  TensorStatistics statistics = statisticsOf(values, 7);
  EXPECT_EQ(statistics.nanCount(), 3u);
  EXPECT_EQ(statistics.infinityCount(), 2u);
  EXPECT_EQ(statistics.firstNonFiniteSample(), 7u);
  EXPECT_EQ(statistics.count(), 5000u);
  EXPECT_EQ(statistics.maximum(), clean.maximum());
  TensorStatistics earlier;
  earlier.update(std::vector<float>{kNan}, 4);
  statistics.merge(earlier);
  statistics.merge(clean);
  EXPECT_EQ(statistics.firstNonFiniteSample(), 4u);
  EXPECT_EQ(statistics.nanCount(), 4u);
}

TEST(TensorStatistics, ZerosOfEitherSignAreZeros) {
  const TensorStatistics statistics = statisticsOf({0.0f, -0.0f, -0.0f, 2.0f});
  EXPECT_EQ(statistics.zeroCount(), 3u);
  EXPECT_FALSE(std::signbit(statistics.minimum()));
  EXPECT_EQ(statistics.profile().values.size(), 1u);
}

TEST(TensorStatistics, FewDistinctValuesStayExact) {
  for (const char* name : {"picture", "two values", "constant"})
    for (const test::Distribution& distribution : test::distributions())
      if (distribution.name == name) {
        EXPECT_TRUE(statisticsOf(draw(distribution, 300000, 1)).exact()) << name;
      }
  EXPECT_FALSE(statisticsOf(draw(test::distributions()[0], 10000, 1)).exact());
}

TEST(TensorStatistics, ExtremeMagnitudes) {
  const float largest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  std::vector<float> values(6000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = least * static_cast<float>(i + 1);
  EXPECT_EQ(statisticsOf(values).absoluteMaximum(), values.back());
  values.push_back(-largest);
  const ValueProfile profile = statisticsOf(values).profile();
  EXPECT_EQ(profile.minimum, -largest);
  EXPECT_EQ(profile.values.front().lower, static_cast<double>(-largest));
}

// Counts beyond 32 bits, reached by merging a histogram with itself.
TEST(SignedHistogram, CountsBeyond32Bits) {
  using detail::slotOfBin;
  detail::SignedHistogram histogram;
  histogram.growTo(0);
  histogram.allowNegative();
  const std::int32_t slots[] = {slotOfBin(5), slotOfBin(5), slotOfBin(-1 - 6), slotOfBin(7)};
  histogram.add(slots, 4);
  for (int i = 0; i < 40; ++i) histogram.merge(histogram);
  EXPECT_EQ(histogram.count(5), std::uint64_t{2} << 40);
  EXPECT_EQ(histogram.count(-7), std::uint64_t{1} << 40);
  histogram.add(slots, 4);
  histogram.growTo(1);
  EXPECT_EQ(histogram.count(2), (std::uint64_t{2} << 40) + 2);
  EXPECT_EQ(histogram.count(3), (std::uint64_t{1} << 40) + 1);
  EXPECT_EQ(histogram.count(-4), (std::uint64_t{1} << 40) + 1);
  histogram.growTo(60);
  EXPECT_EQ(histogram.count(0), (std::uint64_t{3} << 40) + 3);
}

} // namespace
} // namespace burin

#include "lib/pipeline/mean_shift.h"

#include <cmath>
#include <gtest/gtest.h>

namespace burin {
namespace {

// Integers 100 to 149, ten of each.
template <class Function>
FunctionMeans spread(const Function& function) {
  FunctionMeans means;
  for (int q = 0; q < 256; ++q)
    means.counts[q] = q >= 100 && q < 150 ? 10 : 0, means.results[q] = function(q);
  return means;
}

TEST(MeanShift, OfALineIsTheDifference) {
  auto line = [](int q) { return 0.5 * (q - 128); };
  EXPECT_NEAR(shiftForMean(spread(line), 0.5 * (124.5 - 128) + 0.75), 1.5, 1e-9);
  EXPECT_NEAR(shiftForMean(spread(line), 0.5 * (124.5 - 128) - 0.25), -0.5, 1e-9);
  EXPECT_EQ(shiftForMean(spread(line), 0.5 * (124.5 - 128)), 0);
}

// Half of the values lie where a ReLU is flat, so the others have to move twice as far.
TEST(MeanShift, CountsOnlyWhatTheFunctionLetsThrough) {
  auto relu = [](int q) { return std::max(0.0, q - 124.5); };
  FunctionMeans means = spread(relu);
  double mean = 0;
  for (int q = 125; q < 150; ++q) mean += (q - 124.5) / 50;
  EXPECT_NEAR(shiftForMean(means, mean + 0.5), 1, 1.0 / 16);
}

TEST(MeanShift, IsBoundedWhereTheFunctionIsFlat) {
  EXPECT_EQ(shiftForMean(spread([](int) { return 0.0; }), 1), 0);
  EXPECT_EQ(shiftForMean(spread([](int q) { return 1e-6 * q; }), 1), kMaxShift);
}

TEST(MeanShift, LeavesValuesAloneWhereTheFunctionIsFarFlatterThanElsewhere) {
  EXPECT_EQ(shiftForMean(spread([](int q) { return q < 200 ? 0.01 * q : q; }), 5), 0);
}

TEST(MeanShift, ClippedValuesStay) {
  FunctionMeans means;
  means.counts[0] = means.counts[255] = 100;
  for (int q = 0; q < 256; ++q) means.results[q] = q;
  EXPECT_EQ(shiftForMean(means, 200), 0);
}

TEST(MeanShift, OfNothingIsNone) { EXPECT_EQ(shiftForMean({}, 3), 0); }

} // namespace
} // namespace burin

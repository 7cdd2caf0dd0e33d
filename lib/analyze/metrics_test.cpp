#include "lib/analyze/metrics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace burin {
namespace {

TEST(Similarity, EqualTensorsAreEqual) {
  std::vector<float> a = {1, -2, 3};
  Similarity s = similarity(a, a);
  EXPECT_DOUBLE_EQ(s.cosine, 1);
  EXPECT_DOUBLE_EQ(s.maxAbs, 0);
  EXPECT_DOUBLE_EQ(s.sqnrDb, 200);
}

TEST(Similarity, BothZeroCountAsEqualOneZeroDoesNot) {
  std::vector<float> zero = {0, 0}, one = {1, 0};
  EXPECT_DOUBLE_EQ(similarity(zero, zero).cosine, 1);
  EXPECT_DOUBLE_EQ(similarity(zero, one).cosine, 0);
}

TEST(Similarity, HandWorkedValues) {
  std::vector<float> r = {3, 4}, a = {3, 3};
  Similarity s = similarity(r, a);
  EXPECT_NEAR(s.cosine, 21 / (5 * std::sqrt(18.0)), 1e-12);
  EXPECT_NEAR(s.euclid, 1 - 1 / (std::sqrt(9 + 12.25) + 1e-7), 1e-12);
  EXPECT_NEAR(s.sqnrDb, 10 * std::log10(25.0), 1e-12);
  EXPECT_DOUBLE_EQ(s.maxAbs, 1);
  EXPECT_DOUBLE_EQ(s.rangeError, 1);
}

TEST(Similarity, NanAgainstNumberIsInfinitelyFar) {
  std::vector<float> r = {1, 2}, a = {1, std::nanf("")};
  EXPECT_TRUE(std::isinf(similarity(r, a).maxAbs));
}

} // namespace
} // namespace burin

#include "lib/nn/module_io.h"
#include "lib/quantize/trim.h"

#include <cmath>
#include <gtest/gtest.h>

namespace burin::quantize {
namespace {

class Trim : public testing::Test {
protected:
  std::optional<Interval> useful(const char* fn, Interval range, double tolerance) {
    auto context = nn::makeContext();
    nn::GraphBuilder builder(context.get());
    mlir::Value x = builder.input("x", {rt::DType::F32, {4}});
    auto y = builder.op("unary", {x}, builder.attrs().s("fn", fn), "y");
    EXPECT_TRUE(y) << y.error().text();
    return usefulRange(y->getDefiningOp(), range, tolerance);
  }
};

TEST_F(Trim, CutsTheFlatEndOfSilu) {
  auto r = useful("silu", {-143, 26}, 0.05);
  ASSERT_TRUE(r);
  // silu(x) = x / (1 + e^-x) lies within +-0.05 of silu(low) for every x below low.
  EXPECT_GT(r->low, -8);
  EXPECT_NEAR(r->high, 26, 0.1);
  double atLow = r->low / (1 + std::exp(-r->low));
  for (double x = -143; x < r->low; x += 0.01) EXPECT_LE(std::fabs(x / (1 + std::exp(-x)) - atLow), 0.051);
}

TEST_F(Trim, CutsBothEndsOfSigmoid) {
  auto r = useful("sigmoid", {-40, 40}, 0.002);
  ASSERT_TRUE(r);
  EXPECT_GT(r->low, -7);
  EXPECT_LT(r->high, 7);
  EXPECT_LT(r->low, -5);
  EXPECT_GT(r->high, 5);
}

TEST_F(Trim, LeavesAStraightLineAlone) {
  auto r = useful("neg", {-3, 5}, 0.01);
  ASSERT_TRUE(r);
  EXPECT_NEAR(r->low, -3, 0.03);
  EXPECT_NEAR(r->high, 5, 0.03);
}

TEST_F(Trim, AFunctionThatIsFlatEverywhereSaysNothing) { EXPECT_FALSE(useful("sigmoid", {50, 90}, 0.01)); }

} // namespace
} // namespace burin::quantize

#include "lib/quantize/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace burin::quantize {
namespace {

// Two output channels of two weights each; the second channel is eight times smaller in all respects.
struct Layer {
  std::vector<float> weights = {1.0f, -0.5f, 0.125f, -0.0625f}, bias = {2.0f, 0.25f};
  float outputScale[2] = {0.08f, 0.01f};

  WeightProblem problem() const {
    WeightProblem p{weights, bias, 2, [](int64_t i) { return i / 2; }, 0.05f, {}};
    p.outputScale = [this](int64_t c) { return outputScale[c]; };
    p.outputBase = 0.08f;
    return p;
  }
};

// What a unit of the integer weights is worth in the accumulator, per channel.
double stepOf(const IntegerWeights& q, size_t channel) { return 0.05 * q.scale[channel]; }

TEST(QuantizeWeights, OneScaleForAllChannelsTakesTheResultsFactorsIntoTheWeights) {
  const Target target = *loadTarget("z1_0701");
  const Layer layer;
  auto q = quantizeWeights(layer.problem(), target.conv, target);
  ASSERT_TRUE(q) << q.error().message;
  EXPECT_EQ(q->multiplier.size(), 1u); // one requantisation, as the chip has it
  // Divided by its factor the second channel is the first one over again.
  EXPECT_EQ(q->weights, (std::vector<int8_t>{127, -64, 127, -64}));
  EXPECT_EQ(q->bias[0], q->bias[1]);
  // And the stated scales give back the layer's own weights and biases.
  ASSERT_EQ(q->scale.size(), 2u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(q->weights[i] * q->scale[i / 2], layer.weights[i], 0.51 * q->scale[i / 2]);
  for (size_t c = 0; c < 2; ++c) EXPECT_NEAR(q->bias[c] * stepOf(*q, c), layer.bias[c], stepOf(*q, c));
}

TEST(QuantizeWeights, OneScaleStaysOneWhereTheResultHasOne) {
  const Target target = *loadTarget("z1_0701");
  Layer layer;
  layer.outputScale[1] = layer.outputScale[0];
  auto q = quantizeWeights(layer.problem(), target.conv, target);
  ASSERT_TRUE(q) << q.error().message;
  EXPECT_EQ(q->scale.size(), 1u);
  EXPECT_EQ(q->weights, (std::vector<int8_t>{127, -64, 16, -8}));
}

TEST(QuantizeWeights, AScalePerChannelTakesThemIntoTheRequantisation) {
  const Target target = *loadTarget("bm1684x");
  const Layer layer;
  auto q = quantizeWeights(layer.problem(), target.conv, target);
  ASSERT_TRUE(q) << q.error().message;
  ASSERT_EQ(q->multiplier.size(), 2u);
  for (size_t c = 0; c < 2; ++c) {
    const double ratio = q->multiplier[c] * std::exp2(-q->shift[c]);
    EXPECT_NEAR(ratio, stepOf(*q, c) / layer.outputScale[c], 0.01 * ratio);
  }
}

TEST(QuantizeWeights, ShiftOnlyChipsTakeTheFactorsIntoWeightsAndBiases) {
  const Target target = *loadTarget("bm1684");
  const Layer layer;
  auto q = quantizeWeights(layer.problem(), target.conv, target);
  ASSERT_TRUE(q) << q.error().message;
  EXPECT_EQ(q->shift.size(), 1u);
  EXPECT_EQ(q->weights[0], q->weights[2]);
  EXPECT_EQ(q->bias[0], q->bias[1]);
  EXPECT_NEAR(q->weights[2] * q->scale[1], layer.weights[2], 0.51 * q->scale[1]);
}

} // namespace
} // namespace burin::quantize

#include "lib/pipeline/advice.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

// A network whose layer "conv" takes its operand's 40 dB down to 10.
struct Case {
  Verification verification;
  quantize::QuantPlan plan;
  CalibrationTable table;

  Case() {
    verification.outputs = {{"scores", "output", 0.9, 9}};
    verification.losses = {{"conv", "qnn.conv", "", 40, 10}};
    quantize::TensorPlan t;
    t.name = "conv", t.threshold = 8, t.min = -8, t.max = 8;
    plan.tensors = {t};
    plan.index();
    TensorRange range;
    range.name = "conv", range.threshold = 8, range.absoluteMaximum = 8, range.quality.sqnrDb = 40;
    table.entries = {range};
  }
  TensorRange& range() { return table.entries[0]; }
  std::string about(const char* layer) const {
    for (const std::string& line : advise(verification, &plan, &table))
      if (line.starts_with(layer)) return line;
    return {};
  }
};

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(Advice, AGoodProgramNeedsNone) {
  Case c;
  c.verification.outputs[0].sqnrDb = 25;
  EXPECT_TRUE(advise(c.verification, &c.plan, &c.table).empty());
}

TEST(Advice, NamesOutputLayerAndRemedy) {
  const std::vector<std::string> lines = advise(Case().verification, nullptr, nullptr);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(holds(lines[0], "scores"));
  EXPECT_TRUE(holds(lines[1], "conv (qnn.conv) falls from 40.0 dB to 10.0 dB"));
  EXPECT_TRUE(holds(lines[2], "--plan"));
}

TEST(Advice, ClippedValuesAreTheReason) {
  Case c;
  c.range().absoluteMaximum = 20;
  c.range().quality.sqnrDb = 11;
  EXPECT_TRUE(holds(c.about("conv"), "values up to 20 are clipped at 8")) << c.about("conv");
}

TEST(Advice, ChannelsOfDifferentRangeAreTheReasonUnlessTheyHaveTheirOwnScales) {
  Case c;
  c.range().channelMin = {-8, -0.1f};
  c.range().channelMax = {1, 0.05f};
  EXPECT_TRUE(holds(c.about("conv"), "80-fold")) << c.about("conv");
  c.plan.tensors[0].channels = {1, 0.0125};
  EXPECT_TRUE(holds(c.about("conv"), "rounding of its operands")) << c.about("conv");
}

TEST(Advice, TheRangeBeforeAFunctionIsLookedAtUnlessItWasCutToTheFunction) {
  Case c;
  c.verification.losses = {{"silu", "qnn.lut", "conv", 40, 10}};
  quantize::TensorPlan t = c.plan.tensors[0];
  t.name = "silu";
  c.plan.tensors.push_back(t);
  c.plan.index();
  TensorRange range = c.range();
  range.name = "silu";
  c.table.entries.push_back(range);
  c.range().absoluteMaximum = 20;
  c.range().quality.sqnrDb = 11;
  EXPECT_TRUE(holds(c.about("silu"), "of its operand, values up to 20 are clipped at 8")) << c.about("silu");
  c.plan.tensors[0].threshold = 4;
  EXPECT_TRUE(holds(c.about("silu"), "rounding of its operands")) << c.about("silu");
}

TEST(Advice, ValuesThatEightBitsCannotHoldAreTheReason) {
  Case c;
  c.range().quality.sqnrDb = 12;
  EXPECT_TRUE(holds(c.about("conv"), "8 bits give its values 12.0 dB at most")) << c.about("conv");
}

TEST(Advice, WhatAddsMostNoiseIsNotWhatLosesMostDecibels) {
  const LayerLoss early{"a", "qnn.conv", "", 200, 30}, late{"b", "qnn.conv", "", 16, 8};
  EXPECT_GT(late.addedNoise(), early.addedNoise());
}

} // namespace
} // namespace burin

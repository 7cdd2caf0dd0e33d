#include "lib/quantize/plan.h"
#include "lib/quantize/test_support.h"

#include <gtest/gtest.h>

namespace burin::quantize {
namespace {

// What the plan for x -> conv -> y says of x, whose threshold of 1 has an SQNR of 20 dB; the best one is 3.
TensorPlan planned(const char* method, double bestSqnrDb) {
  auto context = nn::makeContext();
  nn::GraphBuilder builder{context.get()};
  mlir::Value x = builder.input("x", {rt::DType::F32, {1, 1, 2, 2}}),
              w = builder.constantFloats(std::vector<float>{0.5f}, {1, 1, 1, 1});
  mlir::Value y = *builder.op("conv", {x, w, builder.none()}, test::plainConvolution(builder), "y");
  auto module = *builder.finish({y}, {"out"});
  CalibrationTable table;
  table.method = method;
  for (const char* name : {"x", "y"}) {
    TensorRange range;
    range.name = name;
    range.threshold = 1, range.min = -4, range.max = 4, range.absoluteMaximum = 4;
    range.quality.sqnrDb = 20;
    range.bestThreshold = 3, range.bestSqnrDb = bestSqnrDb;
    table.entries.push_back(range);
  }
  auto plan = buildPlan(*(*module).getOps<nn::GraphOp>().begin(), {}, table, *loadTarget("cpu"), {});
  return plan ? *plan->tensor("x") : TensorPlan{};
}

TEST(BuildPlan, AKlThresholdThatCostsMuchGivesWayToTheBest) {
  const TensorPlan t = planned("kl", 23);
  EXPECT_EQ(t.threshold, 3);
  EXPECT_EQ(t.source, "calibration, least error");
}

TEST(BuildPlan, AKlThresholdThatCostsLittleStays) { EXPECT_EQ(planned("kl", 21.5).threshold, 1); }

TEST(BuildPlan, WhatTheUserChoseIsNotCorrected) { EXPECT_EQ(planned("percentile", 30).threshold, 1); }

} // namespace
} // namespace burin::quantize

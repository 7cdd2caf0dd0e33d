#include "lib/calibrate/warnings.h"

#include "lib/calibrate/test_support.h"

#include <gtest/gtest.h>
#include <limits>

namespace burin {
namespace {

using test::statisticsOf;

std::string textOf(const std::optional<CalibrationWarning>& warning) {
  return warning ? warning->message() : "";
}

TEST(Warnings, KindsGoBothWays) {
  for (const char* name : {"all-zero", "constant", "few-samples", "non-finite", "input-range"})
    EXPECT_EQ(warningKindName(*parseWarningKind(name)), name);
  EXPECT_FALSE(parseWarningKind("other"));
}

TEST(Warnings, FewSamples) {
  EXPECT_EQ(textOf(checkSampleCount(5)),
            "calibrated with 5 samples; ranges from fewer than 16 depend on the choice of the "
            "samples, give 100 or more");
  EXPECT_TRUE(textOf(checkSampleCount(1)).starts_with("calibrated with 1 sample;"));
  EXPECT_FALSE(checkSampleCount(16));
}

TEST(Warnings, AllZeroAndConstant) {
  const auto zeros = checkTensor("relu1", statisticsOf(std::vector<float>(10)));
  ASSERT_EQ(zeros.size(), 1u);
  EXPECT_EQ(zeros[0].kind, CalibrationWarningKind::AllZero);
  EXPECT_EQ(zeros[0].message(),
            "relu1: all values are zero in every sample; the threshold is set to 1e-5: check the data and "
            "its preprocessing, or that this part of the model is in use");
  const auto constant = checkTensor("fc", statisticsOf(std::vector<float>(10, 0.5f)));
  ASSERT_EQ(constant.size(), 1u);
  EXPECT_EQ(constant[0].message(),
            "fc: all values are 0.5 in every sample; if this should vary, check the data and its "
            "preprocessing");
  EXPECT_TRUE(checkTensor("fc", statisticsOf({0.5f, 1.0f})).empty());
  EXPECT_TRUE(checkTensor("scalar", statisticsOf({0.5f})).empty());
}

TEST(Warnings, NonFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  const auto warnings = checkTensor("div", statisticsOf({1.0f, nan, 2.0f, infinity, nan}, 3));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].kind, CalibrationWarningKind::NonFinite);
  EXPECT_EQ(warnings[0].message(),
            "div: 2 NaN and 1 Inf among 5 values, first in sample 3; they are left out of the range: "
            "look for a division by zero or an overflow in the model, or for a broken sample");
}

TEST(Warnings, ExpectedInputCoversAllChannels) {
  const ExpectedInput expected = expectedInput({100, 50}, {0.01, -0.02});
  EXPECT_NEAR(expected.lower, -4.1, 1e-12);
  EXPECT_NEAR(expected.upper, 1.55, 1e-12);
  EXPECT_EQ(expectedInput({}, {}).upper, 255.0);
  EXPECT_NEAR(expectedInput({127.5}, {0.5, 1}).lower, -127.5, 1e-12);
}

TEST(Warnings, InputThatIsNotScaled) {
  const ExpectedInput expected = expectedInput({123.675, 116.28, 103.53}, {0.0171, 0.0175, 0.0174});
  const auto raw = checkInput("input", statisticsOf({0.0f, 128.0f, 255.0f}), expected);
  ASSERT_TRUE(raw);
  EXPECT_EQ(
      raw->message(),
      "input: values lie in [0, 255] (mean 127.7), the preprocessing gives [-2.115, 2.636]; the data seem "
      "not to be preprocessed, or for another model: check --mean and --scale, or feed arrays that are "
      "normalised");
  EXPECT_FALSE(checkInput("input", statisticsOf({-2.0f, 0.1f, 2.5f}), expected));
  EXPECT_FALSE(checkInput("input", TensorStatistics{}, expected));
}

TEST(Warnings, InputThatIsScaledTwice) {
  const auto warning = checkInput("input", statisticsOf({0.0f, 0.5f, 1.0f}), expectedInput({}, {}));
  ASSERT_TRUE(warning);
  EXPECT_EQ(warning->message(),
            "input: values lie in [0, 1] (mean 0.5), the preprocessing gives [0, 255]; the data seem to be "
            "scaled already, or blank: check --mean and --scale, or feed values of 0..255");
  EXPECT_FALSE(checkInput("input", statisticsOf({0.0f, 20.0f}), expectedInput({}, {})));
}

} // namespace
} // namespace burin

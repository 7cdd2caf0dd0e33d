#include "lib/calibrate/warnings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace burin {
namespace {

struct NamedKind {
  std::string_view name;
  CalibrationWarningKind kind;
};

constexpr std::array<NamedKind, 5> kKinds{{{"all-zero", CalibrationWarningKind::AllZero},
                                           {"constant", CalibrationWarningKind::Constant},
                                           {"few-samples", CalibrationWarningKind::FewSamples},
                                           {"non-finite", CalibrationWarningKind::NonFinite},
                                           {"input-range", CalibrationWarningKind::InputRange}}};

std::string nonFiniteText(const TensorStatistics& statistics) {
  std::string what;
  if (statistics.nanCount() > 0) what = fmt::format("{} NaN", statistics.nanCount());
  if (statistics.infinityCount() > 0)
    what += fmt::format("{}{} Inf", what.empty() ? "" : " and ", statistics.infinityCount());
  return fmt::format(
      "{} among {} values, first in sample {}; they are left out of the range: look for a division by zero "
      "or an overflow in the model, or for a broken sample",
      what, statistics.count() + statistics.nanCount() + statistics.infinityCount(),
      *statistics.firstNonFiniteSample());
}

} // namespace

std::string CalibrationWarning::message() const { return tensor.empty() ? text : tensor + ": " + text; }

std::string_view warningKindName(CalibrationWarningKind kind) {
  for (const NamedKind& entry : kKinds)
    if (entry.kind == kind) return entry.name;
  return "";
}

std::optional<CalibrationWarningKind> parseWarningKind(std::string_view name) {
  for (const NamedKind& entry : kKinds)
    if (entry.name == name) return entry.kind;
  return std::nullopt;
}

std::optional<CalibrationWarning> checkSampleCount(std::uint64_t samples) {
  if (samples >= kFewSamples) return std::nullopt;
  return CalibrationWarning{
      CalibrationWarningKind::FewSamples,
      {},
      fmt::format("calibrated with {} sample{}; ranges from fewer than {} depend on the choice of the "
                  "samples, give 100 or more",
                  samples, samples == 1 ? "" : "s", kFewSamples)};
}

std::vector<CalibrationWarning> checkTensor(const std::string& tensor, const TensorStatistics& statistics) {
  std::vector<CalibrationWarning> warnings;
  if (statistics.nanCount() + statistics.infinityCount() > 0)
    warnings.push_back({CalibrationWarningKind::NonFinite, tensor, nonFiniteText(statistics)});
  if (statistics.absoluteMaximum() == 0)
    warnings.push_back(
        {CalibrationWarningKind::AllZero, tensor,
         "all values are zero in every sample; the threshold is set to 1e-5: check the data and its "
         "preprocessing, or that this part of the model is in use"});
  // A single value is constant by nature (one sample of a scalar).
  else if (statistics.count() > 1 && statistics.minimum() == statistics.maximum())
    warnings.push_back(
        {CalibrationWarningKind::Constant, tensor,
         fmt::format("all values are {} in every sample; if this should vary, check the data and its "
                     "preprocessing",
                     statistics.minimum())});
  return warnings;
}

ExpectedInput expectedInput(const std::vector<double>& mean, const std::vector<double>& scale) {
  constexpr double kLargestLevel = 255.0;
  ExpectedInput expected{INFINITY, -INFINITY};
  for (std::size_t channel = 0; channel < std::max<std::size_t>({mean.size(), scale.size(), 1}); ++channel) {
    // A single number stands for all channels; none for mean 0 and scale 1.
    const double m = mean.empty() ? 0.0 : mean[std::min(channel, mean.size() - 1)];
    const double s = scale.empty() ? 1.0 : scale[std::min(channel, scale.size() - 1)];
    const double darkest = (0.0 - m) * s, brightest = (kLargestLevel - m) * s;
    expected.lower = std::min({expected.lower, darkest, brightest});
    expected.upper = std::max({expected.upper, darkest, brightest});
  }
  return expected;
}

std::optional<CalibrationWarning> checkInput(const std::string& tensor, const TensorStatistics& statistics,
                                             const ExpectedInput& expected) {
  constexpr double kNarrow = 0.05, kBeyond = 0.5;
  const double width = expected.upper - expected.lower;
  if (statistics.count() == 0 || !(width > 0)) return std::nullopt;
  const double minimum = statistics.minimum(), maximum = statistics.maximum();
  const std::string facts =
      fmt::format("values lie in [{:.4g}, {:.4g}] (mean {:.4g}), the preprocessing gives [{:.4g}, {:.4g}]",
                  minimum, maximum, statistics.profile().mean(), expected.lower, expected.upper);
  const auto warn = [&](const char* remedy) {
    return CalibrationWarning{CalibrationWarningKind::InputRange, tensor, facts + remedy};
  };
  if (minimum < expected.lower - kBeyond * width || maximum > expected.upper + kBeyond * width)
    return warn("; the data seem not to be preprocessed, or for another model: check --mean and --scale, or "
                "feed arrays "
                "that are normalised");
  if (maximum - minimum < kNarrow * width)
    return warn(
        "; the data seem to be scaled already, or blank: check --mean and --scale, or feed values of 0..255");
  return std::nullopt;
}

} // namespace burin

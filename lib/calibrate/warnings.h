// What a person should know about calibration data, as data: kind, tensor and a full sentence.
#pragma once

#include "lib/calibrate/statistics.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

enum class CalibrationWarningKind { AllZero, Constant, FewSamples, NonFinite, InputRange };

struct CalibrationWarning {
  CalibrationWarningKind kind = CalibrationWarningKind::AllZero;
  std::string tensor; // empty if it is about the whole set
  std::string text;   // "what is wrong; what to do"; names the tensor only in `tensor`

  // "TENSOR: text"
  std::string message() const;
};

// "all-zero", "constant", "few-samples", "non-finite", "input-range".
std::string_view warningKindName(CalibrationWarningKind kind);
std::optional<CalibrationWarningKind> parseWarningKind(std::string_view name);

// Ranges of fewer samples than this jump from run to run (ncnn, TensorRT and others advise 100 and more).
inline constexpr std::uint64_t kFewSamples = 16;
std::optional<CalibrationWarning> checkSampleCount(std::uint64_t samples);

// All zeros, all equal, NaN or Inf.
std::vector<CalibrationWarning> checkTensor(const std::string& tensor, const TensorStatistics& statistics);

// The values that an input can take by its preprocessing: (x - mean) * scale for x in 0..255, over all
// channels.
struct ExpectedInput {
  double lower = 0;
  double upper = 0;
};
ExpectedInput expectedInput(const std::vector<double>& mean, const std::vector<double>& scale);

// Compares an input as fed with what its preprocessing says. A picture set fills most of the expected range:
// a spread below 5 % of it means that the values were scaled already, values beyond it by more than half its
// width that they were not scaled at all (or that mean and scale belong to another model).
std::optional<CalibrationWarning> checkInput(const std::string& tensor, const TensorStatistics& statistics,
                                             const ExpectedInput& expected);

} // namespace burin

// The part of a range that matters: an activation function that is flat at its ends (SiLU, sigmoid, hard
// swish) makes most of a wide pre-activation range worthless, and 8 bits spread over it lose the part where
// the function bends.
#pragma once

#include "lib/nn/nn.h"

#include <optional>

namespace burin::quantize {

struct Interval {
  double low = 0, high = 0;
};

// The smallest sub-range of `range` such that clipping the operand of `function` (an nn.unary) to it changes
// no result by more than `tolerance`. Nothing when the function cannot be evaluated.
std::optional<Interval> usefulRange(mlir::Operation* function, Interval range, double tolerance);

} // namespace burin::quantize

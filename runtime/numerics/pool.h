// Averages of quantised values: average pooling and mean. Labels: docs/numerics.md.
#pragma once

#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

struct AverageRule {
  bool integerDivision = false; // [AVG-INTEGER], else [AVG-REQUANT] by `policy`
  RequantPolicy policy = RequantPolicy::FloatHalfEven;
};

// [AVG-REQUANT] The sum of the centred values is an accumulator of scale from / (to * count). FloatHalfEven
// divides twice in float32, fl(fl(from / to) / count), Tflite divides the multiplier [MEAN-TFLITE], the
// others in double. `count` is what the source op divides by.
EncodeStatus encodeAverage(RequantPolicy policy, float from, float to, int32_t count, Requant& requant);

// [AVG-INTEGER] The sum of the stored values over their number, half away from zero; input and output share
// scale and zero point.
inline int32_t averageInteger(int32_t sum, int32_t count, int32_t low, int32_t high) {
  return static_cast<int32_t>(saturate(divideRounded(sum, count, Rounding::HalfAway), low, high));
}

} // namespace burin::rt

// [SOFTMAX-TFLITE] The fixed-point softmax of TensorFlow Lite's reference kernels, on 8-bit rows. Other
// targets dequantise and use the float softmax of docs/numerics.md.
#pragma once

#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

struct SoftmaxParameters {
  int32_t multiplier = 0;      // Q31 factor of beta * scale * 2^26 ...
  int32_t leftShift = 0;       // ... and its power of two
  int32_t leastDifference = 0; // x - max below this counts as exp = 0
};

// beta * scale has to be above 2^-26: the difference is scaled up, never down.
EncodeStatus encodeSoftmax(double beta, float inputScale, SoftmaxParameters& parameters);

// One row of `count` stored values; the output has scale 1/256 and the zero point `low` (-128 or 0). Elements
// are `step` apart. The Q12.19 sum saturates (rows with thousands of nearly equal values).
template <class T>
void softmaxTflite(const T* x, T* y, int64_t count, int64_t step, const SoftmaxParameters& parameters);

// exp(a / 2^26) as Q0.31 for a <= 0.
int32_t expNegativeQ5(int32_t a);
// 1 / (1 + a / 2^31) as Q0.31 for a >= 0.
int32_t reciprocalOnePlusQ0(int32_t a);

} // namespace burin::rt

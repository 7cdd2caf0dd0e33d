// [SOFTMAX-TFLITE] The fixed-point softmax of TensorFlow Lite's reference kernels, on 8-bit rows. Other
// targets dequantise and use the float softmax of docs/numerics.md.
#pragma once

#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

struct SoftmaxParameters {
  int32_t exponential[256]; // of a value that lies so much below the row's maximum, Q0.31
};

// beta * scale has to be above 2^-26: the difference is scaled up, never down.
EncodeStatus encodeSoftmax(double beta, float inputScale, SoftmaxParameters& parameters);

// One row of `count` stored values, stepX and stepY apart; the output has scale 1/256 and the zero point
// `low` (-128 or 0). The Q12.19 sum saturates (rows with thousands of nearly equal values).
template <class T>
void softmaxTflite(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count,
                   const SoftmaxParameters& parameters);

// exp(a / 2^26) as Q0.31 for a <= 0.
int32_t expNegativeQ5(int32_t a);
// 1 / (1 + a / 2^31) as Q0.31 for a >= 0.
int32_t reciprocalOnePlusQ0(int32_t a);

} // namespace burin::rt

// [SOFTMAX-TFLITE] The fixed-point softmax of TensorFlow Lite's reference kernels, on 8-bit rows. Other
// targets dequantise and use the float softmax of docs/numerics.md.
#pragma once

#include "runtime/numerics/pieces.h"
#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

struct SoftmaxParameters {
  int32_t exponential[256]; // of a value that lies so much below the row's maximum, Q0.31
  int32_t difference[256];  // that value less the maximum times beta * scale, Q5.26
  int32_t least = 0;        // differences below it count for nothing
  Requant back;             // from Q5.26 to stored integers
};

// beta * scale has to be above 2^-26: the difference is scaled up, never down.
EncodeStatus encodeSoftmax(double beta, float inputScale, SoftmaxParameters& parameters);

// One row of `count` stored values, stepX and stepY apart; the output has scale 1/256 and the zero point
// `low` (-128 or 0). The Q12.19 sum saturates (rows with thousands of nearly equal values).
template <class T>
void softmaxTflite(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count,
                   const SoftmaxParameters& parameters);

// [LOGSOFTMAX-TFLITE] The logarithm of it: the output has scale 1/16 and the zero point `high` (127 or 255).
template <class T>
void logSoftmaxTflite(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count,
                      const SoftmaxParameters& parameters);

// [SOFTMAX-TFLITE16] The same on 16-bit rows: exp(-10..0) and 1 / (1 + 0..1) from tables of 512 straight
// pieces.
struct Softmax16Parameters {
  int32_t multiplier = 0, shift = 0; // of a difference to the row's maximum, in 65535ths of 10
  Pieces16 exponential, reciprocal;
};
EncodeStatus encodeSoftmax(double beta, float inputScale, Softmax16Parameters& parameters);
// The output has scale 1/32768 and no zero point.
void softmaxTflite(const int16_t* x, int64_t stepX, int16_t* y, int64_t stepY, int64_t count,
                   const Softmax16Parameters& parameters);

// exp(a / 2^26) as Q0.31 for a <= 0.
int32_t expNegativeQ5(int32_t a);
// 1 / (1 + a / 2^31) as Q0.31 for a >= 0.
int32_t reciprocalOnePlusQ0(int32_t a);

} // namespace burin::rt

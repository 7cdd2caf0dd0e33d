// Scales and integers of weights and biases. Labels: docs/numerics.md.
#pragma once

#include "runtime/numerics/quantize.h"

namespace burin::rt {

// [W-MAX] fl(max|w| / divisor), raised so that the largest bias needs at most 2^30 quanta of inputScale *
// scale; an all-zero group without bias gives 1/128.
float maxWeightScale(double maxWeight, double maxBias, float inputScale, double divisor);

// [W-QSCALE] The requantisation scale itself: min(max|w| * s_in / (divisor * s_out), 0.999999), raised so
// that the largest bias fits 0.998 * (2^31 - 1). Zero means that no scale below 1 holds the bias.
double qdmScale(double maxWeight, double maxBias, float inputScale, float outputScale, double divisor);

// [W-POW2] The right shift that makes max|w| * s_in / s_out use the weight range, lowered while more than 3 %
// of the biases leave 16 bits. A negative result means that the layer cannot be a shift-only one.
int shiftForWeights(double maxWeight, float inputScale, float outputScale, int32_t limit);
int lowerShiftForBias(int shift, const float* bias, int64_t count, float outputScale);

// [W-Q] clamp(round(w / scale), low, high) in double; NaN gives 0.
int32_t quantizeWeight(double weight, double scale, int32_t low, int32_t high, Rounding mode);

// [B-Q] round(b / scale) in double, not yet clamped: the caller decides what an overflow means. `scale` is
// that of the accumulator, double(s_in) * double(s_w).
int64_t quantizeBias(double bias, double scale, Rounding mode);
// [B-FOLD] bias - zeroPoint * sum of weights, so that kernels multiply stored activations.
int64_t foldZeroPoint(int64_t bias, int32_t inputZeroPoint, int64_t weightSum);
// [ACC-WIDE] Whether a 32-bit accumulator could overflow: |bias| + max|activation| * sum of |weights| of a
// channel.
bool needsWideAccumulator(int64_t biasMagnitude, int64_t largestActivation, int64_t weightMagnitudeSum);
// [B-EFFECTIVE] Keeps `bits` significant bits: the number of low bits that the layer's largest bias makes a
// chip drop, and a bias rounded to them.
int droppedBiasBits(int64_t largestMagnitude, int bits);
int64_t dropBiasBits(int64_t bias, int dropped, int bits);

} // namespace burin::rt

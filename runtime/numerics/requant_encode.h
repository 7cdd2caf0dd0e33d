// From a real scale to the form a chip stores. Deterministic: comparisons, exact scaling by powers of two and
// one rounding; no logarithm, no libm.
#pragma once

#include "runtime/numerics/requant.h"

namespace burin::rt {

enum class EncodeStatus : uint8_t {
  Ok,
  NotPositive,   // zero, negative, infinite or NaN
  TooSmall,      // below what the policy's smallest multiplier and largest shift can express
  TooLarge,      // above its largest multiplier and smallest shift
  NotPowerOfTwo, // shift-only policy and the scale is no power of two
};
const char* describe(EncodeStatus status); // "is too small for the target's multiplier", for messages

// value * 2^exponent, exact unless it leaves the range of normal doubles.
double scaleByPowerOfTwo(double value, int exponent);
// Largest n with value * 2^n <= bound; value and bound positive and finite.
int largestExponent(double value, double bound);

// [RQ-SCALE] The real scale input * weight / output in the arithmetic the policy's reference uses: float32
// for FloatHalfEven (as ONNX Runtime), double for the others.
double requantScale(RequantPolicy policy, float inputScale, float weightScale, float outputScale);
// [RQ-SCALE-FC] TFLite multiplies input and weight scale of a fully connected layer in float32.
double requantScaleTfliteFullyConnected(float inputScale, float weightScale, float outputScale);

// `requant` is written only when the status is Ok.
EncodeStatus encodeRequant(RequantPolicy policy, double scale, Requant& requant);
// The real number an encoded scale stands for.
double decodedScale(const Requant& requant);

} // namespace burin::rt

#include "runtime/numerics/requant_encode.h"

#include <cfloat>
#include <cmath>

namespace burin::rt {

double scaleByPowerOfTwo(double value, int exponent) { return std::ldexp(value, exponent); }

int largestExponent(double value, double bound) {
  int valueExponent = 0, boundExponent = 0;
  const double valueFraction = std::frexp(value, &valueExponent);
  const double boundFraction = std::frexp(bound, &boundExponent);
  return boundExponent - valueExponent - (valueFraction > boundFraction ? 1 : 0);
}

const char* describe(EncodeStatus status) {
  switch (status) {
  case EncodeStatus::Ok:
    return "is representable";
  case EncodeStatus::NotPositive:
    return "is not a positive finite number";
  case EncodeStatus::TooSmall:
    return "is too small for the target's multiplier and shift";
  case EncodeStatus::TooLarge:
    return "is too large for the target's multiplier and shift";
  case EncodeStatus::NotPowerOfTwo:
    return "is not a power of two, and the target can only shift";
  }
  return "";
}

double requantScale(RequantPolicy policy, float inputScale, float weightScale, float outputScale) {
  if (policy == RequantPolicy::FloatHalfEven) {
    const float product = inputScale * weightScale;
    return product / outputScale;
  }
  return static_cast<double>(inputScale) * weightScale / outputScale;
}

double requantScaleTfliteFullyConnected(float inputScale, float weightScale, float outputScale) {
  const float product = inputScale * weightScale;
  return static_cast<double>(product) / outputScale;
}

namespace {

EncodeStatus encodeFloat(double scale, Requant& r) {
  if (scale > FLT_MAX) return EncodeStatus::TooLarge;
  const float rounded = static_cast<float>(scale);
  if (rounded < FLT_MIN) return EncodeStatus::TooSmall;
  r.scale = rounded;
  return EncodeStatus::Ok;
}

// [RQ-SEARCH] The multiplier round half away(scale * 2^n) <= limit with the smallest error over n = first..30
// or 31; the smallest n wins a tie. The difference of two doubles this close is exact.
EncodeStatus encodeSearched(double scale, int firstShift, int lastShift, int32_t limit, Requant& r) {
  double leastError = scale;
  int32_t bestMultiplier = 0;
  int bestShift = 0;
  for (int shift = firstShift; shift <= lastShift; ++shift) {
    const int64_t multiplier = roundToInteger(scaleByPowerOfTwo(scale, shift), Rounding::HalfAway);
    if (multiplier > limit) break;
    const double error = std::fabs(scaleByPowerOfTwo(static_cast<double>(multiplier), -shift) - scale);
    if (multiplier == 0 || error >= leastError) continue;
    leastError = error;
    bestMultiplier = static_cast<int32_t>(multiplier);
    bestShift = shift;
  }
  if (bestMultiplier == 0)
    return scaleByPowerOfTwo(scale, firstShift) >= 1 ? EncodeStatus::TooLarge : EncodeStatus::TooSmall;
  r.multiplier = bestMultiplier;
  r.shift = bestShift;
  return EncodeStatus::Ok;
}

EncodeStatus encodeShift(double scale, Requant& r) {
  int exponent = 0;
  if (std::frexp(scale, &exponent) != 0.5) return EncodeStatus::NotPowerOfTwo;
  if (exponent > 1) return EncodeStatus::TooLarge;
  if (exponent < -30) return EncodeStatus::TooSmall;
  r.shift = 1 - exponent;
  return EncodeStatus::Ok;
}

// [RQ-Q31] multiplier in [2^30, 2^31), scale = multiplier / 2^31 / 2^shift.
EncodeStatus encodeQ31(RequantPolicy policy, double scale, Requant& r) {
  int exponent = 0;
  const double fraction = std::frexp(scale, &exponent);
  int64_t multiplier = roundToInteger(scaleByPowerOfTwo(fraction, 31), Rounding::HalfAway);
  if (multiplier == int64_t{1} << 31) {
    multiplier >>= 1;
    ++exponent;
  }
  if (exponent > 30) return EncodeStatus::TooLarge;
  if (exponent < -31) {
    if (policy != RequantPolicy::Tflite) return EncodeStatus::TooSmall;
    multiplier = exponent = 0; // TFLite flushes to zero
  }
  r.multiplier = static_cast<int32_t>(multiplier);
  r.shift = -exponent;
  return EncodeStatus::Ok;
}

// [RQ-MUL15-ENC] shift = min(31, largest n with scale * 2^n <= 32767), multiplier = floor(scale * 2^shift +
// 1/2).
EncodeStatus encodeMultiplier15(double scale, Requant& r) {
  if (scale > 32767) return EncodeStatus::TooLarge;
  const int widest = largestExponent(scale, 32767);
  const int shift = widest < 31 ? widest : 31;
  const int64_t multiplier = roundToInteger(scaleByPowerOfTwo(scale, shift), Rounding::HalfUp);
  if (multiplier == 0) return EncodeStatus::TooSmall;
  r.multiplier = static_cast<int32_t>(multiplier);
  r.shift = shift;
  return EncodeStatus::Ok;
}

EncodeStatus encodePositive(RequantPolicy policy, double scale, Requant& r) {
  switch (policy) {
  case RequantPolicy::FloatHalfEven:
    return encodeFloat(scale, r);
  case RequantPolicy::MultiplierShiftHalfUp:
    return encodeSearched(scale, -32, 30, INT32_MAX - 1, r);
  case RequantPolicy::Multiplier8HalfUp:
    return encodeSearched(scale, 0, 31, 127, r);
  case RequantPolicy::ShiftHalfUp:
    return encodeShift(scale, r);
  case RequantPolicy::QdmHalfAway:
  case RequantPolicy::Tflite:
    return encodeQ31(policy, scale, r);
  case RequantPolicy::Multiplier15HalfEven:
    return encodeMultiplier15(scale, r);
  }
  return EncodeStatus::NotPositive;
}

} // namespace

EncodeStatus encodeRequant(RequantPolicy policy, double scale, Requant& requant) {
  if (!(scale > 0) || scale > DBL_MAX) return EncodeStatus::NotPositive;
  Requant encoded;
  encoded.policy = policy;
  const EncodeStatus status = encodePositive(policy, scale, encoded);
  if (status == EncodeStatus::Ok) requant = encoded;
  return status;
}

double decodedScale(const Requant& r) {
  const double multiplier = r.multiplier;
  switch (r.policy) {
  case RequantPolicy::FloatHalfEven:
    return r.scale;
  case RequantPolicy::ShiftHalfUp:
    return scaleByPowerOfTwo(1, -r.shift);
  case RequantPolicy::QdmHalfAway:
  case RequantPolicy::Tflite:
    return scaleByPowerOfTwo(multiplier, -31 - r.shift);
  default:
    return scaleByPowerOfTwo(multiplier, -r.shift);
  }
}

} // namespace burin::rt

// Requantisation: an integer accumulator becomes an 8- or 16-bit value of another scale. Each policy is one
// chip family's arithmetic; labels refer to docs/numerics.md. Kernels use the templates, everything else
// requantize().
#pragma once

#include "runtime/numerics/rounding.h"

namespace burin::rt {

enum class RequantPolicy : uint8_t {
  FloatHalfEven,         // [RQ-FLOAT] float32 multiply, round half to even
  MultiplierShiftHalfUp, // [RQ-MULSHIFT] 31-bit multiplier, shift -32..30, half up
  Multiplier8HalfUp,     // [RQ-MUL8] 7-bit multiplier, shift 0..31, half up
  ShiftHalfUp,           // [RQ-SHIFT] right shift only, half up
  QdmHalfAway,           // [RQ-QDM] 31-bit multiplier, half up at bit 31, then shift half away
  Tflite,                // [RQ-TFLITE] saturating doubling high multiply, then shift half away
  Multiplier15HalfEven,  // [RQ-MUL15] 15-bit multiplier, shift 0..31, half even
};

// The stored form of a real scale. `shift` counts to the right; a negative one is a left shift.
struct Requant {
  RequantPolicy policy = RequantPolicy::FloatHalfEven;
  int32_t multiplier = 1;
  int32_t shift = 0;
  float scale = 1.0f;
};

// [ACC-48] 64-bit accumulators carry 48 significant bits: every wide product below then fits what it is
// computed in.
constexpr int64_t kAccumulatorLimit = (int64_t{1} << 47) - 1;

// [RQ-WIDE] accumulator * multiplier / 2^shift, rounded, for a product of up to 78 bits; multiplier >= 0,
// 0 <= shift <= 62. Saturates to +-2^62.
int64_t multiplyShiftWide(int64_t accumulator, int32_t multiplier, int shift, Rounding mode);

// [RQ-TFLITE64] TFLite's rule for 64-bit accumulators: the multiplier shrinks to 15 bits, one half-up
// rounding.
int64_t scaleTflite64(int64_t accumulator, int32_t multiplier, int shift);

// [HIGHMUL] round half up(a * multiplier / 2^31): the saturating rounding doubling high multiply. Its only
// saturating case, both operands -2^31, cannot occur with a multiplier >= 0.
constexpr int32_t highMultiply(int32_t a, int32_t multiplier) {
  return static_cast<int32_t>((int64_t{a} * multiplier + (int64_t{1} << 30)) >> 31);
}

constexpr int32_t scaleHighMultiply(int32_t accumulator, int32_t multiplier, int shift) {
  if (shift < 0) return highMultiply(shiftLeftSaturated(accumulator, -shift), multiplier);
  return static_cast<int32_t>(shiftRight(highMultiply(accumulator, multiplier), shift, Rounding::HalfAway));
}

constexpr int64_t multiplyShift(int32_t accumulator, int32_t multiplier, int shift, Rounding mode) {
  const int64_t product = int64_t{accumulator} * multiplier;
  return shift < 0 ? shiftLeftSaturated(product, -shift) : shiftRight(product, shift, mode);
}

// accumulator * scale as an integer, before the zero point and the clamp.
template <RequantPolicy P>
inline int64_t scaleAccumulator(int32_t accumulator, const Requant& r) {
  switch (P) {
  case RequantPolicy::FloatHalfEven:
    return roundToInteger(static_cast<float>(accumulator) * r.scale, Rounding::HalfEven);
  case RequantPolicy::MultiplierShiftHalfUp:
  case RequantPolicy::Multiplier8HalfUp:
    return multiplyShift(accumulator, r.multiplier, r.shift, Rounding::HalfUp);
  case RequantPolicy::ShiftHalfUp:
    return shiftRight(accumulator, r.shift, Rounding::HalfUp);
  case RequantPolicy::QdmHalfAway:
  case RequantPolicy::Tflite:
    return scaleHighMultiply(accumulator, r.multiplier, r.shift);
  case RequantPolicy::Multiplier15HalfEven:
    return multiplyShift(accumulator, r.multiplier, r.shift, Rounding::HalfEven);
  }
  return 0;
}

// The same for 64-bit accumulators (16-bit activations), which saturate to 48 bits first.
int64_t scaleAccumulator64(int64_t accumulator, const Requant& r);

// [RQ-CLAMP] q = clamp(scaled + zeroPoint, low, high); low and high carry a fused clamp activation, and the
// type's range otherwise. |low - zeroPoint| and |high - zeroPoint| are at most 2^22.
template <RequantPolicy P>
inline int32_t apply(int32_t accumulator, const Requant& r, int32_t zeroPoint, int32_t low, int32_t high) {
  if (P == RequantPolicy::FloatHalfEven)
    return roundClamped(static_cast<float>(accumulator) * r.scale, low - zeroPoint, high - zeroPoint) +
           zeroPoint;
  return static_cast<int32_t>(saturate(scaleAccumulator<P>(accumulator, r) + zeroPoint, low, high));
}

// The dynamic form: any policy, any accumulator. 32-bit accumulators and 64-bit ones are different rules for
// RequantPolicy::Tflite, so the caller says which it has by the argument's type.
int32_t requantize(int32_t accumulator, const Requant& r, int32_t zeroPoint, int32_t low, int32_t high);
int32_t requantize(int64_t accumulator, const Requant& r, int32_t zeroPoint, int32_t low, int32_t high);

} // namespace burin::rt

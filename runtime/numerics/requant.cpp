#include "runtime/numerics/requant.h"

namespace burin::rt {

int64_t multiplyShiftWide(int64_t accumulator, int32_t multiplier, int shift, Rounding mode) {
  accumulator = saturate(accumulator, -kAccumulatorLimit, kAccumulatorLimit);
  // On the magnitude, in two 32-bit limbs: product = high * 2^32 + low.
  const bool negative = accumulator < 0;
  const uint64_t magnitude = static_cast<uint64_t>(negative ? -accumulator : accumulator);
  const uint64_t factor = static_cast<uint32_t>(multiplier);
  const uint64_t lowProduct = (magnitude & 0xFFFFFFFFu) * factor;
  const uint64_t high = (magnitude >> 32) * factor + (lowProduct >> 32);
  const uint64_t low = lowProduct & 0xFFFFFFFFu;

  constexpr uint64_t limit = uint64_t{1} << 62;
  uint64_t whole = 0; // floor(product / 2^shift)
  uint64_t rest = 0;  // product mod 2^shift, its lowest bits merged into one sticky bit when shift > 32
  uint64_t half = 0;  // the same scale as rest
  if (shift <= 32) {
    const int up = 32 - shift;
    const bool overflow = high >= (limit >> up);
    whole = overflow ? limit : (high << up) | (low >> shift);
    rest = overflow ? 0 : low & ((uint64_t{1} << shift) - 1);
    half = (uint64_t{1} << shift) >> 1;
  } else {
    const int down = shift - 32;
    whole = high >> down;
    rest = ((high & ((uint64_t{1} << down) - 1)) << 1) | (low != 0 ? 1 : 0);
    half = uint64_t{1} << down;
  }
  const int64_t truncated = negative ? -static_cast<int64_t>(whole) : static_cast<int64_t>(whole);
  if (rest == 0) return truncated;
  return roundFraction(truncated, negative, rest < half ? -1 : rest > half ? 1 : 0, mode);
}

int64_t scaleTflite64(int64_t accumulator, int32_t multiplier, int shift) {
  accumulator = saturate(accumulator, -kAccumulatorLimit, kAccumulatorLimit);
  const int64_t reduced = multiplier < 0x7FFF0000 ? (int64_t{multiplier} + (1 << 15)) >> 16 : 0x7FFF;
  const int total = 15 + shift;
  return total < 0 ? shiftLeftSaturated(accumulator * reduced, -total)
                   : shiftRight(accumulator * reduced, total, Rounding::HalfUp);
}

namespace {

int64_t scaleQdm64(int64_t accumulator, const Requant& r) {
  if (r.shift < 0)
    accumulator = saturate(accumulator, -kAccumulatorLimit >> -r.shift, kAccumulatorLimit >> -r.shift) *
                  (int64_t{1} << -r.shift);
  const int64_t high = multiplyShiftWide(accumulator, r.multiplier, 31, Rounding::HalfUp);
  return shiftRight(high, r.shift < 0 ? 0 : r.shift, Rounding::HalfAway);
}

int64_t scaleMultiplierShift64(int64_t accumulator, const Requant& r) {
  if (r.shift >= 0) return multiplyShiftWide(accumulator, r.multiplier, r.shift, Rounding::HalfUp);
  return shiftLeftSaturated(multiplyShiftWide(accumulator, r.multiplier, 0, Rounding::HalfUp), -r.shift);
}

} // namespace

int64_t scaleAccumulator64(int64_t accumulator, const Requant& r) {
  const int64_t bounded = saturate(accumulator, -kAccumulatorLimit, kAccumulatorLimit);
  switch (r.policy) {
  case RequantPolicy::FloatHalfEven:
    return roundToInteger(static_cast<float>(bounded) * r.scale, Rounding::HalfEven);
  case RequantPolicy::MultiplierShiftHalfUp:
  case RequantPolicy::Multiplier8HalfUp:
    return scaleMultiplierShift64(bounded, r);
  case RequantPolicy::ShiftHalfUp:
    return shiftRight(bounded, r.shift, Rounding::HalfUp);
  case RequantPolicy::QdmHalfAway:
    return scaleQdm64(bounded, r);
  case RequantPolicy::Tflite:
    return scaleTflite64(bounded, r.multiplier, r.shift);
  case RequantPolicy::Multiplier15HalfEven:
    return multiplyShiftWide(bounded, r.multiplier, r.shift, Rounding::HalfEven);
  }
  return 0;
}

int32_t requantize(int32_t accumulator, const Requant& r, int32_t zeroPoint, int32_t low, int32_t high) {
  switch (r.policy) {
#define BURIN_POLICY(P)                                                                                      \
  case RequantPolicy::P:                                                                                     \
    return apply<RequantPolicy::P>(accumulator, r, zeroPoint, low, high);
    BURIN_POLICY(FloatHalfEven)
    BURIN_POLICY(MultiplierShiftHalfUp)
    BURIN_POLICY(Multiplier8HalfUp)
    BURIN_POLICY(ShiftHalfUp)
    BURIN_POLICY(QdmHalfAway)
    BURIN_POLICY(Tflite)
    BURIN_POLICY(Multiplier15HalfEven)
#undef BURIN_POLICY
  }
  return low;
}

int32_t requantize(int64_t accumulator, const Requant& r, int32_t zeroPoint, int32_t low, int32_t high) {
  return static_cast<int32_t>(saturate(scaleAccumulator64(accumulator, r) + zeroPoint, low, high));
}

} // namespace burin::rt

#include "runtime/numerics/elementwise.h"

namespace burin::rt {

namespace {

bool positive(float scale) { return scale > 0 && scale <= 3.4028235e38f; }

EncodeStatus encodeFloatRatios(float scaleA, float scaleB, float scaleOut, AddParameters& p) {
  Requant a, b;
  const EncodeStatus first = encodeRequant(RequantPolicy::FloatHalfEven, scaleA / scaleOut, a);
  const EncodeStatus second = encodeRequant(RequantPolicy::FloatHalfEven, scaleB / scaleOut, b);
  p.ratioA = a.scale;
  p.ratioB = b.scale;
  return first != EncodeStatus::Ok ? first : second;
}

EncodeStatus encodeTwoMultipliers8(double ratioA, double ratioB, AddParameters& p) {
  const EncodeStatus first = encodeRequant(RequantPolicy::Multiplier8HalfUp, ratioA, p.rescaleA);
  const EncodeStatus second = encodeRequant(RequantPolicy::Multiplier8HalfUp, ratioB, p.rescaleB);
  return first != EncodeStatus::Ok ? first : second;
}

// One shift for both inputs: the largest that keeps the larger multiplier within `limit`.
EncodeStatus encodeSharedShift(double ratioA, double ratioB, int32_t limit, Rounding rounding,
                               AddParameters& p) {
  const double larger = ratioA > ratioB ? ratioA : ratioB;
  if (larger > limit) return EncodeStatus::TooLarge;
  const int widest = largestExponent(larger, limit);
  const int shift = widest < 31 ? widest : 31;
  p.rescaleA.multiplier = static_cast<int32_t>(roundToInteger(scaleByPowerOfTwo(ratioA, shift), rounding));
  p.rescaleB.multiplier = static_cast<int32_t>(roundToInteger(scaleByPowerOfTwo(ratioB, shift), rounding));
  p.rescaleOut.shift = shift;
  // A multiplier of 0 for the smaller input is the honest result of a small range; both 0 is not.
  return p.rescaleA.multiplier == 0 && p.rescaleB.multiplier == 0 ? EncodeStatus::TooSmall : EncodeStatus::Ok;
}

EncodeStatus encodeTflite(float scaleA, float scaleB, float scaleOut, int bits, AddParameters& p) {
  const double twiceLarger = 2.0 * (scaleA > scaleB ? scaleA : scaleB);
  p.leftShift = bits > 8 ? 15 : 20;
  const EncodeStatus first = encodeRequant(RequantPolicy::Tflite, scaleA / twiceLarger, p.rescaleA);
  const EncodeStatus second = encodeRequant(RequantPolicy::Tflite, scaleB / twiceLarger, p.rescaleB);
  const double output = twiceLarger / (scaleByPowerOfTwo(1, p.leftShift) * scaleOut);
  const EncodeStatus third = encodeRequant(RequantPolicy::Tflite, output, p.rescaleOut);
  return first != EncodeStatus::Ok ? first : second != EncodeStatus::Ok ? second : third;
}

} // namespace

EncodeStatus encodeAdd(AddPolicy policy, float scaleA, float scaleB, float scaleOut, int bits,
                       AddParameters& p) {
  if (!positive(scaleA) || !positive(scaleB) || !positive(scaleOut)) return EncodeStatus::NotPositive;
  p.policy = policy;
  const double ratioA = static_cast<double>(scaleA) / scaleOut;
  const double ratioB = static_cast<double>(scaleB) / scaleOut;
  switch (policy) {
  case AddPolicy::FloatRatio:
    return encodeFloatRatios(scaleA, scaleB, scaleOut, p);
  case AddPolicy::Multiplier8HalfUp:
    return encodeTwoMultipliers8(ratioA, ratioB, p);
  case AddPolicy::SharedShift8HalfAway:
    return encodeSharedShift(ratioA, ratioB, 127, Rounding::TowardZero, p);
  case AddPolicy::Multiplier15HalfEven:
    return encodeSharedShift(ratioA, ratioB, 32767, Rounding::HalfUp, p);
  case AddPolicy::Tflite:
    return encodeTflite(scaleA, scaleB, scaleOut, bits, p);
  }
  return EncodeStatus::NotPositive;
}

int32_t addQuantized(int32_t a, int32_t b, const AddParameters& p) {
  switch (p.policy) {
  case AddPolicy::FloatRatio:
    return applyAdd<AddPolicy::FloatRatio>(a, b, p);
  case AddPolicy::Multiplier8HalfUp:
    return applyAdd<AddPolicy::Multiplier8HalfUp>(a, b, p);
  case AddPolicy::SharedShift8HalfAway:
    return applyAdd<AddPolicy::SharedShift8HalfAway>(a, b, p);
  case AddPolicy::Tflite:
    return applyAdd<AddPolicy::Tflite>(a, b, p);
  case AddPolicy::Multiplier15HalfEven:
    return applyAdd<AddPolicy::Multiplier15HalfEven>(a, b, p);
  }
  return p.low;
}

double multiplyScale(RequantPolicy policy, float scaleA, float scaleB, float scaleOut) {
  if (policy == RequantPolicy::FloatHalfEven || policy == RequantPolicy::Tflite) {
    const float product = scaleA * scaleB;
    return product / scaleOut;
  }
  return static_cast<double>(scaleA) * scaleB / scaleOut;
}

} // namespace burin::rt

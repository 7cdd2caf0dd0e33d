#include "runtime/numerics/quantize.h"

#include <cfloat>

namespace burin::rt {

namespace {

// A scale has to be a normal float32 whose reciprocal is one too.
constexpr double kLeastScale = 0x1p-100, kMostScale = 0x1p100;

bool usable(double scale) { return scale >= kLeastScale && scale <= kMostScale; }

} // namespace

int IntegerForm::bits() const {
  int result = 1;
  while (isSigned() ? low < -(1 << (result - 1)) || high >= (1 << (result - 1)) : high >= (1 << result))
    ++result;
  return result;
}

Affine symmetricAffine(double threshold, const IntegerForm& form) {
  const double scale = threshold / form.divisor;
  return {usable(scale) ? static_cast<float>(scale) : 1.0f, 0};
}

Affine asymmetricAffine(double min, double max, const IntegerForm& form) {
  const double bottom = min < 0 ? min : 0, top = max > 0 ? max : 0;
  const double exact = (top - bottom) / (static_cast<double>(form.high) - form.low);
  const float scale = usable(exact) ? static_cast<float>(exact) : 1.0f;
  const double shift = usable(exact) ? bottom / static_cast<double>(scale) : 0;
  const int64_t zeroPoint = roundToInteger(form.low - shift, Rounding::HalfEven);
  return {scale, static_cast<int32_t>(saturate(zeroPoint, form.low, form.high))};
}

EncodeStatus encodeRescale(RequantPolicy policy, float from, float to, Requant& requant) {
  const double scale = policy == RequantPolicy::FloatHalfEven
                           ? static_cast<double>(from / to)
                           : static_cast<double>(from) / static_cast<double>(to);
  return encodeRequant(policy, scale, requant);
}

} // namespace burin::rt

// Affine quantisation of tensors: real = (q - zeroPoint) * scale. Labels: docs/numerics.md.
#pragma once

#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

// The integers a tensor may hold. `divisor` makes a symmetric scale of a threshold (127 maps the threshold to
// 127).
struct IntegerForm {
  int32_t low = -128;
  int32_t high = 127;
  double divisor = 127;

  bool isSigned() const { return low < 0; }
  int bits() const; // of the smallest type that holds low and high
};

struct Affine {
  float scale = 1;
  int32_t zeroPoint = 0;
};

// [S-SYM] zero point 0, scale = fl(threshold / divisor). An empty or unusable range gives scale 1.
Affine symmetricAffine(double threshold, const IntegerForm& form);
// [S-ASYM] The range, widened to contain 0, onto low..high; the zero point is the integer that 0 becomes
// exactly.
Affine asymmetricAffine(double min, double max, const IntegerForm& form);

// clamp(round(scaled) + zeroPoint, low, high), NaN gives low: the common end of both rules below.
inline int32_t quantizeScaled(float scaled, int32_t zeroPoint, int32_t low, int32_t high, Rounding mode) {
  if (mode == Rounding::HalfEven) return roundClamped(scaled, low - zeroPoint, high - zeroPoint) + zeroPoint;
  if (scaled != scaled) return low;
  return static_cast<int32_t>(saturate(roundToInteger(scaled, mode) + zeroPoint, low, high));
}
// [Q-DIVIDE] One float32 division, as ONNX QuantizeLinear.
inline int32_t quantizeDivide(float x, const Affine& to, int32_t low, int32_t high, Rounding mode) {
  return quantizeScaled(x / to.scale, to.zeroPoint, low, high, mode);
}
// [Q-MULTIPLY] One float32 multiplication by fl(1 / scale), for chips that store the reciprocal.
inline int32_t quantizeMultiply(float x, const Affine& to, int32_t low, int32_t high, Rounding mode) {
  return quantizeScaled(x * (1.0f / to.scale), to.zeroPoint, low, high, mode);
}
// [DQ] The difference is exact, the product rounds once.
inline float dequantize(int32_t q, const Affine& from) {
  return static_cast<float>(q - from.zeroPoint) * from.scale;
}

// [RS] A tensor to another scale: its centred values are accumulators of scale from / to.
EncodeStatus encodeRescale(RequantPolicy policy, float from, float to, Requant& requant);

} // namespace burin::rt

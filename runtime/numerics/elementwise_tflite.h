// Operators of two 8-bit tensors that only TensorFlow Lite's reference kernels compute in fixed point.
#pragma once

#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

// What a pair of operands needs; operands and results below are centred.
struct PairTflite {
  Requant a, b, out;
};

// [COMPARE-TFLITE] An operand as it is compared; its scale is a factor of its own.
EncodeStatus encodeCompareTflite(float scaleA, float scaleB, PairTflite& p);
inline int32_t comparedTflite(int32_t x, const Requant& r) {
  return scaleHighMultiply(x * (1 << 8), r.multiplier, r.shift);
}

// [SQDIFF-TFLITE] (a - b)^2
EncodeStatus encodeSquaredDifferenceTflite(float scaleA, float scaleB, float scaleOut, PairTflite& p);
inline int32_t squaredDifferenceTflite(int32_t a, int32_t b, const PairTflite& p) {
  const int32_t d = scaleHighMultiply(a * (1 << 7), p.a.multiplier, p.a.shift) -
                    scaleHighMultiply(b * (1 << 7), p.b.multiplier, p.b.shift);
  return scaleHighMultiply(saturate32(int64_t{d} * d), p.out.multiplier, p.out.shift);
}

// [LUT-TFLITE] x where it is not negative, else x * slope.
EncodeStatus encodePreluTflite(float scaleX, float scaleSlope, float scaleOut, PairTflite& p);
inline int32_t preluTflite(int32_t x, int32_t slope, const PairTflite& p) {
  return x >= 0 ? scaleHighMultiply(x, p.a.multiplier, p.a.shift)
                : scaleHighMultiply(x * slope, p.out.multiplier, p.out.shift);
}

// [DIV-TFLITE] a / b
EncodeStatus encodeDivideTflite(float scaleA, float scaleB, float scaleOut, PairTflite& p);
int32_t divideTflite(int32_t a, int32_t b, const PairTflite& p);

// [PROD-TFLITE] One more factor of a product, centred; r is between the scales.
inline int32_t productTflite(int32_t product, int32_t x, const Requant& r) {
  return saturate32(scaleTflite64(int64_t{product} * x, r.multiplier, r.shift));
}

} // namespace burin::rt

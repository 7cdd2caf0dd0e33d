// Elementary functions of a float, written with +, -, *, /, sqrt, comparisons and integer operations only and
// without branches: a loop over any of them vectorises, and scalar and vector code give the same bits on
// every machine. FMA is left out on purpose, so that processors without it are not slow.
//
// Worst errors over all floats: exp, log 1 ulp; expm1, log1p 2; sigmoid, tanh 2.5; erf 7 (4e-7). NaN in gives
// NaN out, infinities and denormals are honoured. The coefficients are minimax fits made by
// fit_coefficients.py.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__GNUC__)
#define BURIN_INLINE inline __attribute__((always_inline))
#else
#define BURIN_INLINE inline
#endif

namespace burin::rt::math {

BURIN_INLINE uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
BURIN_INLINE float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");

BURIN_INLINE float absolute(float x) { return floatOf(bitsOf(x) & 0x7fffffffu); }
BURIN_INLINE float copySign(float magnitude, float sign) {
  return floatOf((bitsOf(magnitude) & 0x7fffffffu) | (bitsOf(sign) & 0x80000000u));
}

// Minimum and maximum with a bound that is not NaN; a NaN x stays NaN.
BURIN_INLINE float atLeast(float x, float bound) { return x < bound ? bound : x; }
BURIN_INLINE float atMost(float x, float bound) { return x > bound ? bound : x; }
BURIN_INLINE float clampTo(float x, float lo, float hi) { return atMost(atLeast(x, lo), hi); }

// Correctly rounded, as IEEE 754 wants it; spelled so that errno does not stand in the way of vector code.
BURIN_INLINE float squareRoot(float x) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_elementwise_sqrt)
#define BURIN_HAVE_ELEMENTWISE_SQRT 1
#endif
#endif
#ifdef BURIN_HAVE_ELEMENTWISE_SQRT
  return __builtin_elementwise_sqrt(x);
#else
  return std::sqrt(x);
#endif
}

// To the nearest integer, ties to even: adding 2^23 leaves no bits for a fraction.
BURIN_INLINE float roundHalfEven(float x) {
  const float magnitude = absolute(x);
  const float rounded = (magnitude + 8388608.0f) - 8388608.0f;
  return copySign(magnitude < 8388608.0f ? rounded : magnitude, x);
}
BURIN_INLINE float floorOf(float x) {
  const float nearest = roundHalfEven(x);
  const float below = nearest - 1.0f;
  return copySign(nearest > x ? below : nearest, x);
}
BURIN_INLINE float ceilOf(float x) {
  const float nearest = roundHalfEven(x);
  const float above = nearest + 1.0f;
  return copySign(nearest < x ? above : nearest, x);
}

// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln(2)/2: the parts of that identity. `tail` is exp(r)
// - 1. 2^n is given as two factors, because n runs from -150 to 128 and 2^n alone is no float at the ends.
struct ExpParts {
  float tail, scaleA, scaleB;
};
BURIN_INLINE float exponentBits(int32_t exponent) {
  return floatOf(static_cast<uint32_t>(exponent + 127) << 23);
}
BURIN_INLINE ExpParts expParts(float x) {
  constexpr float kRounder = 12582912.0f; // 1.5 * 2^23: the sum's low bits are the rounded integer
  constexpr float kLog2e = 1.44269504f;
  constexpr float kLn2High = 0.693145751953125f; // 16 bits, so n * kLn2High is exact
  constexpr float kLn2Low = 1.42860677e-06f;
  const float shifted = x * kLog2e + kRounder;
  // Unsigned: a NaN's bits may wrap. Bounded to the exponents that occur, so that no shift overflows.
  const int32_t n = static_cast<int32_t>((bitsOf(shifted) - bitsOf(kRounder)) << 20) >> 20;
  const float count = shifted - kRounder;
  const float r = (x - count * kLn2High) - count * kLn2Low;
  float p = 0.00019919379f;
  p = p * r + 0.0013947225f;
  p = p * r + 0.008333263f;
  p = p * r + 0.041666254f;
  p = p * r + 0.16666667f;
  p = p * r + 0.5f;
  const int32_t half = n >> 1;
  return {r + r * r * p, exponentBits(half), exponentBits(n - half)};
}

BURIN_INLINE float exp(float x) {
  const ExpParts parts = expParts(clampTo(x, -104.0f, 89.0f)); // beyond: 0 and infinity
  return (parts.tail + 1.0f) * parts.scaleA * parts.scaleB;
}

// exp(x) - 1 without cancellation near 0: 2^n * tail + (2^n - 1).
BURIN_INLINE float expm1(float x) {
  const ExpParts parts = expParts(clampTo(x, -30.0f, 89.0f));
  // 2^(n-1) is a float for every n that occurs here; twice the half result overflows when it should.
  const float scale = parts.scaleA * 0.5f * parts.scaleB;
  const float result = (scale * parts.tail + (scale - 0.5f)) * 2.0f;
  return absolute(x) < 1e-10f ? x : result; // keeps denormals and -0
}

// log(x) = e * ln 2 + log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2).
BURIN_INLINE float log(float x) {
  const bool denormal = x < 1.17549435e-38f;
  const float scaled = x * 8388608.0f;
  const uint32_t bits = bitsOf(denormal ? scaled : x);
  const uint32_t shifted = bits + (0x3f800000u - 0x3f3504f3u); // carries into the exponent from sqrt(1/2) on
  const int32_t exponent = static_cast<int32_t>(shifted >> 23) - 127 - (denormal ? 23 : 0);
  const float f = floatOf((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  float p = 0.067575306f;
  p = p * f + -0.11694325f;
  p = p * f + 0.11893525f;
  p = p * f + -0.124030866f;
  p = p * f + 0.14218552f;
  p = p * f + -0.1666809f;
  p = p * f + 0.20002167f;
  p = p * f + -0.2500001f;
  p = p * f + 0.3333331f;
  const float count = static_cast<float>(exponent);
  const float square = f * f;
  // Smallest terms first; ln 2 in two parts, the high one exact in `count` multiples.
  float result = p * (square * f);
  result = result + count * 1.42860677e-06f;
  result = result - 0.5f * square;
  result = f + result;
  result = result + count * 0.693145751953125f;
  result = x == 0.0f ? -kInfinity : result;
  result = x == kInfinity ? kInfinity : result;
  return x >= 0.0f ? result : kNaN;
}

// log(1 + x) for x >= 0, with the rounding error of 1 + x put back.
BURIN_INLINE float log1pPositive(float x) {
  const float sum = 1.0f + x;
  const float lost = x - (sum - 1.0f);
  const float result = log(sum) + lost / sum;
  return x == kInfinity ? x : result;
}

// 1 / (1 + exp(-x)), from exp(-|x|) so that neither end overflows.
BURIN_INLINE float sigmoid(float x) {
  const float e = exp(-absolute(x));
  const float numerator = x < 0.0f ? e : 1.0f;
  return numerator / (1.0f + e);
}

// tanh|x| = m / (m + 2), m = exp(2|x|) - 1.
BURIN_INLINE float tanh(float x) {
  const float m = expm1(atMost(2.0f * absolute(x), 20.0f));
  return copySign(m / (m + 2.0f), x);
}

// erf(x) = x P(x^2) / Q(x^2), a minimax rational on |x| <= 3.93; from 3.92 on erf rounds to 1.
BURIN_INLINE float erf(float x) {
  const float bounded = clampTo(x, -3.93f, 3.93f);
  const float z = bounded * bounded;
  float p = 2.0419761e-06f;
  p = p * z + 0.00028480764f;
  p = p * z + 0.0037795706f;
  p = p * z + 0.052790165f;
  p = p * z + 0.19078295f;
  p = p * z + 1.1283791f;
  float q = 3.800408e-05f;
  q = q * z + 0.0011652032f;
  q = q * z + 0.01499736f;
  q = q * z + 0.11425716f;
  q = q * z + 0.5024097f;
  q = q * z + 1.0f;
  const float result = clampTo(bounded * (p / q), -1.0f, 1.0f);
  return absolute(x) > 3.92f ? copySign(1.0f, x) : result;
}

} // namespace burin::rt::math

// Fixed point as TensorFlow Lite's reference kernels have it. Qm.n: m integer bits, 31 - m fractional bits,
// in 32. A product of Qa and Qb is Qa+b by [HIGHMUL].
#pragma once

#include "runtime/numerics/requant.h"

namespace burin::rt::fixed {

inline int32_t multiply(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 30)) >> 31);
}
inline int32_t divideByPower(int32_t a, int exponent) {
  return static_cast<int32_t>(shiftRight(a, exponent, Rounding::HalfAway));
}
inline int leadingZeros(uint32_t value) {
  int zeros = 0;
  while (zeros < 32 && !(value & 0x80000000u >> zeros)) ++zeros;
  return zeros;
}

// How far a number below 2^31 may be shifted to the left; 31 for 0.
inline int headroom(uint32_t value) {
  int bits = 0;
  while (bits < 31 && !(value & 0x40000000u >> bits)) ++bits;
  return bits;
}

// [LOG-TFLITE] The natural logarithm, Q5, of a Q12 number of at least 1.
int32_t logarithmQ12(int32_t a);

// multiplier / 2^(31 + shift), for [RQ-TFLITE].
struct Factor {
  int32_t multiplier = 0;
  int shift = 0;
};
// [ISQRT-TFLITE] 1 / sqrt(value); 0 counts as 1.
Factor inverseSquareRoot(int32_t value);

// [RQ-TFLITE] with a shift that may be any sum of shifts.
inline int32_t scaleBy(int32_t value, const Factor& factor) {
  return scaleHighMultiply(value, factor.multiplier, factor.shift < 62 ? factor.shift : 62);
}

} // namespace burin::rt::fixed

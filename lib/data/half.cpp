#include "lib/data/array.h"

#include <bit>

namespace burin {

uint16_t halfFromFloat(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;  // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u; // 65520 and above round to infinity
  if (magnitude < 0x33000001u) return sign;            // 2^-25 and below round to zero
  int exponent = static_cast<int>(magnitude >> 23) - 127;
  uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
  // 24 significant bits become 11, fewer below 2^-14, the smallest normal number.
  int shift = exponent < -14 ? 13 + (-14 - exponent) : 13;
  uint32_t kept = significand >> shift;
  uint32_t rest = significand & ((1u << shift) - 1);
  uint32_t half = 1u << (shift - 1);
  if (rest > half || (rest == half && (kept & 1))) ++kept;
  // A carry out of the significand runs into the exponent, which is just right.
  uint32_t biased = exponent < -14 ? kept : kept + (static_cast<uint32_t>(exponent + 14) << 10);
  return static_cast<uint16_t>(sign | biased);
}

float floatFromHalf(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t exponent = (bits >> 10) & 31u;
  uint32_t significand = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (significand << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (significand << 13));
  float magnitude = static_cast<float>(significand) * 0x1p-24f; // subnormal: exact
  return sign ? -magnitude : magnitude;
}

} // namespace burin

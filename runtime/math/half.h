// IEEE binary16 and bfloat16 as bit patterns: exact widening, narrowing with round to nearest, ties to even.
// Branch-free, so loops over them vectorise.
#pragma once

#include "runtime/math/float_math.h"

namespace burin::rt::math {

BURIN_INLINE float bfloat16ToFloat(uint16_t bits) { return floatOf(static_cast<uint32_t>(bits) << 16); }

BURIN_INLINE uint16_t floatToBfloat16(float value) {
  const uint32_t bits = bitsOf(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quietNaN = (bits >> 16) | 0x40u;
  return static_cast<uint16_t>(value != value ? quietNaN : rounded);
}

// Half denormals are k * 2^-24: subtracting 2^-14 from (2^-14 with fraction k) is exact.
BURIN_INLINE float halfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t body = static_cast<uint32_t>(half & 0x7fffu) << 13;
  const float normal = floatOf(body + (112u << 23));
  const float denormal = floatOf(body + (113u << 23)) - 6.103515625e-05f;
  const float special = floatOf(body + (224u << 23)); // infinity and NaN: exponent 31 becomes 255
  const uint32_t exponent = body >> 23;
  const float magnitude = exponent == 0 ? denormal : exponent == 31 ? special : normal;
  const uint32_t quiet = exponent == 31 && (body & 0x7fffffu) ? 0x400000u : 0u;
  return floatOf(bitsOf(magnitude) | sign | quiet);
}

// Adding 0.5 aligns a value below 2^-14 so that its last kept bit is 2^-24 and the hardware rounds it there.
BURIN_INLINE uint16_t floatToHalf(float value) {
  const uint32_t bits = bitsOf(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t body = bits & 0x7fffffffu;
  const uint32_t normal = (body - (112u << 23) + 0xfffu + ((body >> 13) & 1u)) >> 13;
  const uint32_t denormal = bitsOf(floatOf(body) + 0.5f) - 0x3f000000u;
  const uint32_t quietNaN = 0x7e00u | ((body >> 13) & 0x3ffu);
  uint32_t magnitude = body < (113u << 23) ? denormal : normal;
  magnitude = body >= 0x477ff000u ? 0x7c00u : magnitude; // from 65520 on
  magnitude = body > 0x7f800000u ? quietNaN : magnitude;
  return static_cast<uint16_t>(sign | magnitude);
}

} // namespace burin::rt::math

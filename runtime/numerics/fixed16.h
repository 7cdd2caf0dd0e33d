// Fixed point in 16 bits: Qm has m integer bits and 15 - m fractional ones. A product of Qa and Qb is Qa+b.
#pragma once

#include "runtime/numerics/rounding.h"

namespace burin::rt {

constexpr int32_t saturate16(int64_t value) {
  return static_cast<int32_t>(saturate(value, INT16_MIN, INT16_MAX));
}
constexpr int32_t shiftLeft16(int32_t value, int shift) {
  return saturate16(int64_t{value} * (1 << (shift < 16 ? shift : 16)));
}
// [HIGHMUL] in 16 bits.
constexpr int32_t multiply16(int32_t a, int32_t b) { return saturate16((a * b + (1 << 14)) >> 15); }

} // namespace burin::rt

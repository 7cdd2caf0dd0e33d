// Rounding and saturation: the primitives every integer rule is made of. Labels refer to docs/numerics.md.
#pragma once

#include <cfloat>
#include <cstdint>
#include <cstring>

namespace burin::rt {

// Excess precision (x87) would round float32 results twice.
static_assert(FLT_EVAL_METHOD == 0, "compile for a processor whose float arithmetic is float32");

// [ROUND] How a value between two integers becomes one of them.
enum class Rounding : uint8_t {
  HalfEven,   // to nearest, ties to the even neighbour
  HalfAway,   // to nearest, ties away from zero
  HalfUp,     // to nearest, ties towards +infinity
  HalfDown,   // to nearest, ties towards -infinity
  TowardZero, // truncation
  Down,       // floor
  Up,         // ceiling
};

constexpr int64_t saturate(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}
constexpr int32_t saturate32(int64_t value) {
  return static_cast<int32_t>(saturate(value, INT32_MIN, INT32_MAX));
}

// [ROUND-SHIFT] value / 2^shift, rounded. Needs 0 <= shift <= 62 and |value| <= 2^62. Branch-free for a
// constant mode: every nearest rule is floor((value + half - 1 + tie) / 2^shift) and differs only in the tie
// bit, which is masked away when there is nothing to shift out.
constexpr int64_t shiftRight(int64_t value, int shift, Rounding mode) {
  const int64_t mask = (int64_t{1} << shift) - 1;
  const int64_t nearest = value + (mask >> 1);
  switch (mode) {
  case Rounding::HalfEven:
    return (nearest + (mask & 1 & (value >> shift))) >> shift;
  case Rounding::HalfAway:
    return (nearest + (mask & (value >= 0 ? 1 : 0))) >> shift;
  case Rounding::HalfUp:
    return (nearest + (mask & 1)) >> shift;
  case Rounding::HalfDown:
    return nearest >> shift;
  case Rounding::TowardZero:
    return (value + (value < 0 ? mask : 0)) >> shift;
  case Rounding::Down:
    return value >> shift;
  case Rounding::Up:
    return (value + mask) >> shift;
  }
  return 0;
}

// [SHIFT-LEFT] value * 2^shift, saturated to 32 bits; shift >= 0.
constexpr int32_t shiftLeftSaturated(int64_t value, int shift) {
  if (shift > 31) return value == 0 ? 0 : value < 0 ? INT32_MIN : INT32_MAX;
  return saturate32(saturate(value, INT32_MIN, INT32_MAX) * (int64_t{1} << shift));
}

// The rounded value of a number that is not an integer: `truncated` is its integer part, `versusHalf` the
// sign of (its distance from `truncated`) - 1/2.
constexpr int64_t roundFraction(int64_t truncated, bool negative, int versusHalf, Rounding mode) {
  const int64_t away = truncated + (negative ? -1 : 1);
  const int64_t floor = negative ? away : truncated;
  const int64_t ceiling = negative ? truncated : away;
  const int64_t nearest = versusHalf > 0 ? away : truncated;
  const bool tie = versusHalf == 0;
  switch (mode) {
  case Rounding::HalfEven:
    return tie && truncated % 2 != 0 ? away : nearest;
  case Rounding::HalfAway:
    return tie ? away : nearest;
  case Rounding::HalfUp:
    return tie ? ceiling : nearest;
  case Rounding::HalfDown:
    return tie ? floor : nearest;
  case Rounding::TowardZero:
    return truncated;
  case Rounding::Down:
    return floor;
  case Rounding::Up:
    return ceiling;
  }
  return 0;
}

// [ROUND-DIVIDE] numerator / denominator, rounded; denominator > 0, both below 2^61 in magnitude.
constexpr int64_t divideRounded(int64_t numerator, int64_t denominator, Rounding mode) {
  const int64_t truncated = numerator / denominator;
  const int64_t rest = numerator - truncated * denominator;
  if (rest == 0) return truncated;
  const int64_t twice = rest < 0 ? -2 * rest : 2 * rest;
  return roundFraction(truncated, rest < 0, twice < denominator ? -1 : twice > denominator ? 1 : 0, mode);
}

// [ROUND-REAL] A real number as an integer. Saturates to +-2^62; NaN gives 0. Exact: value minus its integer
// part has no rounding error.
constexpr int64_t roundToInteger(double value, Rounding mode) {
  constexpr int64_t limit = int64_t{1} << 62;
  if (!(value > -static_cast<double>(limit))) return value == value ? -limit : 0;
  if (value >= static_cast<double>(limit)) return limit;
  const int64_t truncated = static_cast<int64_t>(value);
  const double rest = value - static_cast<double>(truncated);
  if (rest == 0) return truncated;
  const double distance = rest < 0 ? -rest : rest;
  return roundFraction(truncated, rest < 0, distance < 0.5 ? -1 : distance > 0.5 ? 1 : 0, mode);
}

// [ROUND-FLOAT] clamp(round half to even(value), low, high) for |low|, |high| <= 2^22, NaN gives low.
// Clamping first changes nothing, since rounding is monotone and the bounds are integers, and makes room for
// the classic trick: adding 1.5 * 2^23 leaves the rounded integer in the low mantissa bits.
inline int32_t roundClamped(float value, int32_t low, int32_t high) {
  const float lowest = static_cast<float>(low), highest = static_cast<float>(high);
  float clamped = value > lowest ? value : lowest;
  clamped = clamped < highest ? clamped : highest;
  const float shifted = clamped + 12582912.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return bits - 0x4B400000;
}

} // namespace burin::rt

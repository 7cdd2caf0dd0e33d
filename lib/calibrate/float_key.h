// Floats seen as integers that sort in the same order. Integer comparisons make the statistics independent of
// the floating-point environment (flush-to-zero, NaN rules) and equal on every instruction set.
#pragma once

#include <bit>
#include <cstdint>

namespace burin::detail {

inline constexpr std::uint32_t kMagnitudeMask = 0x7fffffffu;
inline constexpr std::uint32_t kInfinityBits = 0x7f800000u; // magnitudes at and above are Inf and NaN

inline std::uint32_t magnitudeBits(float value) {
  return std::bit_cast<std::uint32_t>(value) & kMagnitudeMask;
}

// Ordered key: a < b as floats implies orderedKey(a) < orderedKey(b) as signed integers (-0 sorts below +0).
inline std::int32_t orderedKey(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 31) >> 1);
}
inline float fromOrderedKey(std::int32_t key) {
  return std::bit_cast<float>(key ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(key >> 31) >> 1));
}
inline std::uint32_t magnitudeOfOrderedKey(std::int32_t key) {
  return static_cast<std::uint32_t>(key ^ (key >> 31)) & kMagnitudeMask;
}

// Magnitude key: sorts by |value|, the sign breaks ties.
inline std::uint32_t magnitudeKey(float value) { return std::rotl(std::bit_cast<std::uint32_t>(value), 1); }
inline float fromMagnitudeKey(std::uint32_t key) { return std::bit_cast<float>(std::rotr(key, 1)); }

// The smallest e with |value| < 2^e, for a finite value other than zero.
inline int exponentAbove(std::uint32_t magnitude) {
  const int biased = static_cast<int>(magnitude >> 23);
  return biased != 0 ? biased - 126 : std::bit_width(magnitude) - 149;
}

} // namespace burin::detail

// Natural logarithm from +, -, * and / alone: the same bits on every machine, unlike a library's.
#pragma once

#include <bit>
#include <cstdint>

namespace burin::detail {

// x must be a positive normal number. Error below 1e-15 relative to max(1, |ln x|).
// x = m * 2^e with sqrt(1/2) <= m < sqrt(2); ln m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716.
inline double naturalLog(double x) {
  constexpr double kLogTwo = 0.6931471805599453094;
  constexpr double kRootTwo = 1.4142135623730950488;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull);
  if (mantissa >= kRootTwo) {
    mantissa *= 0.5;
    ++exponent;
  }
  const double s = (mantissa - 1.0) / (mantissa + 1.0);
  const double square = s * s;
  double series = 1.0 / 23.0;
  for (int odd = 21; odd >= 1; odd -= 2) series = series * square + 1.0 / odd;
  return 2.0 * s * series + exponent * kLogTwo;
}

} // namespace burin::detail

// [PIECES-TFLITE16] A function of a 16-bit value as 512 straight pieces, TensorFlow Lite's table of 16 bits.
#pragma once

#include "runtime/numerics/rounding.h"

namespace burin::rt {

struct Pieces16 {
  static constexpr int kCount = 512;
  int16_t entry[kCount + 1];

  // From the function's values at the ends of the pieces and in their middles; `steps` of the result make 1.
  // Lines err most in the middle; half of that is taken off their entry.
  template <class Real>
  void fill(const Real (&ends)[kCount + 1], const Real (&middles)[kCount], Real steps) {
    const auto rounded = [](Real v) { return static_cast<Real>(roundToInteger(v, Rounding::HalfAway)); };
    const auto stored = [](Real v) {
      return static_cast<int16_t>(saturate(roundToInteger(v, Rounding::HalfAway), INT16_MIN, INT16_MAX));
    };
    for (int i = 0; i < kCount; ++i) {
      const Real here = rounded(ends[i] * steps), line = rounded((ends[i + 1] * steps + here) / 2);
      entry[i] = stored(here - rounded((line - rounded(middles[i] * steps)) / 2));
    }
    entry[kCount] = stored(ends[kCount] * steps);
  }

  // Of a value, which saturates to 16 bits.
  int32_t at(int64_t value) const {
    const int32_t place = static_cast<int32_t>(saturate(value, INT16_MIN, INT16_MAX)) - INT16_MIN;
    const int32_t low = entry[place >> 7], slope = entry[(place >> 7) + 1] - low;
    return low + ((slope * (place & 127) + 64) >> 7);
  }
};

} // namespace burin::rt

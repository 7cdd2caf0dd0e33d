// [LUT] Any unary function on 8-bit values as a table of 256 entries.
#pragma once

#include "runtime/numerics/quantize.h"

namespace burin::rt {

// table[byte of q] = byte of clamp(round(f((q - zp) * scale) / outScale) + outZp), all in double; NaN gives
// the lowest output. `f` is double -> double and must not come from libm, or tables would differ from machine
// to machine.
template <class Function>
void buildLut(Function f, const Affine& from, const IntegerForm& fromForm, const Affine& to, int32_t low,
              int32_t high, Rounding mode, uint8_t (&table)[256]) {
  const int32_t first = fromForm.isSigned() ? -128 : 0;
  for (int32_t q = first; q < first + 256; ++q) {
    const double y = f(static_cast<double>(q - from.zeroPoint) * static_cast<double>(from.scale));
    const int64_t rounded = roundToInteger(y / static_cast<double>(to.scale), mode);
    const int64_t result = y != y ? low : saturate(rounded + to.zeroPoint, low, high);
    table[static_cast<uint8_t>(q)] = static_cast<uint8_t>(result);
  }
}

} // namespace burin::rt

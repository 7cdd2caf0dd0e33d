// [LUT] Any unary function on integers of 8 (or 16) bits as a table.
#pragma once

#include "runtime/numerics/quantize.h"

namespace burin::rt {

// What dequantize, the float op and quantize would give for the stored value q, so that a table and a float
// island agree bit for bit. `f` is float -> float and one of runtime/math, never libm.
template <class Function>
int32_t lutEntry(const Function& f, int32_t q, const Affine& from, const Affine& to, int32_t low,
                 int32_t high, Rounding mode) {
  return quantizeDivide(f(dequantize(q, from)), to, low, high, mode);
}

// The table of an 8-bit input, indexed by the stored byte; entries are stored bytes too.
template <class Function>
void buildLut(const Function& f, const Affine& from, bool fromSigned, const Affine& to, int32_t low,
              int32_t high, Rounding mode, uint8_t (&table)[256]) {
  const int32_t first = fromSigned ? -128 : 0;
  for (int32_t q = first; q < first + 256; ++q)
    table[static_cast<uint8_t>(q)] = static_cast<uint8_t>(lutEntry(f, q, from, to, low, high, mode));
}

} // namespace burin::rt

// Integer arithmetic for every integer element type with one set of loops: elements are widened to 64 bits in
// blocks, computed there, and wrapped to their type when they are stored. Unsigned 64-bit numbers travel as
// the same bits.
#pragma once

#include "runtime/core/types.h"

namespace burin::rt {

constexpr int64_t kIntegerBlock = 256;

// out[i] = data[offset + i * step] for an integer or bool tensor; bool gives 0 or 1.
void loadIntegers(DType dtype, const void* data, int64_t offset, int64_t step, int64_t count, int64_t* out);
// The inverse; wraps. Bool stores whether the value differs from 0.
void storeIntegers(DType dtype, const int64_t* in, int64_t count, void* data, int64_t offset, int64_t step);

// The numbers of an integer type: [-limit, limit) when signed, [0, limit) otherwise; unsigned 64-bit ones as
// bits.
struct IntegerRange {
  float limit;
  int64_t lowest, highest;
  bool isSigned;
};
IntegerRange integerRange(DType dtype);

// Truncates towards zero and saturates; NaN gives 0.
inline int64_t saturateToInteger(float value, const IntegerRange& range) {
  if (value >= range.limit) return range.highest;
  if (range.isSigned) {
    if (value >= -range.limit) return static_cast<int64_t>(value);
    return value != value ? 0 : range.lowest;
  }
  return value > 0.0f ? static_cast<int64_t>(static_cast<uint64_t>(value)) : 0;
}
inline int64_t saturateToInteger(float value, DType dtype) {
  return saturateToInteger(value, integerRange(dtype));
}

// Arithmetic that wraps instead of being undefined.
inline int64_t wrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t wrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

} // namespace burin::rt

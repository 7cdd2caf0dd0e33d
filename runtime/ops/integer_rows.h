// Rows of small integers of any type as int32, so that arithmetic is written once for all element types.
#pragma once

#include "runtime/core/types.h"

#include <cstdint>

namespace burin::rt {

constexpr int64_t kRowChunk = 512; // elements converted at once; the buffers of a kernel stay in L1

inline bool isSmallInteger(DType t) {
  return t == DType::I8 || t == DType::U8 || t == DType::I16 || t == DType::U16;
}

// The numbers an element type of at most 16 bits holds.
struct StoredRange {
  int32_t low = 0, high = 0;
};
StoredRange storedRange(DType dtype);

// to[i] = element at offset + i * step, for i8, u8, bool, i16, u16 and i32.
void loadIntegers(const void* data, DType dtype, int64_t offset, int64_t step, int64_t count, int32_t* to);
// Element at offset + i * step = from[i], which fits the type.
void storeIntegers(const int32_t* from, void* data, DType dtype, int64_t offset, int64_t step, int64_t count);

} // namespace burin::rt

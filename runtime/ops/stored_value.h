// Between a real number and what a tensor stores for it.
#pragma once

#include "runtime/core/types.h"

namespace burin::rt {

// The smallest and largest number of an integer type of at most 32 bits (i32's for wider types).
int64_t lowestOf(DType dtype);
int64_t highestOf(DType dtype);

// The element that stands for `value`: rounded half to even and saturated; through scale and zero point when
// the tensor is quantized (per tensor). The element's bytes are the low bytes of the result on every machine
// when read through the unsigned integer type of that size.
uint64_t storedValue(const Tensor& t, float value);

// Rounds half to even and saturates to an element type, as storedValue without quantization.
template <class T>
T fromReal(float value);

} // namespace burin::rt

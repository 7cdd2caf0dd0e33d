// The functions of nn.binary on blocks of integers widened to 64 bits (see integer_block.h).
#pragma once

#include "runtime/math/binary_functions.h"
#include "runtime/ops/integer_block.h"

namespace burin::rt {

// y[i] = fn(a[i], b[i]); y may be a. Nothing is undefined: division by zero gives 0, shifts by the width or
// more give 0 (or -1 for a negative number shifted right), everything else wraps.
using IntegerBinaryFn = void (*)(const int64_t* a, const int64_t* b, int64_t count, int64_t* y);
IntegerBinaryFn integerBinaryFn(math::BinaryFn fn, DType dtype);

void clampIntegers(int64_t* values, int64_t count, int64_t low, int64_t high, bool isUnsigned);

} // namespace burin::rt

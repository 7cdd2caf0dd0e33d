// Transposing small matrices.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

// target[r * rowStep + c] = source[c * columnStep + r]; steps in elements.
using TransposeTile = void (*)(const void* source, int64_t columnStep, void* target, int64_t rowStep,
                               int64_t rows, int64_t columns);

// For elements of 1, 2, 4 or 8 bytes.
TransposeTile transposeTile(size_t bytes, Isa isa);

} // namespace burin::rt

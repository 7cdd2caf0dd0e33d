// Elements of every type as 64-bit keys whose unsigned order is the order of the elements, for searching and
// sorting.
#pragma once

#include "runtime/core/types.h"

namespace burin::rt {

// keys[i] = key of data[offset + i * step]; descending: greater elements get smaller keys. -0 and +0 are
// equal. All NaNs get `nanKey`. F32, integers and bool.
void loadOrderKeys(DType dtype, const void* data, int64_t offset, int64_t step, int64_t count,
                   bool descending, uint64_t nanKey, uint64_t* keys);

} // namespace burin::rt

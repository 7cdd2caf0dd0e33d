// Packs the right matrix for the tile kernels, at load when it is constant, at run when it is an activation.
#pragma once

#include "runtime/ops/conv_pack.h"
#include "runtime/ops/conv_weights.h"

namespace burin::rt {

struct RightMatrix {
  const uint8_t* data; // of the batch
  DType dtype;
  int64_t rowStride, columnStride; // in elements
  int64_t depth;
  int planes; // segments of the layout
};

// Packs `block`; integers less wZero (per column), whose sums over the depth go to `sums` (per lane, modulo
// 2^32).
void packMatrixBlock(const PackLayout& layout, const OutputBlock& block, const RightMatrix& matrix,
                     const int32_t* wZero, uint8_t* packed, uint32_t* sums);

} // namespace burin::rt

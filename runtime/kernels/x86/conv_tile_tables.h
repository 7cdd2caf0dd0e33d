// The tile engines of x86-64, one table per instruction set and element.
#pragma once

#include "runtime/ops/conv_depthwise.h"
#include "runtime/ops/conv_tile.h"

namespace burin::rt::x86 {

extern const TileEngine kFloatAvx512, kVnniAvx512;
extern const TileEngine kFloatAvx2, kVnniAvx2, kMaddAvx2;

// [1] reads signed bytes.
extern const DepthwiseEngine kDepthwiseVnni512[2], kDepthwiseVnni256[2];
extern const DepthwiseEngine kFloatDepthwise512, kFloatDepthwise256, kDepthwiseMadd256;

} // namespace burin::rt::x86

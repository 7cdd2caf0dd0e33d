// The tile engines of x86-64, one table per instruction set and element.
#pragma once

#include "runtime/ops/conv_tile.h"

namespace burin::rt::x86 {

extern const TileEngine kFloatAvx512, kVnniAvx512;
extern const TileEngine kFloatAvx2, kVnniAvx2, kMaddAvx2;

} // namespace burin::rt::x86

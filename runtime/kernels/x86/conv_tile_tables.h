// The tile engines of x86-64, one table per instruction set and element.
#pragma once

#include "runtime/ops/conv_depthwise.h"
#include "runtime/ops/conv_finish.h"
#include "runtime/ops/conv_tile.h"

#include <cstring>

namespace burin::rt::x86 {

// Four bytes of a row, at any address.
inline int32_t loadWord(const uint8_t* p) {
  int32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

extern const TileEngine kFloatAvx512, kVnniAvx512;
extern const TileEngine kFloatAvx2, kVnniAvx2, kMaddAvx2;

// Word v of part p comes from 4p + v. In memory, where the compiler cannot take the permutation apart.
extern const int32_t kWordsByVector512[16];

// [1] reads signed bytes.
extern const DepthwiseEngine kDepthwiseVnni512[2], kDepthwiseVnni256[2];
extern const DepthwiseEngine kFloatDepthwise512, kFloatDepthwise256, kDepthwiseMadd256;

extern const FinishTable kFinishAvx512, kFinishAvx2;

} // namespace burin::rt::x86

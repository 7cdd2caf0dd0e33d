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
extern const TileEngine kAmx, kEmulatedAmx; // the second runs on any machine with AVX512-VNNI, for tests

// Word v of part p comes from 4p + v. In memory, where the compiler cannot take the permutation apart.
extern const int32_t kWordsByVector512[16];

// Of different block widths; the signed ones read signed bytes.
extern const DepthwiseEngine kFloatDepthwise512[4], kDepthwiseVnni512[6], kSignedDepthwiseVnni512[6];
extern const DepthwiseEngine kFloatDepthwise256, kDepthwiseMadd256;
extern const DepthwiseEngine kDepthwiseVnni256[2]; // [1] reads signed bytes

extern const FinishTable kFinishAvx512, kFinishAvx2;

} // namespace burin::rt::x86

// Recurrent layers in TensorFlow Lite's fixed point. Labels refer to docs/numerics.md.
#pragma once

#include "runtime/numerics/requant_encode.h"

namespace burin::rt {

// [SVDF-TFLITE] The scale of a sum of products whose factors have the scales a and b, seen from that of the
// result: a * b / result in float32.
EncodeStatus encodeRecurrent(float a, float b, float result, Requant& requant);

// [SIGMOID-Q3] Of a number with 3 integer bits, as a fraction of 2^15.
int32_t sigmoidQ3(int32_t a);
// [TANH-Q] Of a number with 0 to 6 integer bits, as a fraction of 2^15.
int32_t tanhQ(int32_t a, int integerBits);

// [LSTM-TFLITE] What a cell state's scale, 2^exponent, and the layer's clip make of the update.
struct LstmCell {
  int exponent = -11; // -15..-9
  int32_t clip = 0;   // 0: none

  int integerBits() const { return 15 + exponent; }
  int32_t next(int32_t cell, int32_t forget, int32_t input, int32_t candidate) const;
};
// False when the scale is no power of two in that range.
bool encodeLstmCell(float scale, float clip, LstmCell& cell);

} // namespace burin::rt

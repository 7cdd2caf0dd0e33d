// [LUT-TFLITE] Functions of one stored value that TensorFlow Lite computes in fixed point instead of rounding
// a float function. Each gives one entry of a table.
#pragma once

#include "runtime/numerics/quantize.h"

namespace burin::rt {

// From stored values of one scale to those of another.
struct TableScales {
  Affine from, to;
  int32_t low = -128, high = 127; // of the result's type
};

// The value itself at the result's scale, within stored bounds: relu and its kin.
int32_t clipTflite(int32_t q, int32_t lowest, int32_t highest, const TableScales& scales);
int32_t absoluteTflite(int32_t q, const TableScales& scales);
int32_t leakyReluTflite(int32_t q, float alpha, const TableScales& scales);
// `alpha` is stored in the scale `alphaScale`, without its zero point.
int32_t preluTflite(int32_t q, int32_t alpha, float alphaScale, const TableScales& scales);
// Signed integers only; the reference refuses numbers below 0, which give the lowest integer here.
int32_t inverseRootTflite(int32_t q, const TableScales& scales);
int32_t rootTflite(int32_t q, const TableScales& scales);
// [RS-CONCAT] Unsigned integers that are joined.
int32_t joinedTflite(int32_t q, const TableScales& scales);
// [HARDSWISH-TFLITE]
int32_t hardSwishTflite(int32_t q, const TableScales& scales);

// [SIGMOID-TFLITE16] Logistic and tanh of 16-bit values of one scale without zero point; results count 2^-15.
class Sigmoid16 {
public:
  // False where the scale is beyond what the rule can express: (0, 8/3).
  bool encode(float scale, bool tanh);
  int32_t operator()(int32_t q) const;

private:
  int32_t logistic(int32_t x) const;
  int32_t tanh(int32_t x) const;

  bool tanh_ = false;
  int32_t multiplier_ = 0;
  int shift_ = 0;       // to the right
  uint32_t table_[256]; // of logistic(i / 24), in 2^-16
};

} // namespace burin::rt

// Quantised addition, subtraction and multiplication of two tensors with their own scales. Labels:
// docs/numerics.md.
#pragma once

#include "runtime/numerics/requant_encode.h"

#include <cmath>

namespace burin::rt {

enum class AddPolicy : uint8_t {
  FloatRatio,           // [ADD-FLOAT] two fused float32 multiply-adds, half even
  Multiplier8HalfUp,    // [ADD-MUL8] each input rescaled by a 7-bit multiplier and shift, then added
  SharedShift8HalfAway, // [ADD-SHARED8] 7-bit truncated multipliers, one shift for the sum
  Tflite,               // [ADD-TFLITE] left shift 20 (15 for 16 bits), three Q31 multipliers
  Multiplier15HalfEven, // [ADD-MUL15] 15-bit multipliers, one shift for the sum
};

struct AddParameters {
  AddPolicy policy = AddPolicy::FloatRatio;
  bool subtract = false; // a - b
  int32_t zeroPointA = 0, zeroPointB = 0, zeroPointOut = 0;
  int32_t low = -128, high = 127;                           // the type's range or a fused clamp
  float ratioA = 1, ratioB = 1;                             // FloatRatio
  int32_t lowestA = -128, lowestB = -128, lowestOut = -128; // FloatRatio: of the tensors' types
  Requant rescaleA, rescaleB; // Multiplier8HalfUp, Tflite; multipliers only for the shared-shift policies
  Requant rescaleOut;         // Tflite; `shift` only for the shared-shift policies
  int32_t leftShift = 20;     // Tflite
};

// Fills the arithmetic part of `parameters` (zero points and clamp are the caller's). `bits` is the width of
// the operands, 8 or 16.
EncodeStatus encodeAdd(AddPolicy policy, float scaleA, float scaleB, float scaleOut, int bits,
                       AddParameters& parameters);

// [ADD-FLOAT] on numbers counted from the lowest of their types.
struct FloatSum {
  float ratioA, ratioB, offset;
  explicit FloatSum(const AddParameters& p)
      : ratioA(p.ratioA), ratioB(p.subtract ? -p.ratioB : p.ratioB),
        offset(static_cast<float>(p.zeroPointOut - p.lowestOut) -
               std::fma(ratioA, static_cast<float>(p.zeroPointA - p.lowestA),
                        ratioB * static_cast<float>(p.zeroPointB - p.lowestB))) {}
  float operator()(float a, float b) const { return std::fma(a, ratioA, std::fma(b, ratioB, offset)); }
};

template <AddPolicy P>
inline int32_t applyAdd(int32_t a, int32_t b, const AddParameters& p) {
  const int32_t x = a - p.zeroPointA, y = b - p.zeroPointB;
  const int32_t sign = p.subtract ? -1 : 1;
  switch (P) {
  case AddPolicy::FloatRatio: {
    const FloatSum sum(p);
    return roundClamped(sum(static_cast<float>(a - p.lowestA), static_cast<float>(b - p.lowestB)),
                        p.low - p.lowestOut, p.high - p.lowestOut) +
           p.lowestOut;
  }
  case AddPolicy::Multiplier8HalfUp: {
    const int64_t sum = scaleAccumulator<RequantPolicy::Multiplier8HalfUp>(x, p.rescaleA) +
                        sign * scaleAccumulator<RequantPolicy::Multiplier8HalfUp>(y, p.rescaleB);
    return static_cast<int32_t>(saturate(sum + p.zeroPointOut, p.low, p.high));
  }
  case AddPolicy::SharedShift8HalfAway:
  case AddPolicy::Multiplier15HalfEven: {
    const int64_t sum = int64_t{x} * p.rescaleA.multiplier + int64_t{y} * p.rescaleB.multiplier * sign;
    const Rounding mode = P == AddPolicy::SharedShift8HalfAway ? Rounding::HalfAway : Rounding::HalfEven;
    return static_cast<int32_t>(
        saturate(shiftRight(sum, p.rescaleOut.shift, mode) + p.zeroPointOut, p.low, p.high));
  }
  case AddPolicy::Tflite: {
    const int32_t left = scaleHighMultiply(x * (1 << p.leftShift), p.rescaleA.multiplier, p.rescaleA.shift);
    const int32_t right = scaleHighMultiply(y * (1 << p.leftShift), p.rescaleB.multiplier, p.rescaleB.shift);
    return apply<RequantPolicy::Tflite>(left + sign * right, p.rescaleOut, p.zeroPointOut, p.low, p.high);
  }
  }
  return p.low;
}

int32_t addQuantized(int32_t a, int32_t b, const AddParameters& parameters);

// [MUL] The product of the centred operands is an accumulator of scale scaleA * scaleB, requantised by any
// policy. Operands of up to 16 bits: the product stays below 2^34 and is 64-bit only there.
inline int32_t multiplyQuantized(int32_t a, int32_t b, int32_t zeroPointA, int32_t zeroPointB,
                                 const Requant& r, int32_t zeroPointOut, int32_t low, int32_t high) {
  return requantize((a - zeroPointA) * (b - zeroPointB), r, zeroPointOut, low, high);
}
// [MUL-SCALE] fl(fl(a * b) / out) in float32 for FloatHalfEven and Tflite, as their references do; double
// otherwise.
double multiplyScale(RequantPolicy policy, float scaleA, float scaleB, float scaleOut);

} // namespace burin::rt
